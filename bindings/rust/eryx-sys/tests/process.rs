//! What concerns the whole process: signal handlers and forks. Each test is in a child process of its own.

use std::mem::zeroed;
use std::process::Command;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use eryx_sys::{Library, ffi};

/// Runs a test of this file alone, in a process that may be spoilt.
fn alone(name: &str) -> bool {
    if std::env::var_os("ERYX_TEST_CHILD").is_some() {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    let done =
        Command::new(this).args(["--exact", name, "--test-threads=1"]).env("ERYX_TEST_CHILD", "1").output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    false
}

extern "C" fn nothing(_: libc::c_int) {}

fn flags(signal: libc::c_int) -> libc::c_int {
    // SAFETY: sigaction only writes to what it is given.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        assert_eq!(libc::sigaction(signal, std::ptr::null(), &mut action), 0);
        action.sa_flags
    }
}

/// Installs a handler as tokio does, without SA_ONSTACK.
fn install() {
    // SAFETY: the handler does nothing.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &action, null_mut()), 0);
    }
}

#[test]
fn handlers_get_the_flag() {
    if !alone("handlers_get_the_flag") {
        return;
    }
    let library = Library::get().unwrap();
    library.init(&[]).unwrap();
    install();
    assert_eq!(flags(libc::SIGUSR2) & libc::SA_ONSTACK, 0);
    library.fix_signals().unwrap();
    assert_ne!(flags(libc::SIGUSR2) & libc::SA_ONSTACK, 0);
}

/// Sends a signal to each thread of the process.
fn signal_all_threads() {
    for entry in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let Ok(thread) = entry.file_name().to_string_lossy().parse::<libc::pid_t>() else { continue };
        // SAFETY: the signal has a handler, which does nothing; a thread that has ended is an error.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGUSR2) };
    }
}

#[test]
fn signals_at_threads_inside_the_library_do_no_harm() {
    if !alone("signals_at_threads_inside_the_library_do_no_harm") {
        return;
    }
    let library = Library::get().unwrap();
    library.init(&[]).unwrap();
    install();
    library.fix_signals().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    library.submit(b"\x81\xa2op\xa4info").unwrap();
                }
            });
        }
        for _ in 0..300 {
            signal_all_threads();
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(library.abi_version(), ffi::ABI_VERSION);
}

#[test]
fn a_forked_child_is_told() {
    if !alone("a_forked_child_is_told") {
        return;
    }
    let library = Library::get().unwrap();
    library.init(&[]).unwrap();
    // SAFETY: the child calls nothing but the library's guard, and ends by _exit.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let told = library.submit(b"\x81\xa2op\xa4info").is_err_and(|status| status.is_fork());
            libc::_exit(if told { 42 } else { 1 });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert!(libc::WIFEXITED(status));
        assert_eq!(libc::WEXITSTATUS(status), 42);
    }
    assert_eq!(library.abi_version(), ffi::ABI_VERSION);
}
