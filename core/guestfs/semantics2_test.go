package guestfs

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

func (g *guestView) stat(path string) wazerosys.Stat_t {
	g.Helper()
	st, errno := g.fs.Stat(path)
	g.want(0, errno, "stat ", path)
	return st
}

func TestRename(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		g.mkdir("d/e")
		g.mkdir("empty")
		g.write("f", "f")
		g.write("h", "h")
		g.want(0, g.fs.Link("h", "h2"), "link")
		for _, c := range []struct {
			from, to string
			want     sys.Errno
		}{
			{"missing", "x", sys.ENOENT},
			{"f", "missing/x", sys.ENOENT},
			{"f", "h/x", sys.ENOTDIR},
			{"f", "d", sys.EISDIR},
			{"d", "f", sys.ENOTDIR},
			{"empty", "d", sys.ENOTEMPTY},
			{"d", "d/e/x", sys.EINVAL},
			{"d", "d/e", sys.EINVAL},
			{"f", "x/", sys.ENOTDIR},
			{"f/", "x", sys.ENOTDIR},
			{"d", ".", EBUSY},
			{".", "x", EBUSY},
			{"d/..", "x", EBUSY},
			{"f", "f", 0},
			{"h", "h2", 0},
			{"f", "g", 0},
			{"d", "empty", 0},
			{"empty/", "moved/", 0},
			{"moved/e", "e", 0},
			{"g", "h", 0},
		} {
			g.want(c.want, g.fs.Rename(c.from, c.to), c.from, " to ", c.to)
		}
		g.list("/", "e h h2 moved")
		g.content("h", "f")
		g.content("h2", "h")
		if n := g.stat("moved").Nlink; n != 2 && n != 1 { // 1: a system that does not count
			g.Fatal("links of an empty directory:", n)
		}
	})
}

func TestHardLinks(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		g.write("f", "one")
		g.want(0, g.fs.Link("f", "d/g"), "link")
		a, b := g.stat("f"), g.stat("d/g")
		if a.Ino != b.Ino || a.Nlink != 2 || a.Ino == 0 {
			g.Fatal("not the same file:", a, b)
		}
		g.write("d/g", "two")
		g.content("f", "two")
		g.want(sys.EEXIST, g.fs.Link("f", "d/g"), "link to what exists")
		g.want(sys.EEXIST, g.fs.Link("f", "d"), "link to what exists")
		g.want(sys.EPERM, g.fs.Link("d", "x"), "link to a directory")
		g.want(sys.ENOENT, g.fs.Link("missing", "x"), "link to nothing")
		g.want(sys.ENOENT, g.fs.Link("f", "missing/x"), "link in nothing")
		g.want(0, g.fs.Unlink("f"), "unlink")
		g.content("d/g", "two")
		if n := g.stat("d/g").Nlink; n != 1 {
			g.Fatal("links:", n)
		}
	})
}

func TestSymbolicLinks(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		g.mkdir("d/e")
		g.write("d/f", "file")
		for link, target := range map[string]string{
			"to-file": "d/f", "absolute": "/d/f", "to-dir": "d", "d/e/up": "../../d", "above": "../../../../d/f",
			"two": "to-dir/e/up/f", "loop": "loop", "a": "b", "b": "a", "slash": "d/f/", "d/self": ".",
		} {
			g.symlink(target, link)
			got, errno := g.fs.Readlink(link)
			g.want(0, errno, "readlink")
			if got != target {
				g.Fatalf("%s leads to %q, want %q", link, got, target)
			}
		}
		for _, path := range []string{
			"to-file", "absolute", "to-dir/f", "d/e/up/f", "above", "two", "/../d/f", "to-dir/../d/f",
			"d/e/up/../to-file", "d//.//f", "d/e/../f", "to-dir/e/up/e/up/f", "d/self/self/self/f",
		} {
			g.content(path, "file")
		}
		for path, want := range map[string]sys.Errno{
			"loop": sys.ELOOP, "a": sys.ELOOP, "a/x": sys.ELOOP, "slash": sys.ENOTDIR, "to-file/..": sys.ENOTDIR,
			"to-file/x": sys.ENOTDIR, "d/missing/../f": sys.ENOENT, "to-dir/..x": sys.ENOENT,
		} {
			_, errno := g.fs.Stat(path)
			g.want(want, errno, path)
		}
		st, errno := g.fs.Lstat("to-file")
		g.want(0, errno, "lstat")
		if st.Mode.Type() != fs.ModeSymlink || st.Size != 3 {
			g.Fatal("lstat:", st)
		}
		if st, _ := g.fs.Lstat("to-dir/"); !st.Mode.IsDir() {
			g.Fatal("lstat with a slash:", st)
		}
		_, errno = g.fs.Readlink("d")
		g.want(sys.EINVAL, errno, "readlink")
		g.want(sys.EEXIST, g.fs.Symlink("x", "loop"), "symlink")
		g.want(sys.ENOENT, g.fs.Symlink("", "new"), "symlink")
		g.want(sys.EEXIST, g.fs.Mkdir("to-dir", 0o755), "mkdir")
		g.want(0, g.fs.Unlink("to-dir"), "unlink")
		g.content("d/f", "file")
	})
}

