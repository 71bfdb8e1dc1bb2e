package guestnet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
)

// engine is one TLS connection whose ciphertext the guest carries.
type engine struct {
	options TLSOptions
	policy  *Policy
	conn    *tls.Conn
	wire    *memoryConn

	started, finished bool // the handshake; finished is guarded by wire.mu until it is set
	handshakeErr      error
	verified          bool // by the host's roots, for options.Hostname
	chains            [][]byte

	filters  FilterFunc
	filter   Filter
	plain    []byte // decrypted, and not taken yet
	failure  error  // what ended it
	closing  bool   // close_notify was sent
	lastNote *TLSFailure
}

const (
	recordBytes = 16 << 10
	writeBytes  = 64 << 10
)

// handshake goes on with it, as far as the wire lets it.
func (e *engine) handshake() TLSStatus {
	if !e.started {
		e.started = true
		e.wire.waits = true
		go e.runHandshake()
	}
	w := e.wire
	w.mu.Lock()
	for !e.finished && !w.starved {
		w.changed.Wait()
	}
	finished := e.finished
	w.mu.Unlock()
	switch {
	case !finished:
		return TLSWantRead
	case e.handshakeErr != nil:
		return e.fail(e.handshakeErr)
	}
	if e.filter == nil && e.filters != nil && !e.options.Server {
		e.filter = e.filters(Channel{Peer: Peer{Names: []string{e.options.Hostname}}, TLS: true, Verified: e.verified})
	}
	return TLSOK
}

func (e *engine) runHandshake() {
	err := errors.New("the handshake failed")
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the handshake failed: %v", fault)
		}
		e.wire.mu.Lock()
		e.finished, e.handshakeErr, e.wire.waits = true, err, false
		e.wire.changed.Broadcast()
		e.wire.mu.Unlock()
	}()
	err = e.conn.Handshake()
}

// ready reports that the handshake is over, or drives it on.
func (e *engine) ready() TLSStatus {
	if e.failure != nil {
		return e.fail(e.failure)
	}
	return e.handshake()
}

// read gives plain text.
func (e *engine) read(p []byte) (int, TLSStatus) {
	if status := e.ready(); status != TLSOK {
		return 0, status
	}
	if e.filter != nil {
		if held := e.filter.Reading(); len(held) > 0 {
			if _, err := e.conn.Write(held); err != nil {
				return 0, e.fail(err)
			}
		}
	}
	n := copy(p, e.plain)
	e.plain = e.plain[n:]
	for n < len(p) {
		// The peer, who may be the guest itself, can have us answer without end.
		if e.wire.pending() > maxWireOut {
			if n > 0 {
				return n, TLSOK
			}
			return 0, TLSWantWrite
		}
		got, err := e.readRecord(p[n:])
		n += got
		if err == nil {
			continue
		}
		if n > 0 { // what ended it is told next time
			return n, TLSOK
		}
		return 0, e.fail(err)
	}
	return n, TLSOK
}

// readRecord decrypts one record, and keeps what p has no room for.
func (e *engine) readRecord(p []byte) (int, error) {
	if e.filter == nil && len(p) >= recordBytes {
		return e.conn.Read(p)
	}
	buffer := make([]byte, recordBytes)
	n, err := e.conn.Read(buffer)
	buffer = buffer[:n]
	if e.filter != nil {
		buffer = e.filter.Incoming(buffer)
		if errors.Is(err, io.EOF) {
			buffer = append(buffer[:len(buffer):len(buffer)], e.filter.EndIncoming()...)
		}
	}
	taken := copy(p, buffer)
	e.plain = append(e.plain, buffer[taken:]...)
	return taken, err
}

// write takes plain text, at most writeBytes of it.
func (e *engine) write(p []byte) (int, TLSStatus) {
	if status := e.ready(); status != TLSOK {
		return 0, status
	}
	if e.closing {
		return 0, e.fail(errShutdown)
	}
	if e.wire.pending() > maxWireOut-2*writeBytes {
		return 0, TLSWantWrite
	}
	p = p[:min(len(p), writeBytes)]
	out := p
	if e.filter != nil {
		var err error
		if out, err = e.filter.Outgoing(p); err != nil {
			e.failure = err
			return 0, e.fail(err)
		}
	}
	if len(out) > 0 {
		if _, err := e.conn.Write(out); err != nil {
			return 0, e.fail(err)
		}
	}
	return len(p), TLSOK
}

var errShutdown = errors.New("protocol is shutdown")

// shutdown says goodbye, and waits for the peer's goodbye.
func (e *engine) shutdown() TLSStatus {
	if status := e.ready(); status != TLSOK {
		return status
	}
	if !e.closing {
		if e.filter != nil {
			_, _ = e.conn.Write(e.filter.EndOutgoing()) // the wire takes everything
		}
		if err := e.conn.CloseWrite(); err != nil {
			return e.fail(err)
		}
		e.closing = true
	}
	e.plain = nil
	discard := make([]byte, recordBytes)
	for {
		if e.wire.pending() > maxWireOut {
			return TLSWantWrite
		}
		_, err := e.conn.Read(discard)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return TLSOK
		default:
			return e.fail(err)
		}
	}
}

// close ends it without a goodbye, and the handshake if it is under way.
func (e *engine) close() { _ = e.wire.Close() }

// fail is the status for err, which is kept to be asked for.
func (e *engine) fail(err error) TLSStatus {
	var block wouldBlock
	switch {
	case errors.As(err, &block):
		return TLSWantRead
	case errors.Is(err, io.EOF) && e.finished && e.handshakeErr == nil && !e.wire.sawEnd:
		return TLSZeroReturn
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return TLSEOF
	}
	e.lastNote = describeTLS(err)
	return TLSError
}
