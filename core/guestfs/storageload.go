package guestfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zip"
	"github.com/tetratelabs/wazero/experimental/sys"
)

// Progress is how far a load or a save has come.
type Progress struct {
	Path  string // what was just finished, from the root of the load or save
	Files int64  // how many files, directories and links are done
	Bytes int64  // how many bytes of files are done
}

// ProgressFunc is told about every entry. An error stops the load or save,
// which returns it. It may be nil.
type ProgressFunc func(Progress) error

// transfer is a load or save under way.
type transfer struct {
	ctx      context.Context
	report   ProgressFunc
	progress Progress
	buf      []byte
}

func newTransfer(ctx context.Context, report ProgressFunc) *transfer {
	return &transfer{ctx: ctx, report: report, buf: make([]byte, chunkSize)}
}

// done notes that an entry is done.
func (t *transfer) done(path string) error {
	t.progress.Path = path
	t.progress.Files++
	if t.report == nil {
		return nil
	}
	return t.report(t.progress)
}

// copy copies a file's contents, and stops when the context ends.
func (t *transfer) copy(w io.Writer, r io.Reader) error {
	for {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(t.buf)
		if n > 0 {
			t.progress.Bytes += int64(n)
			if _, err := w.Write(t.buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// LoadDir copies a directory of the host into the directory at, which is made
// if it is not there. Links are copied as links, and must lead to a place in
// the copied directory; pipes, sockets and devices are an error.
func (s *Storage) LoadDir(ctx context.Context, dir, at string, report ProgressFunc) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("guestfs: load: %w", err)
	}
	defer root.Close()
	into, t := s.into(at), newTransfer(ctx, report)
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = t.ctx.Err()
		}
		if err == nil {
			err = into.loadHost(t, root, path, d)
		}
		if err != nil {
			return fmt.Errorf("guestfs: load %q: %w", path, err)
		}
		return t.done(path)
	})
}

// loadHost copies one entry of a host's directory.
func (l loader) loadHost(t *transfer, root *os.Root, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return l.dir(path, mode.Perm(), info.ModTime())
	case mode&fs.ModeSymlink != 0:
		target, err := root.Readlink(path)
		if err != nil {
			return err
		}
		return l.link(path, target)
	case !mode.IsRegular():
		return fmt.Errorf("it is a special file (%v)", mode.Type())
	}
	// O_NONBLOCK: if it is a pipe by now, that must not wait.
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return l.file(t, path, info.Mode().Perm(), info.ModTime(), f)
}

// LoadZip copies the contents of a zip file into the directory at, which is
// made if it is not there. An entry that would lie outside of it, or a link
// that leads out of it, is an error.
func (s *Storage) LoadZip(ctx context.Context, r io.ReaderAt, size int64, at string, report ProgressFunc) error {
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("guestfs: not a zip archive: %w", err)
	}
	into, t := s.into(at), newTransfer(ctx, report)
	for _, f := range zr.File {
		if err := into.loadZip(t, f); err != nil {
			return fmt.Errorf("guestfs: load zip entry %q: %w", f.Name, err)
		}
		if err := t.done(f.Name); err != nil {
			return err
		}
	}
	return nil
}

// loadZip copies one entry of a zip file.
func (l loader) loadZip(t *transfer, f *zip.File) error {
	path, err := entryPath(f.Name)
	if err != nil {
		return err
	}
	mode := f.Mode()
	if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		return l.dir(path, newDirPerm, f.Modified)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	switch mode.Type() {
	case 0:
		return l.file(t, path, mode.Perm(), f.Modified, r)
	case fs.ModeSymlink:
		target, err := io.ReadAll(io.LimitReader(r, MaxPath+1))
		if err != nil {
			return err
		}
		return l.link(path, string(target))
	}
	return fmt.Errorf("it is a special file (%v)", mode.Type())
}

// loader writes entries below a directory of a storage. It follows no links
// there: a guest may be sharing the storage.
type loader struct {
	s  *Storage
	at string
}

func (s *Storage) into(at string) loader { return loader{s, rooted(at)} }

// place is the path of an entry, whose directory is made if it is not there.
func (l loader) place(path string) (string, error) {
	full := join(l.at, strings.TrimPrefix(path, "."))
	for i, c := range full {
		if c != '/' {
			continue
		}
		if errno := l.s.mem.Mkdir(full[:i], newDirPerm); errno != 0 && errno != sys.EEXIST {
			return "", Error{errno}
		}
	}
	return orDot(full), nil
}

// dir makes a directory, or gives the one that is there permissions and time.
func (l loader) dir(path string, perm fs.FileMode, modified time.Time) error {
	full, err := l.place(path)
	if err != nil {
		return err
	}
	if full == "." {
		return nil
	}
	if errno := l.s.mem.Mkdir(full, perm); errno != 0 && errno != sys.EEXIST {
		return Error{errno}
	}
	return l.attributes(full, perm, modified)
}

// link makes a link that stays inside of what is loaded.
func (l loader) link(path, target string) error {
	if !staysInside(target, strings.Count(path, "/")) {
		return fmt.Errorf("its target %q leads outside: %w", target, fs.ErrInvalid)
	}
	full, err := l.place(path)
	if err != nil {
		return err
	}
	errno := l.s.mem.Symlink(target, full)
	if errno == sys.EEXIST {
		if errno = l.s.mem.Unlink(full); errno == 0 {
			errno = l.s.mem.Symlink(target, full)
		}
	}
	if errno != 0 {
		return Error{errno}
	}
	return nil
}

// file makes a file, over one that is there.
func (l loader) file(t *transfer, path string, perm fs.FileMode, modified time.Time, r io.Reader) error {
	full, err := l.place(path)
	if err != nil {
		return err
	}
	f, errno := l.s.mem.OpenFile(full, sys.O_WRONLY|sys.O_CREAT|sys.O_TRUNC, perm)
	if errno != 0 {
		return Error{errno}
	}
	defer f.Close()
	if err := t.copy(fileIO{f}, r); err != nil {
		return err
	}
	return l.attributes(full, perm, modified)
}

// attributes sets the permissions and the time of an entry.
func (l loader) attributes(full string, perm fs.FileMode, modified time.Time) error {
	errno := l.s.mem.Chmod(full, perm)
	if errno == 0 && !modified.IsZero() {
		errno = l.s.mem.Utimens(full, sys.UTIME_OMIT, modified.UnixNano())
	}
	if errno != 0 {
		return Error{errno}
	}
	return nil
}

// fileIO is a sys.File for package io.
type fileIO struct{ f sys.File }

// Read implements io.Reader.
func (f fileIO) Read(buf []byte) (int, error) {
	n, errno := f.f.Read(buf)
	switch {
	case errno != 0:
		return n, Error{errno}
	case n == 0 && len(buf) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements io.Writer.
func (f fileIO) Write(buf []byte) (int, error) {
	for done := 0; done < len(buf); {
		n, errno := f.f.Write(buf[done:])
		if errno != 0 {
			return done, Error{errno}
		}
		if n == 0 {
			return done, errors.New("guestfs: nothing was written")
		}
		done += n
	}
	return len(buf), nil
}
