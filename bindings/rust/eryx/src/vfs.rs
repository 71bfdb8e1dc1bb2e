//! Files in memory that the host's program and any number of sandboxes and sessions share.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};
use crate::request::{Handler, Operation};
use crate::result::{bytes, count, list};
use crate::runtime::Handle;
use crate::value::{Map, Value};

/// Files in memory, for `with_vfs` of sandboxes and sessions. They outlive those; a snapshot or a fork of a session does not hold them.
///
/// Paths begin at the root of the storage, with or without a slash. Clones are the same storage; it is forgotten when the last one is
/// dropped, and what uses it goes on.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let vfs = eryx::VfsStorage::new().await?;
/// vfs.write("input.txt", "hello").await?;
/// let sandbox = eryx::Sandbox::builder().with_vfs(&vfs).build().await?;
/// sandbox.execute("open('/data/output.txt', 'w').write(open('/data/input.txt').read().upper())").await?;
/// assert_eq!(vfs.read("output.txt").await?, b"HELLO");
/// # Ok(()) }) }
/// ```
#[derive(Clone, Debug)]
pub struct VfsStorage(Arc<Handle>);

/// What a [`VfsEntry`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VfsKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
}

/// A file, directory or link of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VfsEntry {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: VfsKind,
    /// Its permissions.
    pub mode: u32,
    /// What a file holds.
    pub size_bytes: u64,
    /// When it was changed last.
    pub modified: SystemTime,
    /// Where a link leads.
    pub target: Option<PathBuf>,
}

/// What a storage holds, and how much it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VfsUsage {
    /// What is counted against `max_bytes`.
    pub byte_count: u64,
    /// What is counted against `max_files`.
    pub file_count: u64,
    /// Sizes of files, and 128 bytes and the name for each entry.
    pub max_bytes: u64,
    /// Files, directories and links.
    pub max_files: u64,
}

/// How far [`VfsStorage::load`] or [`VfsStorage::save`] has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VfsProgress {
    /// What was copied last.
    pub path: PathBuf,
    /// How many entries in all.
    pub file_count: u64,
    /// How much in all.
    pub byte_count: u64,
}

impl VfsProgress {
    pub(crate) fn of(path: Value, file_count: &Value, byte_count: &Value) -> VfsProgress {
        let number = |value: &Value| count(value).unwrap_or(0);
        VfsProgress { path: to_path(path), file_count: number(file_count), byte_count: number(byte_count) }
    }
}

/// A path as the library wants it: text, or bytes that are none.
fn from_path(path: &Path) -> Value {
    match path.to_str() {
        Some(text) => Value::Text(text.to_owned()),
        None => Value::Bytes(path.as_os_str().as_bytes().to_vec()),
    }
}

fn to_path(value: Value) -> PathBuf {
    match value {
        Value::Text(text) => text.into(),
        Value::Bytes(bytes) => std::ffi::OsString::from_vec(bytes).into(),
        _ => PathBuf::new(),
    }
}

fn entry(value: Value) -> Option<VfsEntry> {
    let mut parts = list(Some(value)).into_iter();
    let path = to_path(parts.next()?);
    let kind = match parts.next()?.as_str()? {
        "directory" => VfsKind::Directory,
        "link" => VfsKind::Link,
        _ => VfsKind::File,
    };
    let mode = u32::try_from(parts.next()?.as_i64()?).ok()?;
    let size_bytes = count(&parts.next()?)?;
    let modified = SystemTime::UNIX_EPOCH + Duration::try_from_secs_f64(parts.next()?.as_f64()?.max(0.0) / 1e3).ok()?;
    let target = parts.next().filter(|target| *target != Value::Null).map(to_path);
    Some(VfsEntry { path, kind, mode, size_bytes, modified, target })
}

fn no_entry() -> Error {
    Error::new("internal", "the library has given no entry")
}

