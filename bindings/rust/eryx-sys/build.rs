//! Says where the library is: to the linker with `link`, to the loader with `load`.

use std::env;

fn main() {
    println!("cargo::rerun-if-env-changed=ERYX_LIB_DIR");
    println!("cargo::rerun-if-env-changed=DOCS_RS");
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    let directory = env::var("ERYX_LIB_DIR").ok().filter(|directory| !directory.is_empty());
    if env::var_os("CARGO_FEATURE_LINK").is_some() {
        link(directory.as_deref());
    }
    if let Some(directory) = directory {
        println!("cargo::rustc-env=ERYX_BUILD_LIB_DIR={directory}");
    }
}

#[cfg(feature = "link")]
fn link(directory: Option<&str>) {
    match directory {
        Some(directory) => {
            println!("cargo::rustc-link-search=native={directory}");
            println!("cargo::rustc-link-lib=dylib=eryx");
            // For this crate's own tests; the final program's path is its own affair (README.md).
            println!("cargo::rustc-link-arg=-Wl,-rpath,{directory}");
        }
        None => {
            if let Err(error) = pkg_config::Config::new().atleast_version("0.1").probe("eryx") {
                println!(
                    "cargo::error=liberyx was not found: set ERYX_LIB_DIR to its folder, or install eryx.pc: {error}"
                );
            }
        }
    }
}

#[cfg(not(feature = "link"))]
fn link(_: Option<&str>) {}
