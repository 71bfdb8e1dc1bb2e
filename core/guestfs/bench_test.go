package guestfs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const benchSize = 100 << 20

func benchView(b *testing.B, filesystem sys.FS) *Namespace {
	b.Helper()
	ns := NewNamespace()
	if err := ns.Mount("/data", filesystem, MountOptions{}); err != nil {
		b.Fatal(err)
	}
	return ns
}

// BenchmarkCreate is what a sandbox pays for its files.
func BenchmarkCreate(b *testing.B) {
	lib := NewMemFS(Limits{})
	b.ReportAllocs()
	for b.Loop() {
		ns := NewNamespace()
		for _, m := range []struct {
			path string
			fs   sys.FS
		}{{"/lib", lib}, {"/packages", lib}, {"/tmp", NewMemFS(Limits{})}, {"/data", NewMemFS(Limits{})}} {
			if err := ns.Mount(m.path, m.fs, MountOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkWrite100MB(b *testing.B) {
	buf := make([]byte, 64<<10)
	b.SetBytes(benchSize)
	for b.Loop() {
		ns := benchView(b, NewMemFS(Limits{MaxBytes: 2 * benchSize}))
		f, errno := ns.OpenFile("/data/f", sys.O_CREAT|sys.O_WRONLY, 0o644)
		if errno != 0 {
			b.Fatal(errno)
		}
		for range benchSize / len(buf) {
			if _, errno := f.Write(buf); errno != 0 {
				b.Fatal(errno)
			}
		}
	}
}

func BenchmarkRead100MB(b *testing.B) {
	ns := benchView(b, NewMemFS(Limits{MaxBytes: 2 * benchSize}))
	f, _ := ns.OpenFile("/data/f", sys.O_CREAT|sys.O_RDWR, 0o644)
	if _, errno := f.Write(make([]byte, benchSize)); errno != 0 {
		b.Fatal(errno)
	}
	buf := make([]byte, 64<<10)
	b.SetBytes(benchSize)
	for b.Loop() {
		f.Seek(0, 0)
		for {
			if n, errno := f.Read(buf); errno != 0 {
				b.Fatal(errno)
			} else if n == 0 {
				break
			}
		}
	}
}

// BenchmarkSmallFile opens, stats, reads and closes a file.
func BenchmarkSmallFile(b *testing.B) {
	dir := b.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "b", "f"), make([]byte, 1000), 0o644); err != nil {
		b.Fatal(err)
	}
	mem := NewStorage(Limits{})
	if err := mem.LoadDir(b.Context(), dir, "", nil); err != nil {
		b.Fatal(err)
	}
	archive, err := NewArchiveBytes(zipOf(b, nil, [2]string{"a/b/f", string(make([]byte, 1000))}), ArchiveLimits{})
	if err != nil {
		b.Fatal(err)
	}
	volume, err := OpenVolume(dir, VolumeOptions{Mode: VolumeReadWrite})
	if err != nil {
		b.Fatal(err)
	}
	defer volume.Close()
	for name, filesystem := range map[string]sys.FS{"memory": mem.FS(), "archive": archive, "volume": volume} {
		b.Run(name, func(b *testing.B) {
			ns := benchView(b, filesystem)
			buf := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				f, errno := ns.OpenFile("data/a/b/f", sys.O_RDONLY, 0)
				if errno != 0 {
					b.Fatal(errno)
				}
				if st, errno := f.Stat(); errno != 0 || st.Size != 1000 {
					b.Fatal(st, errno)
				}
				if n, errno := f.Read(buf); n != 1000 || errno != 0 {
					b.Fatal(n, errno)
				}
				f.Close()
			}
		})
		b.Run(name+"/stat", func(b *testing.B) {
			ns := benchView(b, filesystem)
			b.ReportAllocs()
			for b.Loop() {
				if _, errno := ns.Stat("data/a/b/f"); errno != 0 {
					b.Fatal(errno)
				}
				if _, errno := ns.Stat("data/a/b/missing"); errno != sys.ENOENT {
					b.Fatal(errno)
				}
			}
		})
	}
}

// BenchmarkArchiveOpen indexes a zip file of the size of the standard library.
func BenchmarkArchiveOpen(b *testing.B) {
	var files [][2]string
	for i := range 1500 {
		files = append(files, [2]string{fmt.Sprintf("package%d/module%d.py", i%60, i), "content"})
	}
	data := zipOf(b, nil, files...)
	for b.Loop() {
		if _, err := NewArchiveBytes(data, ArchiveLimits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFork(b *testing.B) {
	s := NewStorage(Limits{})
	for i := range 1000 {
		if err := s.WriteFile(fmt.Sprint(i), make([]byte, 10_000), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		s.Fork()
	}
}