impl VfsStorage {
    /// An empty storage of up to 64 MiB and 100,000 files.
    ///
    /// # Errors
    /// [`Error::Initialization`] when the library is not found.
    pub async fn new() -> Result<VfsStorage> {
        VfsStorage::with_limits(64 << 20, 100_000).await
    }

    /// An empty storage with other limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] for limits that make no sense.
    pub async fn with_limits(max_bytes: u64, max_files: u64) -> Result<VfsStorage> {
        VfsStorage::make(Operation::new("vfs.new").with("max_bytes", max_bytes).with("max_files", max_files)).await
    }

    async fn make(operation: Operation) -> Result<VfsStorage> {
        let (handle, _) = Handle::make(operation, "vfs").await?;
        Ok(VfsStorage(Arc::new(handle)))
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    fn at(&self, name: &str, path: impl AsRef<Path>) -> Operation {
        self.0.operation(name).with("path", from_path(path.as_ref()))
    }

    /// What is in a file.
    ///
    /// # Errors
    /// [`Error::File`], whose `errno` says why, as everything here.
    pub async fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        let mut fields = self.at("read", path).perform().await?;
        Ok(bytes(fields.remove("data").unwrap_or_default()))
    }

    /// Makes a file, or replaces what is in it. The directory must be there.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Limit`].
    pub async fn write(&self, path: impl AsRef<Path>, data: impl AsRef<[u8]>) -> Result<()> {
        let data = Value::Bytes(data.as_ref().to_vec());
        self.at("write", path).with("data", data).perform().await.map(drop)
    }

    /// Makes a directory and those above it. One that is there is no error.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Limit`].
    pub async fn mkdir(&self, path: impl AsRef<Path>) -> Result<()> {
        self.at("mkdir", path).perform().await.map(drop)
    }

