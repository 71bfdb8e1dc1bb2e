package guestnet

import (
	"errors"
	"io"
	"net"
	"time"
)

const (
	// receiveLimit and sendLimit are how much a stream holds for the guest and for the peer, in bytes; each may be
	// passed by one piece. A peer that is faster or slower than the guest has to wait, or is waited for.
	receiveLimit = 256 << 10
	sendLimit    = 256 << 10
	// lingerTime is how long what a guest has sent may take to leave after the socket was closed.
	lingerTime = 5 * time.Second
)

// stream is a connected TCP socket, or one end of a pair. While the guest has not asked for more than it holds, a
// goroutine reads from the connection; while there is something to send, another writes.
type stream struct {
	socket *Socket
	conn   net.Conn // nil of a pair
	twin   *stream  // of a pair: the other end
	peer   Peer

	received queue
	reading  bool  // a goroutine reads
	ended    bool  // nothing follows what is received
	broken   Errno // why, told once
	deaf     bool  // the guest has shut receiving down

	outgoing queue
	flight   int  // bytes that are being written
	sending  bool // a goroutine writes
	stuck    Errno
	mute     bool // the guest has shut sending down, or closed
	closing  bool

	filter Filter // nil: bytes pass as they are

	began, last  time.Time // of the connection; of the last that was received
	expecting    *time.Timer
	expectedFrom time.Time
	up, down     int64
}

func newStream(k *Socket, conn net.Conn, peer Peer) *stream {
	now := time.Now()
	t := &stream{socket: k, conn: conn, peer: peer, began: now, last: now}
	if filters := k.stack.filters; filters != nil && !peer.Accepted {
		t.filter = filters(Channel{Peer: peer})
	}
	return t
}

// readiness implements what poll() says. Under mu.
func (t *stream) readiness() uint16 {
	var r uint16
	if t.received.size > 0 || t.ended || t.deaf {
		r |= PollIn
	}
	if t.stuck != OK || t.mute || t.room() > 0 {
		r |= PollOut
	}
	if t.ended && t.mute {
		r |= PollHup
	}
	return r
}

// room is how many bytes may be sent now. Under mu.
func (t *stream) room() int {
	if t.twin != nil {
		return receiveLimit - t.twin.received.size
	}
	return sendLimit - t.outgoing.size - t.flight
}

// start lets a goroutine read, if none does and there is room. Under mu.
func (t *stream) start() {
	if t.conn == nil || t.reading || t.ended || t.closing || t.received.size >= receiveLimit {
		return
	}
	t.reading = true
	go t.read()
}

// read moves what arrives into received, until there is no room or no more.
func (t *stream) read() {
	size := smallPiece
	for {
		piece := newPiece(size)
		granted := t.allowance(cap(piece))
		if granted == 0 {
			freePiece(piece)
			t.arrived(nil, 0, EDQUOT)
			return
		}
		n, err := t.conn.Read(piece[:granted])
		if !t.arrived(piece[:max(n, 0)], granted, err) {
			return
		}
		size = smallPiece
		if n >= smallPiece {
			size = largePiece
		}
	}
}

// allowance takes up to n bytes from what the guest may still receive.
func (t *stream) allowance(n int) int64 {
	s := t.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	return reserve(&s.down, s.policy.config.MaxBytesDown, int64(n))
}

// arrived books what a read has brought, of granted bytes that it could have; whether to read on.
func (t *stream) arrived(piece []byte, granted int64, err error) (more bool) {
	s := t.socket.stack
	t.socket.update(func() {
		s.down -= granted - int64(len(piece))
		t.down += int64(len(piece))
		if len(piece) > 0 {
			t.last = time.Now()
		}
		if t.closing || t.deaf {
			freePiece(piece)
		} else {
			t.filterIncoming(piece, err != nil)
		}
		if err != nil {
			t.end(err)
		}
		more = err == nil && !t.closing && t.received.size < receiveLimit
		if !more {
			t.reading = false
			s.quiet.Broadcast()
		}
	})
	return more
}

// end notes that nothing more will be received, and why. Under mu.
func (t *stream) end(err error) {
	if t.ended {
		return
	}
	t.ended = true
	if !errors.Is(err, io.EOF) {
		t.broken = errnoOf(err)
	}
	if t.broken == EDQUOT {
		t.socket.stack.refusal = refusal{EDQUOT, "the network policy's limit of bytes to receive is used up (max_bytes_down)"}
	}
}

