//! Three ways to end a program early: a token, a future, and dropping.

use std::time::Duration;

use eryx::{CancellationToken, Session};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), eryx::Error> {
    let session = Session::builder().build().await?;

    let token = CancellationToken::new();
    let other = token.clone();
    std::thread::spawn(move || other.cancel());
    let outcome = session.execute("while True: pass").with_cancellation_token(&token).await;
    println!("token: {}", outcome.unwrap_err().code());

    let soon = tokio::time::sleep(Duration::from_millis(20));
    let outcome = session.execute("while True: pass").cancel_on(soon).await;
    println!("future: {}", outcome.unwrap_err().code());

    let running = session.execute("while True: pass").start();
    drop(running);
    println!("dropped: {}", session.execute("print('the session is free')").await?.stdout_text().trim_end());
    Ok(())
}
