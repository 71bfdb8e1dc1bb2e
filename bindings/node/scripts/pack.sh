#!/bin/sh
# Packs the npm packages: eryx (JavaScript and types) and one for each platform (addon, library, the interpreter's machine code).
#   scripts/pack.sh [output folder, default dist] [architectures, default x64]
# Needs Go, Node, and a Python (PYTHON, default python3) with the package ziglang, whose C compiler links against the glibc 2.28
# that Node 20 needs, and for other processors, too. The machine code of another processor is made with an emulator, which
# EMULATOR names (make test-arm64 fetches one); without it, it is made at first use.
set -eu
cd "$(dirname "$0")/../../.."
output=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
architectures=${2:-x64}
python=${PYTHON:-python3}
stage=$PWD/build/npm
version=$(node -p 'require("./bindings/node/package.json").version')
rm -rf "$stage"

platform() {
	case $1 in
	x64) go=amd64 zig=x86_64 ;;
	arm64) go=arm64 zig=aarch64 ;;
	*) echo "pack.sh: no such architecture: $1" >&2 && exit 2 ;;
	esac
	folder=$stage/linux-$1-gnu
	mkdir -p "$folder"
	compiler="$python -m ziglang cc -target $zig-linux-gnu.2.28"
	CC=$compiler GOOS=linux GOARCH=$go capi/build.sh "$folder/liberyx.so"
	CC=$compiler bindings/node/scripts/build_native.sh "$folder"
	capi/precompile.sh "$go" "$folder/code.tar.zst"
	cp LICENSE NOTICE "$folder"
	echo "The library of [eryx](https://www.npmjs.com/package/eryx) for Linux with glibc on $1. Install eryx itself." >"$folder/README.md"
	node -e 'const [name, version, cpu] = process.argv.slice(1);
		console.log(JSON.stringify({ name, version, description: "The library of eryx for Linux with glibc on " + cpu,
			license: "Apache-2.0", os: ["linux"], cpu: [cpu], libc: ["glibc"], engines: { node: ">=20.3" },
			main: "eryx.node", files: ["eryx.node", "liberyx.so", "code.tar.zst", "NOTICE"] }, null, 2))' \
		"@eryx/linux-$1-gnu" "$version" "$1" >"$folder/package.json"
	(cd "$folder" && npm pack --silent --pack-destination "$output")
}

for architecture in $architectures; do
	platform "$architecture"
done

main=$stage/eryx
mkdir -p "$main"
(cd bindings/node && rm -rf dist && npm run --silent build)
cp -r bindings/node/dist bindings/node/README.md LICENSE NOTICE "$main"
# The platforms' packages are not in the repository's own package.json: npm would look for them at each install.
node -e 'const own = require("./bindings/node/package.json");
	const { scripts, devDependencies, ...published } = own;
	const names = ["@eryx/linux-arm64-gnu", "@eryx/linux-x64-gnu"];
	published.optionalDependencies = Object.fromEntries(names.map((name) => [name, own.version]));
	console.log(JSON.stringify(published, null, 2))' >"$main/package.json"
(cd "$main" && npm pack --silent --pack-destination "$output")