// receive takes what has arrived. The guest's goroutine.
func (t *stream) receive(p []byte, peek, dontWait, all bool) (int, Errno) {
	k, total := t.socket, 0
	for {
		n, errno := t.receiveSome(p[total:], peek)
		if total += n; errno == EAGAIN {
			errno = k.awaitCall(dontWait, func() bool { return t.readiness()&PollIn != 0 || k.closed })
			if errno == OK {
				continue
			}
		}
		switch {
		case errno == EINTR: // whatever was moved: the program is to end
			return 0, errno
		case total > 0 && (errno != OK || !all || peek || n == 0 || total == len(p)):
			return total, OK
		case errno != OK || n == 0:
			return 0, errno
		}
	}
}

// receiveSome takes what is there: 0 bytes at the end, EAGAIN when there is nothing yet.
func (t *stream) receiveSome(p []byte, peek bool) (int, Errno) {
	s := t.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.closing:
		return 0, EBADF
	case t.received.size > 0:
		full := t.received.size
		n := t.received.read(p, peek)
		t.taken(full)
		return n, OK
	case t.deaf:
		return 0, OK
	case t.broken != OK:
		errno := t.broken
		t.broken = OK
		return 0, errno
	case t.ended:
		return 0, OK
	}
	t.filterReading()
	t.start()
	return 0, EAGAIN
}

// taken lets more arrive after the guest has made room; before is how much was there. Under mu.
func (t *stream) taken(before int) {
	if t.received.size <= receiveLimit/2 {
		t.start()
	}
	if t.twin != nil && before >= receiveLimit && t.received.size < receiveLimit {
		if tell := t.twin.socket.changed(); tell != nil {
			go tell()
		}
	}
}

// send hands p over to be sent. A socket that blocks takes all of it. The guest's goroutine.
func (t *stream) send(p []byte, dontWait bool) (int, Errno) {
	k, total := t.socket, 0
	blocking := k.timeout(dontWait) != 0
	for {
		n, errno := t.sendSome(p[total:])
		if total += n; errno == EAGAIN && (blocking || total == 0) {
			errno = k.awaitCall(dontWait, func() bool { return t.readiness()&PollOut != 0 || k.closed })
			if errno == OK {
				continue
			}
		}
		switch {
		case errno == EINTR:
			return 0, errno
		case total > 0 && (errno != OK || total == len(p) || !blocking):
			return total, OK
		case errno != OK || total == len(p):
			return 0, errno
		}
	}
}

// sendSome takes as much as there is room for.
func (t *stream) sendSome(p []byte) (n int, errno Errno) {
	s := t.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.closing:
		return 0, EBADF
	case t.stuck != OK && !t.mute:
		errno, t.mute = t.stuck, true
		return 0, errno
	case t.mute:
		return 0, EPIPE
	case len(p) == 0:
		return 0, OK
	}
	room := t.room()
	if room <= 0 {
		return 0, EAGAIN
	}
	if t.twin != nil {
		return t.sendTwin(p[:min(room, len(p))]), OK
	}
	n = int(reserve(&s.up, s.policy.config.MaxBytesUp, int64(min(room, len(p)))))
	if n == 0 {
		s.refusal = refusal{EDQUOT, "the network policy's limit of bytes to send is used up (max_bytes_up)"}
		return 0, EDQUOT
	}
	out, errno := t.filterOutgoing(p[:n])
	if errno != OK {
		return 0, errno
	}
	if len(out) > 0 {
		t.outgoing.write(out)
		t.startSending()
	}
	return n, OK
}

// sendTwin hands p to the other end of a pair. Under mu.
func (t *stream) sendTwin(p []byte) int {
	if t.twin.deaf || t.twin.closing {
		return len(p)
	}
	t.twin.received.write(p)
	if tell := t.twin.socket.changed(); tell != nil {
		go tell()
	}
	return len(p)
}

// startSending lets a goroutine write, if none does. Under mu.
func (t *stream) startSending() {
	if !t.sending {
		t.sending = true
		go t.write()
	}
}

