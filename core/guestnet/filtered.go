package guestnet

import "net"

// Where a stream's bytes pass its filter.

// FilterConnections has what is sent and received on every connection that the guest makes go through a filter.
func (s *Stack) FilterConnections(f FilterFunc) {
	s.mu.Lock()
	s.filters = f
	s.mu.Unlock()
}

// filterOutgoing is what is to be sent for p. A refusal ends the stream. Under mu.
func (t *stream) filterOutgoing(p []byte) ([]byte, Errno) {
	if t.filter == nil {
		return p, OK
	}
	out, err := t.filter.Outgoing(p)
	if err == nil {
		return out, OK
	}
	text := err.Error()
	if refused, ok := err.(interface{ Refused() string }); ok {
		text = refused.Refused()
	}
	t.socket.stack.refusal = refusal{EACCES, text}
	t.outgoing.clear()
	t.mute, t.ended, t.broken = true, true, EACCES
	go sever(t.conn)
	return nil, EACCES
}

// sever ends a connection at once; what was not sent is lost.
func sever(conn net.Conn) { _ = conn.Close() }

// filterReading sends what the filter holds back, now that the guest waits for an answer. Under mu.
func (t *stream) filterReading() {
	if t.filter == nil || t.mute {
		return
	}
	if held := t.filter.Reading(); len(held) > 0 {
		t.outgoing.write(held)
		t.startSending()
	}
}

// filterEnd sends what the filter holds back, before nothing more is sent. Under mu.
func (t *stream) filterEnd() {
	if t.filter == nil || t.mute || t.conn == nil {
		return
	}
	if held := t.filter.EndOutgoing(); len(held) > 0 {
		t.outgoing.write(held)
		t.startSending()
	}
}

// filterIncoming adds a piece to what the guest may receive; end says that it was the last. Under mu.
func (t *stream) filterIncoming(piece []byte, end bool) {
	if t.filter == nil {
		if piece != nil {
			t.received.add(piece)
		}
		return
	}
	if len(piece) > 0 {
		t.received.write(t.filter.Incoming(piece))
	}
	if end {
		t.received.write(t.filter.EndIncoming())
	}
	freePiece(piece)
}