func TestTimesAndMode(t *testing.T) {
	onAll(t, func(g *guestView) {
		before := time.Now().Add(-time.Second).UnixNano()
		g.write("f", "x")
		g.mkdir("d")
		for _, path := range []string{"f", "d"} {
			st := g.stat(path)
			if st.Mtim < before || st.Atim < before || st.Ctim < before || st.Mtim > time.Now().UnixNano() {
				g.Fatal("times of", path, st)
			}
			g.want(0, g.fs.Utimens(path, 1_000_000_000, 2_000_000_000), "utimens")
			g.want(0, g.fs.Utimens(path, sys.UTIME_OMIT, 3_000_000_000), "utimens")
			if st = g.stat(path); st.Atim != 1_000_000_000 || st.Mtim != 3_000_000_000 || st.Ctim < before {
				g.Fatal("times of", path, st)
			}
			g.want(0, g.fs.Chmod(path, 0o700), "chmod")
			if st = g.stat(path); st.Mode.Perm() != 0o700 {
				g.Fatal("mode", st.Mode)
			}
		}
		f := g.open("f", sys.O_RDWR)
		g.want(0, f.Utimens(5_000_000_000, sys.UTIME_OMIT), "futimens")
		if st, _ := f.Stat(); st.Atim != 5_000_000_000 || st.Mtim != 3_000_000_000 {
			g.Fatal("times", st)
		}
		g.writeTo(f, "y")
		if st, _ := f.Stat(); st.Mtim < before {
			g.Fatal("writing does not set the time:", st)
		}
		g.want(sys.ENOENT, g.fs.Chmod("missing", 0o700), "chmod")
		g.want(sys.ENOENT, g.fs.Utimens("missing", 0, 0), "utimens")
		g.want(sys.ENOTDIR, g.fs.Chmod("f/", 0o700), "chmod")
	})
}

func TestListWhileChanging(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.mkdir("d")
		const n = 200
		for i := range n {
			g.write(fmt.Sprintf("d/%03d", i), "")
		}
		d := g.open("d", sys.O_DIRECTORY)
		seen := map[string]int{}
		for {
			page, errno := d.Readdir(7)
			g.want(0, errno, "readdir")
			for i, e := range page {
				seen[e.Name]++
				if e.Ino == 0 || e.Type != 0 {
					g.Fatal("entry", e)
				}
				if i%2 == 0 { // rmtree does this
					g.want(0, g.fs.Unlink("d/"+e.Name), "unlink")
				}
			}
			if len(page) < 7 {
				break
			}
		}
		for i := range n {
			if seen[fmt.Sprintf("%03d", i)] != 1 {
				g.Fatalf("entry %d was listed %d times", i, seen[fmt.Sprintf("%03d", i)])
			}
		}
		if len(seen) != n {
			g.Fatal("listed", len(seen))
		}
		if _, errno := d.Seek(0, 0); errno != 0 {
			g.Fatal(errno)
		}
		if page, _ := d.Readdir(0); len(page) == 0 || len(page) > n/2 {
			g.Fatal("after a rewind:", len(page))
		}
		_, errno := g.open("d", sys.O_DIRECTORY).Seek(1, 0)
		g.want(sys.EINVAL, errno, "seek in a directory")
	})
}

func TestMkdir(t *testing.T) {
	onAll(t, func(g *guestView) {
		g.write("f", "")
		for _, c := range []struct {
			path string
			want sys.Errno
		}{
			{"d", 0}, {"d", sys.EEXIST}, {"d/", sys.EEXIST}, {"e/", 0}, {"f", sys.EEXIST}, {"f/x", sys.ENOTDIR},
			{"missing/x", sys.ENOENT}, {".", sys.EEXIST}, {"/", sys.EEXIST}, {"d/..", sys.EEXIST}, {"", sys.ENOENT},
			{"x/..", sys.ENOENT}, {"line\nfeed", 0}, {"-rf", 0}, {"bad\xff\xfeutf8", 0}, {"$(touch x)", 0}, {"..x", 0},
		} {
			g.want(c.want, g.fs.Mkdir(c.path, 0o755), c.path)
		}
		g.list("/", "$(touch x) -rf ..x bad\xff\xfeutf8 d e f line\nfeed")
	})
}
