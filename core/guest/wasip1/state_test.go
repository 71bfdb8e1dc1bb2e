package wasip1

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
)

func TestResetForgetsEverything(t *testing.T) {
	var first, second [3]string
	g := newGuest(t, Config{Args: []string{"a"}, Output: recordOutput(&first)})
	g.hostFile("f", "x")
	fd := g.mustOpen("f", 0, readRights, 0)
	g.want(success, "adapter_open_badfd", atOut)
	g.want(success, "fd_renumber", 1, 30)
	g.want(success, "fd_fdstat_set_rights", 3, 0, 0)

	g.p.Reset(Config{FS: g.p.cfg.FS, Output: recordOutput(&second)})
	fresh := NewProcess(Config{FS: g.p.cfg.FS})
	if got, want := g.p.Descriptors(), fresh.Descriptors(); !reflect.DeepEqual(got, want) {
		t.Fatalf("descriptors after Reset: %+v, want %+v", got, want)
	}
	if _, e := g.read(fd, 1); e != ebadf {
		t.Fatalf("errno %v", e)
	}
	g.mustWrite(1, "new")
	if first[1] != "" || second[1] != "new" {
		t.Fatalf("output %q and %q", first, second)
	}
	g.want(success, "args_sizes_get", atOut, atOut+4)
	if n := g.u32(atOut); n != 0 {
		t.Fatalf("%d arguments", n)
	}
	if again := g.mustOpen("f", 0, readRights, 0); again != 4 {
		t.Fatalf("descriptor %d", again)
	}
}

// countingFS counts the files that are open.
type countingFS struct {
	sys.FS
	open int
}

type countedFile struct {
	sys.File
	fs *countingFS
}

func (c *countingFS) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	f, e := c.FS.OpenFile(path, flag, perm)
	if e != 0 {
		return nil, e
	}
	c.open++
	return countedFile{f, c}, 0
}

func (f countedFile) Close() sys.Errno {
	f.fs.open--
	return f.File.Close()
}

func TestNoFileIsLeaked(t *testing.T) {
	fs := &countingFS{FS: sysfs.DirFS(t.TempDir())}
	g := newGuest(t, Config{FS: fs})
	g.mustOpen("f", oflagCreat, rightsFile, 0)
	fd := g.mustOpen("f", 0, rightsFile, 0)
	g.list(3, 4096)
	if fs.open != 3 {
		t.Fatalf("%d files open, want 3", fs.open)
	}
	if _, e := g.open("f", oflagDirectory, readRights, 0); e != enotdir {
		t.Fatal(e)
	}
	if _, e := g.open(".", 0, rightsFile, 0); e != eisdir {
		t.Fatal(e)
	}
	g.want(success, "fd_renumber", fd, 4)
	if fs.open != 2 {
		t.Fatalf("%d files open, want 2", fs.open)
	}
	states := g.p.Descriptors()
	if err := g.p.Reopen(states); err != nil || fs.open != 1 {
		t.Fatalf("%d files open after Reopen, want 1 (%v)", fs.open, err)
	}
	states[len(states)-1].Offset = -1
	if err := g.p.Reopen(states); err == nil || fs.open != 0 {
		t.Fatalf("%d files open after a failed Reopen, want 0 (%v)", fs.open, err)
	}
	g.mustOpen("f", 0, rightsFile, 0)
	g.p.Reset(Config{FS: fs})
	if fs.open != 0 {
		t.Fatalf("%d files open after Reset", fs.open)
	}
	g.mustOpen("f", 0, rightsFile, 0)
	g.p.Close()
	if fs.open != 0 {
		t.Fatalf("%d files open after Close", fs.open)
	}
	for name, e := range map[string]errno{"fd_close": ebadf, "fd_sync": ebadf} {
		g.want(e, name, 3)
	}
	if g.p.cfg.FS == sys.FS(fs) {
		t.Fatal("the filesystem is still held")
	}
}

