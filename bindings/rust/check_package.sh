#!/bin/sh
# Packs the crates as `cargo package` does, puts all dependencies into a folder, and builds the packed crates from there: offline, with
# an empty home of cargo, in folders that are not the repository's.
#   check_package.sh [work folder, default target/package-check]
set -eu
cd "$(dirname "$0")"
work=$(mkdir -p "${1:-target/package-check}" && cd "${1:-target/package-check}" && pwd)
rm -rf "$work"
mkdir -p "$work/crates" "$work/home"

# What would be uploaded. Building happens below, so that nothing but the packed files takes part in it.
cargo package --workspace --exclude eryx-quickstart --exclude eryx-bench --allow-dirty --no-verify --quiet --target-dir "$work/packed"
for crate in "$work"/packed/package/*.crate; do
	tar -xzf "$crate" -C "$work/crates"
done
# Only what the README promises may be inside: sources, manifests, texts.
find "$work/crates" -type f | grep -v -E '\.(rs|toml|md|lock|orig|json)$' && { echo "unexpected files"; exit 1; }

cargo vendor --locked --quiet "$work/vendor" > /dev/null
cat > "$work/Cargo.toml" <<EOF
[workspace]
resolver = "3"
members = ["consumer"]

[patch.crates-io]
eryx = { path = "crates/eryx-0.1.0" }
eryx-macros = { path = "crates/eryx-macros-0.1.0" }
eryx-sys = { path = "crates/eryx-sys-0.1.0" }
EOF
mkdir -p "$work/consumer/src" "$work/.cargo"
cat > "$work/.cargo/config.toml" <<EOF
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "vendor"
[net]
offline = true
EOF
cat > "$work/consumer/Cargo.toml" <<EOF
[package]
name = "consumer"
version = "0.1.0"
edition = "2024"
[dependencies]
eryx = { version = "0.1.0", features = ["tokio"] }
futures = "0.3"
EOF
cat > "$work/consumer/src/main.rs" <<'EOF'
//! A program that has nothing but the packed crates.

/// Adds two numbers.
#[eryx::callback]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

fn main() -> Result<(), eryx::Error> {
    futures::executor::block_on(async {
        let sandbox = eryx::Sandbox::builder().with_callback(add).build().await?;
        print!("{}", sandbox.execute("print(await add(40, 2))").await?);
        Ok(())
    })
}
EOF
cd "$work"
CARGO_HOME="$work/home" cargo build --offline --quiet --target-dir "$work/built"
printed=$("$work/built/debug/consumer")
[ "$printed" = 42 ] || { echo "the consumer printed: $printed"; exit 1; }
echo "packed crates build offline from a vendored folder, and run"
