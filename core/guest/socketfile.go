package guest

import (
	"io/fs"

	wsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"

	"github.com/eryx-go/eryx/core/guest/wasip1"
	"github.com/eryx-go/eryx/core/guestnet"
)

// socketFile lets a socket stand under a descriptor, so that read, write, close, fcntl and fstat work on it.
type socketFile struct {
	wsys.UnimplementedFile
	socket *guestnet.Socket
}

var _ wasip1.Socket = (*socketFile)(nil)

// fileErrno is a socket's error as one of a file's.
func fileErrno(e guestnet.Errno) wsys.Errno {
	if e == guestnet.OK {
		return 0
	}
	return wasip1.ErrnoBase + wsys.Errno(e)
}

// Read implements wsys.File.
func (f *socketFile) Read(p []byte) (int, wsys.Errno) {
	n, _, errno := f.socket.Receive(p, 0)
	return n, fileErrno(errno)
}

// Write implements wsys.File.
func (f *socketFile) Write(p []byte) (int, wsys.Errno) {
	n, errno := f.socket.Send(p, 0, noAddress)
	return n, fileErrno(errno)
}

// Stat implements wsys.File.
func (f *socketFile) Stat() (sys.Stat_t, wsys.Errno) {
	return sys.Stat_t{Mode: fs.ModeSocket | 0o777, Nlink: 1}, 0
}

// SetNonblocking implements wasip1.Socket.
func (f *socketFile) SetNonblocking(on bool) { f.socket.SetNonblock(on) }

// Close implements wsys.File.
func (f *socketFile) Close() wsys.Errno {
	f.socket.Close()
	return 0
}
