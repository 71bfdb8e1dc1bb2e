//! Files that programs and the host share, and more sessions than are kept in memory.

use eryx::{Session, SessionStore, VfsStorage};

fn main() -> Result<(), eryx::Error> {
    futures::executor::block_on(async {
        let vfs = VfsStorage::new().await?;
        let store = SessionStore::builder().with_max_resident(2).build().await?;
        let mut sessions = Vec::new();
        for user in ["Ada", "Grace", "Linus"] {
            let session = Session::builder().with_vfs(&vfs).with_store(&store).build().await?;
            session.set("user", user).await?;
            sessions.push(session);
        }
        for session in &sessions {
            session.execute("open('/data/users.txt', 'a').write(user + '\\n')").await?;
        }
        print!("{}", String::from_utf8_lossy(&vfs.read("users.txt").await?));
        println!("{} sessions", store.stats().await?.session_count);
        Ok(())
    })
}
