#!/bin/sh
# Builds the wheel for Linux on x86-64 with glibc 2.17 or later, with the interpreter's machine code inside.
#   bindings/python/build_wheel.sh [output folder, default dist]
# Needs Go, and a Python (PYTHON, default python3) with the packages build, zstandard and ziglang, whose C compiler links against an old
# glibc.
set -eu
cd "$(dirname "$0")/../.."
output=${1:-dist}
python=${PYTHON:-python3}
mkdir -p build/wheel
CC="$python -m ziglang cc -target x86_64-linux-gnu.2.17" capi/build.sh build/wheel/liberyx.so
go run ./capi/precompile build/wheel/code.tar.zst
# Once more, by the reference encoder: half a megabyte less.
"$python" -c 'import sys, zstandard
path = sys.argv[1]
data = zstandard.ZstdDecompressor().decompressobj().decompress(open(path, "rb").read())
open(path, "wb").write(zstandard.ZstdCompressor(level=22).compress(data))' build/wheel/code.tar.zst
ERYX_LIBRARY_FILE=$PWD/build/wheel/liberyx.so ERYX_CODE_FILE=$PWD/build/wheel/code.tar.zst \
	ERYX_WHEEL_PLATFORM=manylinux_2_17_x86_64 "$python" -m build --wheel --outdir "$output" bindings/python
