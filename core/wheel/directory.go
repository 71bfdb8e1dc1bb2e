package wheel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// openDirectory reads a directory of the host's as it is now: a project with PKG-INFO, pyproject.toml or
// setup.py, a package (with __init__.py), or what belongs into site-packages.
func openDirectory(path string) (*Package, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, refuse(path, "%w", err)
	}
	files, err := readDirectory(absolute)
	if err != nil {
		return nil, refuse(path, "%w", err)
	}
	p := &Package{Source: path, files: files}
	base := filepath.Base(absolute)
	switch {
	case hasFile(files, "__init__.py"):
		for i := range p.files {
			p.files[i].path = base + "/" + p.files[i].path
		}
	case hasFile(files, "PKG-INFO"), hasFile(files, "pyproject.toml"), hasFile(files, "setup.py"):
		if err := p.finishSource(""); err != nil {
			return nil, refuse(path, "%w", err)
		}
		return p, nil
	}
	p.readMetadata()
	return p, nil
}

// readDirectory reads all plain files below path. os.Root keeps the reading inside if a directory is replaced
// by a link meanwhile; links that are found are an error.
func readDirectory(path string) ([]file, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var files []file
	left := int64(maxUnpackedBytes)
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case skipped(name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			return fmt.Errorf("%.200q is a symbolic link", name)
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%.200q is a special file", name)
		case len(files) >= maxEntries:
			return fmt.Errorf("it has more than %d files", maxEntries)
		}
		data, err := readBounded(root, name, min(left, maxFileBytes))
		if err != nil {
			return fmt.Errorf("%.200q: %w", name, err)
		}
		left -= int64(len(data))
		files = append(files, file{path: strings.ReplaceAll(name, `\`, "/"), data: data})
		return nil
	})
	return files, err
}

// readBounded reads a file of at most limit bytes.
func readBounded(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("too many bytes")
	}
	return data, err
}
