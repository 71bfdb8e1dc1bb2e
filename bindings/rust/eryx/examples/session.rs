//! A session: state, functions and globals of the program's, a result of a type, image snapshots and forks.

use eryx::Session;

#[derive(Debug, serde::Deserialize)]
struct Statistics {
    mean: f64,
    count: u32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    futures::executor::block_on(async {
        let session = Session::builder().build().await?;
        session.set("values", &[1, 2, 3, 6]).await?;
        let code = "
import statistics
result = {'mean': statistics.mean(values), 'count': len(values)}
def scale(by): return [value * by for value in values]
";
        let result = session.execute(code).await?;
        let statistics: Statistics = result.result()?.ok_or("no result")?;
        println!("{} of {}", statistics.mean, statistics.count);
        println!("{:?}", session.call("scale").arg(10).await?.to::<Vec<i64>>()?);

        session.execute("numbers = iter(range(100)); next(numbers)").await?;
        let image = session.snapshot().await?; // generators, open databases: everything
        let fork = session.fork().await?;
        println!("fork: {}", fork.execute("print(next(numbers))").await?.stdout_text().trim_end());
        let restored = Session::builder().with_image(image).build().await?;
        println!("restored: {}", restored.execute("print(next(numbers))").await?.stdout_text().trim_end());
        Ok(())
    })
}
