#!/bin/sh
# Compiles the addon, without node-gyp: N-API is the same in every version of Node.
#   scripts/build_native.sh [output folder, default native]
# CC is the compiler. Headers come from the package node-api-headers (npm install).
set -eu
cd "$(dirname "$0")/.."
output=${1:-native}
mkdir -p "$output"
${CC:-gcc} -std=c11 -shared -fPIC -O2 -DNAPI_VERSION=8 -Wall -Wextra -Werror -fvisibility=hidden \
	-I node_modules/node-api-headers/include -I ../../include src/native.c -o "$output/eryx.node" -ldl -lpthread
