package guestfs

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zip"
	"github.com/tetratelabs/wazero/experimental/sys"
)

// SaveDir copies a directory of the storage into one of the host, which is
// made if it is not there; files that are there are replaced. A guest may have
// written the storage: so nothing is written outside of the directory, and a
// link that leads out of what is saved is an error. It saves what was there
// when it began.
func (s *Storage) SaveDir(ctx context.Context, from, dir string, report ProgressFunc) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("guestfs: save: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("guestfs: save: %w", err)
	}
	defer root.Close()
	return s.save(ctx, from, report, func(v saver, path string, e Entry) error {
		return v.toHost(root, path, e)
	})
}

// SaveZip writes a directory of the storage as a zip file, sorted by name. The
// same files give the same bytes. Links are saved as links, and one that leads
// out of what is saved is an error. It saves what was there when it began.
func (s *Storage) SaveZip(ctx context.Context, w io.Writer, from string, report ProgressFunc) error {
	zw := zip.NewWriter(w)
	err := s.save(ctx, from, report, func(v saver, path string, e Entry) error { return v.toZip(zw, path, e) })
	if err != nil {
		return err
	}
	return zw.Close()
}

// saver is a save under way.
type saver struct {
	*transfer
	s *Storage // a fork, which does not change
}

// save runs write for everything below a directory. Paths are relative to it.
func (s *Storage) save(ctx context.Context, from string, report ProgressFunc, write func(saver, string, Entry) error) error {
	top, err := s.Stat(from)
	if err != nil {
		return err
	}
	if !top.IsDir() {
		return pathError("save", from, sys.ENOTDIR)
	}
	v := saver{newTransfer(ctx, report), s.Fork()}
	return v.s.Walk(rooted(from), func(e Entry) error {
		path := strings.TrimPrefix(strings.TrimPrefix(e.Path, rooted(from)), "/")
		if path == "" {
			return nil
		}
		err := v.ctx.Err()
		if err == nil && e.Mode&fs.ModeSymlink != 0 && !staysInside(e.Target, strings.Count(path, "/")) {
			err = fmt.Errorf("its target %q leads outside: %w", e.Target, fs.ErrInvalid)
		}
		if err == nil {
			err = write(v, path, e)
		}
		if err != nil {
			return fmt.Errorf("guestfs: save %q: %w", e.Path, err)
		}
		return v.done(path)
	})
}

// open opens a file of the fork.
func (v saver) open(e Entry) (sys.File, error) {
	f, errno := v.s.ns.OpenFile(e.Path, sys.O_RDONLY, 0)
	if errno != 0 {
		return nil, Error{errno}
	}
	return f, nil
}

// toHost writes one entry below a directory of the host.
func (v saver) toHost(root *os.Root, path string, e Entry) error {
	local := filepath.FromSlash(path)
	switch {
	case e.IsDir():
		if info, err := root.Lstat(local); err == nil && info.IsDir() {
			return nil
		}
		return root.Mkdir(local, e.Mode.Perm()|0o700) // or nothing could be written in it
	case e.Mode&fs.ModeSymlink != 0:
		if info, err := root.Lstat(local); err == nil && !info.IsDir() {
			if err := root.Remove(local); err != nil {
				return err
			}
		}
		return root.Symlink(e.Target, local)
	}
	from, err := v.open(e)
	if err != nil {
		return err
	}
	defer from.Close()
	// What is there is removed rather than written to: it may be a link, or
	// have another name elsewhere.
	if info, err := root.Lstat(local); err == nil && !info.IsDir() {
		if err := root.Remove(local); err != nil {
			return err
		}
	}
	to, err := root.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_EXCL, e.Mode.Perm())
	if err != nil {
		return err
	}
	err = v.copy(to, fileIO{from})
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = root.Chtimes(local, time.Time{}, e.ModTime)
	}
	return err
}

// toZip writes one entry of a zip file.
func (v saver) toZip(zw *zip.Writer, path string, e Entry) error {
	h := &zip.FileHeader{Name: path, Modified: e.ModTime.UTC(), Method: zip.Deflate}
	h.SetMode(e.Mode)
	if e.IsDir() {
		h.Name += "/"
		h.Method = zip.Store
	}
	w, err := zw.CreateHeader(h)
	if err != nil || e.IsDir() {
		return err
	}
	if e.Mode&fs.ModeSymlink != 0 {
		_, err := io.WriteString(w, e.Target)
		return err
	}
	f, err := v.open(e)
	if err != nil {
		return err
	}
	defer f.Close()
	return v.copy(w, fileIO{f})
}
