package wasip1

import (
	"context"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// maxAllocation, in bytes, is what one call may allocate at most: a few paths
// of 4 KiB and one page of a listing, however large the guest's numbers are.
const maxAllocation = 128 << 10

// measure is how many bytes f allocated. Other goroutines count too, so the
// bounds of the tests are generous.
func measure(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// fakeMemory is a guest's memory without a guest.
type fakeMemory struct {
	api.Memory
	buf []byte
}

func (m fakeMemory) Read(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) > uint64(len(m.buf)) {
		return nil, false
	}
	return m.buf[ptr : ptr+n : ptr+n], true
}

// fuzzConfig is a process in which nothing waits and every path is a file, or
// a directory when its name begins with "d" or ".".
func fuzzConfig(testing.TB) Config {
	return Config{
		FS: fakeFS{}, Args: []string{"a"}, Env: []string{"B=c"}, Stdin: strings.NewReader("input"), Random: &zeros{},
		Wait: func(context.Context, time.Duration) sys.Errno { return 0 },
	}
}

// fakeFS answers without looking at anything.
type fakeFS struct{ sys.UnimplementedFS }

// fakeFile is a file of fakeFS. Reading gives nothing, writing takes all.
type fakeFile struct {
	sys.UnimplementedFile
	dir bool
	at  int64
}

func isFakeDir(path string) bool { return path[0] == 'd' || path[0] == '.' }

func (fakeFS) OpenFile(path string, _ sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	return &fakeFile{dir: isFakeDir(path)}, 0
}

func (fakeFS) Stat(path string) (wazerosys.Stat_t, sys.Errno) {
	if isFakeDir(path) {
		return wazerosys.Stat_t{Mode: fs.ModeDir, Ino: 1}, 0
	}
	return wazerosys.Stat_t{Size: 7, Ino: 2}, 0
}

func (f fakeFS) Lstat(path string) (wazerosys.Stat_t, sys.Errno) { return f.Stat(path) }
func (fakeFS) Rename(string, string) sys.Errno                   { return 0 }
func (fakeFS) Symlink(string, string) sys.Errno                  { return 0 }
func (fakeFS) Readlink(string) (string, sys.Errno)               { return strings.Repeat("t", 100), 0 }
func (f *fakeFile) IsDir() (bool, sys.Errno)                     { return f.dir, 0 }
func (f *fakeFile) Ino() (uint64, sys.Errno)                     { return 1, 0 }
func (f *fakeFile) Read([]byte) (int, sys.Errno)                 { return 0, 0 }
func (f *fakeFile) Write(p []byte) (int, sys.Errno)              { return len(p), 0 }
func (f *fakeFile) Pwrite(p []byte, _ int64) (int, sys.Errno)    { return len(p), 0 }

// offset keeps go vet from taking Seek for a mistaken io.Seeker.
type offset = int64

func (f *fakeFile) Seek(at offset, whence int) (int64, sys.Errno) {
	if f.dir || whence == 0 {
		f.at = at
	}
	return f.at, 0
}

// Readdir lists a thousand entries.
func (f *fakeFile) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	n = min(n, 1000-int(f.at))
	f.at += int64(n)
	return make([]sys.Dirent, n), 0
}

// openAll gives a process one descriptor of each kind: 4 is a file, 5 a
// directory, 6 a reserved number.
func openAll(t testing.TB, p *Process) {
	t.Helper()
	if err := p.Reopen([]DescriptorState{
		{FD: 0, Kind: DescriptorStream, Stream: 0, Rights: rightsStdin},
		{FD: 1, Kind: DescriptorStream, Stream: 1, Rights: rightsOutput},
		{FD: 3, Kind: DescriptorRoot, Rights: rightsDir, Inheriting: rightsDir | rightsFile},
		{FD: 4, Kind: DescriptorFile, Path: "f", Access: sys.O_RDWR, Rights: rightsFile},
		{FD: 5, Kind: DescriptorDirectory, Path: "d", Rights: rightsDir, Inheriting: rightsDir | rightsFile},
		{FD: 6, Kind: DescriptorReserved},
	}); err != nil {
		t.Fatal(err)
	}
}
