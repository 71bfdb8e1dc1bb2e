package wasip1

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// path runs a function whose arguments end with a path, after others.
func (g *guest) path(name, path string, before ...uint64) errno {
	ptr, n := g.put(atPath, path)
	return g.call(name, append(before, ptr, n)...)
}

func TestOpenErrors(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("dir/file", "x")
	for _, test := range []struct {
		path   string
		oflags uint32
		rights uint64
		want   errno
	}{
		{"missing", 0, readRights, enoent},
		{"missing/below", oflagCreat, rightsFile, enoent},
		{"dir/file/below", 0, readRights, enotdir},
		{"dir/file", oflagDirectory, readRights, enotdir},
		{"dir/file", oflagCreat | oflagExcl, rightsFile, eexist},
		{"dir", 0, rightsFile, eisdir},
		{"new", oflagCreat | oflagDirectory, rightsFile, einval},
		{"dir", 1 << 4, readRights, einval},
		{"/dir/file", 0, readRights, eperm},
		{"", 0, readRights, enoent},
		{"nul\x00byte", 0, readRights, einval},
		{strings.Repeat("a/", 2049), 0, readRights, enametoolong},
	} {
		if fd, e := g.open(test.path, test.oflags, test.rights, 0); e != test.want {
			t.Errorf("open %q with %d: descriptor %d, %v; want %v", test.path, test.oflags, fd, e, test.want)
		}
	}
}

func TestOpenFlagsAndLookup(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "content")
	if err := os.Symlink("f", filepath.Join(g.dir, "link")); err != nil {
		t.Fatal(err)
	}
	g.mustRead(g.mustOpen("link", 0, readRights, 0), 100, "content")
	ptr, n := g.put(atPath, "link")
	g.want(eloop, "path_open", 3, 0, ptr, n, 0, readRights, 0, 0, atOut)
	g.want(einval, "path_open", 3, 2, ptr, n, 0, readRights, 0, 0, atOut)
	g.want(einval, "path_open", 3, 0, ptr, n, 0, readRights, 0, 1<<5, atOut)
	g.mustOpen("f", oflagTrunc, writeRights, 0)
	if got := g.hostContent("f"); got != "" {
		t.Fatalf("after O_TRUNC: %q", got)
	}
}

func TestOpenRelativeToDirectory(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("a/b/f", "deep")
	dir := g.mustOpen("a", oflagDirectory, readRights, 0)
	ptr, n := g.put(atPath, "b/f")
	g.want(success, "path_open", dir, 1, ptr, n, 0, readRights, 0, 0, atOut)
	g.mustRead(uint64(g.u32(atOut)), 10, "deep")

	// The directory is renamed: its descriptor goes with it.
	old, oldLen := g.put(atPath2, "a")
	to, toLen := g.put(atPath2+100, "moved")
	g.want(success, "path_rename", 3, old, oldLen, 3, to, toLen)
	g.want(success, "path_open", dir, 1, ptr, n, 0, readRights, 0, 0, atOut)
	g.mustRead(uint64(g.u32(atOut)), 10, "deep")
	file := g.mustOpen("moved/b/f", 0, readRights, 0)
	g.want(enotdir, "path_open", file, 1, ptr, n, 0, readRights, 0, 0, atOut)
	g.want(ebadf, "path_open", 99, 1, ptr, n, 0, readRights, 0, 0, atOut)
	g.want(enotdir, "path_open", 1, 1, ptr, n, 0, readRights, 0, 0, atOut)
}

