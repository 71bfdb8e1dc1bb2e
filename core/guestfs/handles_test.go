package guestfs

import (
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// checkHandle checks what an open file or directory says about itself, and
// that it is unusable once closed.
func checkHandle(g *guestView, path string, dir bool) {
	g.Helper()
	flag := sys.O_RDONLY
	if dir {
		flag = sys.O_DIRECTORY
	}
	f, st := g.open(path, flag), g.stat(path)
	ino, errno := f.Ino()
	g.want(0, errno, "ino")
	dev, errno := f.Dev()
	g.want(0, errno, "dev")
	isDir, errno := f.IsDir()
	g.want(0, errno, "is directory")
	open, errno := f.Stat()
	g.want(0, errno, "fstat")
	if ino != st.Ino || dev != st.Dev || isDir != dir || open.Ino != ino || open.Dev != dev || f.IsAppend() {
		g.Fatal(path, ino, dev, isDir, open, st)
	}
	g.want(0, f.Sync(), "sync")
	g.want(0, f.Datasync(), "datasync")
	if dir {
		checkDirHandle(g, f)
	} else {
		_, errno = f.Readdir(1)
		g.want(sys.ENOTDIR, errno, "readdir of a file")
	}
	g.want(0, f.Close(), "close")
	g.want(0, f.Close(), "close again")
	if _, errno = f.Readdir(1); errno == 0 {
		g.Fatal("a closed directory can be read")
	}
	if _, errno = f.Read(make([]byte, 1)); errno == 0 {
		g.Fatal("a closed file can be read")
	}
}

func checkDirHandle(g *guestView, f sys.File) {
	g.Helper()
	_, errno := f.Pread(make([]byte, 1), 0)
	g.want(sys.EISDIR, errno, "pread")
	_, errno = f.Write([]byte("x"))
	g.want(sys.EBADF, errno, "write")
	_, errno = f.Pwrite([]byte("x"), 0)
	g.want(sys.EBADF, errno, "pwrite")
	_, errno = f.Seek(1, io.SeekStart)
	g.want(sys.EINVAL, errno, "seek")
	if errno = f.Truncate(0); errno != sys.EISDIR && errno != sys.EINVAL {
		g.Fatal("truncate:", errno)
	}
	all, errno := f.Readdir(0)
	g.want(0, errno, "readdir")
	_, errno = f.Seek(0, io.SeekStart)
	g.want(0, errno, "rewind")
	again, errno := f.Readdir(-1)
	g.want(0, errno, "readdir")
	if len(all) == 0 || len(all) != len(again) {
		g.Fatal("listed", len(all), "and then", len(again))
	}
	for _, e := range all {
		if e.Ino == 0 {
			g.Fatal("no inode number:", e)
		}
	}
}

func TestHandles(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		g.write("d/f", "x")
		checkHandle(g, "d/f", false)
		checkHandle(g, "d", true)
		f := g.open("d/f", sys.O_RDWR)
		f.Close()
		_, errno := f.Stat()
		g.want(sys.EBADF, errno, "stat")
		_, errno = f.Write([]byte("x"))
		g.want(sys.EBADF, errno, "write")
		_, errno = f.Seek(0, io.SeekStart)
		g.want(sys.EBADF, errno, "seek")
		g.want(sys.EBADF, f.Truncate(0), "truncate")
		g.want(sys.EBADF, f.Utimens(0, 0), "utimens")
		g.want(sys.EBADF, f.SetAppend(true), "append")
	})
}

func TestHandlesOfReadOnly(t *testing.T) {
	archive, err := NewArchiveBytes(zipOf(t, nil, [2]string{"d/f", "x"}), ArchiveLimits{})
	must(t, err)
	g := mounted(t, map[string]sys.FS{
		"/archive":      archive,
		"/adapted":      AdaptFS(fstest.MapFS{"d/f": {Data: []byte("x")}}),
		"/memory":       ReadOnly(memory(t, map[string]string{"d/f": "x"})),
		"/memory/d/sub": memory(t, map[string]string{"d/f": "x"}),
		"/held/d/sub":   memory(t, map[string]string{"d/f": "x"}),
	})
	for _, path := range []string{"/archive/d", "/adapted/d", "/memory/d", "/memory/d/sub/d", "/held/d/sub/d"} {
		checkHandle(g, path, true)
		if path != "/memory/d/sub" {
			checkHandle(g, path+"/f", false)
		}
	}
	for _, path := range []string{"/", "/held", "/held/d", "/held/d/sub", "/memory/d"} {
		checkHandle(g, path, true)
	}
	g.want(sys.EROFS, g.open("/held", sys.O_DIRECTORY).Utimens(1, 1), "utimens")
	g.want(sys.EROFS, g.open("/memory/d", sys.O_DIRECTORY).Utimens(1, 1), "utimens")
	g.want(sys.EROFS, g.open("/archive/d", sys.O_DIRECTORY).Utimens(1, 1), "utimens")
}

