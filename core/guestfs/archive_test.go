package guestfs

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

var zipTime = time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC)

// zipOf is a zip file; a name with a mode of its own is followed by it.
func zipOf(t testing.TB, modes map[string]fs.FileMode, files ...[2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f[0], Method: zip.Deflate, Modified: zipTime}
		if mode, ok := modes[f[0]]; ok {
			h.SetMode(mode)
		}
		fw, err := w.CreateHeader(h)
		if err == nil {
			_, err = fw.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func archiveView(t *testing.T, b []byte) *guestView {
	t.Helper()
	a, err := NewArchiveBytes(b, ArchiveLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return mounted(t, map[string]sys.FS{"/lib": a})
}

func TestArchive(t *testing.T) {
	g := archiveView(t, zipOf(t, map[string]fs.FileMode{"l": fs.ModeSymlink | 0o777, "up": fs.ModeSymlink | 0o777},
		[2]string{"d/e/f.py", "content"}, [2]string{"d/", ""}, [2]string{"g", ""}, [2]string{"l", "d/e/f.py"},
		[2]string{"up", "../../etc/passwd"}))
	g.list("/lib", "d g l up")
	g.list("/lib/d", "e")
	g.content("/lib/d/e/f.py", "content")
	g.content("/lib/l", "content")
	st := g.stat("/lib/d/e/f.py")
	if st.Size != 7 || st.Mtim != zipTime.UnixNano() || st.Ino == 0 || st != g.stat("/lib/d/e/f.py") {
		g.Fatal(st)
	}
	for path, want := range map[string]sys.Errno{
		"/lib/x": sys.ENOENT, "/lib/d/x/y": sys.ENOENT, "/lib/g/x": sys.ENOTDIR, "/lib/g/x/y/z": sys.ENOTDIR,
		"/lib/up": sys.ENOENT, "/lib/l/x": sys.ENOTDIR,
	} {
		g.refused(want, path, sys.O_RDONLY)
	}
	f := g.open("/lib/d/e/f.py", sys.O_RDONLY)
	f.Seek(3, 0)
	if got := g.readFrom(f); got != "tent" {
		g.Fatalf("after a seek: %q", got)
	}
	everythingIsReadOnly(g, "/lib/d/e/f.py", "/lib/l", "/lib/d")
}

func TestArchiveRefused(t *testing.T) {
	for name, files := range map[string][][2]string{
		"above":             {{"../x", ""}},
		"in between":        {{"a/../../x", ""}},
		"absolute":          {{"/etc/passwd", ""}},
		"backslash":         {{`..\x`, ""}},
		"twice":             {{"a", "1"}, {"a", "2"}},
		"file as directory": {{"a", "1"}, {"a/b", "2"}},
		"directory as file": {{"a/b", "1"}, {"a", "2"}},
		"NUL":               {{"a\x00b", ""}},
		"special":           {{"fifo", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			b := zipOf(t, map[string]fs.FileMode{"fifo": fs.ModeNamedPipe}, files...)
			if _, err := NewArchiveBytes(b, ArchiveLimits{}); err == nil {
				t.Fatal("accepted")
			}
			if name == "twice" || name == "file as directory" || name == "directory as file" {
				return // LoadZip may replace what is there, or not
			}
			s := NewStorage(Limits{})
			if err := s.LoadZip(t.Context(), bytes.NewReader(b), int64(len(b)), "/", nil); err == nil {
				t.Fatal("loaded")
			}
		})
	}
	if _, err := NewArchiveBytes([]byte("PK no zip"), ArchiveLimits{}); err == nil {
		t.Fatal("accepted")
	}
}

func TestArchiveLimits(t *testing.T) {
	b := zipOf(t, nil, [2]string{"a", "12345"}, [2]string{"b/c/d/e", "67890"})
	for _, limits := range []ArchiveLimits{{MaxEntries: 1}, {MaxEntries: 3}, {MaxFileBytes: 4}, {MaxTotalBytes: 9}} {
		if _, err := NewArchiveBytes(b, limits); err == nil {
			t.Error("accepted with", limits)
		}
	}
	if _, err := NewArchiveBytes(b, ArchiveLimits{MaxEntries: 6, MaxFileBytes: 5, MaxTotalBytes: 10}); err != nil {
		t.Error(err)
	}
	if _, err := NewArchiveBytes(b, ArchiveLimits{MaxFileBytes: 4}); !errors.Is(err, ErrNoSpace) {
		t.Error(err)
	}
}

func TestArchiveDamaged(t *testing.T) {
	b := zipOf(t, nil, [2]string{"a", "some content to be damaged, some content to be damaged"})
	i := bytes.Index(b, []byte("a")) + 1 + 20 // after the name and the time, in what is packed
	b[i] ^= 0x55
	g := archiveView(t, b)
	g.refused(sys.EIO, "/lib/a", sys.O_RDONLY)
	g.refused(sys.EIO, "/lib/a", sys.O_RDONLY)
	if g.stat("/lib/a").Size == 0 {
		g.Fatal("the size is gone")
	}
}

func TestArchiveConcurrently(t *testing.T) {
	var files [][2]string
	for i := range 50 {
		files = append(files, [2]string{fmt.Sprintf("d%d/f", i), fmt.Sprint("content ", i)})
	}
	g := archiveView(t, zipOf(t, nil, files...))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 50 {
				f, errno := g.fs.OpenFile(fmt.Sprintf("/lib/d%d/f", i), sys.O_RDONLY, 0)
				if errno != 0 {
					t.Error(errno)
					return
				}
				buf := make([]byte, 100)
				if n, _ := f.Read(buf); string(buf[:n]) != fmt.Sprint("content ", i) {
					t.Errorf("%d holds %q", i, buf[:n])
				}
			}
		})
	}
	all.Wait()
}

