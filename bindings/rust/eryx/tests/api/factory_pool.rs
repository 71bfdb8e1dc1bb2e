//! Factories and pools.

use std::time::Duration;

use eryx::{Callback, CallbackError, Error, Package, ResourceLimits, SandboxFactory, SandboxPool};

use crate::support::block_on;

#[test]
fn what_a_factory_makes_begins_where_it_ended() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.py"), "NAME = 'mine'").unwrap();
        let rate = Callback::inline("rate", |()| Ok::<_, CallbackError>(1.19));
        let factory = SandboxFactory::builder()
            .with_package(folder.path())
            .with_import("mine")
            .with_callback(rate.clone())
            .with_setup_code("RATE = await rate()")
            .build()
            .await
            .unwrap();
        assert!(factory.size_bytes() > 0);
        let sandbox = factory.create_sandbox().build().await.unwrap();
        let session = factory.create_session().build().await.unwrap();
        let code = "import mine; print(mine.NAME, RATE, await rate())";
        let saved = folder.path().join("factory");
        factory.save(&saved).await.unwrap();
        let bytes = factory.to_bytes().await.unwrap();
        factory.close().await.unwrap();
        for loaded in [SandboxFactory::load(&saved).await.unwrap(), SandboxFactory::from_bytes(bytes).await.unwrap()] {
            let loaded = loaded.with_callbacks([rate.clone()]);
            let result = loaded.create_session().build().await.unwrap().execute(code).await.unwrap();
            assert_eq!(result.stdout, b"mine 1.19 1.19\n");
        }
        assert_eq!(sandbox.execute(code).await.unwrap().stdout, b"mine 1.19 1.19\n");
        assert_eq!(session.execute(code).await.unwrap().stdout, b"mine 1.19 1.19\n");
    });
}

#[test]
fn a_factory_says_what_is_wrong() {
    block_on(async {
        let error = SandboxFactory::builder().with_import("no_such_module").build().await.unwrap_err();
        assert!(error.to_string().contains("no_such_module"), "{error}");
        let error = SandboxFactory::builder().with_package(Package::data(b"nonsense")).build().await.unwrap_err();
        assert!(matches!(error, Error::Initialization(_) | Error::Invalid(_)), "{error:?}");
        let error = SandboxFactory::from_bytes(b"nonsense").await.unwrap_err();
        assert!(matches!(error, Error::Snapshot(_)), "{error:?}");
    });
}

#[test]
fn leases_are_pristine_and_counted() {
    block_on(async {
        let pool = SandboxPool::builder()
            .with_max_size(2)
            .with_min_idle(0)
            .with_acquire_timeout(Duration::from_millis(20))
            .with_idle_timeout(None)
            .build()
            .await
            .unwrap();
        let first = pool.acquire().await.unwrap();
        first.execute("x = 1").await.unwrap();
        let second = pool.try_acquire().await.unwrap().expect("one is left");
        assert!(pool.try_acquire().await.unwrap().is_none());
        assert!(matches!(pool.acquire().await.unwrap_err(), Error::PoolTimeout(_)));
        let stats = pool.stats().await.unwrap();
        assert_eq!((stats.in_use, stats.available, stats.total_acquisitions), (2, 0, 2));
        first.release().await.unwrap();
        let third = pool.acquire().await.unwrap();
        assert_eq!(third.execute("print('x' in globals())").await.unwrap().stdout, b"False\n");
        pool.close().await.unwrap();
        assert!(matches!(pool.acquire().await.unwrap_err(), Error::PoolClosed(_)));
        assert_eq!(second.execute("print(2)").await.unwrap().stdout, b"2\n");
    });
}

#[test]
fn a_lease_may_differ() {
    block_on(async {
        let word = |text: &'static str| Callback::inline("word", move |()| Ok::<_, CallbackError>(text));
        let pool = SandboxPool::builder().with_callback(word("pool")).build().await.unwrap();
        let limits = ResourceLimits { execution_timeout: Some(Duration::from_millis(50)), ..Default::default() };
        let own = pool.lease().with_callback(word("lease")).with_resource_limits(limits).with_stdin("input");
        let own = own.with_env("KEY", "value").with_args(["prog"]).acquire().await.unwrap();
        let code = "import os, sys\nprint(await word(), input(), os.environ['KEY'], sys.argv)";
        assert_eq!(own.execute(code).await.unwrap().stdout, b"lease input value ['prog']\n");
        assert!(matches!(own.execute("while True: pass").await.unwrap_err(), Error::Timeout(_)));
        let plain = pool.acquire().await.unwrap();
        assert_eq!(plain.execute("print(await word())").await.unwrap().stdout, b"pool\n");
        assert!(plain.type_stubs().await.unwrap().contains("word"));
    });
}
