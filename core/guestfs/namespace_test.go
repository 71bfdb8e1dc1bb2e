package guestfs

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/eryx-go/eryx/core/guest/wasip1"
)

// mounted is a guest's view of filesystems mounted at paths.
func mounted(t *testing.T, mounts map[string]sys.FS) *guestView {
	t.Helper()
	ns := NewNamespace()
	for path, filesystem := range mounts {
		if err := ns.Mount(path, filesystem, MountOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return &guestView{T: t, fs: ns}
}

func memory(t *testing.T, files map[string]string) *MemFS {
	t.Helper()
	s := NewStorage(Limits{})
	for name, content := range files {
		if err := s.MkdirAll(parent(rooted(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := s.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s.FS()
}

func TestErrnosAreThoseOfWASI(t *testing.T) {
	for ours, theirs := range map[sys.Errno]sys.Errno{
		ErrnoBase: wasip1.ErrnoBase, EBUSY: wasip1.EBUSY, EFBIG: wasip1.EFBIG, EMFILE: wasip1.EMFILE,
		EMLINK: wasip1.EMLINK, ENOSPC: wasip1.ENOSPC, ENXIO: wasip1.ENXIO, ESTALE: wasip1.ESTALE, EXDEV: wasip1.EXDEV,
	} {
		if ours != theirs {
			t.Errorf("%d here, %d there", ours, theirs)
		}
	}
}

func TestMountErrors(t *testing.T) {
	ns := NewNamespace()
	for _, path := range []string{"", "../x", "/a/../b", "/a\x00", strings.Repeat("x", 300)} {
		if ns.Mount(path, NewMemFS(Limits{}), MountOptions{}) == nil {
			t.Errorf("mounted at %q", path)
		}
	}
	if ns.Mount("/a", nil, MountOptions{}) == nil {
		t.Error("mounted nothing")
	}
	if err := ns.Mount("/a/b/", NewMemFS(Limits{}), MountOptions{}); err != nil {
		t.Fatal(err)
	}
	if ns.Mount("a/b", NewMemFS(Limits{}), MountOptions{}) == nil {
		t.Error("mounted twice at a path")
	}
}

func TestMountsInListings(t *testing.T) {
	g := mounted(t, map[string]sys.FS{
		"/":             memory(t, map[string]string{"/etc/hosts": "x", "/data": "a file under a mount point", "/mnt/own": ""}),
		"/data":         memory(t, map[string]string{"/f": "data"}),
		"/data/inner":   memory(t, map[string]string{"/g": "inner"}),
		"/mnt/vol/deep": memory(t, map[string]string{"/h": "deep"}),
		"/etc/hosts":    memory(t, nil),
	})
	g.list("/", "data etc mnt")
	g.list("/data", "f inner")
	g.list("/mnt", "own vol")
	g.list("/mnt/vol", "deep")
	g.content("/mnt/vol/deep/h", "deep")
	g.content("/data/../data/inner/../inner/g", "inner")
	g.list("/etc/hosts", "") // a directory is mounted over the file
	for _, path := range []string{"/data", "/data/inner", "/mnt/vol", "/mnt", "/mnt/vol/deep", "/"} {
		if st := g.stat(path); !st.Mode.IsDir() || st.Ino == 0 || st.Dev == 0 {
			g.Fatal(path, st)
		}
		g.want(EBUSY, g.fs.Rmdir(path), "rmdir ", path)
		g.want(sys.EISDIR, g.fs.Unlink(path), "unlink ", path)
		g.want(EBUSY, g.fs.Rename(path, "/new"), "rename ", path)
		g.want(EBUSY, g.fs.Rename("/etc", path), "rename to ", path)
		g.want(sys.EEXIST, g.fs.Mkdir(path, 0o755), "mkdir ", path)
		g.want(sys.EEXIST, g.fs.Symlink("x", path), "symlink ", path)
		g.refused(sys.EISDIR, path, sys.O_WRONLY|sys.O_CREAT)
	}
	g.want(sys.EROFS, g.fs.Mkdir("/mnt/vol/new", 0o755), "in a directory that is only on the way")
	g.refused(sys.EROFS, "/mnt/vol/new", sys.O_WRONLY|sys.O_CREAT)
	g.refused(sys.ENOENT, "/mnt/vol/new", sys.O_RDONLY)
	g.want(sys.EROFS, g.fs.Chmod("/mnt/vol", 0o700), "chmod")
	g.mkdir("/mnt/made")
	if a, b := g.stat("/data"), g.stat("/data/inner"); a.Dev == b.Dev {
		g.Fatal("two mounts have the same device")
	}
	f := g.open("/data/f", sys.O_RDONLY)
	st, _ := f.Stat()
	if dev, _ := f.Dev(); dev != g.stat("/data").Dev || st.Dev != dev {
		g.Fatal("device of an open file:", dev, st.Dev)
	}
}

func TestEmptyNamespace(t *testing.T) {
	g := mounted(t, nil)
	g.list("/", "")
	g.refused(sys.EROFS, "f", sys.O_WRONLY|sys.O_CREAT)
	g.refused(sys.ENOENT, "f", sys.O_RDONLY)
	g.want(sys.EROFS, g.fs.Mkdir("d", 0o755), "mkdir")
	g.want(sys.ENOENT, g.fs.Unlink("f"), "unlink")
	d := g.open("/", sys.O_DIRECTORY)
	if st, errno := d.Stat(); errno != 0 || !st.Mode.IsDir() {
		g.Fatal(st, errno)
	}
	_, errno := d.Read(make([]byte, 1))
	g.want(sys.EISDIR, errno, "read")
	g.want(0, d.Close(), "close")
	_, errno = d.Readdir(1)
	g.want(sys.EBADF, errno, "readdir after close")
}

func TestLinksAcrossMounts(t *testing.T) {
	a, b := memory(t, map[string]string{"/f": "in a", "/d/g": "g in a"}), memory(t, map[string]string{"/f": "in b"})
	g := mounted(t, map[string]sys.FS{"/a": a, "/a/d/b": b, "/b": b})
	for link, target := range map[string]string{
		"/a/to-b": "/b", "/a/rel": "../b/f", "/b/back": "/a/to-b/back2", "/b/back2": "../a/f", "/a/under": "d/b/f",
	} {
		g.want(0, g.fs.Symlink(target, link), "symlink")
	}
	g.content("/a/to-b/f", "in b")
	g.content("/a/rel", "in b")
	g.content("/b/back", "in a")
	g.content("/a/under", "in b")
	g.content("/a/to-b/../a/f", "in a")
	g.want(EXDEV, g.fs.Rename("/a/f", "/b/f2"), "rename")
	g.want(EXDEV, g.fs.Rename("/a/f", "/a/to-b/f2"), "rename through a link")
	g.want(EXDEV, g.fs.Link("/a/f", "/b/f2"), "link")
	g.want(sys.EEXIST, g.fs.Link("/a/f", "/b"), "link")
	g.want(EXDEV, g.fs.Link("/a/f", "/a/to-b/f2"), "link through a link")
	g.want(0, g.fs.Rename("/b/f", "/a/to-b/f2"), "rename within a mount, through a link of another")
	g.content("/b/f2", "in b")
	// The same filesystem is mounted twice: still two mounts.
	g.want(EXDEV, g.fs.Rename("/b/f2", "/a/d/b/f3"), "rename")
}

func TestReadOnlyMount(t *testing.T) {
	mem := memory(t, map[string]string{"/d/f": "content"})
	if errno := mem.Symlink("d/f", "l"); errno != 0 {
		t.Fatal(errno)
	}
	ns := NewNamespace()
	if err := ns.Mount("/", mem, MountOptions{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	everythingIsReadOnly(&guestView{T: t, fs: ns}, "/d/f", "/l", "/d")
}

// everythingIsReadOnly checks that a file, a link to it and its directory
// cannot be changed.
func everythingIsReadOnly(g *guestView, file, link, dir string) {
	g.Helper()
	before := g.stat(file)
	g.content(file, "content")
	g.open(file, sys.O_CREAT) // it is there: nothing to create
	for _, flag := range []sys.Oflag{
		sys.O_WRONLY, sys.O_RDWR, sys.O_TRUNC, sys.O_WRONLY | sys.O_TRUNC | sys.O_CREAT, sys.O_WRONLY | sys.O_APPEND,
	} {
		g.refused(sys.EROFS, file, flag)
		g.refused(sys.EROFS, link, flag)
	}
	new := dir + "/new"
	g.refused(sys.EROFS, new, sys.O_CREAT|sys.O_WRONLY)
	g.refused(sys.EROFS, new, sys.O_CREAT|sys.O_EXCL)
	g.refused(sys.EEXIST, file, sys.O_CREAT|sys.O_EXCL)
	g.refused(sys.ENOENT, new, sys.O_WRONLY)
	g.refused(sys.EISDIR, dir, sys.O_WRONLY)
	g.want(sys.EROFS, g.fs.Mkdir(new, 0o755), "mkdir")
	g.want(sys.EEXIST, g.fs.Mkdir(file, 0o755), "mkdir")
	g.want(sys.ENOENT, g.fs.Mkdir(new+"/x", 0o755), "mkdir")
	g.want(sys.ENOTDIR, g.fs.Mkdir(file+"/x", 0o755), "mkdir")
	g.want(sys.EROFS, g.fs.Rename(file, new), "rename")
	g.want(sys.EROFS, g.fs.Unlink(file), "unlink")
	g.want(sys.EROFS, g.fs.Unlink(link), "unlink")
	g.want(sys.ENOENT, g.fs.Unlink(new), "unlink")
	g.want(sys.EISDIR, g.fs.Unlink(dir), "unlink")
	g.want(sys.EROFS, g.fs.Rmdir(dir), "rmdir")
	g.want(sys.ENOTDIR, g.fs.Rmdir(file), "rmdir")
	g.want(sys.EROFS, g.fs.Symlink("x", new), "symlink")
	g.want(sys.EROFS, g.fs.Link(file, new), "link")
	g.want(sys.EROFS, g.fs.Chmod(file, 0o777), "chmod")
	g.want(sys.EROFS, g.fs.Chmod(link, 0o777), "chmod")
	g.want(sys.EROFS, g.fs.Utimens(file, 1, 1), "utimens")
	f := g.open(file, sys.O_RDONLY)
	_, errno := f.Write([]byte("x"))
	g.want(sys.EBADF, errno, "write")
	_, errno = f.Pwrite([]byte("x"), 0)
	g.want(sys.EBADF, errno, "pwrite")
	g.want(sys.EINVAL, f.Truncate(0), "truncate")
	g.want(sys.EROFS, f.Utimens(1, 1), "futimens")
	after := g.stat(file)
	before.Atim, after.Atim = 0, 0
	if before != after {
		g.Fatal("something has changed:", before, after)
	}
	g.content(file, "content")
	if st, errno := g.fs.Lstat(link); errno != 0 || st.Mode.Type() != fs.ModeSymlink {
		g.Fatal("the link:", st, errno)
	}
}
