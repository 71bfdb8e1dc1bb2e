//! Streaming host functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eryx::{Callback, CallbackError, JsonSchema, Sandbox};
use futures::stream::{self, StreamExt};
use serde::Deserialize;

use crate::support::block_on;

#[derive(Deserialize, JsonSchema)]
struct Count {
    n: usize,
}

/// A stream of n numbers that says how many were taken of it.
fn numbers(taken: Arc<AtomicUsize>) -> Callback {
    Callback::stream("numbers", move |count: Count| {
        let taken = taken.clone();
        stream::iter(0..count.n).map(move |number| {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok::<_, CallbackError>(number)
        })
    })
}

fn run(callback: Callback, code: &str) -> String {
    block_on(async {
        let sandbox = Sandbox::builder().with_callback(callback).build().await.unwrap();
        sandbox.execute(code).await.unwrap().stdout_text().into_owned()
    })
}

#[test]
fn items_arrive_in_order() {
    let code = "
result = [item async for item in numbers(500)]
print(result == list(range(500)))
";
    let taken = Arc::default();
    assert_eq!(run(numbers(Arc::clone(&taken)), code), "True\n");
    assert_eq!(taken.load(Ordering::Relaxed), 500);
}

#[test]
fn a_stream_waits_for_the_program() {
    let code = "
import asyncio
async for item in numbers(1000000):
    await asyncio.sleep(0.05)
    if item == 2:
        break
print(item)
";
    let taken = Arc::default();
    assert_eq!(run(numbers(Arc::clone(&taken)), code), "2\n");
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 200, "{taken} items were made for 3 that were wanted");
}

#[test]
fn a_stream_may_fail_after_some_items() {
    let rows = Callback::stream("rows", |()| {
        stream::iter([Ok("one"), Err(CallbackError::with_code("broken", "the line is dead")), Ok("never")])
    });
    let code = "
try:
    async for row in rows():
        print(row)
except CallbackError as e:
    print(e.code)
";
    assert_eq!(run(rows, code), "one\nbroken\n");
}

#[test]
fn a_stream_that_is_left_is_dropped() {
    /// Counts its drops.
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let endless = Callback::stream("endless", move |()| {
        let guard = Guard(count.clone());
        stream::iter(0..5).chain(stream::pending()).map(move |number| {
            let _ = &guard;
            Ok::<_, CallbackError>(number)
        })
    });
    let code = "
import asyncio
async for number in endless():
    if number == 4:
        break
await asyncio.sleep(0.05)
print('left')
";
    assert_eq!(run(endless, code), "left\n");
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}
