package guestfs

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// Storage is a filesystem in memory as the host's program sees it, with Go's
// errors. Guests are given its [Storage.FS]; any number of them may use it at
// the same time as the host.
//
// Paths begin at the storage's root, with or without a slash. Errors are
// [*fs.PathError]; those of a limit match [ErrNoSpace].
type Storage struct {
	mem *MemFS
	ns  *Namespace // walks the host's paths like a guest's
}

// NewStorage is an empty storage.
func NewStorage(limits Limits) *Storage { return StorageOf(NewMemFS(limits)) }

// StorageOf is the host's view of a filesystem in memory.
func StorageOf(mem *MemFS) *Storage {
	s := &Storage{mem: mem, ns: NewNamespace()}
	s.ns.root.fs = mem
	return s
}

// FS is what guests mount.
func (s *Storage) FS() *MemFS { return s.mem }

// Usage is what is counted against the limits now.
func (s *Storage) Usage() Usage { return s.mem.Usage() }

// Fork is an independent copy, cheap until either side changes it.
func (s *Storage) Fork() *Storage { return StorageOf(s.mem.Fork()) }

// Entry is a file, directory or symbolic link.
type Entry struct {
	Path    string      // from the storage's root, without a slash at its start; "" is the root
	Mode    fs.FileMode // its type and permissions
	Size    int64       // in bytes
	ModTime time.Time
	Target  string // of a link

	ino, nlink uint64
}

// Name is the last part of the path.
func (e Entry) Name() string { return path.Base("/" + e.Path) }

// IsDir tells whether it is a directory.
func (e Entry) IsDir() bool { return e.Mode.IsDir() }

// orRoot is a path for the Namespace, which has no empty one.
func orRoot(name string) string {
	if name == "" {
		return "/"
	}
	return name
}

// Stat describes what a path leads to; links are followed.
func (s *Storage) Stat(name string) (Entry, error) {
	st, errno := s.ns.Stat(orRoot(name))
	if errno != 0 {
		return Entry{}, pathError("stat", name, errno)
	}
	return Entry{
		Path: rooted(name), Mode: st.Mode, Size: st.Size, ModTime: time.Unix(0, st.Mtim), ino: st.Ino, nlink: st.Nlink,
	}, nil
}

// Lstat describes what a path names; a link at its end is not followed.
func (s *Storage) Lstat(name string) (Entry, error) {
	st, errno := s.ns.Lstat(orRoot(name))
	if errno != 0 {
		return Entry{}, pathError("lstat", name, errno)
	}
	e := Entry{
		Path: rooted(name), Mode: st.Mode, Size: st.Size, ModTime: time.Unix(0, st.Mtim), ino: st.Ino, nlink: st.Nlink,
	}
	if st.Mode&fs.ModeSymlink != 0 {
		if e.Target, errno = s.ns.Readlink(name); errno != 0 {
			return Entry{}, pathError("readlink", name, errno)
		}
	}
	return e, nil
}

// ReadFile is the contents of a file.
func (s *Storage) ReadFile(name string) ([]byte, error) {
	f, errno := s.ns.OpenFile(orRoot(name), sys.O_RDONLY, 0)
	if errno != 0 {
		return nil, pathError("read", name, errno)
	}
	defer f.Close()
	st, errno := f.Stat()
	switch {
	case errno != 0:
		return nil, pathError("read", name, errno)
	case st.Mode.IsDir():
		return nil, pathError("read", name, sys.EISDIR)
	}
	data := make([]byte, 0, st.Size)
	for {
		if len(data) == cap(data) { // full: it is all of it, or the file has grown
			data = slices.Grow(data, 512)
		}
		n, errno := f.Read(data[len(data):cap(data)])
		if errno != 0 {
			return nil, pathError("read", name, errno)
		}
		if data = data[:len(data)+n]; n == 0 {
			return data, nil
		}
	}
}

