//! Session stores: more sessions than fit into memory.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::request::Operation;
use crate::result::count;
use crate::runtime::Handle;
use crate::value::Value;

/// How a store is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Its sessions.
    pub session_count: u64,
    /// Those in memory.
    pub resident_count: u64,
    /// Those on disk.
    pub on_disk_count: u64,
    /// What those take.
    pub disk_bytes: u64,
    /// How often a session was moved out of memory.
    pub total_moved: u64,
    /// How often one came back.
    pub total_returned: u64,
}

/// Of its sessions, those that were not used for the longest time are on disk, as images, and come back when they are used.
///
/// Sessions that run, or that have a deleted file open, stay in memory. Forks of its sessions are its sessions, too. Clones are the
/// same store; dropping the last one closes it and its sessions.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let store = eryx::SessionStore::builder().with_max_resident(1).build().await?;
/// let first = eryx::Session::builder().with_store(&store).build().await?;
/// first.execute("x = 1").await?;
/// let second = eryx::Session::builder().with_store(&store).build().await?;
/// second.execute("x = 2").await?; // the first one may go to disk
/// assert_eq!(first.execute("print(x)").await?.stdout, b"1\n");
/// # Ok(()) }) }
/// ```
#[derive(Clone, Debug)]
pub struct SessionStore(Arc<Handle>);

impl SessionStore {
    /// A store to be configured.
    pub fn builder() -> StoreBuilder {
        StoreBuilder(Operation::new("store.new"))
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// How the store is used.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn stats(&self) -> Result<StoreStats> {
        let fields = self.0.operation("stats").perform().await?;
        let number = |name: &str| fields.get(name).and_then(count).unwrap_or(0);
        Ok(StoreStats {
            session_count: number("session_count"),
            resident_count: number("resident_count"),
            on_disk_count: number("on_disk_count"),
            disk_bytes: number("disk_bytes"),
            total_moved: number("total_moved"),
            total_returned: number("total_returned"),
        })
    }

    /// Closes the store and its sessions, and removes its directory.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(self) -> Result<()> {
        self.0.operation("close").perform().await.map(drop)
    }
}

/// Configures a [`SessionStore`].
#[must_use = "nothing is made until `build`"]
pub struct StoreBuilder(Operation);

impl StoreBuilder {
    /// Sessions at rest that are kept in memory at most; default 100.
    pub fn with_max_resident(self, count: u32) -> StoreBuilder {
        StoreBuilder(self.0.with("max_resident", count))
    }

    /// Where the store makes a directory that only the user can read; default the system's for temporary files.
    pub fn with_directory(self, path: impl AsRef<Path>) -> StoreBuilder {
        StoreBuilder(self.0.with("directory", path.as_ref().to_string_lossy().into_owned()))
    }

    /// How much disk its sessions may take; default as much as there is.
    pub fn with_max_disk_bytes(self, bytes: u64) -> StoreBuilder {
        StoreBuilder(self.0.with("max_disk_bytes", Value::from(bytes)))
    }

    /// Makes the store.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) when there is no such directory.
    pub async fn build(self) -> Result<SessionStore> {
        let (handle, _) = Handle::make(self.0, "store").await?;
        Ok(SessionStore(Arc::new(handle)))
    }
}
