//! Host functions: kinds, concurrency, errors, panics, and their ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eryx::{Callback, CallbackError, JsonSchema, Map, ResourceLimits, Sandbox, Session};
use futures::channel::oneshot;
use serde::Deserialize;

use crate::support::block_on;

#[derive(Deserialize, JsonSchema)]
struct Pair {
    a: i64,
    #[serde(default)]
    b: i64,
}

async fn output(callback: Callback, code: &str) -> String {
    let sandbox = Sandbox::builder().with_callback(callback).build().await.unwrap();
    sandbox.execute(code).await.unwrap().stdout_text().into_owned()
}

#[test]
fn gathered_calls_are_under_way_at_once() {
    block_on(async {
        let waiting: Arc<Mutex<Vec<oneshot::Sender<()>>>> = Arc::default();
        let meet = Callback::new("meet", move |()| {
            // Each call waits for all ten: none ends before the last one has begun.
            let (sender, receiver) = oneshot::channel();
            let mut all = waiting.lock().unwrap();
            all.push(sender);
            if all.len() == 10 {
                all.drain(..).for_each(|sender| sender.send(()).unwrap());
            }
            async move { receiver.await.map(|()| "met") }
        });
        let code = "import asyncio\nprint(len(await asyncio.gather(*[meet() for _ in range(10)])))";
        assert_eq!(output(meet, code).await, "10\n");
    });
}

#[test]
fn positional_arguments_follow_the_fields() {
    block_on(async {
        let sub = Callback::new("sub", async |pair: Pair| Ok::<_, CallbackError>(pair.a - pair.b));
        assert!(sub.schema().find(r#""a""#) < sub.schema().find(r#""b""#), "{}", sub.schema());
        assert_eq!(output(sub, "print(await sub(5, 3), await sub(7), await sub(b=1, a=2))").await, "2 7 1\n");
    });
}

#[test]
fn a_sandbox_offers_functions_of_all_kinds() {
    block_on(async {
        let sandbox = Sandbox::builder()
            .with_callback(Callback::new("async_", async |pair: Pair| Ok::<_, CallbackError>(pair.a)))
            .with_callback(Callback::blocking("blocking", |pair: Pair| Ok::<_, CallbackError>(pair.a + 1)))
            .with_callback(Callback::inline("inline", |pair: Pair| Ok::<_, CallbackError>(pair.a + 2)))
            .with_callback(Callback::inline("db.query", |_: Map| Ok::<_, CallbackError>("rows")))
            .build()
            .await
            .unwrap();
        let code = "print(await async_(1), await blocking(1), await inline(1), await db.query())";
        let result = sandbox.execute(code).await.unwrap();
        assert_eq!(result.stdout_text(), "1 2 3 rows\n");
        let names: Vec<_> = result.callbacks.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["async_", "blocking", "inline", "db.query"]);
        assert_eq!(result.callback_invocations, 4);
    });
}

#[test]
fn errors_have_their_code_and_text() {
    let code = "
try:
    await fails()
except CallbackError as e:
    print(e.code, '|', e)
";
    for (error, expected) in [
        (CallbackError::new("no such row"), "callback | no such row\n"),
        (CallbackError::with_code("not_found", "no"), "not_found | no\n"),
        (CallbackError::from("x".parse::<u8>().unwrap_err()), "callback | invalid digit found in string\n"),
    ] {
        let fails = Callback::new("fails", move |()| std::future::ready(Err::<(), _>(error.clone())));
        let printed = block_on(output(fails, code));
        assert!(printed.starts_with(expected.split(' ').next().unwrap()), "{printed}");
        assert!(printed.contains(expected.rsplit("| ").next().unwrap().trim()), "{printed}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let pair = Callback::new("pair", async |pair: Pair| Ok::<_, CallbackError>(pair.a));
    let code = "
try:
    await pair(a='text')
except CallbackError as e:
    print(e.code)
";
    assert_eq!(block_on(output(pair, code)), "invalid_arguments\n");
}

#[test]
fn a_panic_is_an_error_of_the_call() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {})); // nothing is printed
    let code = "
for f in (at_once, later, inline, blocking):
    try:
        await f()
    except CallbackError as e:
        print(e.code, end=' ')
";
    #[expect(unreachable_code, reason = "the type of the future")]
    let printed = block_on(async {
        let sandbox = Sandbox::builder()
            .with_callback(Callback::new("at_once", |()| {
                panic!("secret");
                std::future::ready(Ok::<(), CallbackError>(()))
            }))
            .with_callback(Callback::new("later", async |()| -> Result<(), CallbackError> { panic!("secret") }))
            .with_callback(Callback::inline("inline", |()| -> Result<(), CallbackError> { panic!("secret") }))
            .with_callback(Callback::blocking("blocking", |()| -> Result<(), CallbackError> { panic!("secret") }))
            .build()
            .await
            .unwrap();
        sandbox.execute(code).await.unwrap().stdout_text().into_owned()
    });
    std::panic::set_hook(hook);
    assert_eq!(printed, "internal internal internal internal ");
}

