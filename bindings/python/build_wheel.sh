#!/bin/sh
# Builds the wheel for Linux on x86-64 with glibc 2.17 or later, with the interpreter's machine code inside.
#   bindings/python/build_wheel.sh [output folder, default dist]
# Needs Go, and a Python (PYTHON, default python3) with the packages build, zstandard, zopfli and ziglang, whose C compiler
# links against an old glibc.
set -eu
cd "$(dirname "$0")/../.."
output=${1:-dist}
python=${PYTHON:-python3}
shrink="$python bindings/python/shrink.py"
work=$PWD/build/wheel
mkdir -p "$work"

# The library embeds the guest as the reference encoder of zstd writes it.
for name in guest.wasm.zst guest.data.zst; do
	$shrink zstd "wasm/$name" "$work/$name"
done
cat > "$work/overlay.json" <<END
{"Replace": {
	"$PWD/wasm/guest.wasm.zst": "$work/guest.wasm.zst",
	"$PWD/wasm/guest.data.zst": "$work/guest.data.zst"
}}
END
GOFLAGS="-overlay=$work/overlay.json" CC="$python -m ziglang cc -target x86_64-linux-gnu.2.17" capi/build.sh "$work/liberyx.so"

go run ./capi/precompile "$work/code.tar.zst"
$shrink zstd "$work/code.tar.zst" "$work/code.tar.zst"

rm -rf "$work/dist"
ERYX_LIBRARY_FILE=$work/liberyx.so ERYX_CODE_FILE=$work/code.tar.zst \
	ERYX_WHEEL_PLATFORM=manylinux_2_17_x86_64 "$python" -m build --wheel --outdir "$work/dist" bindings/python
$shrink wheel "$work"/dist/*.whl
size=$(wc -c < "$(echo "$work"/dist/*.whl)")
if [ "$size" -gt 20000000 ]; then
	echo "the wheel has $size bytes, more than 20 MB" >&2
	exit 1
fi
mkdir -p "$output"
mv "$work"/dist/*.whl "$output"
