package guestfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func storageWith(t *testing.T, files map[string]string) *Storage {
	t.Helper()
	return StorageOf(memory(t, files))
}

// wantFile checks a file of a storage.
func wantFile(t *testing.T, s *Storage, name, want string) {
	t.Helper()
	got, err := s.ReadFile(name)
	must(t, err)
	if string(got) != want {
		t.Fatalf("%s holds %.50q, want %.50q", name, got, want)
	}
}

// tree describes all of a storage in lines.
func tree(t *testing.T, s *Storage) string {
	t.Helper()
	var out strings.Builder
	must(t, s.Walk("", func(e Entry) error {
		fmt.Fprintf(&out, "%v %q %d %s", e.Mode, e.Path, e.ModTime.UnixNano(), e.Target)
		if e.Mode.IsRegular() {
			data, err := s.ReadFile(e.Path)
			must(t, err)
			fmt.Fprintf(&out, " %d %x", e.nlink, data)
		}
		out.WriteByte('\n')
		return nil
	}))
	return out.String()
}

// oddities is a storage with everything that is hard to copy.
func oddities(t *testing.T) *Storage {
	t.Helper()
	s := storageWith(t, map[string]string{
		"a/b/c": "deep", "line\nfeed": "1", "bad\xff\xfe": "2", "ünïcode": "3", "-rf": "", " ": "space", "big": strings.Repeat("x", 3*chunkSize+7),
	})
	g := &guestView{T: t, fs: s.ns}
	g.want(0, g.fs.Link("a/b/c", "hard"), "link")
	g.want(0, g.fs.Symlink("a/b/c", "soft"), "symlink")
	g.want(0, g.fs.Symlink("../big", "a/up"), "symlink")
	g.mkdir("empty")
	g.want(0, g.fs.Chmod("-rf", 0o600), "chmod")
	g.want(0, g.fs.Utimens("-rf", sys.UTIME_OMIT, 1_234_567_890_123_456_789), "utimens")
	f := g.open("sparse", sys.O_RDWR|sys.O_CREAT)
	if _, errno := f.Pwrite([]byte("end"), 2*chunkSize); errno != 0 {
		t.Fatal(errno)
	}
	f.Close()
	return s
}

func TestStorageHostSide(t *testing.T) {
	s := NewStorage(Limits{})
	must(t, s.MkdirAll("/a/b/c", 0o755))
	must(t, s.MkdirAll("a/b", 0o755))
	must(t, s.WriteFile("/a/f.txt", []byte("hello"), 0o600))
	must(t, s.WriteFile("a/f.txt", []byte("hi"), 0o600))
	must(t, s.Symlink("a/f.txt", "l"))
	wantFile(t, s, "/l", "hi")
	e, err := s.Stat("l")
	must(t, err)
	if e.Size != 2 || e.Mode != 0o600 || time.Since(e.ModTime) > time.Minute || e.Name() != "l" {
		t.Fatal(e)
	}
	list, err := s.List("/a")
	must(t, err)
	if len(list) != 2 || list[0].Path != "a/b" || !list[0].IsDir() || list[1].Path != "a/f.txt" {
		t.Fatal(list)
	}
	var seen []string
	must(t, s.Walk("/", func(e Entry) error {
		seen = append(seen, e.Path)
		if e.Path == "a/b" {
			return fs.SkipDir
		}
		return nil
	}))
	if got := strings.Join(seen, " "); got != " a a/b a/f.txt l" {
		t.Fatalf("walked %q", got)
	}
	must(t, s.Rename("a/f.txt", "g"))
	must(t, s.Remove("l"))
	must(t, s.RemoveAll("missing"))
	for _, c := range []struct {
		err  error
		want error
	}{
		{s.Remove("a"), fs.ErrExist},
		{s.Remove("x"), fs.ErrNotExist},
		{s.WriteFile("x/y", nil, 0o644), fs.ErrNotExist},
		{s.WriteFile("a", nil, 0o644), Error{sys.EISDIR}},
		{s.WriteFile("nul\x00", nil, 0o644), fs.ErrInvalid},
		{s.MkdirAll("g/x", 0o755), Error{sys.ENOTDIR}},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("error %v, want %v", c.err, c.want)
		}
	}
	if _, err := s.ReadFile("a"); !errors.Is(err, Error{sys.EISDIR}) {
		t.Error(err)
	}
	must(t, s.RemoveAll("/"))
	if u := s.Usage(); u != (Usage{}) {
		t.Fatal("something is left:", u, tree(t, s))
	}
}

