//! Journals: suspending, going on, running again; stores of sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eryx::{Callback, CallbackError, Error, JsonSchema, Session, SessionStore};

use crate::support::block_on;

#[derive(serde::Deserialize, JsonSchema)]
struct Amount {
    amount: i64,
}

#[test]
fn a_program_goes_on_where_it_was_suspended() {
    block_on(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        let rate = Callback::inline("rate", move |()| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, CallbackError>(2)
        });
        let waits = Callback::new("pay", async |pay: Amount| {
            Err::<(), _>(CallbackError::suspend(format!("approve {}", pay.amount)))
        });
        let code = "total = await rate() * 21\nawait pay(amount=total)\nprint('paid', total)";
        let session = Session::builder().with_callbacks([rate.clone(), waits]).build().await.unwrap();
        let first = session.execute_with_journal(code, None).await.unwrap();
        let suspended = first.suspended.unwrap();
        assert_eq!((suspended.name.as_str(), suspended.reason.as_str()), ("pay", "approve 42"));
        assert_eq!(suspended.args_json, r#"{"amount":42}"#);
        assert!(matches!(first.result, Err(Error::Suspended(_))));

        let pays = Callback::inline("pay", |_: Amount| Ok::<_, CallbackError>(()));
        session.set_callbacks([rate, pays]).await.unwrap();
        let second = session.execute_with_journal(code, Some(&first.journal)).await.unwrap();
        assert_eq!(second.result.unwrap().stdout, b"paid 42\n");
        assert_eq!((second.replayed_callbacks, calls.load(Ordering::Relaxed)), (1, 1));

        let third = session.execute(code).with_journal(&*second.journal).await.unwrap();
        assert_eq!((third.replayed_callbacks, calls.load(Ordering::Relaxed)), (2, 1));
        let error = session.execute(code).with_journal("nonsense").await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    });
}

#[test]
fn cold_sessions_come_back() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = SessionStore::builder().with_max_resident(1).with_directory(folder.path());
        let store = store.with_max_disk_bytes(1 << 30).build().await.unwrap();
        let mut sessions = Vec::new();
        for number in 0..3 {
            let session = Session::builder().with_store(&store).build().await.unwrap();
            session.execute(&format!("x = {number}")).await.unwrap();
            sessions.push(session);
        }
        for (number, session) in sessions.iter().enumerate() {
            let result = session.execute("print(x)").await.unwrap();
            assert_eq!(result.stdout_text(), format!("{number}\n"));
        }
        let stats = store.stats().await.unwrap();
        assert_eq!(stats.session_count, 3);
        assert!(stats.total_moved > 0 && stats.total_returned > 0, "{stats:?}");
        store.close().await.unwrap();
        assert!(matches!(sessions[0].execute("1").await.unwrap_err(), Error::Closed(_)));
    });
}
