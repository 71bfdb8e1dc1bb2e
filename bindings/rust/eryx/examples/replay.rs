//! A program that waits for a person: it is suspended, its journal is kept, and it goes on elsewhere.

use eryx::{CallbackError, Error, Sandbox};

const CODE: &str = r#"
price = await get_price("ACME")
await pay(price)
print("paid", price)
"#;

/// The price of a symbol. It is asked for once: the journal has the answer.
#[eryx::callback]
async fn get_price(symbol: String) -> f64 {
    println!("asked for {symbol}");
    12.5
}

/// Needs a person.
#[eryx::callback(name = "pay")]
async fn ask(amount: f64) -> Result<(), CallbackError> {
    Err(CallbackError::suspend(format!("approve {amount}?")))
}

/// The person has said yes.
#[eryx::callback(name = "pay")]
async fn approved(_amount: f64) {}

fn main() -> Result<(), Error> {
    futures::executor::block_on(async {
        let asking = Sandbox::builder().with_callback(get_price).with_callback(ask).build().await?;
        let first = asking.execute(CODE).with_journal(None).await?;
        if let Some(suspended) = &first.suspended {
            println!("suspended: {}", suspended.reason);
        }
        let paying = Sandbox::builder().with_callback(get_price).with_callback(approved).build().await?;
        let second = paying.execute(CODE).with_journal(&*first.journal).await?;
        print!("{}", second.result?);
        Ok(())
    })
}
