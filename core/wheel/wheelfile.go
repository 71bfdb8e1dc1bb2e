package wheel

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/klauspost/compress/zip"
)

// parseWheel reads a wheel. Its files stay packed until a guest reads them.
func parseWheel(source string, data []byte, options Options) (*Package, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, refuse(source, "it is no zip archive: %w", err)
	}
	if len(r.File) > maxEntries {
		return nil, refuse(source, "it has %d entries, more than %d", len(r.File), maxEntries)
	}
	p := &Package{Source: source}
	total := uint64(0)
	for _, f := range r.File {
		clean, err := checkEntry(f)
		if err != nil {
			return nil, refuse(source, "entry %.200q: %w", f.Name, err)
		}
		total += f.UncompressedSize64
		if total > maxTotalBytes {
			return nil, refuse(source, "it unpacks to more than %d bytes", int64(maxTotalBytes))
		}
		if !f.FileInfo().IsDir() && !skipped(clean) {
			p.files = append(p.files, file{path: clean, packed: f})
		}
	}
	if err := p.finishWheel(options); err != nil {
		return nil, refuse(source, "%w", err)
	}
	return p, nil
}

// checkEntry is the clean path of an entry that is a plain file or a directory.
func checkEntry(f *zip.File) (string, error) {
	clean, err := cleanPath(f.Name)
	if err != nil {
		return "", err
	}
	switch mode := f.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return "", fmt.Errorf("it is a symbolic link")
	case mode.Type() != 0 && !mode.IsDir():
		return "", fmt.Errorf("it is a special file (%v)", mode.Type())
	case f.Flags&1 != 0:
		return "", fmt.Errorf("it is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return "", fmt.Errorf("its compression (method %d) is unknown", f.Method)
	case f.UncompressedSize64 > maxFileBytes:
		return "", fmt.Errorf("%d bytes are too many", f.UncompressedSize64)
	}
	return clean, nil
}

// finishWheel checks metadata and tags, and puts what lies in NAME.data where it belongs.
func (p *Package) finishWheel(options Options) error {
	i := slices.IndexFunc(p.files, func(f file) bool {
		dir, name, _ := strings.Cut(f.path, "/")
		return name == "WHEEL" && strings.HasSuffix(dir, ".dist-info")
	})
	if i < 0 {
		return fmt.Errorf("it is no wheel: there is no .dist-info/WHEEL in it")
	}
	text, err := p.files[i].read(maxMetadata)
	if err != nil {
		return err
	}
	stem := strings.TrimSuffix(p.files[i].path, ".dist-info/WHEEL")
	p.Name, p.Version, _ = strings.Cut(stem, "-")
	if err := checkWheelFile(string(text), p.Source, options); err != nil {
		return err
	}
	kept := p.files[:0]
	for _, f := range p.files {
		if options.DropNative && native(f.path) {
			continue
		}
		if f.path = installed(f.path, stem); f.path != "" {
			kept = append(kept, f)
		}
	}
	p.files = kept
	if options.DropNative {
		return nil
	}
	return p.refuseForeign()
}

// checkWheelFile checks the file WHEEL: a version that is known, and tags, of the name or its own.
func checkWheelFile(text, source string, options Options) error {
	var own []tag
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Wheel-Version":
			if major, _, _ := strings.Cut(value, "."); major != "1" {
				return fmt.Errorf("the wheel's format has version %.20q, not 1", value)
			}
		case "Tag":
			own = append(own, parseTag(value)...)
		}
	}
	if name, ok := parseName(source); ok {
		own = name.tags
	}
	return checkTags(own, options.DropNative)
}

// installed is where an installer puts a file of a wheel, relative to site-packages; "" for what is not for
// programs: scripts and C headers. Data for the system's prefix stays where it is.
func installed(path, stem string) string {
	rest, found := strings.CutPrefix(path, stem+".data/")
	if !found {
		return path
	}
	kind, below, _ := strings.Cut(rest, "/")
	switch kind {
	case "purelib", "platlib":
		return below
	case "scripts", "headers":
		return ""
	}
	return path
}

const maxMetadata = 4 << 20

// head is the first bytes of a file, as many as tell its format, or all.
func (f file) head() ([]byte, error) {
	const enough = 8
	if f.packed == nil {
		return f.data[:min(enough, len(f.data))], nil
	}
	r, err := f.packed.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, enough))
}

// read unpacks a file of at most limit bytes.
func (f file) read(limit int64) ([]byte, error) {
	if f.packed == nil {
		return f.data, nil
	}
	if f.packed.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%.200q: %d bytes are too many", f.path, f.packed.UncompressedSize64)
	}
	r, err := f.packed.Open()
	if err != nil {
		return nil, fmt.Errorf("%.200q: %w", f.path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil, fmt.Errorf("%.200q: %w", f.path, err)
	}
	return data, nil
}
