package guestnet

import (
	"context"
	"net/netip"
	"time"
)

// Socket is one socket of a guest's. What it is, depends on what the guest has done with it: at most one of stream,
// listener, datagrams and lookup is there. All fields are guarded by the stack's mu.
type Socket struct {
	stack    *Stack
	family   int32
	kind     int32 // TypeStream or TypeDatagram
	nonblock bool
	closed   bool

	local, remote netip.AddrPort
	pending       Errno // what SO_ERROR tells once
	connecting    bool
	abandon       context.CancelFunc // ends a connect that is under way
	options       map[option]int32
	watchers      []*watcher

	stream    *stream
	listener  *listener
	datagrams *datagrams
	lookup    *lookup
}

// Open makes a socket of a family and a type; protocol 0 is the type's own.
func (s *Stack) Open(family, kind, protocol int32) (*Socket, Errno) {
	if s.policy == nil {
		return nil, s.refuse(EACCES, noNetwork)
	}
	switch {
	case s.policy.config.NoSockets:
		return nil, s.refuse(EACCES, "sockets are not allowed by the network policy (its option no_sockets is on); use fetch")
	case family != FamilyIPv4 && family != FamilyIPv6:
		return nil, EAFNOSUPPORT
	case kind == TypeStream && protocol != 0 && protocol != protocolTCP, kind == TypeDatagram && protocol != 0 && protocol != protocolUDP:
		return nil, EPROTONOSUPPORT
	case kind != TypeStream && kind != TypeDatagram:
		return nil, EPROTONOSUPPORT
	case kind == TypeDatagram && !s.policy.config.UDP:
		return nil, s.refuse(EACCES, "datagrams are not allowed by the network policy (its option udp is off)")
	}
	return s.add(&Socket{stack: s, family: family, kind: kind, local: unspecified(family)})
}

// add enters a socket.
func (s *Stack) add(socket *Socket) (*Socket, Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, EBADF
	}
	s.sockets[socket] = struct{}{}
	return socket, OK
}

// Pair makes two streams that are connected to each other. It needs no network.
func (s *Stack) Pair() (a, b *Socket, errno Errno) {
	home := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	ends := [2]*Socket{}
	for i := range ends {
		socket, errno := s.add(&Socket{stack: s, family: FamilyIPv4, kind: TypeStream, local: home, remote: home})
		if errno != OK {
			return nil, nil, errno
		}
		socket.stream = &stream{socket: socket}
		ends[i] = socket
	}
	ends[0].stream.twin, ends[1].stream.twin = ends[1].stream, ends[0].stream
	return ends[0], ends[1], OK
}

// Kind is the socket's type, and Family its family.
func (k *Socket) Kind() int32 { return k.kind }

// Family is the socket's family.
func (k *Socket) Family() int32 { return k.family }

// Stack is the stack that the socket belongs to.
func (k *Socket) Stack() *Stack { return k.stack }

// SetNonblock makes calls fail with EAGAIN instead of waiting.
func (k *Socket) SetNonblock(on bool) {
	k.stack.mu.Lock()
	k.nonblock = on
	k.stack.mu.Unlock()
}

// Names are the addresses of both ends; the second is not valid when there is no peer.
func (k *Socket) Names() (local, remote netip.AddrPort) {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	return inFamily(k.local, k.family), k.remote
}

// Remote is the peer's address: ENOTCONN when there is none.
func (k *Socket) Remote() (netip.AddrPort, Errno) {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if !k.remote.IsValid() || k.connecting {
		return netip.AddrPort{}, ENOTCONN
	}
	return inFamily(k.remote, k.family), OK
}

// readiness is what the socket is ready for. Under mu.
func (k *Socket) readiness() uint16 {
	var r uint16
	switch {
	case k.closed:
		return PollNval
	case k.lookup != nil:
		r = k.lookup.readiness()
	case k.connecting:
	case k.stream != nil:
		r = k.stream.readiness()
	case k.listener != nil:
		r = k.listener.readiness()
	case k.datagrams != nil:
		r = k.datagrams.readiness()
	case k.kind == TypeDatagram:
		r = PollOut
	default: // as Linux says of a socket that was never connected
		r = PollOut | PollHup
	}
	if k.pending != OK {
		r |= PollErr | PollIn | PollOut
	}
	return r
}

// waitsForPeer reports that a wait for the socket is one for another's answer, which IOTimeout bounds. Under mu.
func (k *Socket) waitsForPeer() bool { return k.stream != nil && k.stream.twin == nil }

// interest has the socket do what it only does when somebody waits for it. Under mu.
func (k *Socket) interest(events uint16) {
	if k.stream != nil && events&PollIn != 0 {
		k.stream.expect()
	}
}

// changed tells whoever waits for the socket that its state is another one. Under mu; the result, not nil when the
// host's loop is to be told, must be called without.
func (k *Socket) changed() (tell func()) {
	for _, w := range k.watchers {
		if w.consider() && w.set.id == HostedSet {
			tell = k.stack.notify
		}
	}
	k.stack.signal()
	return tell
}

// update changes the socket's state by f, and tells those who wait.
func (k *Socket) update(f func()) {
	k.stack.mu.Lock()
	f()
	tell := k.changed()
	k.stack.mu.Unlock()
	if tell != nil {
		tell()
	}
}

// timeout is how long a call may wait: not at all when the socket does not block.
func (k *Socket) timeout(dontWait bool) time.Duration {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if k.nonblock || dontWait {
		return 0
	}
	if k.waitsForPeer() || k.datagrams != nil {
		return k.stack.ceiling(-1)
	}
	return -1
}

// awaitCall is await for a call of the guest's: EAGAIN when it must not wait, ETIMEDOUT when it has waited as long as
// the policy allows.
func (k *Socket) awaitCall(dontWait bool, done func() bool) Errno {
	d := k.timeout(dontWait)
	errno := k.stack.await(d, done)
	if errno == EAGAIN && d != 0 {
		return ETIMEDOUT
	}
	return errno
}

// Close closes the socket. What it was given to send is still sent, on the host alone.
func (k *Socket) Close() {
	s := k.stack
	s.mu.Lock()
	if k.closed {
		s.mu.Unlock()
		return
	}
	k.closed = true
	delete(s.sockets, k)
	for len(k.watchers) > 0 {
		k.watchers[0].end()
	}
	stream, listener, datagrams, lookup, abandon := k.stream, k.listener, k.datagrams, k.lookup, k.abandon
	s.mu.Unlock()
	if abandon != nil {
		abandon()
	}
	switch {
	case stream != nil:
		stream.close()
	case listener != nil:
		listener.close()
	case datagrams != nil:
		datagrams.close()
	case lookup != nil:
		lookup.cancel()
	}
}

// Shutdown ends one or both directions: 1 receiving, 2 sending, 3 both.
func (k *Socket) Shutdown(how int32) Errno {
	k.stack.mu.Lock()
	stream, closed, connecting := k.stream, k.closed, k.connecting
	k.stack.mu.Unlock()
	switch {
	case closed:
		return EBADF
	case how < 1 || how > 3:
		return EINVAL
	case stream == nil || connecting:
		return ENOTCONN
	}
	stream.shutdown(how&1 != 0, how&2 != 0)
	return OK
}
