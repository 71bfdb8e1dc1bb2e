//! The feature `tokio`.

use eryx::tokio::{SignalKind, signal};
use eryx::{Callback, CallbackError, Sandbox};

/// Whether a signal has a handler, as the kernel has it.
fn is_caught(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let mask = u64::from_str_radix(caught.trim(), 16).unwrap();
    mask & (1 << (number - 1)) != 0
}

#[tokio::test]
async fn handlers_of_tokio_are_installed_and_fixed() {
    let mut usr2 = signal(SignalKind::user_defined2()).unwrap();
    assert!(is_caught(12), "SIGUSR2 has a handler");
    let own = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-USR2", &own]).status().unwrap().success());
    usr2.recv().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn executions_are_tasks() {
    let thread = Callback::blocking("thread", |()| {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        Ok::<_, CallbackError>(tokio::runtime::Handle::try_current().is_ok() && !name.is_empty())
    });
    let sandbox = Sandbox::builder().with_callback(thread).build().await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move {
                let result = sandbox.execute(&format!("print({number}, await thread())")).await.unwrap();
                assert_eq!(result.stdout_text(), format!("{number} True\n"));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn tokens_of_tokio_cancel() {
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let sandbox = Sandbox::builder().build().await.unwrap();
    let running = sandbox.execute("while True: pass").cancel_on(async move {
        let _ = receiver.await;
    });
    let running = tokio::spawn(running.start());
    sender.send(()).unwrap();
    assert_eq!(running.await.unwrap().unwrap_err().code(), "cancelled");
}
