package wheel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"

	"github.com/eryx-go/eryx/core/guestfs"
)

// Site is packages merged into one read-only directory, as one zip archive in memory. It can be mounted for
// any number of guests at once.
type Site struct {
	archive []byte
	fs      *guestfs.ArchiveFS
	sums    sync.Map // [sha256.Size]byte of files, by path
}

// siteLimits are those of the archive, however it was made.
var siteLimits = guestfs.ArchiveLimits{MaxEntries: maxEntries, MaxFileBytes: maxFileBytes, MaxTotalBytes: maxTotalBytes}

// timestamp is every file's: what is the same gives the same archive.
var timestamp = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// NewSite merges packages. When two have the same file, the first one's is taken, as the order of sys.path
// would; the same distribution given twice is an error.
func NewSite(packages []*Package) (*Site, error) {
	names := map[string]*Package{}
	for _, p := range packages {
		key := normalize(p.Name)
		if other := names[key]; key != "" && other != nil {
			return nil, refuse(p.Source, "%s is given twice, %s and %s (%s)", p.Name, p.Version, other.Version, other.Source)
		}
		names[key] = p
	}
	m := merger{kinds: map[string]kind{}}
	m.zip = zip.NewWriter(&m.buffer)
	m.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	for _, p := range packages {
		for _, f := range p.files {
			if err := m.add(f); err != nil {
				return nil, refuse(p.Source, "%.200q: %w", f.path, err)
			}
		}
	}
	if err := m.zip.Close(); err != nil {
		return nil, fmt.Errorf("merge the packages: %w", err)
	}
	return SiteOf(m.buffer.Bytes())
}

// SiteOf is the site of an archive that Site.Archive gave. The bytes must not be changed afterwards.
func SiteOf(archive []byte) (*Site, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("%w: the archive of packages: %w", ErrRefused, err)
	}
	for _, f := range r.File {
		if _, err := checkEntry(f); err != nil {
			return nil, fmt.Errorf("%w: the archive of packages: %.200q: %w", ErrRefused, f.Name, err)
		}
	}
	opened, err := guestfs.NewArchiveBytes(archive, siteLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return &Site{archive: archive, fs: opened}, nil
}

// FS is the directory, to be mounted.
func (s *Site) FS() *guestfs.ArchiveFS { return s.fs }

// Archive is the site as a zip file. It must not be changed.
func (s *Site) Archive() []byte { return s.archive }

// Read is the content of a file. A path that leads to none is an error.
func (s *Site) Read(path string) ([]byte, error) {
	data, ok := s.fs.File(path)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return data, nil
}

// Sum is the sha256 of a file, which is read once for it; false when there is none.
func (s *Site) Sum(path string) (sum [sha256.Size]byte, ok bool) {
	if known, found := s.sums.Load(path); found {
		return known.([sha256.Size]byte), true
	}
	data, err := s.Read(path)
	if err != nil {
		return sum, false
	}
	sum = sha256.Sum256(data)
	s.sums.Store(path, sum)
	return sum, true
}

// Digest is the sha256 of the archive in hexadecimal.
func (s *Site) Digest() string {
	sum := sha256.Sum256(s.archive)
	return hex.EncodeToString(sum[:])
}

var separators = regexp.MustCompile(`[-_.]+`)

// normalize is a distribution's name as names are compared.
func normalize(name string) string { return separators.ReplaceAllString(strings.ToLower(name), "-") }

type kind uint8

const (
	isFile kind = iota + 1
	isDirectory
)

// merger writes the archive.
type merger struct {
	buffer bytes.Buffer
	zip    *zip.Writer
	kinds  map[string]kind // of every path so far
}

// add writes a file, unless its path is taken.
func (m *merger) add(f file) error {
	switch m.kinds[f.path] {
	case isFile:
		return nil
	case isDirectory:
		return fmt.Errorf("it is a directory in another package: %w", fs.ErrExist)
	}
	for i, c := range f.path {
		if c != '/' {
			continue
		}
		if m.kinds[f.path[:i]] == isFile {
			return fmt.Errorf("%.200q is a file: %w", f.path[:i], fs.ErrExist)
		}
		m.kinds[f.path[:i]] = isDirectory
	}
	m.kinds[f.path] = isFile
	header := zip.FileHeader{Name: f.path, Method: zip.Deflate, Modified: timestamp}
	header.SetMode(0o644)
	if f.packed != nil {
		return m.copy(header, f.packed)
	}
	w, err := m.zip.CreateHeader(&header)
	if err != nil {
		return err
	}
	_, err = w.Write(f.data)
	return err
}

// copy takes an entry over as it is packed; its checksum is checked when a guest reads it.
func (m *merger) copy(header zip.FileHeader, packed *zip.File) error {
	header.Method = packed.Method
	header.CRC32 = packed.CRC32
	header.CompressedSize64, header.UncompressedSize64 = packed.CompressedSize64, packed.UncompressedSize64
	r, err := packed.OpenRaw()
	if err != nil {
		return err
	}
	w, err := m.zip.CreateRaw(&header)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, r)
	if err == nil && uint64(n) != packed.CompressedSize64 {
		err = io.ErrUnexpectedEOF
	}
	return err
}
