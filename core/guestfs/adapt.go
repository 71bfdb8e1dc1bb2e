package guestfs

import (
	"bytes"
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// maxBuffered is the size of the largest file, in bytes, that is read into
// memory because its fs.File can only be read from the start to the end.
const maxBuffered = 64 << 20

// maxAllBuffered bounds all of them that are open, in bytes.
const maxAllBuffered = 4 * maxBuffered

// adapted shows a Go file system to guests.
type adapted struct {
	refusal
	of    fs.FS
	links bool // it has symbolic links and can tell them
	// buffered is how many bytes of open files are in memory.
	buffered atomic.Int64
}

// AdaptFS shows a Go file system to guests; it cannot be changed (EROFS). It
// must be safe for use by many goroutines. Links are those that it tells with
// [fs.ReadLinkFS]; others it follows itself, os.DirFS out of its directory
// too, for which [OpenVolume] is the better choice.
//
// A file that is neither an io.ReaderAt nor an io.Seeker is read into memory
// when it is opened, up to 64 MiB (else EFBIG) and 256 MiB for all that are
// open (else EMFILE).
func AdaptFS(of fs.FS) sys.FS {
	a := &adapted{of: of}
	_, a.links = of.(fs.ReadLinkFS)
	a.refusal = refusal{a.Lstat}
	return a
}

// valid checks a path before the file system sees it, which may not know names
// that are not UTF-8.
func (a *adapted) valid(path string) sys.Errno {
	if !fs.ValidPath(path) {
		return sys.ENOENT
	}
	if !a.links {
		return 0
	}
	for i := strings.IndexByte(path, '/'); i >= 0; {
		info, err := fs.Lstat(a.of, path[:i])
		if err != nil {
			return toErrno(err)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return sys.ELOOP
		}
		next := strings.IndexByte(path[i+1:], '/')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return 0
}

// missing turns the ENOENT for a path below a file into ENOTDIR.
func (a *adapted) missing(path string, errno sys.Errno) sys.Errno {
	for errno == sys.ENOENT && strings.Contains(path, "/") {
		path = parent(path)
		info, err := fs.Lstat(a.of, path)
		if err == nil && !info.IsDir() {
			return sys.ENOTDIR
		}
		if err == nil {
			break
		}
	}
	return errno
}

// Lstat implements sys.FS.
func (a *adapted) Lstat(path string) (wazerosys.Stat_t, sys.Errno) {
	if errno := a.valid(path); errno != 0 {
		return wazerosys.Stat_t{}, errno
	}
	info, err := fs.Lstat(a.of, path)
	if err != nil {
		return wazerosys.Stat_t{}, a.missing(path, toErrno(err))
	}
	return adaptedStat(path, info), 0
}

// adaptedStat is what the guest sees of a file. Its inode number is made of
// its path, so that it is always the same.
func adaptedStat(path string, info fs.FileInfo) wazerosys.Stat_t {
	h := fnv.New64a()
	h.Write([]byte(path)) // never fails
	time := info.ModTime().UnixNano()
	return wazerosys.Stat_t{
		Ino: h.Sum64() | 1, Mode: info.Mode(), Nlink: 1, Size: max(0, info.Size()), Atim: time, Mtim: time, Ctim: time,
	}
}

// Stat implements sys.FS.
func (a *adapted) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return noLink(a.Lstat(path)) }

// Readlink implements sys.FS.
func (a *adapted) Readlink(path string) (string, sys.Errno) {
	st, errno := a.Lstat(path)
	switch {
	case errno != 0:
		return "", errno
	case st.Mode&fs.ModeSymlink == 0:
		return "", sys.EINVAL
	}
	target, err := fs.ReadLink(a.of, path)
	return target, toErrno(err)
}

// OpenFile implements sys.FS.
func (a *adapted) OpenFile(path string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	if errno := a.open(path, flag); errno != 0 {
		return nil, errno
	}
	st, errno := a.Lstat(path)
	if errno == 0 {
		errno = mayOpen(st.Mode, flag&^(sys.O_CREAT|sys.O_EXCL))
	}
	if errno != 0 {
		return nil, errno
	}
	f, err := a.of.Open(path)
	if err != nil {
		return nil, toErrno(err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // the open has failed already
		return nil, toErrno(err)
	}
	node := &archiveNode{stat: adaptedStat(path, info), name: info.Name()}
	if info.IsDir() {
		return &adaptedDir{archiveHead: archiveHead{n: node}, a: a, f: f, path: path}, 0
	}
	file := &adaptedFile{archiveFile: newArchiveFile(node, nil), a: a, f: f}
	if errno := file.prepare(); errno != 0 {
		_ = f.Close()
		return nil, errno
	}
	return file, 0
}

// prepare makes the file readable at any place.
func (f *adaptedFile) prepare() sys.Errno {
	switch r := f.f.(type) {
	case io.ReaderAt:
		f.r = r
		return 0
	case io.ReadSeeker:
		f.r = seekReader{r}
		return 0
	}
	if f.a.buffered.Load() >= maxAllBuffered {
		return EMFILE
	}
	data, err := io.ReadAll(io.LimitReader(f.f, maxBuffered+1))
	if err != nil {
		return toErrno(err)
	}
	if len(data) > maxBuffered {
		return EFBIG
	}
	f.buffered = int64(len(data))
	f.a.buffered.Add(f.buffered)
	f.r = bytes.NewReader(data)
	return 0
}

// seekReader reads at a place by going there.
type seekReader struct{ r io.ReadSeeker }

// ReadAt implements io.ReaderAt, for one caller at a time.
func (s seekReader) ReadAt(buf []byte, off int64) (int, error) {
	if _, err := s.r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(s.r, buf)
}

// adaptedFile is an open file of a Go file system.
type adaptedFile struct {
	*archiveFile // all but what reads
	a            *adapted
	f            fs.File
	r            io.ReaderAt
	buffered     int64 // in memory, in bytes
}

// Read implements sys.File.
func (f *adaptedFile) Read(buf []byte) (int, sys.Errno) { return f.read(buf, f.Pread) }

// Pread implements sys.File.
func (f *adaptedFile) Pread(buf []byte, off int64) (int, sys.Errno) {
	switch {
	case f.closed:
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	}
	n, err := f.r.ReadAt(buf, off)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return max(0, min(n, len(buf))), toErrno(err)
}

// Close implements sys.File.
func (f *adaptedFile) Close() sys.Errno {
	if f.closed {
		return 0
	}
	f.closed = true
	f.a.buffered.Add(-f.buffered)
	f.r = nil
	return toErrno(f.f.Close())
}

// adaptedDir is an open directory of a Go file system.
type adaptedDir struct {
	noData
	archiveHead
	a    *adapted
	f    fs.File
	path string
}

// Seek implements sys.File: only back to the start, by opening it again.
func (d *adaptedDir) Seek(offset position, whence int) (int64, sys.Errno) {
	switch {
	case d.closed:
		return 0, sys.EBADF
	case offset != 0 || whence != io.SeekStart:
		return 0, sys.EINVAL
	}
	f, err := d.a.of.Open(d.path)
	if err != nil {
		return 0, toErrno(err)
	}
	_ = d.f.Close() // it was only read
	d.f = f
	return 0, 0
}

// Readdir implements sys.File.
func (d *adaptedDir) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if d.closed {
		return nil, sys.EBADF
	}
	r, ok := d.f.(fs.ReadDirFile)
	if !ok {
		return nil, sys.ENOTSUP
	}
	entries, err := r.ReadDir(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, toErrno(err)
	}
	page := make([]sys.Dirent, len(entries))
	for i, e := range entries {
		h := fnv.New64a()
		h.Write([]byte(join(strings.TrimPrefix(d.path, "."), e.Name()))) // never fails
		page[i] = sys.Dirent{Name: e.Name(), Type: e.Type(), Ino: h.Sum64() | 1}
	}
	return page, 0
}

// Close implements sys.File.
func (d *adaptedDir) Close() sys.Errno {
	if d.closed {
		return 0
	}
	d.closed = true
	return toErrno(d.f.Close())
}
