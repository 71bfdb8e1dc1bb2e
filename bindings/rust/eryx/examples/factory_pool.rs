//! A factory does packages, imports and set-up once; a pool lends sessions that begin there.

use eryx::{SandboxFactory, SandboxPool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    futures::executor::block_on(async {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("pricing.py"), "def gross(net): return round(net * RATE, 2)\nRATE = 1.19\n")?;
        let factory = SandboxFactory::builder()
            .with_package(folder.path())
            .with_import("pricing")
            .with_setup_code("from pricing import gross")
            .build()
            .await?;
        factory.save(folder.path().join("factory.eryx")).await?;
        let factory = SandboxFactory::load(folder.path().join("factory.eryx")).await?;

        let pool = SandboxPool::builder().with_factory(&factory).with_max_size(2).build().await?;
        let (first, second) = futures::try_join!(pool.acquire(), pool.acquire())?;
        print!("{}", first.execute("print(gross(100))").await?);
        print!("{}", second.execute("print(gross(200))").await?);
        println!("a third one at once: {}", pool.try_acquire().await?.is_some());
        first.release().await?;
        println!("in use: {}", pool.stats().await?.in_use);
        Ok(())
    })
}
