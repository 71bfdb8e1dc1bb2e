//! Ctrl-C under tokio: a handler with the flag that the library's threads need; the signal ends the program.

use eryx::Session;
use eryx::tokio::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let session = Session::builder().build().await?;
    let running = session.execute("while True: pass").cancel_on(async move {
        interrupt.recv().await;
    });
    // Stands for the user's Ctrl-C.
    std::process::Command::new("kill").args(["-INT", &std::process::id().to_string()]).status()?;
    println!("interrupted: {}", running.await.unwrap_err().code());
    Ok(())
}
