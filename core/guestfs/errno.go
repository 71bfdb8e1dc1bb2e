package guestfs

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// ErrnoBase marks a sys.Errno that wazero has no name for: ErrnoBase plus the
// number that WASI preview1 gives it. Package wasip1 has the same convention.
const ErrnoBase sys.Errno = 0x4000

// Errors beyond wazero's own set.
const (
	EBUSY  = ErrnoBase + 10
	EFBIG  = ErrnoBase + 22
	EMFILE = ErrnoBase + 33
	EMLINK = ErrnoBase + 34
	ENOSPC = ErrnoBase + 51
	ENXIO  = ErrnoBase + 60
	ESTALE = ErrnoBase + 72
	EXDEV  = ErrnoBase + 75
)

// Error is an errno as the host's side of a [Storage] reports it, usually
// inside a [fs.PathError]. It matches fs.ErrNotExist and its relatives.
type Error struct{ Errno sys.Errno }

// ErrNoSpace is matched by the error of an operation that a limit of bytes or
// files refused.
var ErrNoSpace error = Error{ENOSPC}

// Error implements error.
func (e Error) Error() string {
	if text, ok := errnoText[e.Errno]; ok {
		return text
	}
	return e.Errno.Error()
}

// Is implements the errors.Is protocol.
func (e Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Errno == sys.ENOENT
	case fs.ErrExist:
		return e.Errno == sys.EEXIST || e.Errno == sys.ENOTEMPTY
	case fs.ErrPermission:
		return e.Errno == sys.EACCES || e.Errno == sys.EPERM
	case fs.ErrInvalid:
		return e.Errno == sys.EINVAL
	}
	return false
}

// ErrNotDir is what is said of a path that should be a directory's.
var ErrNotDir error = Error{sys.ENOTDIR}

var errnoNames = map[sys.Errno]string{
	sys.EACCES: "EACCES", sys.EBADF: "EBADF", sys.EEXIST: "EEXIST", sys.EINVAL: "EINVAL", sys.EIO: "EIO",
	sys.EISDIR: "EISDIR", sys.ELOOP: "ELOOP", sys.ENAMETOOLONG: "ENAMETOOLONG", sys.ENOENT: "ENOENT",
	sys.ENOTDIR: "ENOTDIR", sys.ENOTEMPTY: "ENOTEMPTY", sys.EPERM: "EPERM", sys.EROFS: "EROFS",
	EBUSY: "EBUSY", EFBIG: "EFBIG", EMFILE: "EMFILE", EMLINK: "EMLINK", ENOSPC: "ENOSPC", ENXIO: "ENXIO",
	ESTALE: "ESTALE", EXDEV: "EXDEV",
}

// ErrnoName is the name of the errno in an error of a [Storage] or of package
// os, such as "ENOENT"; "EIO" for what has none.
func ErrnoName(err error) string {
	if name, ok := errnoNames[toErrno(err)]; ok {
		return name
	}
	return "EIO"
}

var errnoText = map[sys.Errno]string{
	EBUSY:  "device or resource busy",
	EFBIG:  "file too large",
	EMFILE: "too many open files",
	EMLINK: "too many links",
	ENOSPC: "no space left",
	ENXIO:  "no such device or address",
	ESTALE: "stale file handle",
	EXDEV:  "cross-device link",
}

// pathError is errno as the error of an operation on name, nil for success.
func pathError(op, name string, errno sys.Errno) error {
	if errno == 0 {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: Error{errno}}
}

// toErrno translates an error of package os or io/fs. What it does not know
// is EIO.
func toErrno(err error) sys.Errno {
	var own Error
	var errno sys.Errno
	var number syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &own):
		return own.Errno
	case errors.As(err, &errno):
		return errno
	case errors.As(err, &number):
		return fromSyscall(number)
	case errors.Is(err, fs.ErrNotExist):
		return sys.ENOENT
	case errors.Is(err, fs.ErrExist):
		return sys.EEXIST
	case errors.Is(err, fs.ErrPermission):
		return sys.EACCES
	case errors.Is(err, fs.ErrClosed):
		return sys.EBADF
	case errors.Is(err, fs.ErrInvalid):
		return sys.EINVAL
	case isEscape(err):
		return sys.EPERM
	}
	return sys.EIO
}

// isEscape tells that os.Root refused a path that leads out of it. The error
// has no exported name.
func isEscape(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && pe.Err != nil && pe.Err.Error() == "path escapes from parent"
}

// fromSyscall translates a number of the host's operating system.
func fromSyscall(number syscall.Errno) sys.Errno {
	if errno, ok := hostErrnos[number]; ok {
		return errno
	}
	return sys.EIO
}

// hostErrnos holds what all systems define; each adds its own.
var hostErrnos = map[syscall.Errno]sys.Errno{
	syscall.EACCES:       sys.EACCES,
	syscall.EAGAIN:       sys.EAGAIN,
	syscall.EBADF:        sys.EBADF,
	syscall.EBUSY:        EBUSY,
	syscall.EEXIST:       sys.EEXIST,
	syscall.EFBIG:        EFBIG,
	syscall.EINTR:        sys.EINTR,
	syscall.EINVAL:       sys.EINVAL,
	syscall.EIO:          sys.EIO,
	syscall.EISDIR:       sys.EISDIR,
	syscall.ELOOP:        sys.ELOOP,
	syscall.EMFILE:       EMFILE,
	syscall.EMLINK:       EMLINK,
	syscall.ENAMETOOLONG: sys.ENAMETOOLONG,
	syscall.ENFILE:       EMFILE,
	syscall.ENODEV:       ENXIO,
	syscall.ENOENT:       sys.ENOENT,
	syscall.ENOSPC:       ENOSPC,
	syscall.ENOSYS:       sys.ENOSYS,
	syscall.ENOTDIR:      sys.ENOTDIR,
	syscall.ENOTEMPTY:    sys.ENOTEMPTY,
	syscall.ENOTSUP:      sys.ENOTSUP,
	syscall.ENXIO:        ENXIO,
	syscall.EPERM:        sys.EPERM,
	syscall.ERANGE:       sys.ERANGE,
	syscall.EROFS:        sys.EROFS,
	syscall.ESTALE:       ESTALE,
	syscall.EXDEV:        EXDEV,
}