// WriteFile creates a file, or replaces the contents of one. Its directory
// must exist.
func (s *Storage) WriteFile(name string, data []byte, perm fs.FileMode) error {
	f, errno := s.ns.OpenFile(orRoot(name), sys.O_WRONLY|sys.O_CREAT|sys.O_TRUNC, perm)
	if errno != 0 {
		return pathError("write", name, errno)
	}
	defer f.Close()
	for len(data) > 0 {
		n, errno := f.Write(data)
		if errno != 0 {
			return pathError("write", name, errno)
		}
		data = data[n:]
	}
	return nil
}

// MkdirAll creates a directory and those above it. It is no error if it is
// there already.
func (s *Storage) MkdirAll(name string, perm fs.FileMode) error {
	if st, errno := s.ns.Stat(orRoot(name)); errno == 0 && st.Mode.IsDir() {
		return nil
	}
	if clean := rooted(name); clean != "" {
		if err := s.MkdirAll(parent(clean), perm); err != nil {
			return err
		}
	}
	errno := s.ns.Mkdir(orRoot(name), perm)
	if errno == sys.EEXIST {
		if st, errno := s.ns.Stat(orRoot(name)); errno == 0 && st.Mode.IsDir() {
			return nil
		}
		errno = sys.ENOTDIR
	}
	return pathError("mkdir", name, errno)
}

// Symlink creates a symbolic link.
func (s *Storage) Symlink(target, name string) error {
	return pathError("symlink", name, s.ns.Symlink(target, name))
}

// Rename renames a file or directory, over what is there.
func (s *Storage) Rename(from, to string) error {
	return pathError("rename", from, s.ns.Rename(from, to))
}

// Remove removes a file, a link or an empty directory.
func (s *Storage) Remove(name string) error {
	errno := s.ns.Unlink(orRoot(name))
	if errno == sys.EISDIR {
		errno = s.ns.Rmdir(orRoot(name))
	}
	return pathError("remove", name, errno)
}

// RemoveAll removes a path and all below it. It is no error if there is none.
// The root itself stays.
func (s *Storage) RemoveAll(name string) error {
	e, err := s.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.IsDir() {
		below, err := s.List(name)
		if err != nil {
			return err
		}
		for _, child := range below {
			if err := s.RemoveAll(child.Path); err != nil {
				return err
			}
		}
		if e.Path == "" {
			return nil
		}
	}
	if err := s.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List describes the entries of a directory, sorted by name.
func (s *Storage) List(name string) ([]Entry, error) {
	f, errno := s.ns.OpenFile(orRoot(name), sys.O_DIRECTORY, 0)
	if errno != 0 {
		return nil, pathError("list", name, errno)
	}
	defer f.Close()
	below, errno := f.Readdir(0)
	if errno != 0 {
		return nil, pathError("list", name, errno)
	}
	list := make([]Entry, 0, len(below))
	for _, d := range below {
		e, err := s.Lstat(name + "/" + d.Name)
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	return list, nil
}

// Walk calls fn for a path and all below it, a directory before what is in it,
// sorted by name. Links are not followed. It stops at the first error, and
// returns it; fs.SkipDir leaves a directory out, fs.SkipAll ends the walk.
func (s *Storage) Walk(name string, fn func(Entry) error) error {
	e, err := s.Lstat(name)
	if err == nil {
		err = s.walk(e, fn)
	}
	if err == fs.SkipAll || err == fs.SkipDir {
		return nil
	}
	return err
}

func (s *Storage) walk(e Entry, fn func(Entry) error) error {
	if err := fn(e); err != nil || !e.IsDir() {
		return err
	}
	below, err := s.List(e.Path)
	if err != nil {
		return err
	}
	for _, child := range below {
		// A path is at most MaxPath long, so this does not go very deep.
		if err := s.walk(child, fn); err == fs.SkipDir && child.IsDir() {
			continue
		} else if err != nil {
			return err
		}
	}
	return nil
}
