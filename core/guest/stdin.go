package guest

import (
	"context"
	"io"
	"time"

	wsys "github.com/tetratelabs/wazero/experimental/sys"
)

// maxStdinRead is how much of standard input is read ahead of the guest.
const maxStdinRead = 64 << 10

// stdin lets guests wait for a reader that may block: the reader is read on a goroutine of its own, and the
// waiting guest can be interrupted. What arrives after that is kept for the next read, so nothing is lost.
// Guests that share it take turns.
type stdin struct {
	from  io.Reader
	turn  chan struct{} // one token: the right to use what follows
	ready chan struct{} // one token: the read under way is over
	buf   []byte
	rest  []byte // read and not taken yet
	err   error  // of the last read, told when rest is empty
	busy  bool   // a read is under way, and owns buf, rest and err until ready
}

// Interruptible makes a standard input of r that does not hold up the end of an execution, however long r
// blocks; nil for nil. If r has a method SetReadDeadline that works, a read is abandoned with its execution;
// otherwise it stays under way, and its data goes to the next read.
func Interruptible(r io.Reader) io.Reader {
	if r == nil {
		return nil
	}
	if s, ok := r.(*stdin); ok {
		return s
	}
	s := &stdin{from: r, turn: make(chan struct{}, 1), ready: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// Read implements io.Reader; guests use ReadContext.
func (s *stdin) Read(p []byte) (int, error) { return s.from.Read(p) }

// ReadContext implements wasip1.ContextReader for the guest whose call ctx belongs to.
func (s *stdin) ReadContext(ctx context.Context, p []byte) (int, error) {
	g, ok := ctx.Value(guestKey{}).(*Guest)
	if !ok {
		return 0, wsys.EBADF
	}
	if len(p) == 0 {
		return 0, nil
	}
	g.drainOutput() // a prompt, perhaps
	if g.host != nil {
		g.host.Busy()
	}
	if g.ctl.sleep(-1, s.turn) {
		return 0, wsys.EINTR
	}
	defer func() { s.turn <- struct{}{} }()
	if (s.busy || len(s.rest) == 0) && !s.wait(g) {
		return 0, wsys.EINTR
	}
	if n := copy(p, s.rest); n > 0 {
		s.rest = s.rest[n:]
		return n, nil
	}
	return 0, s.err
}

// wait reads until there is something to take; false when the guest is to be interrupted.
func (s *stdin) wait(g *Guest) bool {
	if !s.busy {
		s.busy = true
		go s.fill()
	}
	delivered := false
	defer func() { // also when the guest is unwound
		if !delivered && !s.abandon() {
			return // the read goes on
		}
		s.busy = false
	}()
	delivered = !g.ctl.sleep(-1, s.ready)
	return delivered
}

// fill reads once.
func (s *stdin) fill() {
	if s.buf == nil {
		s.buf = make([]byte, maxStdinRead)
	}
	var n int
	n, s.err = s.from.Read(s.buf)
	s.rest = s.buf[:max(0, min(n, len(s.buf)))]
	s.ready <- struct{}{}
}

// abandon ends the read under way where the reader can do that; false when it goes on.
func (s *stdin) abandon() bool {
	r, ok := s.from.(interface{ SetReadDeadline(time.Time) error })
	if !ok || r.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	<-s.ready
	_ = r.SetReadDeadline(time.Time{})
	return true
}
