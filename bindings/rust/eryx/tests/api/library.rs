//! Libraries: modules, host functions and stubs that are given together.

use eryx::{Callback, CallbackError, Error, JsonSchema, Library, Sandbox, SandboxFactory, SandboxPool, Session};
use serde::Deserialize;

use crate::support::block_on;

#[derive(Deserialize, JsonSchema)]
struct Number {
    n: i64,
}

fn count(name: &str) -> Callback {
    Callback::inline(name, |Number { n }| Ok::<_, CallbackError>(n + 1))
}

fn text_library() -> Library {
    Library::new("text")
        .with_module("tools.case", "def upper(s):\n    return s.upper()\n")
        .with_module("counting", "async def count_twice(n):\n    return await text.twice(n=await text.count(n))\n")
        .with_callback(count("text.count"))
        .with_callbacks([Callback::new("text.twice", async |Number { n }| Ok::<_, CallbackError>(2 * n))])
        .with_stubs("# tools.case\ndef upper(s: str) -> str: ...\n")
}

const PROGRAM: &str = "import counting
from tools.case import upper
print(upper('a'), await counting.count_twice(1), await text.count(5))
";
const PRINTED: &str = "A 4 6\n";

#[test]
fn everything_takes_libraries() {
    block_on(async {
        let text = text_library();
        let sandbox = Sandbox::builder().with_library(&text).build().await.unwrap();
        assert_eq!(sandbox.execute(PROGRAM).await.unwrap().stdout_text(), PRINTED);
        let stubs = sandbox.type_stubs().await.unwrap();
        assert!(stubs.contains("async def twice(self, n: int)") && stubs.ends_with("def upper(s: str) -> str: ...\n"));

        let session = Session::builder().with_libraries([&text]).with_callback(count("own")).build().await.unwrap();
        let code = format!("{PROGRAM}print(await own(7))");
        assert_eq!(session.execute(&code).await.unwrap().stdout_text(), format!("{PRINTED}8\n"));
        let fork = session.fork().await.unwrap();
        assert_eq!(fork.execute(PROGRAM).await.unwrap().stdout_text(), PRINTED);
        session.set_callbacks([count("other")]).await.unwrap();
        let code = format!("{PROGRAM}print(await other(7))");
        assert_eq!(session.execute(&code).await.unwrap().stdout_text(), format!("{PRINTED}8\n"));
        assert!(matches!(session.execute("await own(7)").await, Err(Error::Python(_))));
        assert!(matches!(session.set_callbacks([count("text.count")]).await, Err(Error::Invalid(_))));

        let pool = SandboxPool::builder().with_library(&text).build().await.unwrap();
        let lease = pool.acquire().await.unwrap();
        assert_eq!(lease.execute(PROGRAM).await.unwrap().stdout_text(), PRINTED);
        let lease = pool.lease().with_callback(count("own")).acquire().await.unwrap();
        assert_eq!(lease.execute(PROGRAM).await.unwrap().stdout_text(), PRINTED);
    });
}

#[test]
fn a_factorys_libraries_are_those_of_what_it_makes() {
    block_on(async {
        let (text, more) = (text_library(), Library::new("more").with_module("more", "X = 1"));
        let factory = SandboxFactory::builder()
            .with_library(&text)
            .with_import("tools.case")
            .with_setup_code("import counting\nx = await counting.count_twice(2)")
            .build()
            .await
            .unwrap();
        let (code, printed) = (format!("{PROGRAM}print(x)"), format!("{PRINTED}6\n"));
        let sandbox = factory.create_sandbox().with_libraries([&more, &text]).build().await.unwrap();
        assert_eq!(sandbox.execute(&code).await.unwrap().stdout_text(), printed);
        let session = factory.create_session().with_library(&(&more + &text)).build().await.unwrap();
        assert_eq!(session.execute(&code).await.unwrap().stdout_text(), printed);
        let loaded = SandboxFactory::from_bytes(factory.to_bytes().await.unwrap()).await.unwrap();
        let sandbox = loaded.with_libraries([&text]).create_sandbox().build().await.unwrap();
        assert_eq!(sandbox.execute(&code).await.unwrap().stdout_text(), printed);
    });
}

#[test]
fn sums_have_what_they_share_once() {
    let base = Library::new("base").with_module("base", "N = 1").with_callback(count("count")).with_stubs("N: int");
    let left = &base + &Library::new("left").with_module("left", "import base\nN = base.N + 1");
    let both = Library::merge([&left, &(&base + &Library::new("right").with_module("r.m", ""))]);
    assert_eq!(both.name(), "base + left + right");
    assert_eq!(both.module_names().collect::<Vec<_>>(), ["base", "left", "r.m"]);
    assert_eq!(both.callback_names().collect::<Vec<_>>(), ["count"]);
    assert_eq!(
        format!("{both:?}"),
        r#"Library { name: "base + left + right", modules: ["base", "left", "r.m"], callbacks: ["count"] }"#
    );
    block_on(async {
        let sandbox = Sandbox::builder().with_libraries([&base, &both, &left.clone()]).build().await.unwrap();
        let result = sandbox.execute("import left, r.m; print(left.N, await count(1))").await.unwrap();
        assert_eq!(result.stdout_text(), "2 2\n");
    });
}

#[test]
fn conflicts_are_invalid_and_name_both_sides() {
    let one = |name: &str, module: &str| Library::new(name).with_module(module, "");
    block_on(async {
        for (libraries, says) in [
            (vec![one("a", "m"), one("b", "m")], r#"module "m" is in library "b" and in library "a""#),
            (vec![&one("a", "m") + &one("b", "m")], r#"module "m" is in library "b""#),
            (vec![Library::new("a").with_callback(count("own"))], "in the configuration"),
            (vec![one("a", "json")], "Python's own"),
            (vec![one("", "m")], "library name"),
            (vec![Library::default().with_module("m", "")], "library name"),
        ] {
            let callback = count("own");
            let made = Sandbox::builder().with_libraries(&libraries).with_callback(callback.clone()).build().await;
            let message = made.unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
            let made = Session::builder().with_libraries(&libraries).with_callback(callback).build().await;
            assert!(matches!(made, Err(Error::Invalid(_))));
        }
    });
}
