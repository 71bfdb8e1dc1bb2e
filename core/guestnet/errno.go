package guestnet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Errno is an error as the guest's libc knows it: the numbers of WASI preview1. 0 is success.
type Errno uint16

// The errors of sockets.
const (
	OK              Errno = 0
	EACCES          Errno = 2
	EADDRINUSE      Errno = 3
	EADDRNOTAVAIL   Errno = 4
	EAFNOSUPPORT    Errno = 5
	EAGAIN          Errno = 6
	EALREADY        Errno = 7
	EBADF           Errno = 8
	ECONNABORTED    Errno = 13
	ECONNREFUSED    Errno = 14
	ECONNRESET      Errno = 15
	EDESTADDRREQ    Errno = 17
	EDQUOT          Errno = 19
	EFAULT          Errno = 21
	EHOSTUNREACH    Errno = 23
	EINPROGRESS     Errno = 26
	EINTR           Errno = 27
	EINVAL          Errno = 28
	EIO             Errno = 29
	EISCONN         Errno = 30
	EMFILE          Errno = 33
	EMSGSIZE        Errno = 35
	ENETDOWN        Errno = 38
	ENETUNREACH     Errno = 40
	ENOBUFS         Errno = 42
	ENOENT          Errno = 44
	ENOPROTOOPT     Errno = 50
	ENOTCONN        Errno = 53
	ENOTSOCK        Errno = 57
	ENOTSUP         Errno = 58
	EPIPE           Errno = 64
	EPROTONOSUPPORT Errno = 66
	ETIMEDOUT       Errno = 73
)

// hostErrors is what the host's errors are for a guest.
var hostErrors = []struct {
	host  syscall.Errno
	guest Errno
}{
	{syscall.EACCES, EACCES}, {syscall.EPERM, EACCES},
	{syscall.EADDRINUSE, EADDRINUSE}, {syscall.EADDRNOTAVAIL, EADDRNOTAVAIL}, {syscall.EAFNOSUPPORT, EAFNOSUPPORT},
	{syscall.ECONNABORTED, ECONNABORTED}, {syscall.ECONNREFUSED, ECONNREFUSED}, {syscall.ECONNRESET, ECONNRESET},
	{syscall.EHOSTUNREACH, EHOSTUNREACH}, {syscall.EMSGSIZE, EMSGSIZE}, {syscall.ENETDOWN, ENETDOWN},
	{syscall.ENETUNREACH, ENETUNREACH}, {syscall.ENOBUFS, ENOBUFS}, {syscall.EPIPE, EPIPE},
	{syscall.ETIMEDOUT, ETIMEDOUT}, {syscall.EMFILE, EMFILE}, {syscall.ENFILE, EMFILE},
}

// errnoOf is the guest's error for one of the host's.
func errnoOf(err error) Errno {
	var own Errno
	var host syscall.Errno
	var refusal *Refusal
	switch {
	case err == nil:
		return OK
	case errors.As(err, &own):
		return own
	case errors.As(err, &refusal):
		return EACCES
	case errors.As(err, &host):
		for _, e := range hostErrors {
			if e.host == host {
				return e.guest
			}
		}
		return EIO
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ETIMEDOUT
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe), errors.Is(err, context.Canceled):
		return ECONNABORTED
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ECONNRESET
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return ETIMEDOUT
	}
	return EIO
}

// Error implements error.
func (e Errno) Error() string {
	switch e {
	case EACCES:
		return "permission denied"
	case ETIMEDOUT:
		return "timed out"
	case ECONNREFUSED:
		return "connection refused"
	case ECONNRESET:
		return "connection reset by peer"
	case EDQUOT:
		return "the limit of bytes is used up"
	}
	return "network error"
}
