//! Storages of files.

use std::sync::{Arc, Mutex};

use eryx::{Error, Sandbox, Session, VfsKind, VfsStorage};

use crate::support::block_on;

#[test]
fn programs_and_the_host_share_files() {
    block_on(async {
        let vfs = VfsStorage::new().await.unwrap();
        vfs.mkdir("a/b").await.unwrap();
        vfs.write("a/b/in.txt", "hello").await.unwrap();
        let sandbox = Sandbox::builder().with_vfs(&vfs).with_vfs_mount_path("/work").build().await.unwrap();
        let session = Session::builder().with_vfs(&vfs).build().await.unwrap();
        sandbox.execute("open('/work/out.txt', 'w').write(open('/work/a/b/in.txt').read() + '!')").await.unwrap();
        assert_eq!(session.execute("print(open('/data/out.txt').read())").await.unwrap().stdout, b"hello!\n");
        assert_eq!(vfs.read("/out.txt").await.unwrap(), b"hello!");
        let entry = vfs.stat("out.txt").await.unwrap();
        assert_eq!((entry.kind, entry.size_bytes), (VfsKind::File, 6));
        let names: Vec<_> = vfs.list("/").await.unwrap().into_iter().map(|entry| entry.path).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(vfs.walk("/").await.unwrap().len(), 4);
        assert!(vfs.usage().await.unwrap().byte_count > 11);
    });
}

#[test]
fn files_are_changed() {
    block_on(async {
        let vfs = VfsStorage::new().await.unwrap();
        vfs.write("one", "1").await.unwrap();
        vfs.rename("one", "two").await.unwrap();
        vfs.symlink("link", "two").await.unwrap();
        assert_eq!(vfs.read("link").await.unwrap(), b"1");
        let link = vfs.symlink_metadata("link").await.unwrap();
        assert_eq!((link.kind, link.target.unwrap().to_str()), (VfsKind::Link, Some("two")));
        assert!(!vfs.exists("one").await.unwrap() && vfs.exists("two").await.unwrap());
        let error = vfs.read("one").await.unwrap_err();
        assert!(matches!(&error, Error::File(failure) if failure.errno.as_deref() == Some("ENOENT")), "{error:?}");
        vfs.mkdir("folder").await.unwrap();
        vfs.write("folder/x", "x").await.unwrap();
        assert!(vfs.remove("folder").await.is_err());
        vfs.remove_all("folder").await.unwrap();
        let small = VfsStorage::with_limits(1000, 10).await.unwrap();
        assert!(matches!(small.write("large", [0; 2000]).await.unwrap_err(), Error::Limit(_)));
    });
}

#[test]
fn snapshots_forks_and_copies() {
    block_on(async {
        let vfs = VfsStorage::new().await.unwrap();
        vfs.write("file", "before").await.unwrap();
        let snapshot = vfs.snapshot().await.unwrap();
        let fork = vfs.fork().await.unwrap();
        vfs.write("file", "after").await.unwrap();
        assert_eq!(fork.read("file").await.unwrap(), b"before");
        vfs.restore(&snapshot).await.unwrap();
        assert_eq!(vfs.read("file").await.unwrap(), b"before");

        let folder = tempfile::tempdir().unwrap();
        let steps: Arc<Mutex<Vec<u64>>> = Arc::default();
        let told = steps.clone();
        let target = folder.path().join("out");
        vfs.save_with_progress(&target, "/", move |progress| told.lock().unwrap().push(progress.file_count))
            .await
            .unwrap();
        assert_eq!(std::fs::read(target.join("file")).unwrap(), b"before");
        assert!(!steps.lock().unwrap().is_empty());
        let other = VfsStorage::new().await.unwrap();
        other.load(&target, "copy").await.unwrap();
        other.load_with_progress(&target, "again", |_| ()).await.unwrap();
        other.load_zip(vfs.to_zip("/").await.unwrap(), "zipped").await.unwrap();
        other.save(folder.path().join("all"), "/").await.unwrap();
        for place in ["copy", "again", "zipped"] {
            assert_eq!(other.read(format!("{place}/file")).await.unwrap(), b"before");
            assert!(folder.path().join("all").join(place).join("file").exists());
        }
        vfs.close().await.unwrap();
    });
}
