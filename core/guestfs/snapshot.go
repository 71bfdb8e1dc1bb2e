package guestfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/tetratelabs/wazero/experimental/sys"
)

// snapshotMagic begins a snapshot; after it comes a tar file, packed by zstd.
const snapshotMagic = "eryx-vfs-1\n"

// maxTarHead is more than an entry of a snapshot takes beside a file's bytes:
// two paths, their headers and padding.
const maxTarHead = 4 * MaxPath

// ErrSnapshot is matched by the error for bytes that are not a snapshot.
var ErrSnapshot = errors.New("not a snapshot of a storage")

// Snapshot is all that the storage holds: files with their holes filled, hard
// and symbolic links, permissions and times of change. The same files give the
// same bytes. It is of one moment, and guests are not held up meanwhile.
func (s *Storage) Snapshot() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(snapshotMagic)
	zw, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	tw := tar.NewWriter(zw)
	w := snapshotWriter{tw: tw, s: s.Fork(), first: map[uint64]string{}}
	err = errors.Join(w.s.Walk("", w.add), tw.Close(), zw.Close())
	if err != nil {
		return nil, fmt.Errorf("guestfs: snapshot: %w", err)
	}
	return out.Bytes(), nil
}

// snapshotWriter writes the entries of a storage that does not change.
type snapshotWriter struct {
	tw    *tar.Writer
	s     *Storage
	first map[uint64]string // the first name of a file with several
}

func (w snapshotWriter) add(e Entry) error {
	h := &tar.Header{
		Format: tar.FormatPAX, Name: e.Path, Mode: int64(e.Mode.Perm()), ModTime: e.ModTime, Typeflag: tar.TypeReg,
	}
	switch {
	case e.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, e.Path+"/"
	case w.first[e.ino] != "":
		h.Typeflag, h.Linkname = tar.TypeLink, w.first[e.ino]
	case e.Mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.Target
	case e.Mode.IsRegular():
		h.Size = e.Size
	default: // a pipe below a copy-on-write layer
		return nil
	}
	if e.nlink > 1 && !e.IsDir() {
		w.first[e.ino] = e.Path
	}
	if err := w.tw.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	f, errno := w.s.ns.OpenFile(e.Path, sys.O_RDONLY, 0)
	if errno != 0 {
		return pathError("snapshot", e.Path, errno)
	}
	defer f.Close()
	_, err := io.CopyBuffer(struct{ io.Writer }{w.tw}, fileIO{f}, make([]byte, chunkSize))
	return err
}

// Restore replaces all that the storage holds by a snapshot. The limits stay,
// and if the snapshot exceeds them, or is not one, nothing changes. Files that
// guests have open stay what they were, as if removed.
//
// A snapshot need not be trusted: what it makes the host use is bounded by the
// limits.
func (s *Storage) Restore(snapshot []byte) error {
	packed, ok := bytes.CutPrefix(snapshot, []byte(snapshotMagic))
	if !ok {
		return fmt.Errorf("guestfs: restore: %w", ErrSnapshot)
	}
	zr, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return fmt.Errorf("guestfs: restore: %w: %w", ErrSnapshot, err)
	}
	defer zr.Close()
	made, err := readSnapshot(zr, s.mem.Limits())
	if err != nil {
		return err
	}
	s.mem.become(made)
	return nil
}

// readSnapshot makes a filesystem of the tar file in a snapshot.
func readSnapshot(r io.Reader, limits Limits) (*MemFS, error) {
	made := NewMemFS(limits)
	limits = made.Limits()
	// No snapshot within the limits is longer, but one that is nothing but
	// headers could be, without end.
	tr := tar.NewReader(io.LimitReader(r, limits.MaxBytes+limits.MaxFiles*maxTarHead+maxTarHead))
	var dirs []*tar.Header // whose times change while they are filled
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("guestfs: restore: %w: %w", ErrSnapshot, err)
		}
		if err := made.restore(h, tr); err != nil {
			return nil, fmt.Errorf("guestfs: restore %q: %w", h.Name, err)
		}
		if h.Typeflag == tar.TypeDir {
			dirs = append(dirs, h)
		}
	}
	if len(dirs) == 0 { // not even the root
		return nil, fmt.Errorf("guestfs: restore: %w", ErrSnapshot)
	}
	for _, h := range dirs {
		made.Utimens(snapshotPath(h.Name), sys.UTIME_OMIT, h.ModTime.UnixNano()) // it was made above
	}
	return made, nil
}

// snapshotPath is the path of an entry as MemFS expects it.
func snapshotPath(name string) string { return orDot(strings.TrimSuffix(name, "/")) }

// restore makes one entry of a snapshot. MemFS follows no links, so an entry
// cannot be put anywhere but where its name says.
func (m *MemFS) restore(h *tar.Header, r io.Reader) error {
	path := snapshotPath(h.Name)
	p, errno := parsePath(path)
	if errno != 0 {
		return Error{errno}
	}
	perm := fs.FileMode(h.Mode) & fs.ModePerm
	if p.clean == "" && h.Typeflag == tar.TypeDir {
		m.Chmod(".", perm)
		return nil
	}
	if p.up || p.clean != path {
		return ErrSnapshot
	}
	switch h.Typeflag {
	case tar.TypeDir:
		errno = m.Mkdir(path, perm)
	case tar.TypeLink:
		errno = m.Link(h.Linkname, path)
	case tar.TypeSymlink:
		if errno = m.Symlink(h.Linkname, path); errno == 0 {
			m.setLinkTime(path, h.ModTime)
		}
	case tar.TypeReg:
		return m.restoreFile(path, perm, h.ModTime, r)
	default:
		return ErrSnapshot
	}
	if errno != 0 {
		return Error{errno}
	}
	return nil
}

// restoreFile makes one file of a snapshot.
func (m *MemFS) restoreFile(path string, perm fs.FileMode, modified time.Time, r io.Reader) error {
	f, errno := m.OpenFile(path, sys.O_WRONLY|sys.O_CREAT|sys.O_EXCL, perm)
	if errno != 0 {
		return Error{errno}
	}
	defer f.Close()
	if _, err := io.CopyBuffer(fileIO{f}, struct{ io.Reader }{r}, make([]byte, chunkSize)); err != nil {
		return err
	}
	if errno := f.Utimens(sys.UTIME_OMIT, modified.UnixNano()); errno != 0 {
		return Error{errno}
	}
	return nil
}

// setLinkTime sets the time of a link itself.
func (m *MemFS) setLinkTime(path string, modified time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, _, n, errno := m.find(path); errno == 0 {
		n.mtime = modified.UnixNano()
	}
}