func TestRightsOnlyShrink(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("d/f", "x")
	ptr, n := g.put(atPath, "d")
	// A directory through which files can only be read.
	g.want(success, "path_open", 3, 1, ptr, n, oflagDirectory, ^uint64(rightFDWrite), rightFDRead, 0, atOut)
	dir := uint64(g.u32(atOut))
	ptr, n = g.put(atPath, "f")
	g.want(success, "path_open", dir, 1, ptr, n, 0, ^uint64(0), ^uint64(0), 0, atOut)
	file := uint64(g.u32(atOut))
	if _, e := g.write(file, "y"); e != ebadf {
		t.Fatalf("write: %v", e)
	}
	g.want(espipe, "fd_pread", file, atIovec, 1, 0, atOut) // nor seek
	g.want(enotcapable, "fd_fdstat_set_rights", file, rightFDRead|rightFDWrite, 0)
	g.want(enotcapable, "fd_fdstat_set_rights", file, rightFDRead, 1)
	g.want(success, "fd_fdstat_set_rights", file, 0, 0)
	if _, e := g.read(file, 1); e != ebadf {
		t.Fatalf("read: %v", e)
	}
	// A directory in which nothing can be changed.
	g.want(success, "fd_fdstat_set_rights", dir, rightPathOpen, 0)
	ptr, n = g.put(atPath, "new")
	g.want(enotcapable, "path_open", dir, 1, ptr, n, oflagCreat, ^uint64(0), 0, 0, atOut)
	g.want(enotcapable, "path_open", dir, 1, ptr, n, oflagTrunc, ^uint64(0), 0, 0, atOut)
	g.want(enotcapable, "path_create_directory", dir, ptr, n)
	g.want(enotcapable, "path_unlink_file", dir, ptr, n)
	g.want(enotcapable, "path_filestat_get", dir, 1, ptr, n, atOut)
	g.want(enotcapable, "fd_readdir", dir, atData, 100, 0, atOut)
}

func TestDirectoriesAndRemoval(t *testing.T) {
	g := newGuest(t, Config{})
	for _, step := range []struct {
		name, path string
		want       errno
	}{
		{"path_create_directory", "d", success},
		{"path_create_directory", "d", eexist},
		{"path_create_directory", "no/d", enoent},
		{"path_unlink_file", "d", eisdir},
		{"path_create_directory", "d/e", success},
		{"path_remove_directory", "d", enotempty},
		{"path_remove_directory", "d/e", success},
		{"path_remove_directory", "d", success},
		{"path_remove_directory", "d", enoent},
		{"path_unlink_file", "d", enoent},
	} {
		if e := g.path(step.name, step.path, 3); e != step.want {
			t.Fatalf("%s %q: %v, want %v", step.name, step.path, e, step.want)
		}
	}
	g.hostFile("f", "x")
	if e := g.path("path_remove_directory", "f", 3); e != enotdir {
		t.Fatal(e)
	}
	if e := g.path("path_unlink_file", "f", 3); e != success {
		t.Fatal(e)
	}
}

func TestLinks(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "linked")
	target, targetLen := g.put(atPath, "f")
	name, nameLen := g.put(atPath2, "soft")
	g.want(success, "path_symlink", target, targetLen, 3, name, nameLen)
	g.want(success, "path_readlink", 3, name, nameLen, atData, 100, atOut)
	if got := string(g.mem[atData : atData+g.u32(atOut)]); got != "f" {
		t.Fatalf("target %q", got)
	}
	g.want(einval, "path_readlink", 3, name, nameLen, atData, 0, atOut)
	g.want(einval, "path_readlink", 3, target, targetLen, atData, 100, atOut) // not a link
	g.want(enoent, "path_symlink", target, 0, 3, name, nameLen)
	g.want(enotsup, "path_link", 3, lookupFollow, name, nameLen, 3, target, targetLen)
	g.want(enotsup, "path_filestat_set_times", 3, 0, name, nameLen, 0, 0, fstflagMtimNow)

	hard, hardLen := g.put(atPath2, "hard")
	g.want(success, "path_link", 3, 0, target, targetLen, 3, hard, hardLen)
	g.want(success, "path_filestat_get", 3, 1, hard, hardLen, atOut)
	if links := g.u64(atOut + 24); links != 2 {
		t.Fatalf("%d links", links)
	}
	if got := g.hostContent("hard"); got != "linked" {
		t.Fatalf("the link holds %q", got)
	}
}

