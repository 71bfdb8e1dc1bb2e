//! `include/eryx.h` as it is. The header says what each function does, returns and blocks for.

use std::ffi::{c_char, c_void};

/// The ABI version that this crate speaks.
pub const ABI_VERSION: u32 = 1;

/// Done.
pub const ERYX_OK: i32 = 0;
/// There is no event.
pub const ERYX_EMPTY: i32 = 1;
/// Done, and there are more events.
pub const ERYX_MORE: i32 = 2;
/// A signal handler ran while waiting; there is no event yet.
pub const ERYX_INTERRUPTED: i32 = 3;
/// An argument makes no sense.
pub const ERYX_EINVAL: i32 = -1;
/// No such queue, request or call, or no longer.
pub const ERYX_EHANDLE: i32 = -2;
/// The bytes are not the message that is expected.
pub const ERYX_EMESSAGE: i32 = -3;
/// The buffer is too small; the length says what is needed.
pub const ERYX_ESPACE: i32 = -4;
/// The library does not speak this ABI version.
pub const ERYX_EABI: i32 = -5;
/// A fault of the library's own; it goes on.
pub const ERYX_EPANIC: i32 = -6;
/// Before `eryx_init` or after `eryx_shutdown`.
pub const ERYX_ECLOSED: i32 = -7;
/// The operating system refused: no descriptor left.
pub const ERYX_ESYSTEM: i32 = -8;
/// In a child process after fork.
pub const ERYX_EFORK: i32 = -100;

/// The function that is told that a queue has events.
pub type NotifyFn = unsafe extern "C" fn(user_data: *mut c_void);

/// Declares the functions once, for both ways to reach them: as `extern "C"` with `link`, as a table with `load`.
macro_rules! functions {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        #[cfg(feature = "link")]
        unsafe extern "C" {
            $($(#[$doc])* pub fn $name($($argument: $type),*) -> $result;)*
        }

        /// The addresses of the library's functions.
        #[derive(Clone, Copy, Debug)]
        pub struct Functions {
            $($(#[$doc])* pub $name: unsafe extern "C" fn($($argument: $type),*) -> $result,)*
        }

        #[cfg(feature = "link")]
        impl Functions {
            /// The functions that the program was linked to.
            pub(crate) fn linked() -> Functions {
                Functions { $($name,)* }
            }
        }

        #[cfg(all(feature = "load", not(feature = "link")))]
        impl Functions {
            /// The functions of an open library.
            ///
            /// # Safety
            /// The library must be liberyx, and stay open.
            pub(crate) unsafe fn loaded(library: &libloading::os::unix::Library) -> Result<Functions, libloading::Error> {
                Ok(Functions {
                    // SAFETY: the types are those of include/eryx.h, which the caller says the library has.
                    $($name: unsafe { *library.get(concat!(stringify!($name), "\0").as_bytes())? },)*
                })
            }
        }
    };
}

functions! {
    /// The library's version as static text.
    fn eryx_version() -> *const c_char;
    /// The ABI version that the library speaks.
    fn eryx_abi_version() -> u32;
    /// Prepares the library.
    fn eryx_init(abi_version: u32, config: *const u8, length: usize) -> i32;
    /// Makes a queue.
    fn eryx_queue_open(queue: *mut u64) -> i32;
    /// Cancels the requests of a queue and drops its events.
    fn eryx_queue_close(queue: u64) -> i32;
    /// Asks for an operation.
    fn eryx_submit(queue: u64, message: *const u8, length: usize, request: *mut u64) -> i32;
    /// Ends a request early.
    fn eryx_cancel(request: u64) -> i32;
    /// Answers calls of host functions.
    fn eryx_complete(answers: *const u8, length: usize) -> i32;
    /// Takes events.
    fn eryx_drain(queue: u64, buffer: *mut u8, capacity: usize, length: *mut usize) -> i32;
    /// Waits for events and takes them.
    fn eryx_next_events(queue: u64, buffer: *mut u8, capacity: usize, length: *mut usize, timeout_ms: i32) -> i32;
    /// The descriptor that is readable while the queue has events.
    fn eryx_event_fd(queue: u64, fd: *mut i32) -> i32;
    /// Sets the function that is told of events.
    fn eryx_set_notify(queue: u64, notify: Option<NotifyFn>, user_data: *mut c_void) -> i32;
    /// Adds `SA_ONSTACK` to the process's signal handlers.
    fn eryx_fix_signals() -> i32;
    /// Closes everything.
    fn eryx_shutdown(timeout_ms: i32) -> i32;
}
