package guestfs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// filesystems are the writable filesystems that must behave alike.
var filesystems = map[string]func(t *testing.T, dir string) sys.FS{
	"memory": func(*testing.T, string) sys.FS { return NewMemFS(Limits{}) },
	"volume": func(t *testing.T, dir string) sys.FS {
		return openVolume(t, dir, VolumeOptions{Mode: VolumeReadWrite})
	},
	"root": func(t *testing.T, dir string) sys.FS {
		return slowVolume(t, dir, VolumeOptions{Mode: VolumeReadWrite})
	},
	"quota": func(t *testing.T, dir string) sys.FS {
		return openVolume(t, dir, VolumeOptions{Mode: VolumeReadWrite, QuotaBytes: 1 << 20})
	},
	"cow": func(t *testing.T, dir string) sys.FS { return openVolume(t, dir, VolumeOptions{Mode: VolumeCow}) },
}

// openVolume opens a volume until the test ends.
func openVolume(t *testing.T, path string, options VolumeOptions) *Volume {
	t.Helper()
	v, err := OpenVolume(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// slowVolume opens a volume as on a system where only os.Root is available.
func slowVolume(t *testing.T, path string, options VolumeOptions) *Volume {
	t.Helper()
	v := openVolume(t, path, options)
	v.host.fast.close()
	v.host.fast = nil
	return v
}

// onAll runs a test on each writable filesystem, mounted at "/".
func onAll(t *testing.T, test func(g *guestView)) {
	for name, make := range filesystems {
		t.Run(name, func(t *testing.T) {
			ns, dir := NewNamespace(), t.TempDir()
			if err := ns.Mount("/", make(t, dir), MountOptions{}); err != nil {
				t.Fatal(err)
			}
			if name == "memory" || name == "cow" {
				dir = ""
			}
			test(&guestView{T: t, fs: ns, host: dir})
		})
	}
}

// guestView does what a guest would do, and fails the test if it goes wrong.
type guestView struct {
	*testing.T
	fs   sys.FS
	host string // where the host sees what the guest writes, or empty
}

// symlink makes a link. One that may not lie in a volume is refused, and made
// by the host.
func (g *guestView) symlink(target, link string) {
	g.Helper()
	if g.host == "" || staysInside(target, strings.Count(link, "/")) {
		g.want(0, g.fs.Symlink(target, link), "symlink ", link)
		return
	}
	g.want(sys.EPERM, g.fs.Symlink(target, link), "symlink ", link)
	if err := os.Symlink(target, filepath.Join(g.host, link)); err != nil {
		g.Fatal(err)
	}
}

func (g *guestView) want(errno, got sys.Errno, what ...any) {
	g.Helper()
	if got != errno {
		g.Fatalf("%v: %v (%d), want %v (%d)", fmt.Sprint(what...), Error{got}, got, Error{errno}, errno)
	}
}

func (g *guestView) open(path string, flag sys.Oflag) sys.File {
	g.Helper()
	f, errno := g.fs.OpenFile(path, flag, 0o644)
	g.want(0, errno, "open ", path)
	g.Cleanup(func() { f.Close() })
	return f
}

func (g *guestView) refused(errno sys.Errno, path string, flag sys.Oflag) {
	g.Helper()
	_, got := g.fs.OpenFile(path, flag, 0o644)
	g.want(errno, got, "open ", path)
}

func (g *guestView) write(path, content string) {
	g.Helper()
	f := g.open(path, sys.O_WRONLY|sys.O_CREAT|sys.O_TRUNC)
	g.writeTo(f, content)
	g.want(0, f.Close(), "close")
}

func (g *guestView) writeTo(f sys.File, content string) {
	g.Helper()
	n, errno := f.Write([]byte(content))
	g.want(0, errno, "write")
	if n != len(content) {
		g.Fatalf("wrote %d of %d bytes", n, len(content))
	}
}

func (g *guestView) readFrom(f sys.File) string {
	g.Helper()
	var all bytes.Buffer
	buf := make([]byte, 1000)
	for {
		n, errno := f.Read(buf)
		g.want(0, errno, "read")
		if n == 0 {
			return all.String()
		}
		all.Write(buf[:n])
	}
}

func (g *guestView) content(path, want string) {
	g.Helper()
	f := g.open(path, sys.O_RDONLY)
	defer f.Close()
	if got := g.readFrom(f); got != want {
		g.Fatalf("%s holds %.80q, want %.80q", path, got, want)
	}
}

func (g *guestView) mkdir(path string) {
	g.Helper()
	g.want(0, g.fs.Mkdir(path, 0o755), "mkdir ", path)
}

func (g *guestView) names(path string) string {
	g.Helper()
	f := g.open(path, sys.O_DIRECTORY)
	defer f.Close()
	var names []string
	for {
		page, errno := f.Readdir(3)
		g.want(0, errno, "readdir")
		for _, e := range page {
			names = append(names, e.Name)
		}
		if len(page) < 3 {
			slices.Sort(names)
			return strings.Join(names, " ")
		}
	}
}

func (g *guestView) list(path, want string) {
	g.Helper()
	if got := g.names(path); got != want {
		g.Fatalf("%s lists %q, want %q", path, got, want)
	}
}

func TestReadWriteSeek(t *testing.T) {
	onAll(t, func(g *guestView) {
		f := g.open("f", sys.O_RDWR|sys.O_CREAT)
		g.writeTo(f, "hello world")
		pos, errno := f.Seek(-5, io.SeekEnd)
		g.want(0, errno, "seek")
		if pos != 6 || g.readFrom(f) != "world" {
			g.Fatal("read after seek")
		}
		_, errno = f.Seek(-1, io.SeekStart)
		g.want(sys.EINVAL, errno, "seek before the start")
		_, errno = f.Seek(0, 9)
		g.want(sys.EINVAL, errno, "seek with a bad whence")
		pos, _ = f.Seek(0, io.SeekCurrent)
		if pos != 11 {
			g.Fatal("a failed seek moved the position to ", pos)
		}
		n, errno := f.Pwrite([]byte("J"), 0)
		g.want(0, errno, "pwrite")
		buf := make([]byte, 5)
		m, errno := f.Pread(buf, 0)
		g.want(0, errno, "pread")
		if n != 1 || m != 5 || string(buf) != "Jello" {
			g.Fatalf("pread %q", buf)
		}
		_, errno = f.Pread(buf, -1)
		g.want(sys.EINVAL, errno, "pread")
		_, errno = f.Pwrite(buf, -1)
		g.want(sys.EINVAL, errno, "pwrite")
	})
}

func TestHolesAndTruncate(t *testing.T) {
	onAll(t, func(g *guestView) {
		f := g.open("f", sys.O_RDWR|sys.O_CREAT)
		for _, at := range []int64{10, chunkSize - 1, 3*chunkSize + 5} {
			if _, errno := f.Pwrite([]byte("xy"), at); errno != 0 {
				g.Fatal(errno)
			}
		}
		want := make([]byte, 3*chunkSize+7)
		for _, at := range []int{10, chunkSize - 1, 3*chunkSize + 5} {
			copy(want[at:], "xy")
		}
		g.content("f", string(want))
		g.want(0, f.Truncate(12), "shrink")
		g.want(0, f.Truncate(2*chunkSize), "grow")
		g.content("f", string(append(want[:12:12], make([]byte, 2*chunkSize-12)...)))
		g.want(0, f.Truncate(3), "shrink")
		f.Seek(5, io.SeekStart)
		g.writeTo(f, "z")
		g.content("f", "\x00\x00\x00\x00\x00z")
		g.want(sys.EINVAL, f.Truncate(-1), "negative size")
		r := g.open("f", sys.O_RDONLY)
		g.want(sys.EINVAL, r.Truncate(0), "truncate a file opened for reading")
	})
}

func TestOpenFlags(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		g.write("f", "old")
		g.want(0, g.fs.Symlink("f", "l"), "symlink")
		g.want(0, g.fs.Symlink("d", "ld"), "symlink")
		g.want(0, g.fs.Symlink("nowhere", "dangling"), "symlink")
		create := sys.O_WRONLY | sys.O_CREAT
		for _, c := range []struct {
			path string
			flag sys.Oflag
			want sys.Errno
		}{
			{"missing", sys.O_RDONLY, sys.ENOENT},
			{"missing/x", create, sys.ENOENT},
			{"f/x", sys.O_RDONLY, sys.ENOTDIR},
			{"f/x", create, sys.ENOTDIR},
			{"f/", sys.O_RDONLY, sys.ENOTDIR},
			{"f/.", sys.O_RDONLY, sys.ENOTDIR},
			{"f/..", sys.O_RDONLY, sys.ENOTDIR},
			{"new/", create, sys.EISDIR},
			{"d", sys.O_WRONLY, sys.EISDIR},
			{"d", create, sys.EISDIR},
			{"d", sys.O_RDWR, sys.EISDIR},
			{"d", create | sys.O_EXCL, sys.EEXIST},
			{"f", create | sys.O_EXCL, sys.EEXIST},
			{"l", create | sys.O_EXCL, sys.EEXIST},
			{"dangling", create | sys.O_EXCL, sys.EEXIST},
			{"dangling", sys.O_RDONLY, sys.ENOENT},
			{"f", sys.O_DIRECTORY, sys.ENOTDIR},
			{"l", sys.O_DIRECTORY, sys.ENOTDIR},
			{"l", sys.O_NOFOLLOW, sys.ELOOP},
			{"l/x", sys.O_RDONLY, sys.ENOTDIR},
			{strings.Repeat("n", 256), create, sys.ENAMETOOLONG},
			{strings.Repeat("a/", 2048) + "b", create, sys.ENAMETOOLONG},
			{"nul\x00", create, sys.EINVAL},
			{"", create, sys.ENOENT},
		} {
			g.refused(c.want, c.path, c.flag)
		}
		g.open("ld", sys.O_DIRECTORY)
		g.open("ld/", sys.O_DIRECTORY|sys.O_NOFOLLOW)
		g.write("dangling", "made through a link")
		g.content("nowhere", "made through a link")
		g.open("l", sys.O_WRONLY|sys.O_TRUNC)
		g.content("f", "")
		g.write(strings.Repeat("n", 255), "")
		_, errno := g.open("f", sys.O_WRONLY).Read(make([]byte, 1))
		g.want(sys.EBADF, errno, "read")
		_, errno = g.open("f", sys.O_RDONLY).Write([]byte("x"))
		g.want(sys.EBADF, errno, "write")
		_, errno = g.open("d", sys.O_RDONLY).Read(make([]byte, 1))
		g.want(sys.EISDIR, errno, "read of a directory")
	})
}

