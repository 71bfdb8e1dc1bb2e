package wasip1

import "github.com/tetratelabs/wazero/experimental/sys"

// Socket is a file that stands for a socket of the guest's. preview1 has no calls that make one; see
// [Process.OpenSocket]. Its Read, Write and Close are those of the descriptor, and may block: they return EINTR when
// the execution is interrupted.
type Socket interface {
	sys.File
	// SetNonblocking makes calls answer EAGAIN instead of waiting.
	SetNonblocking(on bool)
}

// OpenSocket gives a socket the lowest free number. The answer is the number and an errno of preview1; when that is
// not 0, the socket is not closed.
func (p *Process) OpenSocket(s Socket, nonblock bool) (int32, uint16) {
	fd, e := p.nextFree()
	if e != success {
		return 0, uint16(e)
	}
	d := descriptor{kind: kindSocket, access: sys.O_RDWR, rights: rightsSocket, file: s}
	if nonblock {
		d.flags = fdflagNonblock
	}
	p.put(fd, d)
	return fd, 0
}

// SocketAt is the socket under a number, or an errno of preview1: EBADF, or ENOTSOCK for another file.
func (p *Process) SocketAt(fd int32) (Socket, uint16) {
	d, e := p.lookup(fd, 0)
	if e != success {
		return nil, uint16(e)
	}
	f := d.file
	if s, ok := f.(*shared); ok {
		f = s.File
	}
	s, ok := f.(Socket)
	if !ok {
		return nil, uint16(enotsock)
	}
	return s, 0
}

// CloseSocket closes the socket under a number, which the guest has not been told.
func (p *Process) CloseSocket(fd int32) {
	if _, e := p.SocketAt(fd); e == 0 {
		_ = p.drop(fd) // of a socket, it never fails
	}
}

// PollFile is what poll() says of a descriptor that is no socket: whether it is open, for reading and for writing.
func (p *Process) PollFile(fd int32) (open, readable, writable bool) {
	d, e := p.lookup(fd, 0)
	if e != success {
		return false, false, false
	}
	return true, d.rights&rightFDRead != 0, d.rights&rightFDWrite != 0
}

// one moves the first buffer only: a second read of a socket might wait, with what the first has read in hand.
func one(v *iovecs, op func([]byte) (int, sys.Errno)) (uint32, errno) {
	buf, e := v.next()
	if buf == nil {
		return 0, e
	}
	n, se := op(buf)
	return uint32(max(0, min(n, len(buf)))), toErrno(se)
}

// Failures counts the calls of preview1 that have failed: the guest's last error is not older than the last of them.
func (p *Process) Failures() uint32 { return p.failures }