func TestReadlinkCutsOff(t *testing.T) {
	g := newGuest(t, Config{})
	if err := os.Symlink("a-long-target", filepath.Join(g.dir, "l")); err != nil {
		t.Fatal(err)
	}
	ptr, n := g.put(atPath, "l")
	g.want(success, "path_readlink", 3, ptr, n, atData, 6, atOut)
	if got := string(g.mem[atData : atData+g.u32(atOut)]); got != "a-long" {
		t.Fatalf("target %q", got)
	}
}

func TestFilestat(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "12345")
	if err := os.Symlink("f", filepath.Join(g.dir, "l")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path   string
		lookup uint64
		typ    byte
		size   uint64
	}{{"f", 1, filetypeRegular, 5}, {"l", 1, filetypeRegular, 5}, {"l", 0, filetypeSymlink, 1}} {
		ptr, n := g.put(atPath, test.path)
		g.want(success, "path_filestat_get", 3, test.lookup, ptr, n, atOut)
		if typ, size := g.mem[atOut+16], g.u64(atOut+32); typ != test.typ || size != test.size {
			t.Errorf("%s: type %d, size %d", test.path, typ, size)
		}
	}
	ptr, n := g.put(atPath, "f")
	g.want(einval, "path_filestat_get", 3, 2, ptr, n, atOut)
	g.want(success, "fd_filestat_get", 3, atOut)
	if g.mem[atOut+16] != filetypeDirectory {
		t.Fatal("the root is no directory")
	}
}

func TestTimesAndSize(t *testing.T) {
	g := newGuest(t, Config{WallClock: func() (int64, int32) { return 1000, 500 }})
	fd := g.mustOpen("f", oflagCreat, rightsFile, 0)
	g.want(success, "fd_filestat_set_times", fd, 7e9, 8e9, fstflagAtim|fstflagMtim)
	g.want(success, "fd_filestat_get", fd, atOut)
	if a, m := g.u64(atOut+40), g.u64(atOut+48); a != 7e9 || m != 8e9 {
		t.Fatalf("times %d %d", a, m)
	}
	ptr, n := g.put(atPath, "f")
	g.want(success, "path_filestat_set_times", 3, 1, ptr, n, 0, 0, fstflagMtimNow)
	g.want(success, "path_filestat_get", 3, 1, ptr, n, atOut)
	if a, m := g.u64(atOut+40), g.u64(atOut+48); a != 7e9 || m != 1000e9 {
		t.Fatalf("times %d %d", a, m)
	}
	g.want(einval, "fd_filestat_set_times", fd, 0, 0, fstflagAtim|fstflagAtimNow)
	g.want(einval, "fd_filestat_set_times", fd, 0, 0, 16)
	g.want(einval, "fd_filestat_set_times", fd, 1<<63, 0, fstflagAtim)

	g.want(success, "fd_filestat_set_size", fd, 10)
	g.want(success, "fd_allocate", fd, 5, 15)
	g.want(success, "fd_allocate", fd, 0, 3) // never shorter
	if got := g.hostContent("f"); got != strings.Repeat("\x00", 20) {
		t.Fatalf("%d bytes", len(got))
	}
	g.want(einval, "fd_filestat_set_size", fd, 1<<63)
	g.want(einval, "fd_allocate", fd, 0, 0)
	g.want(efbig, "fd_allocate", fd, 1<<62, 1<<62)
	g.want(success, "fd_sync", fd)
	g.want(success, "fd_datasync", fd)
	g.want(success, "fd_advise", fd, 0, 0, 4)
	g.want(einval, "fd_advise", fd, 0, 0, 6)
}

func TestUnknownFilesystemErrors(t *testing.T) {
	for e, want := range map[sys.Errno]errno{
		ErrnoBase + 51: 51, ErrnoBase + 76: 76, ErrnoBase + 77: eio, ErrnoBase: eio, 21: eio, 0xffff: eio, 0: success,
	} {
		if got := toErrno(e); got != want {
			t.Errorf("%d: %d, want %d", e, got, want)
		}
	}
}
