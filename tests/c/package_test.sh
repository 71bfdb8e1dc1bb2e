#!/bin/sh
# Installs Eryx from a build folder to a prefix of its own and builds the consumer with find_package and with pkg-config.
#   package_test.sh BUILD_FOLDER
set -eu
build=$1
cmake=${CMAKE:-cmake}
sources=$(cd "$(dirname "$0")/consumer" && pwd)
prefix=$build/package_test/prefix
rm -rf "$build/package_test"
"$cmake" --install "$build" --prefix "$build/package_test/first" >/dev/null
mv "$build/package_test/first" "$prefix" # what is installed can be moved

"$cmake" -S "$sources" -B "$build/package_test/cmake" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
"$cmake" --build "$build/package_test/cmake" >/dev/null
"$build/package_test/cmake/consumer"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name eryx.pc)")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir eryx)
# shellcheck disable=SC2046 # the flags are words of their own
cc -std=c11 -Wall -Wextra -Werror "$sources/main.c" $(pkg-config --cflags --libs eryx) -o "$build/package_test/program"
LD_LIBRARY_PATH=$libraries "$build/package_test/program"

# A program asks for the version of the interface, not for that of the file.
readelf -d "$build/package_test/program" | grep -q 'NEEDED.*\[liberyx\.so\.0\]'