func TestAdaptFS(t *testing.T) {
	g := mounted(t, map[string]sys.FS{"/m": AdaptFS(fstest.MapFS{
		"d/f": {Data: []byte("content"), Mode: 0o644, ModTime: zipTime},
		"l":   {Data: []byte("d/f"), Mode: fs.ModeSymlink | 0o777},
		"out": {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink | 0o777},
		"dl":  {Data: []byte("d"), Mode: fs.ModeSymlink | 0o777},
	})})
	g.list("/m", "d dl l out")
	g.content("/m/dl/f", "content")
	g.refused(sys.ENOENT, "/m/out", sys.O_RDONLY)
	g.refused(sys.ENOENT, "/m/bad\xff", sys.O_RDONLY)
	g.refused(sys.ENOTDIR, "/m/d/f/x", sys.O_RDONLY)
	if st := g.stat("/m/d/f"); st.Mtim != zipTime.UnixNano() || st.Size != 7 || st.Ino == 0 {
		g.Fatal(st)
	}
	f := g.open("/m/d/f", sys.O_RDONLY)
	buf := make([]byte, 3)
	if n, errno := f.Pread(buf, 4); n != 3 || errno != 0 || string(buf) != "ent" {
		g.Fatal(n, errno, buf)
	}
	if pos, errno := f.Seek(-2, 2); pos != 5 || errno != 0 || g.readFrom(f) != "nt" {
		g.Fatal(pos, errno)
	}
	d := g.open("/m/d", sys.O_DIRECTORY)
	for range 2 {
		if page, errno := d.Readdir(5); errno != 0 || len(page) != 1 || page[0].Ino != g.stat("/m/d/f").Ino {
			g.Fatal(page, errno)
		}
		if _, errno := d.Seek(0, 0); errno != 0 {
			g.Fatal(errno)
		}
	}
	everythingIsReadOnly(g, "/m/d/f", "/m/l", "/m/d")
}

// streamFS has files that can only be read from the start to the end.
type streamFS struct{ fs.FS }

// Open implements fs.FS.
func (s streamFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if d, ok := f.(fs.ReadDirFile); ok {
		return d, err
	}
	return struct{ fs.File }{f}, err
}

func TestAdaptFSOfStreams(t *testing.T) {
	a := AdaptFS(streamFS{fstest.MapFS{
		"f": {Data: []byte("content")}, "big": {Data: make([]byte, maxBuffered)}, "bigger": {Data: make([]byte, maxBuffered+1)},
	}})
	g := mounted(t, map[string]sys.FS{"/m": a})
	f := g.open("/m/f", sys.O_RDONLY)
	if n, errno := f.Pread(make([]byte, 3), 4); n != 3 || errno != 0 || g.readFrom(f) != "content" {
		g.Fatal(n, errno)
	}
	g.refused(EFBIG, "/m/bigger", sys.O_RDONLY)
	for range maxAllBuffered / maxBuffered {
		g.open("/m/big", sys.O_RDONLY)
	}
	f.Close()
	g.refused(EMFILE, "/m/big", sys.O_RDONLY)
}