// write sends what is outgoing, until there is no more.
func (t *stream) write() {
	s := t.socket.stack
	limit := s.policy.config.IOTimeout
	for {
		s.mu.Lock()
		if t.outgoing.size == 0 || t.stuck != OK {
			t.sending = false
			t.outgoing.clear()
			half := t.mute && !t.closing
			closing := t.closing
			s.quiet.Broadcast()
			s.mu.Unlock()
			t.sent(half, closing)
			return
		}
		piece, rest := t.outgoing.take()
		t.flight = len(rest)
		s.mu.Unlock()
		if limit != Unlimited {
			_ = t.conn.SetWriteDeadline(time.Now().Add(limit)) // where it fails, Write does
		}
		n, err := t.conn.Write(rest)
		freePiece(piece)
		t.socket.update(func() {
			t.flight = 0
			t.up += int64(max(n, 0))
			if err != nil {
				t.stuck = errnoOf(err)
			}
		})
	}
}

// sent does what waited for the last byte to be sent.
func (t *stream) sent(half, closing bool) {
	switch {
	case closing:
		t.finish()
	case half:
		closeWrite(t.conn)
	}
}

// closeWrite tells the peer that nothing follows, where the connection can do that alone.
func closeWrite(conn net.Conn) {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite() // the peer may be gone already
	}
}

// shutdown ends directions.
func (t *stream) shutdown(receiving, sending bool) {
	var half bool
	t.socket.update(func() {
		if receiving {
			t.deaf = true
		}
		if !sending || t.mute {
			return
		}
		t.filterEnd()
		t.mute = true
		half = t.conn != nil && !t.sending
		if t.twin != nil {
			t.twin.ended = true
			if tell := t.twin.socket.changed(); tell != nil {
				go tell()
			}
		}
	})
	if half {
		go closeWrite(t.conn) // of TLS, it may block
	}
}

// close ends the stream for the guest. What is outgoing is still sent.
func (t *stream) close() {
	s := t.socket.stack
	s.mu.Lock()
	t.filterEnd()
	t.closing, t.mute, t.deaf = true, true, true
	t.received.clear()
	if t.expecting != nil {
		t.expecting.Stop()
	}
	if t.twin != nil {
		t.twin.ended, t.twin.stuck = true, EPIPE
		if tell := t.twin.socket.changed(); tell != nil {
			go tell()
		}
		s.mu.Unlock()
		return
	}
	sending := t.sending
	s.mu.Unlock()
	if sending {
		time.AfterFunc(lingerTime, func() { _ = t.conn.Close() })
		return
	}
	go t.finish() // of TLS, closing may block
}

// finish gives the connection back.
func (t *stream) finish() {
	_ = t.conn.Close() // nobody is left to hear of an error
	s := t.socket.stack
	s.release()
	s.mu.Lock()
	e := Event{Kind: EventClose, Attempt: attempt("tcp", t.peer, t.peer.Accepted), BytesUp: t.up, BytesDown: t.down, Duration: time.Since(t.began)}
	s.mu.Unlock()
	s.event(e)
}

// expect begins to measure how long the guest's loop waits for the peer. Under mu.
func (t *stream) expect() {
	t.start()
	t.expectedFrom = time.Now()
	policy := t.socket.stack.policy
	if t.expecting != nil || t.conn == nil || policy.config.IOTimeout == Unlimited {
		return
	}
	t.expecting = time.AfterFunc(policy.config.IOTimeout, t.expired)
}

// expired ends a wait for the peer that has lasted as long as the policy allows.
func (t *stream) expired() {
	limit := t.socket.stack.policy.config.IOTimeout
	t.socket.update(func() {
		t.expecting = nil
		since := t.last
		if t.expectedFrom.After(since) {
			since = t.expectedFrom
		}
		rest := limit - time.Since(since)
		switch {
		case t.closing || t.ended || !t.awaited():
		case t.received.size > 0: // it is the guest that takes its time
			t.expecting = time.AfterFunc(limit, t.expired)
		case rest > 0:
			t.expecting = time.AfterFunc(rest, t.expired)
		default:
			t.end(ETIMEDOUT)
		}
	})
}

// awaited reports that some loop waits for the stream to receive. Under mu.
func (t *stream) awaited() bool {
	for _, w := range t.socket.watchers {
		if w.events&PollIn != 0 {
			return true
		}
	}
	return false
}