func TestAppend(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.write("f", "1")
		a, b := g.open("f", sys.O_WRONLY|sys.O_APPEND), g.open("f", sys.O_RDWR|sys.O_APPEND)
		g.writeTo(a, "2")
		g.writeTo(b, "3")
		a.Seek(0, io.SeekStart)
		g.writeTo(a, "4")
		g.content("f", "1234")
		if !a.IsAppend() {
			g.Fatal("append was forgotten")
		}
		g.want(0, a.SetAppend(false), "set")
		a.Seek(0, io.SeekStart)
		g.writeTo(a, "x")
		g.content("f", "x234")
		g.want(0, a.SetAppend(true), "set")
		g.writeTo(a, "5")
		g.content("f", "x2345")
		if n, _ := b.Pread(make([]byte, 10), 0); n != 5 {
			g.Fatal("pread on an appending file:", n)
		}
	})
}

func TestRemoveWhileOpen(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.write("f", "content")
		f := g.open("f", sys.O_RDWR)
		g.want(0, g.fs.Unlink("f"), "unlink")
		g.refused(sys.ENOENT, "f", sys.O_RDONLY)
		g.write("f", "another")
		f.Seek(0, io.SeekEnd)
		g.writeTo(f, " more")
		f.Seek(0, io.SeekStart)
		if got := g.readFrom(f); got != "content more" {
			g.Fatalf("the removed file holds %q", got)
		}
		st, errno := f.Stat()
		g.want(0, errno, "stat")
		if st.Nlink != 0 {
			g.Fatal("a removed file has links:", st.Nlink)
		}
		g.content("f", "another")
		g.want(0, g.fs.Rename("f", "g"), "rename")
		h := g.open("g", sys.O_RDONLY)
		g.write("other", "other")
		g.want(0, g.fs.Rename("other", "g"), "rename over an open file")
		if got := g.readFrom(h); got != "another" {
			g.Fatalf("the replaced file holds %q", got)
		}
		g.mkdir("d")
		d := g.open("d", sys.O_DIRECTORY)
		g.want(0, g.fs.Rmdir("d"), "rmdir")
		if page, errno := d.Readdir(10); len(page) != 0 || errno != 0 && errno != sys.ENOENT {
			g.Fatal("a removed directory lists", page, errno)
		}
	})
}