    /// Removes a file, a link or an empty directory.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn remove(&self, path: impl AsRef<Path>) -> Result<()> {
        self.at("remove", path).perform().await.map(drop)
    }

    /// Removes a directory with all that is in it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn remove_all(&self, path: impl AsRef<Path>) -> Result<()> {
        self.at("remove", path).with("recursive", true).perform().await.map(drop)
    }

    /// Moves a file, directory or link; what is at the new path is replaced.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn rename(&self, path: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        self.at("rename", path).with("to", from_path(to.as_ref())).perform().await.map(drop)
    }

    /// Makes a link that leads to the target.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Limit`].
    pub async fn symlink(&self, path: impl AsRef<Path>, target: impl AsRef<OsStr>) -> Result<()> {
        self.at("symlink", path).with("target", from_path(Path::new(target.as_ref()))).perform().await.map(drop)
    }

    /// What is at a path; links are followed.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn stat(&self, path: impl AsRef<Path>) -> Result<VfsEntry> {
        let mut fields = self.at("stat", path).perform().await?;
        fields.remove("entry").and_then(entry).ok_or_else(no_entry)
    }

    /// What is at a path, the link itself where there is one.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn symlink_metadata(&self, path: impl AsRef<Path>) -> Result<VfsEntry> {
        let mut fields = self.at("stat", path).with("nofollow", true).perform().await?;
        fields.remove("entry").and_then(entry).ok_or_else(no_entry)
    }

    /// Whether there is something at a path.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn exists(&self, path: impl AsRef<Path>) -> Result<bool> {
        match self.stat(path).await {
            Ok(_) => Ok(true),
            Err(Error::File(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn entries(mut fields: Map) -> Vec<VfsEntry> {
        list(fields.remove("entries")).into_iter().filter_map(entry).collect()
    }

    /// What is in a directory, sorted.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn list(&self, path: impl AsRef<Path>) -> Result<Vec<VfsEntry>> {
        self.at("list", path).perform().await.map(VfsStorage::entries)
    }

    /// All that is below a directory, each directory before what is in it; links are not followed.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn walk(&self, path: impl AsRef<Path>) -> Result<Vec<VfsEntry>> {
        self.at("list", path).with("recursive", true).perform().await.map(VfsStorage::entries)
    }

    /// What the storage holds, and how much it may.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn usage(&self) -> Result<VfsUsage> {
        let fields = self.0.operation("usage").perform().await?;
        let number = |name: &str| fields.get(name).and_then(count).unwrap_or(0);
        Ok(VfsUsage {
            byte_count: number("byte_count"),
            file_count: number("file_count"),
            max_bytes: number("max_bytes"),
            max_files: number("max_files"),
        })
    }

    /// All that the storage holds, as bytes.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn snapshot(&self) -> Result<Vec<u8>> {
        let mut fields = self.0.operation("snapshot").perform().await?;
        Ok(bytes(fields.remove("data").unwrap_or_default()))
    }

    /// Replaces all by a snapshot, which may come from anywhere. Files that programs have open stay as they are.
    ///
    /// # Errors
    /// [`Error::Snapshot`], [`Error::Limit`]; then nothing has changed.
    pub async fn restore(&self, snapshot: impl AsRef<[u8]>) -> Result<()> {
        self.0.operation("restore").with("data", Value::Bytes(snapshot.as_ref().to_vec())).perform().await.map(drop)
    }

    /// An independent copy; contents are copied when one of the two changes them.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn fork(&self) -> Result<VfsStorage> {
        VfsStorage::make(self.0.operation("fork")).await
    }

    /// Copies a directory or zip file of the host into a directory of the storage.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Limit`].
    pub async fn load(&self, host_path: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
        let host_path = host_path.as_ref().to_string_lossy().into_owned();
        self.at("load", path).with("host_path", host_path).perform().await.map(drop)
    }

    /// [`load`](VfsStorage::load) that tells how far it has come.
    ///
    /// # Errors
    /// As `load`.
    pub async fn load_with_progress(
        &self,
        host_path: impl AsRef<Path>,
        path: impl AsRef<Path>,
        progress: impl FnMut(VfsProgress) + Send + 'static,
    ) -> Result<()> {
        let host_path = host_path.as_ref().to_string_lossy().into_owned();
        told(self.at("load", path).with("host_path", host_path), Box::new(progress)).perform().await.map(drop)
    }

    /// Copies the files of a zip file into a directory of the storage.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Limit`], [`Error::Invalid`] for bytes that are no zip file.
    pub async fn load_zip(&self, zip: impl AsRef<[u8]>, path: impl AsRef<Path>) -> Result<()> {
        self.at("load", path).with("data", Value::Bytes(zip.as_ref().to_vec())).perform().await.map(drop)
    }

    /// Copies a directory of the storage to one of the host, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn save(&self, host_path: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
        let host_path = host_path.as_ref().to_string_lossy().into_owned();
        self.at("save", path).with("host_path", host_path).perform().await.map(drop)
    }

    /// [`save`](VfsStorage::save) that tells how far it has come.
    ///
    /// # Errors
    /// As `save`.
    pub async fn save_with_progress(
        &self,
        host_path: impl AsRef<Path>,
        path: impl AsRef<Path>,
        progress: impl FnMut(VfsProgress) + Send + 'static,
    ) -> Result<()> {
        let host_path = host_path.as_ref().to_string_lossy().into_owned();
        told(self.at("save", path).with("host_path", host_path), Box::new(progress)).perform().await.map(drop)
    }

    /// A directory of the storage as a zip file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub async fn to_zip(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        let mut fields = self.at("save", path).perform().await?;
        Ok(bytes(fields.remove("data").unwrap_or_default()))
    }

    /// Forgets the storage for all its clones; what uses it goes on.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(self) -> Result<()> {
        self.0.operation("close").perform().await.map(drop)
    }
}

fn told(mut operation: Operation, progress: Handler<VfsProgress>) -> Operation {
    operation.handlers.transfer = Some(progress);
    operation.with("transfer_events", true)
}
