//! The quick start: untrusted code that awaits two functions of the host at once, a session, a limit, a snapshot.

use std::time::Duration;

use eryx::{CallbackError, Error, Session};

/// The price of a symbol, from a service that takes a while to answer.
#[eryx::callback]
async fn get_price(symbol: String) -> Result<f64, CallbackError> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    match symbol.as_str() {
        "ACME" => Ok(12.5),
        "INITECH" => Ok(7.25),
        _ => Err(CallbackError::new("no such symbol")),
    }
}

const GATHER: &str = r#"
import asyncio
acme, initech = await asyncio.gather(get_price("ACME"), get_price("INITECH"))
print(f"ACME {acme}, INITECH {initech}")
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let session = Session::builder()
        .with_callback(get_price)
        .with_execution_timeout(Duration::from_secs(1))
        .build()
        .await?;
    print!("{}", session.execute(GATHER).await?);
    print!(
        "{}",
        session
            .execute(r#"print("the session remembers:", acme + initech)"#)
            .await?
    );
    if let Err(Error::Timeout(failure)) = session.execute("while True: pass").await {
        println!("timeout: {failure}");
    }
    print!(
        "{}",
        session.execute(r#"print("and lives on:", acme)"#).await?
    );

    let snapshot = session.snapshot().await?;
    let restored = Session::builder().with_image(snapshot).build().await?;
    print!(
        "{}",
        restored
            .execute(r#"print("restored:", acme + initech)"#)
            .await?
    );
    Ok(())
}
