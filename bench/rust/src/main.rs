//! Measures the crate `eryx` for bench/cmd/bench: a line of JSON with a metric and a count comes in, its samples go out.
//! By itself, `cargo run --release -p eryx-bench -- METRIC COUNT` prints them.

mod raw;

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use eryx::{Callback, CallbackError, Map, ResourceLimits, Sandbox, Session, Value};
use futures::executor::block_on;
use raw::Raw;
use serde_json::json;

const SEQUENTIAL: &str = "for i in range(500):\n    await echo(x=i)\n";
const GATHERED: &str = "import asyncio\nawait asyncio.gather(*[echo(x=i) for i in range(1000)])\n";

fn x(mut arguments: Map) -> Result<Value, CallbackError> {
    Ok(arguments.remove("x").unwrap_or_default())
}

async fn x_async(arguments: Map) -> Result<Value, CallbackError> {
    x(arguments)
}

/// What is measured: sessions with an inline and an async `echo`, and the C interface by itself.
struct Sides {
    inline: Session,
    task: Session,
    raw: Raw,
}

async fn session(echo: Callback) -> Result<Session, eryx::Error> {
    let schema = json!({"type": "object", "properties": {"x": {"type": "integer"}}});
    let limits = ResourceLimits {
        max_callback_invocations: None,
        ..ResourceLimits::session()
    };
    Session::builder()
        .with_callback(echo.with_schema(&schema))
        .with_resource_limits(limits)
        .build()
        .await
}

/// Seconds per call of what runs `calls` of them.
fn per_call(calls: u32, run: impl FnOnce()) -> f64 {
    let began = Instant::now();
    run();
    began.elapsed().as_secs_f64() / f64::from(calls)
}

/// The sample that a tenth of all is below.
fn lower_decile(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 10]
}

impl Sides {
    async fn new() -> Result<Sides, eryx::Error> {
        let (inline, task) = (
            session(Callback::inline("echo", x)).await?,
            session(Callback::new("echo", x_async)).await?,
        );
        Ok(Sides {
            inline,
            task,
            raw: Raw::new(),
        })
    }

    fn execute(session: &Session, code: &str) {
        block_on(session.execute(code).start()).unwrap();
    }

    /// One sample of a metric.
    fn take(&self, metric: &str) -> Result<f64, Box<dyn Error>> {
        Ok(match metric {
            "callback_inline" => per_call(500, || Sides::execute(&self.inline, SEQUENTIAL)),
            "callback_abi" => per_call(500, || self.raw.execute(SEQUENTIAL)),
            "callback_inline_overhead" => self.overhead(),
            "callback_sequential" => per_call(500, || Sides::execute(&self.task, SEQUENTIAL)),
            "callback_gathered" => per_call(1000, || Sides::execute(&self.task, GATHERED)),
            "session_execute" => per_call(1, || Sides::execute(&self.inline, "print('hi')")),
            "create_print" => per_call(1, || {
                block_on(async {
                    let sandbox = Sandbox::builder().build().await.unwrap();
                    sandbox.execute("print('hi')").await.unwrap();
                });
            }),
            other => return Err(format!("there is no metric {other}").into()),
        })
    }

    /// What the crate adds to a call, over the same call through the C interface alone: the lower deciles of many short turns,
    /// each side first in every second one, with so many calls that beginning an execution does not count. That is what is left when other programs do not interfere, and not one lucky turn.
    fn overhead(&self) -> f64 {
        const TURNS: usize = 60;
        let (mut ours, mut raw) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
        for turn in 0..2 * TURNS {
            if turn % 4 == 0 || turn % 4 == 3 {
                ours.push(per_call(500, || Sides::execute(&self.inline, SEQUENTIAL)));
            } else {
                raw.push(per_call(500, || self.raw.execute(SEQUENTIAL)));
            }
        }
        lower_decile(ours) - lower_decile(raw)
    }

    fn samples(&self, metric: &str, count: u64) -> Result<Vec<f64>, Box<dyn Error>> {
        self.take(metric)?; // the first one is slower
        (0..count).map(|_| self.take(metric)).collect()
    }
}

fn serve(sides: &Sides) -> Result<(), Box<dyn Error>> {
    println!(
        "{}",
        json!({"version": eryx::version()?, "file": "eryx", "python": "rust"})
    );
    for line in std::io::stdin().lock().lines() {
        let request: serde_json::Value = serde_json::from_str(&line?)?;
        let metric = request["metric"].as_str().unwrap_or_default();
        match sides.samples(metric, request["count"].as_u64().unwrap_or(1)) {
            Ok(samples) => println!("{}", json!({"samples": samples})),
            Err(error) => println!("{}", json!({"error": error.to_string()})),
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let sides = block_on(Sides::new())?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [metric, count] => {
            for sample in sides.samples(metric, count.parse()?)? {
                println!("{:.3} us", sample * 1e6);
            }
            Ok(())
        }
        _ => serve(&sides),
    }
}
