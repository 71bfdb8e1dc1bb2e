//! What sessions keep, and how it is saved.

use std::time::Duration;

use eryx::{Completeness, Error, Session};

use crate::support::block_on;

async fn printed(session: &Session, code: &str) -> String {
    session.execute(code).await.unwrap().stdout_text().into_owned()
}

#[test]
fn an_image_has_everything() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        session.execute("def numbers():\n    yield from range(10)\ng = numbers(); next(g)").await.unwrap();
        let image = session.snapshot().await.unwrap();
        assert_eq!(printed(&session, "print(next(g))").await, "1\n");
        let other = Session::builder().with_image(image.clone()).build().await.unwrap();
        assert_eq!(printed(&other, "print(next(g), next(g))").await, "1 2\n");
        session.restore(&image).await.unwrap();
        assert_eq!(printed(&session, "print(next(g))").await, "1\n");
        let error = session.restore(b"nonsense").await.unwrap_err();
        assert!(matches!(error, Error::Snapshot(_)), "{error:?}");
    });
}

#[test]
fn a_state_snapshot_names_what_it_leaves_out() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        session.execute("x = 1\ng = (i for i in range(3))").await.unwrap();
        let snapshot = session.snapshot_state().await.unwrap();
        assert_eq!(snapshot.unsaved[0].0, "g");
        let other = Session::builder().build().await.unwrap();
        other.restore_state(&snapshot).await.unwrap();
        assert_eq!(printed(&other, "print(x, 'g' in globals())").await, "1 False\n");
        let error = other.restore_state(b"nonsense").await.unwrap_err();
        assert!(matches!(error, Error::Snapshot(_)), "{error:?}");
    });
}

#[test]
fn forks_are_independent() {
    block_on(async {
        let session = Session::builder().with_execution_timeout(Duration::from_secs(5)).build().await.unwrap();
        session.execute("items = [1]").await.unwrap();
        let fork = session.fork().await.unwrap();
        fork.execute("items.append(2)").await.unwrap();
        assert_eq!(printed(&session, "print(items)").await, "[1]\n");
        drop(session);
        assert_eq!(printed(&fork, "print(items)").await, "[1, 2]\n");
    });
}

#[test]
fn a_checkpoint_undoes_what_fails() {
    block_on(async {
        let session = Session::builder().with_checkpoint().build().await.unwrap();
        session.execute("items = [1]").await.unwrap();
        session.execute("items.append(2); 1 / 0").await.unwrap_err();
        assert_eq!(printed(&session, "print(items)").await, "[1]\n");
    });
}

#[test]
fn tasks_may_be_kept() {
    block_on(async {
        let session = Session::builder().with_keep_tasks().build().await.unwrap();
        let code = "
import asyncio
async def later():
    await asyncio.sleep(0.01)
    return 'done'
task = asyncio.create_task(later())
await asyncio.sleep(0)
";
        session.execute(code).await.unwrap();
        assert_eq!(printed(&session, "print(await task)").await, "done\n");
    });
}

#[test]
fn functions_and_globals_of_the_program() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let code = "
class tools:
    async def scale(values, by=2):
        print('scaling')
        return [value * by for value in values]
";
        session.execute(code).await.unwrap();
        let scaled: Vec<i64> = session.call("tools.scale").arg([1, 2]).kwarg("by", 3).await.unwrap().to().unwrap();
        assert_eq!(scaled, [3, 6]);
        let result = session.call("tools.scale").arg([1]).execution().unwrap().await.unwrap();
        assert_eq!(result.stdout, b"scaling\n");
        let error = session.get("missing").await.unwrap_err();
        assert_eq!(error.python().unwrap().r#type, "NameError");
    });
}

#[test]
fn prompts() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        assert_eq!(session.is_complete("x = 1").await.unwrap(), Completeness::Complete);
        assert_eq!(session.is_complete("if x:").await.unwrap(), Completeness::Incomplete);
        assert_eq!(session.is_complete("1 +* 2").await.unwrap(), Completeness::Invalid);
        assert_eq!(session.execute("6 * 7").interactive().await.unwrap().stdout, b"42\n");
    });
}

#[test]
fn clearing_and_resetting() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        session.execute("x = 1").await.unwrap();
        session.clear_state().await.unwrap();
        assert_eq!(session.execute("x").await.unwrap_err().python().unwrap().r#type, "NameError");
        assert_eq!(session.execution_count().await.unwrap(), 2);
        session.reset().await.unwrap();
        assert_eq!(session.execution_count().await.unwrap(), 0);
    });
}
