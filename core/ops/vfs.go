package ops

import (
	"errors"
	"io/fs"
	pathpkg "path"
	"time"
	"unicode/utf8"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/guestfs"
)

// Permissions of what the host's program makes in a storage.
const (
	newFileMode = 0o644
	newDirMode  = 0o755
)

// withVFS is an operation on the storage that the request names.
func withVFS(f func(s *Service, r *request, storage *core.Storage) (map[string]any, error)) operation {
	return direct(func(s *Service, r *request) (map[string]any, error) {
		storage, err := s.storage(r.fields)
		if err != nil {
			return nil, err
		}
		value, err := f(s, r, storage)
		return value, storageError(err)
	})
}

// onPath is an operation on a path of a storage that gives nothing.
func onPath(f func(r *request, storage *core.Storage, path string) error) operation {
	return withVFS(func(_ *Service, r *request, storage *core.Storage) (map[string]any, error) {
		path, err := r.fields.pathname("path")
		if err != nil {
			return nil, err
		}
		return nil, f(r, storage, path)
	})
}

// storage is the one that the field "vfs" names.
func (s *Service) storage(f fields) (*core.Storage, error) {
	id, err := f.id("vfs")
	if err != nil {
		return nil, err
	}
	storage, ok := s.storages.get(id)
	if !ok {
		return nil, errClosed("VFS")
	}
	return storage, nil
}

// storageError gives an error of files its code: a limit, or the wrong argument.
func storageError(err error) error {
	var own *core.Error
	switch {
	case err == nil || errors.As(err, &own):
		return err
	case errors.Is(err, guestfs.ErrNoSpace):
		return &core.Error{Code: core.CodeLimit, Limit: "vfs", Message: err.Error() + ": the storage's limit of bytes or files is reached", Cause: err}
	case errors.Is(err, guestfs.ErrSnapshot):
		return &core.Error{Code: core.CodeSnapshot, Message: err.Error(), Cause: err}
	}
	return &core.Error{Code: core.CodeFile, Message: err.Error(), Errno: guestfs.ErrnoName(err), Cause: err}
}

// keepStorage gives a storage its handle.
func (s *Service) keepStorage(storage *core.Storage) map[string]any {
	id := s.NextID()
	s.storages.put(id, storage)
	return map[string]any{"vfs": id}
}

// vfsNew makes an empty storage and answers {"vfs": id}.
func vfsNew(s *Service, r *request) (map[string]any, error) {
	limits, err := readStorageLimits(r.fields)
	if err != nil {
		return nil, err
	}
	return s.keepStorage(core.NewStorage(limits)), nil
}

func readStorageLimits(f fields) (limits core.StorageLimits, err error) {
	if limits.MaxBytes, err = f.positive("max_bytes"); err != nil {
		return limits, err
	}
	limits.MaxFiles, err = f.positive("max_files")
	return limits, err
}

// pathname is a path in a storage: text, or bytes where it is not valid UTF-8.
func (f fields) pathname(name string) (string, error) {
	if raw, ok := f.m[name].([]byte); ok {
		return string(raw), nil
	}
	return get[string](f, name, "text or bytes")
}

// nameValue is a name as the other side gets it: text, or bytes where it is not valid UTF-8.
func nameValue(name string) any {
	if utf8.ValidString(name) {
		return name
	}
	return []byte(name)
}

// positive is a number above 0, 0 when it is missing.
func (f fields) positive(name string) (int64, error) {
	n, err := f.integer(name)
	if err == nil && f.m[name] != nil && n <= 0 {
		err = badField(name, "a number above 0", f.m[name])
	}
	return n, err
}

// vfsFork answers {"vfs": id} of an independent copy.
func vfsFork(s *Service, _ *request, storage *core.Storage) (map[string]any, error) {
	return s.keepStorage(storage.Fork()), nil
}

// vfsClose forgets a storage; sessions that have it go on.
func vfsClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("vfs")
	if err != nil {
		return nil, err
	}
	s.storages.take(id)
	return nil, nil
}

// vfsUsage answers what is in a storage, and its limits.
func vfsUsage(_ *Service, _ *request, storage *core.Storage) (map[string]any, error) {
	usage, limits := storage.Usage(), storage.FS().Limits()
	return map[string]any{
		"byte_count": usage.Bytes, "file_count": usage.Files, "max_bytes": limits.MaxBytes, "max_files": limits.MaxFiles,
	}, nil
}

