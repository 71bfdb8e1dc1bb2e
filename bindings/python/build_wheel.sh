#!/bin/sh
# Builds the wheel for Linux with glibc 2.17 or later, with the interpreter's machine code inside.
#   bindings/python/build_wheel.sh [output folder, default dist] [x86_64 or aarch64, default this machine's]
# Needs Go, and a Python (PYTHON, default python3) with the packages build, zstandard, zopfli and ziglang, whose C compiler
# links against an old glibc, and for other processors, too. The machine code of another processor is made with an emulator,
# which EMULATOR names (make test-arm64 fetches one); without it, it is made at first use.
set -eu
cd "$(dirname "$0")/../.."
output=${1:-dist}
machine=${2:-$(uname -m)}
case $machine in
x86_64) go=amd64 ;;
aarch64) go=arm64 ;;
*) echo "build_wheel.sh: no such architecture: $machine" >&2 && exit 2 ;;
esac
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
GOFLAGS="-overlay=$work/overlay.json" CC="$python -m ziglang cc -target $machine-linux-gnu.2.17" \
	GOOS=linux GOARCH=$go capi/build.sh "$work/liberyx.so"

code=$work/code.tar.zst
capi/precompile.sh "$go" "$code"
if [ -e "$code" ]; then
	$shrink zstd "$code" "$code"
else
	code=
fi

rm -rf "$work/dist"
ERYX_LIBRARY_FILE=$work/liberyx.so ERYX_CODE_FILE=$code \
	ERYX_WHEEL_PLATFORM=manylinux_2_17_$machine "$python" -m build --wheel --outdir "$work/dist" bindings/python
$shrink wheel "$work"/dist/*.whl
size=$(wc -c < "$(echo "$work"/dist/*.whl)")
if [ "$size" -gt 20000000 ]; then
	echo "the wheel has $size bytes, more than 20 MB" >&2
	exit 1
fi
mkdir -p "$output"
mv "$work"/dist/*.whl "$output"
