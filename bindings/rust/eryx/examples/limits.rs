//! Limits: time, memory, fuel and output, and what an error tells.

use std::time::Duration;

use eryx::{Error, OutputOverflow, ResourceLimits, Sandbox};

fn main() -> Result<(), Error> {
    futures::executor::block_on(async {
        let limits = ResourceLimits {
            execution_timeout: Some(Duration::from_millis(200)),
            max_memory_bytes: Some(64 << 20),
            max_fuel: Some(50_000_000),
            max_output_bytes: Some(100),
            output_overflow: OutputOverflow::Fail,
            ..ResourceLimits::default()
        };
        let sandbox = Sandbox::builder().with_resource_limits(limits).build().await?;
        for code in ["import time; time.sleep(5)", "print('x' * 1000)", "x = bytes(1 << 30)", "print('fine')"] {
            match sandbox.execute(code).await {
                Ok(result) => print!("{result}"),
                Err(Error::Limit(failure)) => println!("limit: {}", failure.limit.as_deref().unwrap_or("?")),
                Err(Error::Python(failure)) => println!("raised: {:?}", failure.python.map(|python| python.r#type)),
                Err(error) => println!("{}", error.code()),
            }
        }
        Ok(())
    })
}
