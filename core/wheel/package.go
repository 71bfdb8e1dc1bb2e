package wheel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zip"
)

// ErrRefused is wrapped by every error that says that a package cannot or must not be used.
var ErrRefused = errors.New("package refused")

// refuse is the error for a package called source.
func refuse(source, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %w", ErrRefused, source, fmt.Errorf(format, args...))
}

// Package is what one archive or directory has for site-packages.
type Package struct {
	// Source is where it came from: a file's name, or the name given to Parse.
	Source string
	// Name and Version are the distribution's; "" when it has no metadata.
	Name, Version string

	files []file
}

// file is one file of a package: in memory, or still packed in its wheel.
type file struct {
	path   string // clean, relative to site-packages
	data   []byte
	packed *zip.File
	link   bool // a link inside the archive, which must not be part of the package
}

// Format is how a package is packed.
type Format string

// Formats of Parse. FormatUnknown is told from the name, else from the first bytes.
const (
	FormatUnknown Format = ""
	FormatWheel   Format = "wheel"
	FormatTarGz   Format = "tar.gz" // a source distribution, or just what belongs into site-packages
)

// Options change how packages are read.
type Options struct {
	// DropNative takes a wheel that is built for some platform without its native parts, for packages that
	// work without them; by default it is refused.
	DropNative bool
}

// Limits of what a package may hold, unpacked. They are those of the archive that all are merged into.
const (
	maxEntries    = 100_000
	maxFileBytes  = 256 << 20
	maxTotalBytes = 2 << 30
	// maxUnpackedBytes bounds what is held in memory of a package that is not a wheel.
	maxUnpackedBytes = 512 << 20
)

// Open reads the package at a path of the host's: a wheel, a .tar.gz or .tgz, or a directory.
func Open(path string, options Options) (*Package, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, refuse(path, "%w", err)
	}
	if info.IsDir() {
		return openDirectory(path)
	}
	if formatOf(path, nil) == FormatUnknown {
		return nil, refuse(path, "neither a wheel (.whl), a .tar.gz or .tgz, nor a directory")
	}
	if info.Size() > maxTotalBytes {
		return nil, refuse(path, "%d bytes are too many", info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, refuse(path, "%w", err)
	}
	return Parse(filepath.Base(path), data, FormatUnknown, options)
}

// Parse reads a package from memory. name is its file name, used for its tags, its format and in errors; it
// may be "". The bytes must not be changed afterwards.
func Parse(name string, data []byte, format Format, options Options) (*Package, error) {
	if name == "" {
		name = "package in memory"
	}
	if format == FormatUnknown {
		format = formatOf(name, data)
	}
	switch format {
	case FormatWheel:
		return parseWheel(name, data, options)
	case FormatTarGz:
		return parseTarGz(name, data)
	}
	return nil, refuse(name, "neither a wheel nor a .tar.gz")
}

// formatOf tells the format from a name, else from the first bytes.
func formatOf(name string, data []byte) Format {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".whl"):
		return FormatWheel
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		return FormatTarGz
	case strings.HasPrefix(string(data[:min(4, len(data))]), "PK\x03\x04"):
		return FormatWheel
	case strings.HasPrefix(string(data[:min(2, len(data))]), "\x1f\x8b"):
		return FormatTarGz
	}
	return FormatUnknown
}

// cleanPath checks a path of an archive: relative, downwards, and the same on every system.
func cleanPath(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("it has no name")
	case strings.ContainsAny(name, "\\\x00"):
		return "", errors.New("its name has a backslash or a NUL")
	case name[0] == '/', len(name) > 1 && name[1] == ':':
		return "", errors.New("its path is absolute")
	case len(name) > 1024:
		return "", errors.New("its path is too long")
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			return "", errors.New("its path leads outside")
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "", errors.New("it has no name")
	}
	return strings.Join(parts, "/"), nil
}

// skipped reports files that are of no use in a guest: bytecode of other versions and a checkout's own.
func skipped(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "__pycache__", ".git", ".hg", ".tox", ".venv", "node_modules":
			return true
		}
	}
	return false
}

// native reports machine code of other platforms, which the guest could not load.
func native(path string) bool {
	for _, suffix := range []string{".so", ".pyd", ".dll", ".dylib"} {
		if strings.HasSuffix(path, suffix) {
			return !strings.HasSuffix(path, wasiSuffix)
		}
	}
	return false
}

// refuseLinks is an error if a link is among the files that are to be installed.
func (p *Package) refuseLinks() error {
	for _, f := range p.files {
		if f.link {
			return fmt.Errorf("entry %.200q: it is a link", f.path)
		}
	}
	return nil
}

// add appends a file whose data is in memory.
func (p *Package) add(path string, data []byte) {
	p.files = append(p.files, file{path: path, data: data})
}