func TestSnapshotAndRestore(t *testing.T) {
	s := oddities(t)
	snapshot, err := s.Snapshot()
	must(t, err)
	again, err := s.Fork().Snapshot()
	must(t, err)
	if !bytes.Equal(snapshot, again) {
		t.Fatal("two snapshots of the same files differ")
	}
	want, usage := tree(t, s), s.Usage()
	r := storageWith(t, map[string]string{"old": "content"})
	open, errno := r.FS().OpenFile("old", sys.O_RDWR, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	must(t, r.Restore(snapshot))
	if got := tree(t, r); got != want {
		t.Fatalf("restored:\n%.2000s\nwant:\n%.2000s", got, want)
	}
	if r.Usage() != usage {
		t.Fatal("usage after restore:", r.Usage(), "want", usage)
	}
	if n, errno := open.Write([]byte("still there")); n != 11 || errno != 0 {
		t.Fatal(n, errno)
	}
	open.Close()
	if r.Usage() != usage {
		t.Fatal("an old file was counted:", r.Usage())
	}
	must(t, r.RemoveAll(""))
	if r.Usage() != (Usage{}) {
		t.Fatal("something is left:", r.Usage())
	}
}

func TestRestoreRefused(t *testing.T) {
	big := storageWith(t, map[string]string{"f": strings.Repeat("x", 100_000)})
	snapshot, err := big.Snapshot()
	must(t, err)
	s := NewStorage(Limits{MaxBytes: 50_000})
	must(t, s.WriteFile("mine", []byte("1"), 0o644))
	if err := s.Restore(snapshot); !errors.Is(err, ErrNoSpace) {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, []byte("zip"), []byte(snapshotMagic), snapshot[:len(snapshot)/2], snapshot[5:]} {
		if err := s.Restore(bad); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("%d bytes: %v", len(bad), err)
		}
	}
	wantFile(t, s, "mine", "1")
}

func TestFork(t *testing.T) {
	s := oddities(t)
	want, usage := tree(t, s), s.Usage()
	f := s.Fork()
	if got := tree(t, f); got != want || f.Usage() != usage {
		t.Fatal("the fork differs", f.Usage(), usage)
	}
	must(t, f.WriteFile("big", []byte("changed in the fork"), 0o644))
	must(t, f.RemoveAll("a"))
	g := &guestView{T: t, fs: f.ns}
	file := g.open("hard", sys.O_RDWR)
	g.writeTo(file, "DEEP")
	g.want(0, file.Truncate(2), "truncate")
	if got := tree(t, s); got != want {
		t.Fatalf("the original has changed:\n%.2000s", got)
	}
	second := f.Fork()
	o := &guestView{T: t, fs: s.ns}
	o.writeTo(o.open("big", sys.O_WRONLY), "y")
	wantFile(t, f, "hard", "DE")
	wantFile(t, second, "hard", "DE")
	wantFile(t, f, "big", "changed in the fork")
	if data, _ := s.ReadFile("big"); data[0] != 'y' || data[1] != 'x' {
		t.Fatal("the original was not written")
	}
}

