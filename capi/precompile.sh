#!/bin/sh
# Writes the interpreter's machine code for a processor, such as amd64 or arm64, to a file.
#   capi/precompile.sh ARCHITECTURE FILE
# For one that is not this machine's, EMULATOR names what runs its programs, such as qemu-aarch64; without it no file is
# written: the machine code is then made at first use.
set -eu
cd "$(dirname "$0")/.."
rm -f "$2"
if [ "$1" = "$(go env GOHOSTARCH)" ]; then
	exec go run ./capi/precompile "$2"
fi
if [ -z "${EMULATOR:-}" ]; then
	echo "precompile.sh: no machine code for $1: EMULATOR names nothing that runs its programs" >&2
	exit 0
fi
CGO_ENABLED=0 GOOS=linux GOARCH=$1 exec go run -exec "$EMULATOR" ./capi/precompile "$2"
