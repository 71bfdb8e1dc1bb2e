package guestfs

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"math"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/tetratelabs/wazero/experimental/sys"
)

// FuzzArchive reads all that a damaged or malicious zip file shows.
func FuzzArchive(f *testing.F) {
	f.Add(zipOf(f, nil, [2]string{"a/b", "content"}, [2]string{"c/", ""}))
	f.Add(zipOf(f, map[string]fs.FileMode{"l": fs.ModeSymlink | 0o777}, [2]string{"l", "../../x"}, [2]string{"a", ""}))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := ArchiveLimits{MaxEntries: 1000, MaxFileBytes: 1 << 20, MaxTotalBytes: 4 << 20}
		s := NewStorage(Limits{MaxBytes: 1 << 20, MaxFiles: 1000})
		_ = s.LoadZip(t.Context(), bytes.NewReader(data), int64(len(data)), "", nil) // may fail, not panic
		if u := s.Usage(); u.Bytes > 1<<20 || u.Files > 1000 {
			t.Fatal("beyond the limits:", u)
		}
		a, err := NewArchiveBytes(data, limits)
		if err != nil {
			return
		}
		ns := NewNamespace()
		if err := ns.Mount("/", a, MountOptions{}); err != nil {
			t.Fatal(err)
		}
		view := &Storage{ns: ns}
		err = view.Walk("", func(e Entry) error {
			if e.Mode.IsRegular() {
				data, err := view.ReadFile(e.Path)
				if err == nil && int64(len(data)) != e.Size {
					t.Fatalf("%q: %d bytes, declared %d", e.Path, len(data), e.Size)
				}
			}
			_, _ = view.Stat(e.Path) // a link may lead anywhere
			return nil
		})
		if err != nil && toErrno(err) != sys.EIO && toErrno(err) != sys.ENAMETOOLONG {
			t.Fatal(err)
		}
	})
}

// FuzzSnapshot restores a damaged or malicious snapshot.
func FuzzSnapshot(f *testing.F) {
	s := NewStorage(Limits{})
	if err := s.WriteFile("f", []byte("content"), 0o644); err != nil {
		f.Fatal(err)
	}
	if err := s.Symlink("/f", "l"); err != nil {
		f.Fatal(err)
	}
	if errno := s.FS().Link("f", "hard"); errno != 0 {
		f.Fatal(errno)
	}
	snapshot, err := s.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	zr, err := zstd.NewReader(bytes.NewReader(snapshot[len(snapshotMagic):]))
	if err != nil {
		f.Fatal(err)
	}
	unpacked, err := io.ReadAll(zr)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(unpacked)
	f.Add(tarOf(f, tar.Header{Typeflag: tar.TypeDir, Name: "/"}, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "../x"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		made, err := readSnapshot(bytes.NewReader(data), Limits{MaxBytes: 1 << 20, MaxFiles: 1000})
		if err != nil {
			return
		}
		if u := made.Usage(); u.Bytes > 1<<20 || u.Files > 1000 {
			t.Fatal("beyond the limits:", u)
		}
		if f := made.Fork(); f.Usage() != made.Usage() {
			t.Fatal("counted wrongly:", made.Usage(), f.Usage())
		}
	})
}

func tarOf(t testing.TB, headers ...tar.Header) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzFile compares reads, writes and truncation with a plain slice of bytes.
func FuzzFile(f *testing.F) {
	f.Add([]byte{0, 10, 200, 1, 255, 3, 2, 100, 9})
	f.Add([]byte{0, 0, 255, 0, 255, 255, 1, 128, 0, 0, 130, 200})
	f.Fuzz(func(t *testing.T, script []byte) {
		const limit = 1 << 20
		m := NewMemFS(Limits{MaxBytes: limit})
		file, errno := m.OpenFile("f", sys.O_CREAT|sys.O_RDWR, 0o644)
		if errno != 0 {
			t.Fatal(errno)
		}
		var want []byte
		var forks []*MemFS
		for ; len(script) >= 3 && len(forks) < 8; script = script[3:] {
			at, length := int(script[1])*limit/300, int(script[2])*limit/1000
			switch script[0] % 4 {
			case 0:
				buf := bytes.Repeat(script[:3], length/3)
				if n, errno := file.Pwrite(buf, int64(at)); n != len(buf) && errno != ENOSPC {
					buf = buf[:n]
				} else if errno == ENOSPC {
					continue
				}
				if len(buf) > 0 && at+len(buf) > len(want) {
					want = append(want, make([]byte, at+len(buf)-len(want))...)
				}
				copy(want[min(at, len(want)):], buf)
			case 1:
				if errno := file.Truncate(int64(at)); errno != 0 {
					t.Fatal(errno)
				}
				want = append(want[:min(at, len(want))], make([]byte, max(0, at-len(want)))...)
			case 2:
				forks = append(forks, m.Fork())
			default:
				if _, errno := file.Pread(make([]byte, length), math.MaxInt64-int64(at)); errno != 0 {
					t.Fatal(errno)
				}
			}
		}
		got, err := StorageOf(m).ReadFile("f")
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, want %d (%v)", len(got), len(want), err)
		}
	})
}