func TestLoadAndSave(t *testing.T) {
	s := oddities(t)
	dir := t.TempDir()
	var last Progress
	must(t, s.SaveDir(t.Context(), "/", dir, func(p Progress) error { last = p; return nil }))
	if last.Files != 14 || last.Bytes < 3*chunkSize {
		t.Fatal("progress:", last)
	}
	r := NewStorage(Limits{})
	must(t, r.LoadDir(t.Context(), dir, "in/here", nil))
	for _, name := range []string{"a/b/c", "hard", "soft", "a/up", "line\nfeed", "bad\xff\xfe", "-rf", "sparse", "big"} {
		want, err := s.ReadFile(name)
		must(t, err)
		wantFile(t, r, "in/here/"+name, string(want))
	}
	if e, _ := r.Stat("in/here/-rf"); e.ModTime.UnixNano() != 1_234_567_890_123_456_789 || e.Mode.Perm() != 0o600 {
		t.Fatal("attributes:", e)
	}
	must(t, s.SaveDir(t.Context(), "", dir, nil)) // over what is there
	must(t, s.Remove("bad\xff\xfe"))              // zip has no such names
	var one, two bytes.Buffer
	must(t, s.SaveZip(t.Context(), &one, "", nil))
	must(t, s.SaveZip(t.Context(), &two, "", nil))
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Fatal("two zip files of the same files differ")
	}
	z := NewStorage(Limits{})
	must(t, z.LoadZip(t.Context(), bytes.NewReader(one.Bytes()), int64(one.Len()), "", nil))
	for _, name := range []string{"a/b/c", "hard", "soft", "a/up", "line\nfeed", "-rf", "sparse", "big"} {
		want, err := s.ReadFile(name)
		must(t, err)
		wantFile(t, z, name, string(want))
	}
	if e, err := z.Stat("empty"); err != nil || !e.IsDir() {
		t.Fatal("empty directory:", e, err)
	}
	stop := errors.New("stop")
	if err := s.SaveDir(t.Context(), "", t.TempDir(), func(Progress) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if err := NewStorage(Limits{MaxFiles: 3}).LoadDir(t.Context(), dir, "", nil); !errors.Is(err, ErrNoSpace) {
		t.Fatal(err)
	}
}

// What a guest left in a storage must not get out of the directory that it is
// saved to, nor what lies in a zip file or a directory out of the storage.
func TestLoadAndSaveEscapes(t *testing.T) {
	out := t.TempDir()
	secret := filepath.Join(out, "secret")
	must(t, os.WriteFile(secret, []byte("untouched"), 0o644))
	for _, target := range []string{secret, "../secret", "a/../../secret", "..", "/"} {
		s := storageWith(t, map[string]string{"a/f": ""})
		must(t, s.Symlink(target, "l"))
		if err := s.SaveDir(t.Context(), "", filepath.Join(out, "dir"), nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("saved a link to %q: %v", target, err)
		}
		if err := s.SaveZip(t.Context(), &bytes.Buffer{}, "", nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("saved a link to %q: %v", target, err)
		}
		b := zipOf(t, map[string]fs.FileMode{"l": fs.ModeSymlink | 0o777}, [2]string{"l", target})
		if err := s.LoadZip(t.Context(), bytes.NewReader(b), int64(len(b)), "", nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("loaded a link to %q: %v", target, err)
		}
		from := t.TempDir()
		must(t, os.Symlink(target, filepath.Join(from, "l")))
		if err := s.LoadDir(t.Context(), from, "", nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("loaded a link to %q: %v", target, err)
		}
	}
	// The directory has a link where the storage has a directory and a file.
	dir := t.TempDir()
	must(t, os.Symlink(out, filepath.Join(dir, "d")))
	must(t, os.Symlink(secret, filepath.Join(dir, "f")))
	s := storageWith(t, map[string]string{"d/secret": "overwritten"})
	if err := s.SaveDir(t.Context(), "", dir, nil); err == nil {
		t.Error("saved through a link")
	}
	s = storageWith(t, map[string]string{"f": "overwritten"})
	must(t, s.SaveDir(t.Context(), "", dir, nil))
	if got, _ := os.ReadFile(secret); string(got) != "untouched" {
		t.Fatalf("the file outside holds %q", got)
	}
	// The guest replaced a directory by a link: nothing is loaded through it.
	s = storageWith(t, map[string]string{"real/x": ""})
	must(t, s.Symlink("real", "in"))
	b := zipOf(t, nil, [2]string{"y", ""})
	if err := s.LoadZip(t.Context(), bytes.NewReader(b), int64(len(b)), "in", nil); !errors.Is(err, Error{sys.ELOOP}) {
		t.Error("loaded through a link:", err)
	}
}

