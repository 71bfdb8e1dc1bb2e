//! Where the library is.

#[cfg(all(feature = "load", not(feature = "link")))]
use std::path::PathBuf;

use crate::{LoadError, ffi::Functions};

/// The functions that the program was linked to.
#[cfg(feature = "link")]
pub(crate) fn functions() -> Result<Functions, LoadError> {
    Ok(Functions::linked())
}

/// Opens the first library that is found.
#[cfg(all(feature = "load", not(feature = "link")))]
pub(crate) fn functions() -> Result<Functions, LoadError> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

    let mut reasons = Vec::new();
    for path in candidates() {
        // SAFETY: opening runs the library's constructors, which are Go's runtime and our shim.
        match unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) } {
            Ok(library) => {
                // SAFETY: what has all of these names is liberyx; it is never closed.
                let functions = unsafe { Functions::loaded(&library) };
                std::mem::forget(library); // Go cannot be unloaded
                return functions.map_err(|error| LoadError::new(reason(&path, &error)));
            }
            Err(error) => reasons.push(reason(&path, &error)),
        }
    }
    Err(LoadError::new(reasons.join("; ")))
}

/// Why a file could not be used: the loader's own words, where it has some.
#[cfg(all(feature = "load", not(feature = "link")))]
fn reason(path: &std::path::Path, error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => format!("{}: {error}", path.display()),
    }
}

/// Without a way to the library there is none; documentation can be built nevertheless.
#[cfg(not(any(feature = "load", feature = "link")))]
pub(crate) fn functions() -> Result<Functions, LoadError> {
    Err(LoadError::new("the crate was built with neither of the features `load` and `link`".to_owned()))
}

/// The files to try, the first one first. What `ERYX_LIBRARY` names is the only one.
#[cfg(all(feature = "load", not(feature = "link")))]
pub(crate) fn candidates() -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os("ERYX_LIBRARY").filter(|path| !path.is_empty()) {
        return vec![path.into()];
    }
    let beside =
        std::env::current_exe().ok().and_then(|program| program.parent().map(|folder| folder.join("liberyx.so")));
    let built = option_env!("ERYX_BUILD_LIB_DIR").map(|folder| PathBuf::from(folder).join("liberyx.so"));
    let found = beside.into_iter().chain(built).filter(|path| path.exists());
    found.chain(["liberyx.so.0".into(), "liberyx.so".into()]).collect()
}
