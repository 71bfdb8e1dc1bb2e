package guestnet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
)

// TLSStatus is the outcome of one step of a TLS connection. The numbers are shared with wasm/guest/lib/_eryx_ssl.
type TLSStatus int32

// The statuses.
const (
	TLSOK         TLSStatus = 0
	TLSWantRead   TLSStatus = 1 // feed more ciphertext, then try again
	TLSWantWrite  TLSStatus = 2 // take the ciphertext, then try again
	TLSZeroReturn TLSStatus = 3 // the peer has said goodbye
	TLSEOF        TLSStatus = 4 // the peer's bytes ended without a goodbye
	TLSError      TLSStatus = 5 // ask for the failure
)

// The operations of a TLS connection, as the guest numbers them.
const (
	TLSOpHandshake = iota
	TLSOpRead
	TLSOpWrite
	TLSOpFeed
	TLSOpFeedEnd
	TLSOpTake
	TLSOpShutdown
	TLSOpPending
)

// TLSOptions is what the guest asks of one TLS connection. All of it is hostile.
type TLSOptions struct {
	Server   bool
	Hostname string
	// Verify is 0 (none), 1 (optional, of servers) or 2 (required).
	Verify        int
	CheckHostname bool
	// Roots are the certificates that the guest adds, DER; OwnRoots says that there are some, where they do not count.
	Roots    [][]byte
	OwnRoots bool
	// Chain and Key are its own certificate, PEM.
	Chain, Key []byte
	Protocols  []string // ALPN
	// MinVersion and MaxVersion are numbers of TLS versions, 0 for the default.
	MinVersion, MaxVersion uint16
	Ciphers                []uint16 // of TLS 1.2 and before; empty: the default
}

// TLSTable is the TLS connections of one guest. It is used on the guest's goroutine only.
type TLSTable struct {
	policy  *Policy
	filters FilterFunc
	engines map[int32]*engine
	last    int32
	buffer  []byte // between sockets and connections
}

// Errors of a TLSTable.
var (
	ErrTLSHandle = errors.New("no such TLS connection: it was closed, or belongs to another life of this sandbox")
	ErrTLSCount  = errors.New("too many TLS connections")
)

// NewTLSTable is a table for a guest under policy; nil for a nil policy. filters may be nil.
func NewTLSTable(policy *Policy, filters FilterFunc) *TLSTable {
	if policy == nil {
		return nil
	}
	return &TLSTable{policy: policy, filters: filters, engines: map[int32]*engine{}}
}

// maxEngines bounds the TLS connections of a guest, those included that it forgot about and has not collected.
func (t *TLSTable) maxEngines() int {
	if n := t.policy.config.MaxConnections; n > 0 {
		return min(2*n+16, 1024)
	}
	return 1024
}

// Insecure reports that the guest may switch the verification off.
func (t *TLSTable) Insecure() bool { return t.policy.config.AllowInsecureTLS }

// Open makes a connection: its handle, or an error for the guest.
func (t *TLSTable) Open(o TLSOptions) (int32, error) {
	if len(t.engines) >= t.maxEngines() {
		return 0, ErrTLSCount
	}
	e := &engine{options: o, policy: t.policy, wire: newMemoryConn(), filters: t.filters}
	config, err := e.config(t.filters != nil)
	if err != nil {
		return 0, err
	}
	if o.Server {
		e.conn = tls.Server(e.wire, config)
	} else {
		e.conn = tls.Client(e.wire, config)
	}
	for t.last++; t.last <= 0 || t.engines[t.last] != nil; t.last++ {
		t.last = max(t.last, 0)
	}
	t.engines[t.last] = e
	return t.last, nil
}

// Close forgets a connection.
func (t *TLSTable) Close(handle int32) {
	if t == nil {
		return
	}
	if e := t.engines[handle]; e != nil {
		e.close()
		delete(t.engines, handle)
	}
}

// CloseAll forgets all connections.
func (t *TLSTable) CloseAll() {
	if t == nil {
		return
	}
	for handle := range t.engines {
		t.Close(handle)
	}
}

// TLSStep is the outcome of a step.
type TLSStep struct {
	Status   TLSStatus
	Consumed int // of in
	Produced int // in out
	Pending  int // bytes of ciphertext to take
}

// Step performs an operation: in is what it takes, out where it puts what it gives.
func (t *TLSTable) Step(handle int32, op int32, in, out []byte) (s TLSStep, err error) {
	e := t.engines[handle]
	if e == nil {
		return s, ErrTLSHandle
	}
	switch op {
	case TLSOpHandshake:
		s.Status = e.ready()
	case TLSOpRead:
		s.Produced, s.Status = e.read(out)
	case TLSOpWrite:
		s.Consumed, s.Status = e.write(in)
	case TLSOpFeed:
		s.Consumed = e.wire.feed(in)
	case TLSOpFeedEnd:
		e.wire.end()
	case TLSOpTake:
		s.Produced = e.wire.take(out)
	case TLSOpShutdown:
		s.Status = e.shutdown()
	case TLSOpPending:
		s.Consumed = len(e.plain)
	default:
		return s, fmt.Errorf("no TLS operation %d", op)
	}
	s.Pending = e.wire.pending()
	return s, nil
}

// Receive moves ciphertext that a socket has into a connection: how much, 0 at the end. If there is none yet, it waits as
// the socket's own Receive does: EAGAIN where the socket does not block.
func (t *TLSTable) Receive(handle int32, socket *Socket) (int, Errno) {
	e := t.engines[handle]
	if e == nil {
		return 0, EBADF
	}
	room := e.wire.room()
	if room == 0 {
		return 0, ENOBUFS
	}
	if t.buffer == nil {
		t.buffer = make([]byte, writeBytes)
	}
	n, _, errno := socket.Receive(t.buffer[:min(room, writeBytes)], 0)
	switch {
	case errno != OK:
		return 0, errno
	case n == 0:
		e.wire.end()
	default:
		e.wire.feed(t.buffer[:n])
	}
	return n, OK
}

// Send moves a connection's ciphertext to a socket: how much is left that it has no room for.
func (t *TLSTable) Send(handle int32, socket *Socket) (int, Errno) {
	e := t.engines[handle]
	if e == nil {
		return 0, EBADF
	}
	for e.wire.pending() > 0 {
		errno := e.wire.passOn(func(p []byte) (int, Errno) { return socket.Send(p, MsgDontWait, netip.AddrPort{}) })
		switch errno {
		case OK:
		case EAGAIN:
			return e.wire.pending(), OK
		default:
			return 0, errno
		}
	}
	return 0, OK
}

// Failure is what the last step with TLSError was about.
func (t *TLSTable) Failure(handle int32) (*TLSFailure, error) {
	e := t.engines[handle]
	if e == nil {
		return nil, ErrTLSHandle
	}
	if e.lastNote == nil {
		return &TLSFailure{Kind: "ssl", Text: "unknown error"}, nil
	}
	return e.lastNote, nil
}
