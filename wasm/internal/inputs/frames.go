package inputs

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// extractLibraries takes the libraries and the standard library out of componentize-py's extension module,
// which holds them as zstd frames.
func (t Tree) extractLibraries(pins Pins, progress func(string)) error {
	w, err := pins.Wheel("componentize-py")
	if err != nil {
		return err
	}
	dir := filepath.Join(t.Build, "lib")
	if upToDate(dir, w.SHA256) {
		return nil
	}
	progress("extracting libraries from " + w.File)
	extension, err := readExtension(t.wheelPath(w))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	found, err := t.saveFrames(extension, pins.Libraries)
	if err != nil {
		return err
	}
	for _, name := range append(slices.Clone(pins.Libraries), filepath.Base(t.Stdlib())) {
		if !found[name] {
			return fmt.Errorf("%s: holds no %s", w.File, name)
		}
	}
	return markUpToDate(dir, w.SHA256)
}

func readExtension(wheel string) ([]byte, error) {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".abi3.so") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return nil, errors.New("wheel holds no extension module")
}

func (t Tree) saveFrames(extension []byte, wanted []string) (map[string]bool, error) {
	found := map[string]bool{}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	for _, frame := range frames(extension) {
		data, err := decoder.DecodeAll(frame, nil)
		if err != nil {
			continue // bytes that only look like a frame
		}
		name := identify(data)
		if name != filepath.Base(t.Stdlib()) && !slices.Contains(wanted, name) {
			continue
		}
		if found[name] {
			return nil, fmt.Errorf("two candidates for %s", name)
		}
		found[name] = true
		if err := os.WriteFile(t.Library(name), data, 0o644); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// identify names a decompressed frame: a shared library by its own module name, the standard library by a
// file that only it has.
func identify(data []byte) string {
	if m, err := wasmbin.Decode(data); err == nil && m.Custom("dylink.0") != nil {
		return wasmbin.ModuleName(m)
	}
	archive := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := archive.Next()
		if err != nil {
			return ""
		}
		if strings.TrimPrefix(h.Name, "./") == "os.py" {
			return "stdlib.tar"
		}
	}
}

var magic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// frames finds the zstd frames in data.
func frames(data []byte) [][]byte {
	var out [][]byte
	for {
		i := bytes.Index(data, magic)
		if i < 0 {
			return out
		}
		data = data[i:]
		n := frameLength(data)
		if n > 0 {
			out = append(out, data[:n:n])
		}
		data = data[max(n, 1):]
	}
}

// frameLength walks the blocks of the frame at the start of data (RFC 8878, 3.1.1); 0 when it is none.
func frameLength(data []byte) int {
	var h zstd.Header
	if err := h.Decode(data[:min(len(data), zstd.HeaderMaxSize)]); err != nil || h.Skippable {
		return 0
	}
	const rawBlock, rleBlock, compressedBlock = 0, 1, 2
	pos := h.HeaderSize
	for pos+3 <= len(data) {
		block := int(data[pos]) | int(data[pos+1])<<8 | int(data[pos+2])<<16
		pos += 3
		switch block >> 1 & 3 {
		case rawBlock, compressedBlock:
			pos += block >> 3
		case rleBlock:
			pos++
		default:
			return 0
		}
		if block&1 == 0 {
			continue
		}
		if h.HasCheckSum {
			pos += 4
		}
		if pos > len(data) {
			return 0
		}
		return pos
	}
	return 0
}