// Filesystems without a Namespace keep to its contract: a link is ELOOP.
func TestLinksAreForTheNamespace(t *testing.T) {
	archive, err := NewArchiveBytes(zipOf(t, map[string]fs.FileMode{"l": fs.ModeSymlink | 0o777}, [2]string{"d/f", "x"},
		[2]string{"l", "d"}), ArchiveLimits{})
	must(t, err)
	for name, filesystem := range map[string]sys.FS{
		"archive": archive,
		"adapted": AdaptFS(fstest.MapFS{"d/f": {Data: []byte("x")}, "l": {Data: []byte("d"), Mode: fs.ModeSymlink}}),
		"memory":  linkedMemory(t),
		"view":    ReadOnly(linkedMemory(t)),
		"cow":     NewCow(linkedMemory(t), Limits{}),
		"volume":  linkedVolume(t),
	} {
		g := &guestView{T: t, fs: filesystem}
		for _, path := range []string{"l", "l/f", "l/f/x"} {
			_, errno := filesystem.Stat(path)
			g.want(sys.ELOOP, errno, name, " stat ", path)
			g.refused(sys.ELOOP, path, sys.O_RDONLY)
		}
		st, errno := filesystem.Stat("d/f")
		g.want(0, errno, name)
		if st.Size != 1 {
			t.Fatal(st)
		}
		if target, errno := filesystem.Readlink("l"); target != "d" || errno != 0 {
			t.Fatal(name, target, errno)
		}
		_, errno = filesystem.Readlink("d/f")
		g.want(sys.EINVAL, errno, name)
	}
}

func linkedMemory(t *testing.T) *MemFS {
	m := memory(t, map[string]string{"d/f": "x"})
	if errno := m.Symlink("d", "l"); errno != 0 {
		t.Fatal(errno)
	}
	return m
}

func linkedVolume(t *testing.T) sys.FS {
	dir := t.TempDir()
	must(t, StorageOf(linkedMemory(t)).SaveDir(t.Context(), "", dir, nil))
	return openVolume(t, dir, VolumeOptions{Mode: VolumeReadWrite})
}

// seekFS has files that can seek but not be read at a place.
type seekFS struct{ fs.FS }

// Open implements fs.FS.
func (s seekFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if r, ok := f.(io.ReadSeeker); ok {
		return struct {
			fs.File
			io.Seeker
		}{f, r}, err
	}
	return f, err
}

func TestAdaptFSOfSeekers(t *testing.T) {
	g := mounted(t, map[string]sys.FS{"/m": AdaptFS(seekFS{fstest.MapFS{"f": {Data: []byte(strings.Repeat("content", 1000))}}})})
	g.content("/m/f", strings.Repeat("content", 1000))
	buf := make([]byte, 10)
	if n, errno := g.open("/m/f", sys.O_RDONLY).Pread(buf, 6996); n != 4 || errno != 0 || string(buf[:n]) != "tent" {
		t.Fatal(n, errno, buf)
	}
}

func TestSetLimits(t *testing.T) {
	s := storageWith(t, map[string]string{"f": "0123456789"})
	s.FS().SetLimits(Limits{MaxBytes: 50})
	if s.FS().Limits() != (Limits{50, DefaultMaxFiles}) {
		t.Fatal(s.FS().Limits())
	}
	wantFile(t, s, "f", "0123456789")
	g := &guestView{T: t, fs: s.ns}
	_, errno := g.open("f", sys.O_WRONLY|sys.O_APPEND).Write([]byte("x"))
	g.want(ENOSPC, errno, "write beyond the new limit")
	g.want(ENOSPC, g.fs.Rename("f", "longer"), "a longer name beyond the new limit")
	g.open("f", sys.O_WRONLY|sys.O_TRUNC).Close()
}