func TestLimits(t *testing.T) {
	const budget = 1 << 20
	s := NewStorage(Limits{MaxBytes: budget, MaxFiles: 100})
	g := &guestView{T: t, fs: s.ns}
	f := g.open("f", sys.O_RDWR|sys.O_CREAT)
	for _, at := range []int64{budget, 1 << 31, 1 << 40, 1 << 62} {
		_, errno := f.Pwrite([]byte("x"), at)
		g.want(ENOSPC, errno, "write at ", at)
		g.want(ENOSPC, f.Truncate(at), "truncate to ", at)
	}
	_, errno := f.Pwrite([]byte("xy"), 1<<63-1)
	g.want(EFBIG, errno, "write at the end of the world")
	if u := s.Usage(); u.Bytes != entryCost+1 || u.Files != 1 {
		g.Fatal("refused writes are counted:", u)
	}
	big := make([]byte, budget+1)
	n, errno := f.Write(big)
	g.want(0, errno, "a write that fits in part")
	if int64(n) != budget-entryCost-1 {
		g.Fatal("wrote", n)
	}
	_, errno = f.Write([]byte("x"))
	g.want(ENOSPC, errno, "write to a full disk")
	g.refused(ENOSPC, "g", sys.O_WRONLY|sys.O_CREAT)
	g.want(ENOSPC, g.fs.Mkdir("d", 0o755), "mkdir")
	g.want(ENOSPC, g.fs.Symlink("f", "l"), "symlink")
	g.want(ENOSPC, g.fs.Link("f", "l"), "link")
	n, errno = f.Pwrite([]byte("overwriting needs no room"), 0)
	if n != 25 || errno != 0 {
		g.Fatal(n, errno)
	}
	g.want(0, g.fs.Unlink("f"), "unlink")
	if u := s.Usage(); u.Bytes < budget/2 || u.Files != 1 {
		g.Fatal("a removed file that is open is not counted:", u)
	}
	g.want(0, f.Close(), "close")
	if u := s.Usage(); u != (Usage{}) {
		g.Fatal("after close:", u)
	}
	g.want(0, f.Close(), "close again")
	for i := range 100 {
		g.mkdir(fmt.Sprint(i))
	}
	g.want(ENOSPC, g.fs.Mkdir("100", 0o755), "one too many")
	g.want(0, g.fs.Rename("1", "2"), "rename over a directory")
	g.mkdir("101")
	must(t, s.RemoveAll(""))
	if u := s.Usage(); u != (Usage{}) {
		g.Fatal("something is left:", u)
	}
}

// Memory behind a file must not outlive its size, or a guest could keep what
// it does not pay for.
func TestTruncateLetsGo(t *testing.T) {
	m := NewMemFS(Limits{})
	g := &guestView{T: t, fs: m}
	f := g.open("f", sys.O_RDWR|sys.O_CREAT)
	g.writeTo(f, strings.Repeat("x", 4*chunkSize))
	g.want(0, f.Truncate(1), "truncate")
	n := m.root.dir.byName["f"].node
	held := 0
	for _, c := range n.chunks[:cap(n.chunks)] {
		held += cap(c.b)
	}
	if held > 64 || cap(n.chunks) > 2 {
		t.Fatal("held:", held, cap(n.chunks))
	}
}

// Nor must memory behind a directory outlive its entries.
func TestRemoveLetsGo(t *testing.T) {
	m := NewMemFS(Limits{})
	g := &guestView{T: t, fs: m}
	for i := range 1000 {
		g.mkdir(fmt.Sprint(i))
	}
	first := m.root.dir.byName
	for i := range 1000 {
		g.want(0, m.Rmdir(fmt.Sprint(i)), "rmdir")
	}
	if cap(m.root.dir.list) > 100 || len(first) == 0 {
		t.Fatal("the list or the map is still that of 1000 entries:", cap(m.root.dir.list), len(first))
	}
}
