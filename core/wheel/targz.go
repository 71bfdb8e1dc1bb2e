package wheel

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// parseTarGz reads a source distribution, or an archive of what belongs into site-packages.
func parseTarGz(source string, data []byte) (*Package, error) {
	files, err := readTarGz(data)
	if err != nil {
		return nil, refuse(source, "%w", err)
	}
	p := &Package{Source: source, files: files}
	if root, ok := onlyRoot(files); ok && hasFile(files, root+"/PKG-INFO") {
		if err := p.finishSource(root); err != nil {
			return nil, refuse(source, "%w", err)
		}
	} else {
		p.readMetadata()
	}
	if err := p.refuseLinks(); err != nil {
		return nil, refuse(source, "%w", err)
	}
	return p, nil
}

// readTarGz unpacks plain files; links and special files are refused.
func readTarGz(data []byte) ([]file, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it is not compressed with gzip: %w", err)
	}
	r := tar.NewReader(&io.LimitedReader{R: unzipped, N: maxUnpackedBytes + maxEntries*1024})
	var files []file
	left := int64(maxUnpackedBytes)
	for entries := 0; ; entries++ {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		if entries >= maxEntries {
			return nil, fmt.Errorf("it has more than %d entries", maxEntries)
		}
		f, err := readTarEntry(r, header, left)
		if err != nil {
			return nil, fmt.Errorf("entry %.200q: %w", header.Name, err)
		}
		if f.path != "" {
			left -= int64(len(f.data))
			files = append(files, f)
		}
	}
}

// readTarEntry unpacks one entry; its path is "" when there is nothing to keep.
func readTarEntry(r io.Reader, header *tar.Header, left int64) (file, error) {
	switch header.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		if strings.Trim(header.Name, "./") == "" && !strings.Contains(header.Name, "..") {
			return file{}, nil // the archive's own root
		}
		_, err := cleanPath(header.Name)
		return file{}, err
	case tar.TypeXGlobalHeader:
		return file{}, nil
	case tar.TypeSymlink, tar.TypeLink:
		return readLink(header)
	default:
		return file{}, fmt.Errorf("it is a special file (type %q)", header.Typeflag)
	}
	clean, err := cleanPath(header.Name)
	if err != nil {
		return file{}, err
	}
	if header.Size > min(left, maxFileBytes) {
		return file{}, fmt.Errorf("%d bytes are too many", header.Size)
	}
	if skipped(clean) {
		return file{}, nil
	}
	// Not allocated on the archive's word: the buffer grows with what is really there.
	var buffer bytes.Buffer
	if _, err := io.Copy(&buffer, io.LimitReader(r, header.Size)); err != nil {
		return file{}, err
	}
	return file{path: clean, data: buffer.Bytes()}, nil
}

// readLink notes a link that stays inside the archive; others are an error. Projects have such links beside
// what they distribute.
func readLink(header *tar.Header) (file, error) {
	clean, err := cleanPath(header.Name)
	if err != nil {
		return file{}, err
	}
	target := header.Linkname
	if header.Typeflag == tar.TypeSymlink && !path.IsAbs(target) {
		target = path.Join(path.Dir(clean), target)
	}
	if path.IsAbs(target) || target == ".." || strings.HasPrefix(target, "../") {
		return file{}, errors.New("it is a link that leads outside")
	}
	return file{path: clean, link: true}, nil
}

// onlyRoot is the one directory that all files are below.
func onlyRoot(files []file) (string, bool) {
	root := ""
	for _, f := range files {
		first, _, below := strings.Cut(f.path, "/")
		if !below || (root != "" && first != root) {
			return "", false
		}
		root = first
	}
	return root, root != ""
}

func hasFile(files []file, path string) bool {
	for _, f := range files {
		if f.path == path {
			return true
		}
	}
	return false
}
