package guestfs

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zip"
	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// ArchiveLimits bound what an archive may make the host hold in memory.
type ArchiveLimits struct {
	// MaxEntries is how many entries there may be; 0 means 100,000.
	MaxEntries int
	// MaxFileBytes is the size of one file, unpacked; 0 means 256 MiB.
	MaxFileBytes int64
	// MaxTotalBytes is the size of all files, unpacked; 0 means 2 GiB.
	MaxTotalBytes int64
}

func (l ArchiveLimits) orDefault() ArchiveLimits {
	if l.MaxEntries <= 0 {
		l.MaxEntries = 100_000
	}
	if l.MaxFileBytes <= 0 {
		l.MaxFileBytes = 256 << 20
	}
	if l.MaxTotalBytes <= 0 {
		l.MaxTotalBytes = 2 << 30
	}
	return l
}

// ArchiveFS shows the contents of a zip file, or a wheel, without unpacking
// it: a file is unpacked when it is first read, and then kept. It cannot be
// changed (EROFS), so any number of guests may share one.
type ArchiveFS struct {
	refusal
	nodes    map[string]*archiveNode // by clean path, "." is the root
	maxNodes int
	making   *making // nil: all files are the archive's own
}

// archiveNode is one file, directory or link.
type archiveNode struct {
	stat     wazerosys.Stat_t
	name     string
	children []*archiveNode // of a directory, sorted by name
	file     *zip.File      // nil for a directory

	once  sync.Once
	data  []byte
	errno sys.Errno
}

// NewArchive reads the directory of a zip file. Entries that would lie outside
// of it, or that are neither files, directories nor symbolic links, are an
// error, and so is more than the limits allow.
func NewArchive(r io.ReaderAt, size int64, limits ArchiveLimits) (*ArchiveFS, error) {
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("guestfs: not a zip archive: %w", err)
	}
	limits = limits.orDefault()
	if len(zr.File) > limits.MaxEntries {
		return nil, fmt.Errorf("guestfs: the archive has %d entries, more than %d", len(zr.File), limits.MaxEntries)
	}
	a := &ArchiveFS{
		nodes:    make(map[string]*archiveNode, len(zr.File)+len(zr.File)/4+1),
		maxNodes: limits.MaxEntries,
	}
	a.refusal = refusal{a.Lstat}
	if _, err := a.dir(""); err != nil {
		return nil, err
	}
	left := limits.MaxTotalBytes
	for _, f := range zr.File {
		if err := a.add(f, limits, &left); err != nil {
			return nil, fmt.Errorf("guestfs: archive entry %q: %w", f.Name, err)
		}
	}
	for _, n := range a.nodes {
		slices.SortFunc(n.children, func(x, y *archiveNode) int { return cmp.Compare(x.name, y.name) })
	}
	return a, nil
}

// NewArchiveBytes is NewArchive for a zip file in memory. The bytes must not
// be changed afterwards.
func NewArchiveBytes(b []byte, limits ArchiveLimits) (*ArchiveFS, error) {
	return NewArchive(bytes.NewReader(b), int64(len(b)), limits)
}

// dir is the directory of a clean path, which is made if it is not there.
func (a *ArchiveFS) dir(clean string) (*archiveNode, error) {
	n := a.nodes[orDot(clean)]
	if n == nil {
		n, err := a.enter(clean)
		if err == nil {
			n.stat.Mode, n.stat.Nlink, n.stat.Size = fs.ModeDir|0o755, 2, dirSize
		}
		return n, err
	}
	if !n.stat.Mode.IsDir() {
		return nil, fmt.Errorf("%q is not a directory: %w", clean, fs.ErrExist)
	}
	return n, nil
}

// enter makes a node for a clean path and enters it into its directory.
func (a *ArchiveFS) enter(clean string) (*archiveNode, error) {
	n := &archiveNode{name: clean[strings.LastIndexByte(clean, '/')+1:]}
	if clean != "" {
		up, err := a.dir(parent(clean))
		if err != nil {
			return nil, err
		}
		up.children = append(up.children, n)
		if n.stat.Nlink = 1; len(a.nodes) > a.maxNodes { // directories that only paths name count too
			return nil, fmt.Errorf("too many directories: %w", ErrNoSpace)
		}
	}
	n.stat.Ino = uint64(len(a.nodes) + 1)
	a.nodes[orDot(clean)] = n
	return n, nil
}

// add enters one entry of the archive.
func (a *ArchiveFS) add(f *zip.File, limits ArchiveLimits, left *int64) error {
	clean, err := entryPath(f.Name)
	if err != nil {
		return err
	}
	mode := f.Mode()
	time := f.Modified.UnixNano()
	if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		n, err := a.dir(clean)
		if err == nil {
			n.stat.Atim, n.stat.Mtim, n.stat.Ctim = time, time, time
		}
		return err
	}
	if mode.Type() != 0 && mode.Type() != fs.ModeSymlink {
		return fmt.Errorf("it is a special file (%v)", mode.Type())
	}
	if f.UncompressedSize64 > uint64(limits.MaxFileBytes) || f.UncompressedSize64 > uint64(*left) {
		return fmt.Errorf("%d bytes are too many: %w", f.UncompressedSize64, ErrNoSpace)
	}
	if a.nodes[clean] != nil {
		return fs.ErrExist
	}
	n, err := a.enter(clean)
	if err != nil {
		return err
	}
	*left -= int64(f.UncompressedSize64)
	n.file = f
	n.stat.Mode, n.stat.Size = mode.Type()|mode.Perm(), int64(f.UncompressedSize64)
	n.stat.Atim, n.stat.Mtim, n.stat.Ctim = time, time, time
	return nil
}

// entryPath is the clean path of an archive's entry. A path that is not plainly
// below the archive's root is an error.
func entryPath(name string) (string, error) {
	p, errno := parsePath(strings.TrimSuffix(name, "/"))
	switch {
	case errno != 0:
		return "", Error{errno}
	case p.up || p.clean == "" || name[0] == '/' || strings.Contains(name, `\`):
		return "", fmt.Errorf("it leads outside: %w", fs.ErrInvalid)
	}
	return p.clean, nil
}

// content is what the file holds. It is unpacked once; a checksum that is
// wrong, or a size that is not the declared one, is EIO for ever.
func (n *archiveNode) content() ([]byte, sys.Errno) {
	n.once.Do(func() {
		r, err := n.file.Open()
		if err != nil {
			n.errno = sys.EIO
			return
		}
		defer r.Close()
		if n.data, err = readDeclared(r, n.stat.Size, int64(n.file.CompressedSize64)); err != nil {
			n.data, n.errno = nil, sys.EIO
		}
	})
	return n.data, n.errno
}

// maxDeflateRatio is how much larger than its packed form deflate can make
// something, at most.
const maxDeflateRatio = 1032

// readDeclared reads exactly size bytes. Memory is not taken on the archive's
// word: what cannot come of the packed size is not allocated in advance.
func readDeclared(r io.Reader, size, packed int64) ([]byte, error) {
	if packed < size/maxDeflateRatio {
		return nil, io.ErrUnexpectedEOF
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	var one [1]byte
	if n, err := r.Read(one[:]); n != 0 || err != io.EOF { // io.EOF: the checksum is right
		return nil, fmt.Errorf("guestfs: more than was declared, or a wrong checksum: %w", err)
	}
	return data, nil
}
