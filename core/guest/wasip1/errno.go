package wasip1

import (
	"fmt"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// errno is an error number of preview1, as the guest sees it.
type errno uint32

// The preview1 numbers that this package itself uses or translates to.
const (
	success      errno = 0
	eacces       errno = 2
	eagain       errno = 6
	ebadf        errno = 8
	eexist       errno = 20
	efault       errno = 21
	efbig        errno = 22
	eintr        errno = 27
	einval       errno = 28
	eio          errno = 29
	eisdir       errno = 31
	eloop        errno = 32
	emfile       errno = 33
	enametoolong errno = 37
	enoent       errno = 44
	enosys       errno = 52
	enotdir      errno = 54
	enotempty    errno = 55
	enotsock     errno = 57
	enotsup      errno = 58
	eperm        errno = 63
	erange       errno = 68
	erofs        errno = 69
	espipe       errno = 70
	enotcapable  errno = 76
)

// lastErrno is the highest number that preview1 defines.
const lastErrno = enotcapable

// ErrnoBase marks a sys.Errno that wazero has no name for: ErrnoBase plus the
// preview1 number. A filesystem returns ErrnoBase+51 for "no space left".
const ErrnoBase sys.Errno = 0x4000

// Errors beyond wazero's own set that a filesystem or an output function may
// return. The value is [ErrnoBase] plus the preview1 number.
const (
	EBUSY  = ErrnoBase + 10
	EDQUOT = ErrnoBase + 19
	EFBIG  = ErrnoBase + 22
	EMFILE = ErrnoBase + 33
	EMLINK = ErrnoBase + 34
	ENOMEM = ErrnoBase + 48
	ENOSPC = ErrnoBase + 51
	ENXIO  = ErrnoBase + 60
	EPIPE  = ErrnoBase + 64
	ESTALE = ErrnoBase + 72
	EXDEV  = ErrnoBase + 75
)

// preview1 translates wazero's errors; an index without an entry is unknown.
var preview1 = [...]errno{
	0:                success,
	sys.EACCES:       eacces,
	sys.EAGAIN:       eagain,
	sys.EBADF:        ebadf,
	sys.EEXIST:       eexist,
	sys.EFAULT:       efault,
	sys.EINTR:        eintr,
	sys.EINVAL:       einval,
	sys.EIO:          eio,
	sys.EISDIR:       eisdir,
	sys.ELOOP:        eloop,
	sys.ENAMETOOLONG: enametoolong,
	sys.ENOENT:       enoent,
	sys.ENOSYS:       enosys,
	sys.ENOTDIR:      enotdir,
	sys.ERANGE:       erange,
	sys.ENOTEMPTY:    enotempty,
	sys.ENOTSOCK:     enotsock,
	sys.ENOTSUP:      enotsup,
	sys.EPERM:        eperm,
	sys.EROFS:        erofs,
}

// toErrno translates an error of a filesystem; what it does not know is EIO.
func toErrno(e sys.Errno) errno {
	if int(e) < len(preview1) {
		return preview1[e]
	}
	if n := errno(e - ErrnoBase); e > ErrnoBase && n <= lastErrno {
		return n
	}
	return eio
}

// Error implements error, for messages to the host.
func (e errno) Error() string {
	for i, known := range preview1 {
		if known == e {
			return sys.Errno(i).Error()
		}
	}
	return fmt.Sprintf("preview1 errno %d", uint32(e))
}
