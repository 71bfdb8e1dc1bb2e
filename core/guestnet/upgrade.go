package guestnet

import (
	"context"
	"net"
	"time"
)

// Upgrade makes another connection of the socket's: f is given the present one, from which it reads everything that
// the guest has not read, and returns what takes its place, TLS for instance. f runs on a goroutine of its own, until
// when the socket is ready for nothing and calls wait; ctx ends with the socket. What it fails with, UpgradeError
// tells, and the socket is broken. ENOTCONN, or EALREADY while another Upgrade is under way.
func (k *Socket) Upgrade(f func(ctx context.Context, conn net.Conn, peer Peer) (net.Conn, error)) Errno {
	s := k.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	t := k.stream
	switch {
	case k.closed:
		return EBADF
	case t == nil || t.conn == nil || k.connecting || t.mute:
		return ENOTCONN
	case t.upgrading:
		return EALREADY
	}
	ctx, cancel := s.timed()
	t.upgrading, t.upgradeErr, k.abandon = true, nil, cancel
	go func() {
		defer cancel()
		t.upgrade(ctx, f)
	}()
	return OK
}

// UpgradeError is why the last Upgrade failed, nil when it did not; done is false while it is under way.
func (k *Socket) UpgradeError() (err error, done bool) {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if k.stream == nil {
		return nil, true
	}
	return k.stream.upgradeErr, !k.stream.upgrading
}

// AwaitUpgrade waits for the Upgrade that is under way; EAGAIN when the socket does not block. The guest's goroutine.
func (k *Socket) AwaitUpgrade() Errno {
	return k.awaitCall(false, func() bool { return k.closed || k.stream == nil || !k.stream.upgrading })
}

// Connection is the host's connection under a stream, and its peer; nil when there is none.
func (k *Socket) Connection() (net.Conn, Peer) {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if k.stream == nil || k.stream.conn == nil {
		return nil, Peer{}
	}
	return k.stream.conn, k.stream.peer
}

func (t *stream) upgrade(ctx context.Context, f func(context.Context, net.Conn, Peer) (net.Conn, error)) {
	s := t.socket.stack
	conn := t.settle()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // a handshake under way fails
	made, err := f(ctx, conn, t.peer)
	if stop() {
		_ = conn.SetDeadline(time.Time{})
	} else if err == nil {
		err = ETIMEDOUT
	}
	closing := false
	t.socket.update(func() {
		t.upgrading, t.socket.abandon = false, nil
		if made != nil {
			t.conn = made
		}
		if err != nil {
			t.upgradeErr, t.ended, t.mute = err, true, true
		}
		closing = t.closing
		s.quiet.Broadcast()
		if !closing {
			t.start()
		}
	})
	if closing && made != nil {
		_ = made.Close()
	}
}

// settle waits until everything is sent and nobody reads, and returns the connection with what was read ahead put back
// in front.
func (t *stream) settle() net.Conn {
	s := t.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	for t.sending {
		s.quiet.Wait()
	}
	for t.reading {
		_ = t.conn.SetReadDeadline(time.Unix(1, 0))
		s.quiet.Wait()
	}
	_ = t.conn.SetDeadline(time.Time{})
	ahead := make([]byte, t.received.size)
	t.received.read(ahead, false)
	if len(ahead) == 0 {
		return t.conn
	}
	return &prefixed{t.conn, ahead}
}

// prefixed is a connection that is read from ahead first.
type prefixed struct {
	net.Conn
	ahead []byte
}

// Read implements net.Conn.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(b, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// CloseWrite tells the peer that nothing follows.
func (p *prefixed) CloseWrite() error {
	closeWrite(p.Conn)
	return nil
}
