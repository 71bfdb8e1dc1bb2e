//! Settings of sandboxes, sessions and executions.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eryx::{Error, OutputOverflow, Package, ResourceLimits, Sandbox, Session, TraceKind, Volume};

use crate::support::block_on;

#[test]
fn volumes_have_modes_and_quotas() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ro", "rw", "cow"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("file"), name).unwrap();
        }
        let sandbox = Sandbox::builder()
            .with_volume(Volume::read_only(folder.path().join("ro"), "/ro"))
            .with_volume(Volume::read_write(folder.path().join("rw"), "/rw").with_quota_bytes(1000))
            .with_volume(Volume::copy_on_write(folder.path().join("cow"), "/cow"))
            .build()
            .await
            .unwrap();
        let code = "
for folder in ('ro', 'rw', 'cow'):
    try:
        with open(f'/{folder}/file', 'a') as f:
            f.write('+')
    except OSError as e:
        print(folder, type(e).__name__)
    print(open(f'/{folder}/file').read())
try:
    with open('/rw/large', 'wb') as f:
        f.write(bytes(2000))
except OSError as e:
    print(e.errno)
";
        let result = sandbox.execute(code).await.unwrap();
        let printed = result.stdout_text().into_owned();
        assert!(printed.starts_with("ro OSError\nro\nrw+\ncow+\n") || printed.contains("PermissionError"), "{printed}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name).join("file")).unwrap();
        assert_eq!((read("ro"), read("rw"), read("cow")), ("ro".to_owned(), "rw+".to_owned(), "cow".to_owned()));
        assert!(printed.lines().last().unwrap().parse::<i32>().is_ok(), "{printed}");
    });
}

#[test]
fn packages_from_memory_and_folders() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.py"), "NAME = 'mine'").unwrap();
        let sandbox = Sandbox::builder().with_package(Package::path(folder.path())).build().await.unwrap();
        assert_eq!(sandbox.execute("import mine; print(mine.NAME)").await.unwrap().stdout, b"mine\n");
        // A wheel with machine code of another platform, which is taken only without it.
        let wheel = || Package::data(include_bytes!("../support/native_wheel.zip"));
        let error = Sandbox::builder().with_package(wheel()).build().await.unwrap_err();
        assert!(error.to_string().contains("manylinux2014_x86_64"), "{error}");
        let sandbox = Sandbox::builder().with_package(wheel().drop_native()).build().await.unwrap();
        assert_eq!(sandbox.execute("import mine; print(mine.fast)").await.unwrap().stdout, b"None\n");
    });
}

#[test]
fn the_result_is_of_a_type() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Total {
        sum: f64,
        names: Vec<String>,
    }
    block_on(async {
        let sandbox = Sandbox::builder().with_result_variable("total").build().await.unwrap();
        let result = sandbox.execute("total = {'sum': 1.5, 'names': ['a']}").await.unwrap();
        assert_eq!(result.result().unwrap(), Some(Total { sum: 1.5, names: vec!["a".to_owned()] }));
        assert!(result.result::<Vec<u8>>().is_err());
        assert_eq!(sandbox.execute("pass").await.unwrap().result::<Total>().unwrap(), None);
    });
}

#[test]
fn traces_say_what_happened() {
    block_on(async {
        let sandbox = Sandbox::builder().with_trace().with_max_trace_events(3).build().await.unwrap();
        let result = sandbox.execute("def f():\n    return 1\nf()\nf()\n").await.unwrap();
        assert_eq!(result.trace.len(), 3);
        assert!(result.trace_truncated);
        assert!(result.trace.iter().any(|event| event.kind == TraceKind::Line && event.file == "<user>"));
    });
}

#[test]
fn an_execution_has_limits_of_its_own() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let spin = || session.execute("while True: pass");
        let error = spin().with_execution_timeout(Duration::from_millis(30)).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(_)), "{error:?}");
        let error = spin().with_max_fuel(100_000).with_grace_period(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.failure().limit.as_deref(), Some("fuel"));
        session.set_execution_timeout(Duration::from_millis(30));
        assert!(matches!(spin().await.unwrap_err(), Error::Timeout(_)));
        session.set_execution_timeout(None);
        let print = || session.execute("print('x' * 100)");
        let error = print().with_max_output_bytes(10, OutputOverflow::Fail).await.unwrap_err();
        assert_eq!(error.failure().limit.as_deref(), Some("output"));
        let result = print().with_max_output_bytes(10, OutputOverflow::Truncate).await.unwrap();
        assert_eq!((result.stdout.len(), result.stdout_truncated), (10, true));
    });
}

#[test]
fn output_arrives_while_it_is_written() {
    block_on(async {
        let session =
            Session::builder().with_args(["prog"]).with_env("A", "1").with_stdin("line\n").build().await.unwrap();
        let chunks: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let (out, err) = (chunks.clone(), chunks.clone());
        let result = session
            .execute("import sys\nprint(input(), flush=True)\nprint('bad', file=sys.stderr)")
            .on_stdout(move |bytes| out.lock().unwrap().push(bytes.to_vec()))
            .on_stderr(move |bytes| err.lock().unwrap().push(bytes.to_vec()))
            .await
            .unwrap();
        assert_eq!(chunks.lock().unwrap().concat(), b"line\nbad\n");
        assert_eq!((result.stdout.as_slice(), result.stderr.as_slice()), (&b"line\n"[..], &b"bad\n"[..]));
    });
}

#[test]
fn errors_tell_all() {
    block_on(async {
        let sandbox = Sandbox::builder().build().await.unwrap();
        let error =
            sandbox.execute("print('before')\nraise ValueError('no')").with_filename("mine.py").await.unwrap_err();
        let python = error.python().unwrap();
        assert_eq!((python.r#type.as_str(), python.message.as_str()), ("ValueError", "no"));
        assert_eq!((python.frames[0].file.as_str(), python.frames[0].line), ("mine.py", 2));
        assert_eq!(error.to_string(), python.traceback);
        assert_eq!((error.code(), error.message()), ("python", "no"));
        assert_eq!(error.result().unwrap().stdout, b"before\n");
        let error = sandbox.execute("import sys; sys.exit(3)").await.unwrap_err();
        assert!(matches!(&error, Error::Exit(failure) if failure.exit_code == 3), "{error:?}");
    });
}

#[test]
fn no_limits() {
    block_on(async {
        let sandbox = Sandbox::builder().with_resource_limits(ResourceLimits::unlimited()).build().await.unwrap();
        assert_eq!(sandbox.execute("print(len(bytes(1 << 28)))").await.unwrap().stdout, b"268435456\n");
    });
}