// vfsRead answers {"data": the bytes of the file "path"}.
func vfsRead(_ *Service, r *request, storage *core.Storage) (map[string]any, error) {
	path, err := r.fields.pathname("path")
	if err != nil {
		return nil, err
	}
	data, err := storage.ReadFile(path)
	return map[string]any{"data": data}, err
}

// vfsWrite makes "data" the contents of the file "path"; "parents" makes the directories above.
func vfsWrite(r *request, storage *core.Storage, path string) error {
	data, err := get[[]byte](r.fields, "data", "bytes")
	if err != nil {
		return err
	}
	parents, err := r.fields.flag("parents")
	if err == nil && parents {
		err = storage.MkdirAll(pathpkg.Dir(pathpkg.Clean("/"+path)), newDirMode)
	}
	if err != nil {
		return err
	}
	return storage.WriteFile(path, data, newFileMode)
}

// vfsMkdir makes the directory "path" and those above it.
func vfsMkdir(_ *request, storage *core.Storage, path string) error {
	return storage.MkdirAll(path, newDirMode)
}

// vfsRemove removes "path", and with "recursive" all below it.
func vfsRemove(r *request, storage *core.Storage, path string) error {
	recursive, err := r.fields.flag("recursive")
	if err != nil {
		return err
	}
	if !recursive {
		return storage.Remove(path)
	}
	if _, err := storage.Lstat(path); err != nil {
		return err
	}
	return storage.RemoveAll(path)
}

// vfsRename renames "path" to "to".
func vfsRename(r *request, storage *core.Storage, path string) error {
	to, err := r.fields.pathname("to")
	if err != nil {
		return err
	}
	return storage.Rename(path, to)
}

// vfsSymlink makes "path" a symbolic link to "target".
func vfsSymlink(r *request, storage *core.Storage, path string) error {
	target, err := r.fields.pathname("target")
	if err != nil {
		return err
	}
	return storage.Symlink(target, path)
}

// vfsStat answers {"entry": what "path" is}; links are followed unless "nofollow".
func vfsStat(_ *Service, r *request, storage *core.Storage) (map[string]any, error) {
	path, err := r.fields.pathname("path")
	if err != nil {
		return nil, err
	}
	nofollow, err := r.fields.flag("nofollow")
	if err != nil {
		return nil, err
	}
	stat := storage.Stat
	if nofollow {
		stat = storage.Lstat
	}
	entry, err := stat(path)
	if err != nil {
		return nil, err
	}
	return map[string]any{"entry": entryRecord(entry)}, nil
}

// vfsList answers {"entries": what is in the directory "path"}, sorted; with "recursive" below it, too.
func vfsList(_ *Service, r *request, storage *core.Storage) (map[string]any, error) {
	path, err := r.fields.pathname("path")
	if err != nil {
		return nil, err
	}
	recursive, err := r.fields.flag("recursive")
	if err != nil {
		return nil, err
	}
	entries := []any{}
	if !recursive {
		list, err := storage.List(path)
		for _, e := range list {
			entries = append(entries, entryRecord(e))
		}
		return map[string]any{"entries": entries}, err
	}
	first := true
	err = storage.Walk(path, func(e guestfs.Entry) error {
		if first { // the directory itself
			first = false
			if !e.IsDir() {
				return &fs.PathError{Op: "list", Path: path, Err: guestfs.ErrNotDir}
			}
			return nil
		}
		entries = append(entries, entryRecord(e))
		return nil
	})
	return map[string]any{"entries": entries}, err
}

// entryRecord is [path, type, mode, size_bytes, modified_ms, target]: type is "file", "directory" or "link".
func entryRecord(e guestfs.Entry) []any {
	kind := "file"
	switch {
	case e.IsDir():
		kind = "directory"
	case e.Mode&fs.ModeSymlink != 0:
		kind = "link"
	}
	modified := float64(e.ModTime.UnixNano()) / float64(time.Millisecond)
	return []any{nameValue("/" + e.Path), kind, int(e.Mode.Perm()), e.Size, modified, nameValue(e.Target)}
}

// vfsSnapshot answers {"data": all that the storage holds}.
func vfsSnapshot(_ *Service, _ *request, storage *core.Storage) (map[string]any, error) {
	data, err := storage.Snapshot()
	return map[string]any{"data": data}, err
}

// vfsRestore replaces all by "data".
func vfsRestore(_ *Service, r *request, storage *core.Storage) (map[string]any, error) {
	data, err := get[[]byte](r.fields, "data", "bytes")
	if err != nil {
		return nil, err
	}
	return nil, storage.Restore(data)
}
