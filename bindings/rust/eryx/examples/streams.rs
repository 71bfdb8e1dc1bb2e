//! A streaming host function: the program iterates over rows, which are made while it does.

use eryx::{CallbackError, Sandbox};
use futures::stream::{self, Stream};

/// The rows of a table.
#[eryx::callback(stream)]
fn rows(table: String) -> impl Stream<Item = Result<(u32, String), CallbackError>> {
    stream::iter((1..=1_000_000).map(move |number| Ok((number, format!("{table} {number}")))))
}

fn main() -> Result<(), eryx::Error> {
    futures::executor::block_on(async {
        let sandbox = Sandbox::builder().with_callback(rows).build().await?;
        let code = r#"
async for number, text in rows("order"):
    print(text)
    if number == 3:
        break
"#;
        print!("{}", sandbox.execute(code).await?);
        Ok(())
    })
}
