package wasip1

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// dirent is an entry as the guest decodes it.
type dirent struct {
	next, ino uint64
	name      string
	typ       byte
}

// readdir is one fd_readdir with a buffer of n bytes. The last entry may be
// missing its end; whole reports only those that are complete.
func (g *guest) readdir(fd uint64, n uint32, cookie uint64) (whole []dirent, full bool) {
	g.t.Helper()
	g.want(success, "fd_readdir", fd, atData, uint64(n), cookie, atOut)
	used := g.u32(atOut)
	buf := g.mem[atData : atData+used]
	for len(buf) >= direntHead {
		d := dirent{next: le.Uint64(buf), ino: le.Uint64(buf[8:]), typ: buf[20]}
		end := direntHead + int(le.Uint32(buf[16:]))
		if end > len(buf) {
			break
		}
		d.name, buf = string(buf[direntHead:end]), buf[end:]
		whole = append(whole, d)
	}
	return whole, used == n
}

// list reads a whole directory as wasi-libc does, with a buffer of n bytes.
func (g *guest) list(fd uint64, n uint32) []dirent {
	g.t.Helper()
	var all []dirent
	var cookie uint64
	for {
		entries, full := g.readdir(fd, n, cookie)
		all = append(all, entries...)
		if !full {
			return all
		}
		if len(entries) == 0 {
			g.t.Fatalf("no entry fits in %d bytes", n)
		}
		cookie = entries[len(entries)-1].next
	}
}

func names(entries []dirent) []string {
	var list []string
	for _, d := range entries {
		list = append(list, d.name)
	}
	return slices.Sorted(slices.Values(list))
}

func TestReaddirWithAnyBuffer(t *testing.T) {
	g := newGuest(t, Config{})
	want := map[string]bool{".": true, "..": true}
	for i := range 3*listingPage + 7 {
		name := fmt.Sprintf("file-%04d", i)
		g.hostFile("d/"+name, "")
		want[name] = true
	}
	sorted := slices.Sorted(maps.Keys(want))
	for _, n := range []uint32{direntHead + 9, 50, 100, 4096, 60000} {
		fd := g.mustOpen("d", oflagDirectory, readRights, 0)
		for range 2 { // the second time from cookie 0 again: rewinddir
			if got := names(g.list(fd, n)); !slices.Equal(got, sorted) {
				t.Fatalf("buffer of %d: %d entries, want %d", n, len(got), len(sorted))
			}
		}
		g.want(success, "fd_close", fd)
	}
}

func TestReaddirEntries(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("d/f", "x")
	g.hostFile("d/sub/x", "x")
	entries := g.list(g.mustOpen("d", oflagDirectory, readRights, 0), 4096)
	types := map[string]byte{}
	for i, d := range entries {
		types[d.name] = d.typ
		if d.next != uint64(i)+1 || d.ino == 0 {
			t.Errorf("entry %d: %+v", i, d)
		}
	}
	want := map[string]byte{".": filetypeDirectory, "..": filetypeDirectory, "f": filetypeRegular, "sub": filetypeDirectory}
	if !maps.Equal(types, want) {
		t.Fatalf("entries %v", types)
	}
	g.want(success, "fd_filestat_get", 3, atOut)
	if root := g.u64(atOut + 8); entries[1].ino != root {
		t.Fatalf("inode of ..: %d, that of the root is %d", entries[1].ino, root)
	}
	if got := names(g.list(3, 4096)); !slices.Equal(got, []string{".", "..", "d"}) {
		t.Fatalf("root: %v", got)
	}
}

func TestReaddirAnyCookie(t *testing.T) {
	g := newGuest(t, Config{})
	for i := range 2*listingPage + 50 {
		g.hostFile(fmt.Sprintf("d/%03d", i), "")
	}
	fd := g.mustOpen("d", oflagDirectory, readRights, 0)
	all := g.list(fd, 60000)
	for _, cookie := range []uint64{200, 1, 0, 299, 7, 128, 130, 129, uint64(len(all)) - 1} {
		entries, _ := g.readdir(fd, 100, cookie)
		if len(entries) == 0 || entries[0].name != all[cookie].name {
			t.Fatalf("cookie %d: %v, want %q", cookie, entries, all[cookie].name)
		}
	}
	for _, cookie := range []uint64{uint64(len(all)), 1 << 40, ^uint64(0)} {
		if entries, full := g.readdir(fd, 100, cookie); len(entries) > 0 || full {
			t.Fatalf("cookie %d beyond the end: %v", cookie, entries)
		}
	}
}

func TestReaddirWithoutDirectory(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("f", oflagCreat, rightsFile, 0)
	g.want(enotdir, "fd_readdir", fd, atData, 100, 0, atOut)
	g.want(enotdir, "fd_readdir", 1, atData, 100, 0, atOut)
	g.want(ebadf, "fd_readdir", 50, atData, 100, 0, atOut)
}

func TestReaddirIsInterrupted(t *testing.T) {
	var interrupted bool
	g := newGuest(t, Config{Wait: func(context.Context, time.Duration) sys.Errno {
		if interrupted {
			return sys.EINTR
		}
		return 0
	}})
	g.hostFile("f", "")
	if got := names(g.list(3, 4096)); !slices.Equal(got, []string{".", "..", "f"}) {
		t.Fatalf("entries %v", got)
	}
	interrupted = true
	g.want(eintr, "fd_readdir", 3, atData, 4096, 0, atOut)
}
