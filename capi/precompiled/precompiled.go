// Package precompiled carries the interpreter's machine code in a file, so that packages can ship it: Pack writes the
// code of a cache directory, Unpack puts it into the cache of another machine. What does not fit there, because the
// library or the processor is another, is found by the runtime's own probe and compiled anew.
package precompiled

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxBytes bounds what a file may unpack to.
const maxBytes = 256 << 20

// codePattern are the directories of a cache that hold machine code.
const codePattern = "code-*"

// Pack writes the machine code that the cache directory holds to w.
func Pack(w io.Writer, cacheDir string) error {
	found, err := filepath.Glob(filepath.Join(cacheDir, codePattern))
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("expected the code of one interpreter in %s, found %d", cacheDir, len(found))
	}
	compressed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	err = filepath.WalkDir(found[0], func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return addFile(archive, cacheDir, path)
	})
	return errors.Join(err, archive.Close(), compressed.Close())
}

func addFile(archive *tar.Writer, cacheDir, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(cacheDir, path)
	if err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(data))}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = archive.Write(data)
	return err
}

// Unpack puts the code in file into the cache directory, unless it is there. The code appears whole or not at all, also
// when several processes do this at once.
func Unpack(file, cacheDir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	compressed, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBytes))
	if err != nil {
		return err
	}
	defer compressed.Close()
	u := unpacker{archive: tar.NewReader(compressed), cacheDir: cacheDir, left: maxBytes}
	defer u.cleanUp()
	return u.run()
}

type unpacker struct {
	archive   *tar.Reader
	cacheDir  string
	top       string // the one directory inside
	temporary string
	left      int64
}

func (u *unpacker) run() error {
	for {
		header, err := u.archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		present, err := u.file(header)
		if present || err != nil {
			return err
		}
	}
	if u.temporary == "" {
		return errors.New("no code in the file")
	}
	err := os.Rename(filepath.Join(u.temporary, u.top), filepath.Join(u.cacheDir, u.top))
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	return err
}

// file unpacks one file; present says that the code is in the cache already.
func (u *unpacker) file(header *tar.Header) (present bool, err error) {
	name := filepath.FromSlash(header.Name)
	top, _, nested := strings.Cut(header.Name, "/")
	if ok, _ := filepath.Match(codePattern, top); !ok || !nested || !filepath.IsLocal(name) || header.Typeflag != tar.TypeReg {
		return false, fmt.Errorf("unexpected file %q", header.Name)
	}
	if u.temporary == "" {
		if _, err := os.Stat(filepath.Join(u.cacheDir, top)); err == nil {
			return true, nil
		}
		if err := u.begin(top); err != nil {
			return false, err
		}
	}
	if u.left -= header.Size; top != u.top || u.left < 0 {
		return false, fmt.Errorf("unexpected file %q", header.Name)
	}
	path := filepath.Join(u.temporary, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(out, u.archive)
	return false, errors.Join(err, out.Close())
}

func (u *unpacker) begin(top string) error {
	if err := os.MkdirAll(u.cacheDir, 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(u.cacheDir, "new-")
	u.temporary, u.top = temporary, top
	return err
}

func (u *unpacker) cleanUp() {
	if u.temporary != "" {
		_ = os.RemoveAll(u.temporary)
	}
}
