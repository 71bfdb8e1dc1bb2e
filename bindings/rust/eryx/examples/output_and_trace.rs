//! Output while it is written, and a trace of what the program did.

use eryx::{Sandbox, TraceKind};

fn main() -> Result<(), eryx::Error> {
    futures::executor::block_on(async {
        let sandbox = Sandbox::builder().with_trace().build().await?;
        let code = "
def double(x):
    return 2 * x
print(double(21), flush=True)
";
        let result = sandbox.execute(code).on_stdout(|bytes| println!("{} bytes", bytes.len())).await?;
        for event in result.trace {
            match event.kind {
                TraceKind::Call | TraceKind::Return => {
                    println!("{:?} {} line {}", event.kind, event.function, event.line)
                }
                _ => {}
            }
        }
        Ok(())
    })
}
