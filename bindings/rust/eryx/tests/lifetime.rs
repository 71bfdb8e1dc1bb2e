//! Ends: what is dropped is cancelled and closed. Alone in its process, because it counts what is open.
#![forbid(unsafe_code)]

mod support;

use std::future::IntoFuture;
use std::sync::mpsc;
use std::time::Duration;

use eryx::{Callback, CallbackError, CancellationToken, Error, Sandbox, SandboxFactory, SandboxPool, Session};
use futures::FutureExt;
use futures::future::{self, Either};
use support::block_on;

/// Waits until nothing is open or under way.
fn settled() {
    for _ in 0..2000 {
        let info = block_on(eryx::info()).unwrap();
        let open = info.sandbox_count + info.session_count + info.factory_count + info.pool_count;
        if open + info.call_count + info.request_count == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{:?}", block_on(eryx::info()));
}

fn dropping_an_execution_ends_it() {
    block_on(async {
        let (started, was_started) = mpsc::channel();
        let tell = Callback::inline("tell", move |()| started.send(()).map_err(|_| CallbackError::new("gone")));
        let session = Session::builder().with_callback(tell).build().await.unwrap();
        let execution = session.execute("await tell()\nwhile True: pass").start();
        was_started.recv_timeout(Duration::from_secs(60)).unwrap();
        drop(execution);
        // The session is free again: the next program runs.
        assert_eq!(session.execute("print('next')").await.unwrap().stdout, b"next\n");
    });
}

fn handles_and_tokens_cancel() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let execution = session.execute("print('begun', flush=True)\nwhile True: pass").start();
        assert!(!execution.is_done());
        execution.cancel();
        execution.cancel();
        assert!(matches!(execution.await.unwrap_err(), Error::Cancelled(_)));

        let token = CancellationToken::new();
        let (one, two) = (session.fork().await.unwrap(), session.fork().await.unwrap());
        let spin =
            |session: &Session| session.execute("while True: pass").with_cancellation_token(&token).into_future();
        let both = future::join(spin(&one), spin(&two));
        let other = token.clone();
        std::thread::spawn(move || other.cancel());
        let (first, second) = both.await;
        assert!(matches!(first.unwrap_err(), Error::Cancelled(_)));
        assert!(matches!(second.unwrap_err(), Error::Cancelled(_)));
        assert!(token.is_cancelled());
        assert!(matches!(spin(&one).await.unwrap_err(), Error::Cancelled(_)), "a token stays cancelled");
        assert_eq!(one.execute("print(1)").await.unwrap().stdout, b"1\n", "and the session lives on");
    });
}

fn what_is_made_for_nobody_is_closed() {
    block_on(async {
        for _ in 0..20 {
            // The future is polled once, so that the request is under way, and dropped.
            assert!(Session::builder().build().now_or_never().is_none_or(|session| session.is_ok()));
            let sandbox = Sandbox::builder().build();
            match future::select(Box::pin(sandbox), future::ready(())).await {
                Either::Left((sandbox, _)) => drop(sandbox.unwrap()),
                Either::Right(((), unfinished)) => drop(unfinished),
            }
        }
    });
}

fn clones_close_together() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let clone = session.clone();
        drop(session);
        assert_eq!(clone.execute("print(1)").await.unwrap().stdout, b"1\n");
        let other = clone.clone();
        clone.close().await.unwrap();
        assert!(matches!(other.execute("1").await.unwrap_err(), Error::Closed(_)));
        let factory = SandboxFactory::builder().build().await.unwrap();
        let pool = SandboxPool::builder().with_factory(&factory).build().await.unwrap();
        drop(factory);
        let lease = pool.acquire().await.unwrap();
        drop(pool);
        assert_eq!(lease.execute("print(1)").await.unwrap().stdout, b"1\n");
        let sandbox = Sandbox::builder().build().await.unwrap();
        let running = sandbox.execute("print('still')").start();
        drop(sandbox);
        assert_eq!(running.await.unwrap().stdout, b"still\n");
    });
}

fn many_requests_leave_nothing() {
    block_on(async {
        let sandbox = Sandbox::builder().build().await.unwrap();
        for round in 0..50 {
            let execution = sandbox.execute("print(1)").start();
            if round % 2 == 0 {
                execution.await.unwrap();
            }
        }
    });
}

/// One test, because the counts are of the process.
#[test]
fn nothing_is_left() {
    dropping_an_execution_ends_it();
    settled();
    handles_and_tokens_cancel();
    settled();
    what_is_made_for_nobody_is_closed();
    settled();
    clones_close_together();
    settled();
    many_requests_leave_nothing();
    settled();
    assert!(eryx::shutdown(Duration::from_secs(5)).unwrap());
    let error = block_on(Session::builder().build()).unwrap_err();
    assert!(matches!(error, Error::Closed(_)), "{error:?}");
}
