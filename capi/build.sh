#!/bin/sh
# Builds liberyx with the flags of docs/decisions/0007-c-abi.md: the same bytes from any folder.
#   capi/build.sh [output, default build/liberyx.so]
set -eu
cd "$(dirname "$0")/.."
output=${1:-build/liberyx.so}
mkdir -p "$(dirname "$output")"
flags="-Wl,-soname,liberyx.so.0 -Wl,--version-script=$PWD/capi/symbols.map -Wl,--build-id=sha1 -Wl,--strip-all"
# Nothing here speaks HTTP/2: without it the library is 0.4 MB smaller.
CGO_ENABLED=1 go build -tags nethttpomithttp2 -trimpath -buildvcs=false -buildmode=c-shared \
	-ldflags="-s -w -buildid= -extldflags '$flags'" -o "$output" ./capi
rm -f "${output%.so}.h" # Go's own header; ours is include/eryx.h