func TestRemove(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		g.mkdir("d/e")
		g.write("f", "")
		g.want(0, g.fs.Symlink("d", "ld"), "symlink")
		for _, c := range []struct {
			op   func(string) sys.Errno
			path string
			want sys.Errno
		}{
			{g.fs.Unlink, "missing", sys.ENOENT},
			{g.fs.Unlink, "d", sys.EISDIR},
			{g.fs.Unlink, "d/", sys.EISDIR},
			{g.fs.Unlink, "f/", sys.ENOTDIR},
			{g.fs.Unlink, "f/x", sys.ENOTDIR},
			{g.fs.Unlink, ".", sys.EISDIR},
			{g.fs.Unlink, "ld/", sys.ENOTDIR},
			{g.fs.Rmdir, "missing", sys.ENOENT},
			{g.fs.Rmdir, "f", sys.ENOTDIR},
			{g.fs.Rmdir, "ld", sys.ENOTDIR},
			{g.fs.Rmdir, "ld/", sys.ENOTDIR},
			{g.fs.Rmdir, "d", sys.ENOTEMPTY},
			{g.fs.Rmdir, "d/e/.", sys.EINVAL},
			{g.fs.Rmdir, "d/e/..", sys.ENOTEMPTY},
			{g.fs.Rmdir, ".", EBUSY},
			{g.fs.Rmdir, "/", EBUSY},
			{g.fs.Rmdir, "d/e/", 0},
			{g.fs.Rmdir, "d", 0},
			{g.fs.Rmdir, "d", sys.ENOENT},
			{g.fs.Unlink, "ld", 0},
			{g.fs.Unlink, "f", 0},
		} {
			g.want(c.want, c.op(c.path), c.path)
		}
		g.list("/", "")
	})
}