#[test]
fn an_unwanted_call_is_dropped() {
    /// Counts its drops.
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let never = Callback::new("never", move |()| {
        let guard = Guard(count.clone());
        async move {
            let _guard = guard;
            std::future::pending::<Result<(), CallbackError>>().await
        }
    });
    let code = "
import asyncio
try:
    await asyncio.wait_for(never(), 0.01)
except TimeoutError:
    print('gone')
await asyncio.sleep(0.05)
";
    assert_eq!(block_on(output(never, code)), "gone\n");
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn a_callback_has_a_timeout_of_its_own() {
    let never = Callback::new("never", async |()| std::future::pending::<Result<(), CallbackError>>().await)
        .with_timeout(Duration::from_millis(20));
    let code = "
try:
    await never()
except CallbackError as e:
    print(e.code)
";
    assert_eq!(block_on(output(never, code)), "timeout\n");
}

#[test]
fn descriptions_schemas_and_stubs() {
    block_on(async {
        let add = Callback::new("add", async |pair: Pair| Ok::<_, CallbackError>(pair.a + pair.b))
            .with_description("Adds two numbers.");
        let session = Session::builder().with_callback(add).build().await.unwrap();
        let code = "
[entry] = list_callbacks()
result = [entry['name'], entry['description'], list(entry['parameters_schema']['properties'])]
";
        let (name, description, parameters): (String, String, Vec<String>) =
            session.execute(code).await.unwrap().result().unwrap().unwrap();
        assert_eq!((name.as_str(), description.as_str()), ("add", "Adds two numbers."));
        assert_eq!(parameters, ["a", "b"]);
        assert!(session.type_stubs().await.unwrap().contains("async def add("));
    });
}

#[test]
fn callbacks_can_be_replaced() {
    block_on(async {
        let one = Callback::inline("one", |()| Ok::<_, CallbackError>(1));
        let two = Callback::inline("two", |()| Ok::<_, CallbackError>(2));
        let session = Session::builder().with_callback(one).build().await.unwrap();
        session.set_callbacks([two]).await.unwrap();
        assert_eq!(session.execute("print(await two())").await.unwrap().stdout, b"2\n");
        let error = session.execute("await one()").await.unwrap_err();
        assert_eq!(error.python().unwrap().r#type, "NameError");
    });
}

#[test]
fn many_calls_at_once() {
    block_on(async {
        let state: Arc<Mutex<HashMap<i64, i64>>> = Arc::default();
        let put = Callback::new("put", move |pair: Pair| {
            state.lock().unwrap().insert(pair.a, pair.b);
            let count = state.lock().unwrap().len();
            async move { Ok::<_, CallbackError>(count) }
        });
        let limits = ResourceLimits { max_callback_invocations: None, ..Default::default() };
        let sandbox = Sandbox::builder().with_callback(put).with_resource_limits(limits).build().await.unwrap();
        let code = "import asyncio\nprint(max(await asyncio.gather(*[put(i, i) for i in range(2000)])))";
        assert_eq!(sandbox.execute(code).await.unwrap().stdout, b"2000\n");
    });
}