func TestReopenElsewhere(t *testing.T) {
	var out [3]string
	g := newGuest(t, Config{})
	g.hostFile("d/f", "0123456789")
	a := g.mustOpen("d/f", 0, rightsFile, fdflagAppend)
	b := g.mustOpen("d/f", 0, readRights, 0)
	dir := g.mustOpen("d", oflagDirectory, readRights, 0)
	g.want(success, "adapter_open_badfd", atOut)
	reserved := uint64(g.u32(atOut))
	g.mustRead(b, 4, "0123")
	g.want(success, "fd_renumber", 1, 12)
	g.want(success, "fd_close", 0)

	states := g.p.Descriptors()
	fork := NewProcess(Config{FS: g.p.cfg.FS, Output: recordOutput(&out)})
	t.Cleanup(fork.Close)
	if err := fork.Reopen(states); err != nil {
		t.Fatal(err)
	}
	if got := fork.Descriptors(); !reflect.DeepEqual(got, states) {
		t.Fatalf("descriptors %+v, want %+v", got, states)
	}
	g.ctx = WithProcess(g.ctx, fork)
	g.mustRead(b, 3, "456") // from here on independent
	g.mustWrite(a, "A")
	g.mustWrite(12, "out")
	if out[1] != "out" || g.hostContent("d/f") != "0123456789A" {
		t.Fatalf("output %q, file %q", out[1], g.hostContent("d/f"))
	}
	if got := names(g.list(dir, 4096)); !slices.Equal(got, []string{".", "..", "f"}) {
		t.Fatalf("entries %v", got)
	}
	g.want(ebadf, "fd_close", 1)
	g.want(success, "adapter_close_badfd", reserved)
	if fd := g.mustOpen("d/f", 0, readRights, 0); fd != 0 {
		t.Fatalf("descriptor %d", fd)
	}
	g.ctx = WithProcess(g.ctx, g.p)
	g.mustRead(b, 3, "456")
}

func TestReopenRefuses(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("removed", "x")
	g.hostFile("replaced", "x")
	g.mustOpen("removed", 0, readRights, 0)
	g.mustOpen("replaced", 0, readRights, 0)
	if e := g.path("path_unlink_file", "removed", 3); e != success {
		t.Fatal(e)
	}
	g.hostFile("other", "y")
	from, fromLen := g.put(atPath, "other")
	to, toLen := g.put(atPath2, "replaced")
	g.want(success, "path_rename", 3, from, fromLen, 3, to, toLen)
	states := g.p.Descriptors()
	file := states[5]
	file.Lost = ""
	with := func(change func(*DescriptorState)) []DescriptorState {
		s := file
		change(&s)
		return []DescriptorState{s}
	}
	for _, test := range []struct {
		states []DescriptorState
		want   string
	}{
		{states[4:5], `cannot reopen descriptor 4 ("removed"): it has been removed`},
		{states[5:6], `cannot reopen descriptor 5 ("replaced"): another file has taken its place`},
		{with(func(s *DescriptorState) { s.FD = -1 }), `cannot reopen descriptor -1 ("replaced"): its number is out of range`},
		{with(func(s *DescriptorState) { s.FD = 1 << 30 }), `cannot reopen descriptor 1073741824 ("replaced"): its number is out of range`},
		{with(func(s *DescriptorState) { s.Kind = 0 }), `cannot reopen descriptor 5 ("replaced"): its kind is unknown`},
		{with(func(s *DescriptorState) { s.Kind = DescriptorDirectory }), `cannot reopen descriptor 5 ("replaced"): not a directory or a symbolic link to a directory`},
		{with(func(s *DescriptorState) { s.Path = "." }), `cannot reopen descriptor 5 ("."): it is a directory now`},
		{with(func(s *DescriptorState) { s.Path = "gone" }), `cannot reopen descriptor 5 ("gone"): no such file or directory`},
		{with(func(s *DescriptorState) { s.Access = 77 }), `cannot reopen descriptor 5 ("replaced"): its access mode is unknown`},
		{with(func(s *DescriptorState) { s.Offset = -5 }), `cannot reopen descriptor 5 ("replaced"): cannot seek: invalid argument`},
		{with(func(s *DescriptorState) { s.Kind, s.Stream = DescriptorStream, 3 }), `cannot reopen descriptor 5 ("replaced"): there is no such stream`},
		{[]DescriptorState{file, file}, `cannot reopen descriptor 5 ("replaced"): its number is taken`},
	} {
		err := g.p.Reopen(test.states)
		var reopen *ReopenError
		if !errors.As(err, &reopen) || err.Error() != test.want {
			t.Errorf("error %v, want %s", err, test.want)
		}
		if got := len(g.p.Descriptors()); got != firstFree {
			t.Errorf("%d descriptors after a failure", got)
		}
	}
}

func TestReopenGivesNoNewRights(t *testing.T) {
	g := newGuest(t, Config{})
	all := ^uint64(0)
	if err := g.p.Reopen([]DescriptorState{
		{FD: 0, Kind: DescriptorStream, Stream: 0, Rights: all, Inheriting: all},
		{FD: 3, Kind: DescriptorRoot, Rights: all, Inheriting: all},
	}); err != nil {
		t.Fatal(err)
	}
	states := g.p.Descriptors()
	if states[0].Rights != rightsStdin || states[1].Rights != rightsDir || states[1].Inheriting != rightsDir|rightsFile {
		t.Fatalf("rights %+v", states)
	}
}
