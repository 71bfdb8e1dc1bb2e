package guestfs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"
)

// walkTree is what paths are walked in, by us and by Linux: directories,
// files (with content) and links (with a target).
var walkTree = []struct{ kind, path, value string }{
	{"dir", "a", ""}, {"dir", "a/b", ""}, {"dir", "a/b/c", ""}, {"dir", "d", ""},
	{"file", "f", "f"}, {"file", "a/f", "af"}, {"file", "a/b/c/f", "abcf"},
	{"link", "l", "a/b"}, {"link", "a/up", "../d"}, {"link", "a/b/root", "/"}, {"link", "d/far", "../../../../a"},
	{"link", "loop", "loop"}, {"link", "x", "y"}, {"link", "y", "x"}, {"link", "to-f", "f"}, {"link", "d/to-af", "/a/f"},
	{"link", "slash", "a/"}, {"link", "f-slash", "f/"}, {"link", "dangling", "nowhere"}, {"link", "dot", "."},
	{"link", "d/dots", ".."}, {"link", "mess", ".//a/./b/../../l/c//"}, {"link", "a/b/c/long", "../../../dot/dot/dot/dot/l"},
}

func makeWalkTree(t testing.TB) (*Namespace, string) {
	mem, dir := NewMemFS(Limits{}), t.TempDir()
	for _, e := range walkTree {
		var errno sys.Errno
		var err error
		host := filepath.Join(dir, e.path)
		switch e.kind {
		case "dir":
			errno, err = mem.Mkdir(e.path, 0o755), os.Mkdir(host, 0o755)
		case "link":
			errno, err = mem.Symlink(e.value, e.path), os.Symlink(e.value, host)
		default:
			_, errno = mem.OpenFile(e.path, sys.O_CREAT, 0o644)
			err = os.WriteFile(host, nil, 0o644)
		}
		if errno != 0 || err != nil {
			t.Fatal(e, errno, err)
		}
	}
	ns := NewNamespace()
	if err := ns.Mount("/", mem, MountOptions{}); err != nil {
		t.Fatal(err)
	}
	return ns, dir
}

// FuzzWalk compares where a path leads with what Linux says about the same
// files, in a directory that it takes for the root.
func FuzzWalk(f *testing.F) {
	for _, e := range walkTree {
		f.Add(e.path)
		f.Add("/" + e.path + "/../l/c/long/root/" + e.path)
	}
	f.Add("a/b/../../../../..//./d/dots/mess/f")
	ns, dir := makeWalkTree(f)
	root, err := os.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	volume, err := OpenVolume(dir, VolumeOptions{})
	if err != nil {
		f.Fatal(err)
	}
	defer volume.Close()
	onHost := NewNamespace()
	if err := onHost.Mount("/", volume, MountOptions{}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for part := range strings.SplitSeq(path, "/") {
			if len(part) > MaxName {
				t.Skip("Linux finds a missing directory before a name that is too long")
			}
		}
		for _, flags := range []int{0, unix.O_NOFOLLOW} {
			sameAsLinux(t, ns, root, path, flags)
			sameAsLinux(t, onHost, root, path, flags)
		}
	})
}

// sameAsLinux compares what we find at a path with what Linux finds.
func sameAsLinux(t *testing.T, ns *Namespace, root *os.File, path string, flags int) {
	t.Helper()
	wantErrno, want := linuxWalk(t, root, path, flags)
	st, errno := ns.Stat(path)
	if flags != 0 {
		st, errno = ns.Lstat(path)
	}
	if errno != wantErrno {
		t.Fatalf("%q: %v, Linux says %v", path, Error{errno}, Error{wantErrno})
	}
	if errno != 0 {
		return
	}
	if mode := unixMode(want.Mode); st.Mode.Type() != mode.Type() {
		t.Fatalf("%q: %v, Linux says %v", path, st.Mode, mode)
	}
	if !sameEntries(t, ns, path, st.Mode.IsDir(), root, flags) {
		t.Fatalf("%q is not the directory that it is for Linux", path)
	}
}

// linuxWalk is what Linux finds at a path.
func linuxWalk(t *testing.T, root *os.File, path string, flags int) (errno sys.Errno, st unix.Stat_t) {
	if strings.IndexByte(path, 0) >= 0 {
		return sys.EINVAL, st // it would only see what comes before
	}
	if len(path) == 4096 {
		t.Skip("Linux counts the NUL at the end")
	}
	fd, err := linuxOpen(root, path, flags)
	if err != nil {
		return toErrno(err), st
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return 0, st
}

func linuxOpen(root *os.File, path string, flags int) (int, error) {
	return unix.Openat2(int(root.Fd()), path, &unix.OpenHow{
		Flags:   uint64(unix.O_PATH | unix.O_CLOEXEC | flags),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// sameEntries tells whether a directory lists what Linux lists there, which
// only the right one does.
func sameEntries(t *testing.T, ns *Namespace, path string, dir bool, root *os.File, flags int) bool {
	if !dir {
		return true
	}
	f, errno := ns.OpenFile(path, sys.O_DIRECTORY, 0)
	if errno != 0 {
		t.Fatalf("open %q: %v", path, Error{errno})
	}
	defer f.Close()
	page, _ := f.Readdir(0)
	fd, err := linuxOpen(root, path, flags)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	entries, err := os.ReadDir(fmt.Sprint("/proc/self/fd/", fd, "/"))
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs []string
	for _, e := range page {
		ours = append(ours, e.Name)
	}
	for _, e := range entries {
		theirs = append(theirs, e.Name())
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	return slices.Equal(ours, theirs)
}
