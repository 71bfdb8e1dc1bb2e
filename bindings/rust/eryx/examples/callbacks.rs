//! Host functions of all kinds: async, blocking, inline, and closures with state.

use std::sync::atomic::{AtomicU64, Ordering};

use eryx::{Callback, CallbackError, Sandbox};

/// Adds two numbers.
#[eryx::callback(inline)]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// The lines of a file of the host's.
#[eryx::callback]
fn count_lines(name: String) -> Result<usize, std::io::Error> {
    Ok(std::fs::read_to_string(name)?.lines().count())
}

/// Greets somebody.
#[eryx::callback]
async fn greet(name: String, greeting: Option<String>) -> Result<String, CallbackError> {
    Ok(format!("{}, {name}!", greeting.unwrap_or_else(|| "Hello".to_owned())))
}

fn main() -> Result<(), eryx::Error> {
    futures::executor::block_on(async {
        let count = AtomicU64::new(0);
        let next =
            Callback::inline("ids.next", move |()| Ok::<_, CallbackError>(count.fetch_add(1, Ordering::Relaxed)));
        let sandbox = Sandbox::builder()
            .with_callback(add)
            .with_callback(count_lines)
            .with_callback(greet)
            .with_callback(next)
            .build()
            .await?;
        let code = r#"
import asyncio
print(await asyncio.gather(add(1, 2), greet("World"), greet("you", greeting="Hi"), ids.next(), ids.next()))
try:
    await count_lines("/no/such/file")
except CallbackError as e:
    print("refused:", e.code)
"#;
        print!("{}", sandbox.execute(code).await?);
        Ok(())
    })
}
