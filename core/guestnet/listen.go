package guestnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// maxBacklog bounds the connections that wait for the guest to accept them.
const maxBacklog = 128

// listener is a socket that others connect to.
type listener struct {
	socket  *Socket
	host    *net.TCPListener
	bound   netip.AddrPort
	backlog int // 0: it does not accept yet
	waiting []net.Conn
	failed  Errno
	running bool
	closed  bool
}

func (l *listener) readiness() uint16 {
	if len(l.waiting) > 0 || l.failed != OK {
		return PollIn
	}
	return 0
}

// Bind gives the socket a local address, which needs the permission to listen. Where only the loopback address is
// granted, that is what "any address" means. Without it, a stream may have any free port of this host: nothing is bound
// until it connects, and Listen refuses. (urllib3 binds ::1 to see whether there is IPv6.)
func (k *Socket) Bind(a netip.AddrPort) Errno {
	s := k.stack
	if errno := k.bindable(a); errno != OK {
		return errno
	}
	a = clean(a)
	if k.kind == TypeStream && a.Port() == 0 && s.bindsLater(a) {
		k.update(func() { k.local = a })
		return OK
	}
	if k.kind == TypeDatagram {
		return k.bindDatagrams(a)
	}
	l, errno := s.listen(k, a)
	if errno != OK {
		return errno
	}
	k.update(func() { k.listener, k.local = l, l.bound })
	return OK
}

// bindsLater reports that a stream's local address is not to be bound before it is known what the stream will be.
func (s *Stack) bindsLater(a netip.AddrPort) bool {
	if !a.Addr().IsUnspecified() && !a.Addr().IsLoopback() {
		return false
	}
	_, refusal := s.permitted("tcp", a)
	return refusal != nil
}

// unbind lets go of the address of a stream that was bound and does not listen, and returns it: it connects from there.
func (k *Socket) unbind() (local netip.AddrPort) {
	k.stack.mu.Lock()
	l := k.listener
	if l == nil || l.backlog > 0 {
		k.stack.mu.Unlock()
		return netip.AddrPort{}
	}
	k.listener = nil
	k.stack.mu.Unlock()
	l.close()
	return l.bound
}

func (k *Socket) bindable(a netip.AddrPort) Errno {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	switch {
	case k.closed:
		return EBADF
	case k.connecting || k.stream != nil || k.listener != nil || k.datagrams != nil || k.lookup != nil:
		return EINVAL
	case !a.IsValid() || (k.family == FamilyIPv4) != a.Addr().Is4():
		return EAFNOSUPPORT
	}
	return OK
}

// permitted is the address that the guest may listen on when it asks for a.
func (s *Stack) permitted(protocol string, a netip.AddrPort) (netip.AddrPort, *Refusal) {
	refusal := s.policy.Listening(protocol, a)
	if refusal != nil && a.Addr().IsUnspecified() {
		home := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if a.Addr().Is6() {
			home = netip.IPv6Loopback()
		}
		if narrow := netip.AddrPortFrom(home, a.Port()); s.policy.Listening(protocol, narrow) == nil {
			return narrow, nil
		}
	}
	return a, refusal
}

// granted asks rules and hook about listening on a, takes a connection's place, and tells the audit of a refusal.
func (s *Stack) granted(protocol string, a netip.AddrPort) (netip.AddrPort, Errno) {
	narrow, refusal := s.permitted(protocol, a)
	e := Event{Kind: EventListen, Attempt: attempt(protocol, Peer{Address: narrow}, true)}
	if refusal == nil {
		refusal = s.askWaiting(e.Attempt)
	}
	errno := EACCES
	s.mu.Lock()
	if refusal == nil {
		refusal, errno = s.acquire(), EMFILE
	}
	if refusal != nil {
		s.refusal = refusal.as(errno)
		s.mu.Unlock()
		e.Refused = refusal.Reason
		s.event(e)
		return a, errno
	}
	s.mu.Unlock()
	return narrow, OK
}

// askWaiting lets the hook decide while the guest waits.
func (s *Stack) askWaiting(a Attempt) *Refusal {
	if s.policy.config.OnConnect == nil {
		return nil
	}
	ctx, cancel := s.timed()
	defer cancel()
	done, answer := false, error(nil)
	go func() {
		err := s.ask(ctx, a)
		s.mu.Lock()
		done, answer = true, err
		s.mu.Unlock()
		s.signal()
	}()
	if s.await(-1, func() bool { return done }) != OK {
		return refuse("interrupted while the host decided")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var r *Refusal
	switch {
	case answer == nil:
		return nil
	case errors.As(answer, &r):
		return r
	}
	return refuse("the host did not decide in time")
}

// listen opens a listener on a for k.
func (s *Stack) listen(k *Socket, a netip.AddrPort) (*listener, Errno) {
	a, errno := s.granted("tcp", a)
	if errno != OK {
		return nil, errno
	}
	network := "tcp4"
	if a.Addr().Is6() {
		network = "tcp6"
	}
	var config net.ListenConfig
	host, err := config.Listen(context.Background(), network, a.String())
	e := Event{Kind: EventListen, Attempt: attempt("tcp", Peer{Address: a}, true)}
	if err != nil {
		s.release()
		errno := errnoOf(err)
		e.Error = errno.Error()
		s.event(e)
		return nil, errno
	}
	l := &listener{socket: k, host: host.(*net.TCPListener), bound: addrPortOf(host.Addr())}
	e.Address = l.bound
	e.Host = l.bound.Addr().String()
	s.event(e)
	s.mu.Lock()
	s.own[ownAddress{"tcp", l.bound}]++
	s.mu.Unlock()
	return l, OK
}

// Listen begins to accept connections, at most backlog of which may wait for the guest.
func (k *Socket) Listen(backlog int32) Errno {
	s := k.stack
	s.mu.Lock()
	l, local, closed := k.listener, k.local, k.closed
	wrong := k.stream != nil || k.connecting || k.kind != TypeStream || k.lookup != nil
	s.mu.Unlock()
	switch {
	case closed:
		return EBADF
	case wrong:
		return EINVAL
	case l == nil:
		var errno Errno
		if l, errno = s.listen(k, local); errno != OK {
			return errno
		}
		k.update(func() { k.listener, k.local = l, l.bound })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.backlog = max(1, min(int(backlog), maxBacklog))
	if !l.running {
		l.running = true
		go l.run()
	}
	return OK
}

// run accepts connections until the listener is closed.
func (l *listener) run() {
	s := l.socket.stack
	for l.wanted() {
		conn, err := l.host.Accept()
		if err != nil {
			l.socket.update(func() {
				if !l.closed {
					l.failed = errnoOf(err)
				}
			})
			return
		}
		peer := Peer{Address: addrPortOf(conn.RemoteAddr()), Accepted: true}
		s.event(Event{Kind: EventAccept, Attempt: attempt("tcp", peer, true)})
		if !l.admitted() {
			_ = conn.Close()
			return
		}
		late := false
		l.socket.update(func() {
			if late = l.closed; !late {
				l.waiting = append(l.waiting, conn)
			}
		})
		if late {
			_ = conn.Close()
			s.release()
		}
	}
}

// wanted waits until another connection may wait for the guest; false when the listener is closed.
func (l *listener) wanted() bool {
	s := l.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	for !l.closed && len(l.waiting) >= l.backlog {
		s.quiet.Wait()
	}
	return !l.closed
}

// admitted waits until the policy has room for one more connection, and takes it; false when the listener is closed.
func (l *listener) admitted() bool {
	s := l.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	for !l.closed {
		if s.acquire() == nil {
			return true
		}
		s.quiet.Wait()
	}
	return false
}

// Accept takes the next connection. The guest's goroutine.
func (k *Socket) Accept() (*Socket, Errno) {
	s := k.stack
	s.mu.Lock()
	l, closed := k.listener, k.closed
	s.mu.Unlock()
	switch {
	case closed:
		return nil, EBADF
	case l == nil || l.backlog == 0:
		return nil, EINVAL
	}
	if errno := k.awaitCall(false, func() bool { return l.readiness() != 0 || k.closed }); errno != OK {
		return nil, errno
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.closed {
		return nil, EBADF
	}
	if len(l.waiting) == 0 {
		return nil, l.failed
	}
	conn := l.waiting[0]
	l.waiting = l.waiting[1:]
	s.quiet.Broadcast()
	peer := Peer{Address: addrPortOf(conn.RemoteAddr()), Accepted: true}
	made := &Socket{stack: s, family: k.family, kind: TypeStream, local: addrPortOf(conn.LocalAddr()), remote: peer.Address}
	made.stream = newStream(made, conn, peer)
	s.sockets[made] = struct{}{}
	made.stream.start()
	return made, OK
}

// close stops listening; what waits is refused.
func (l *listener) close() {
	s := l.socket.stack
	began := time.Now()
	s.mu.Lock()
	l.closed = true
	waiting := l.waiting
	l.waiting = nil
	if s.own[ownAddress{"tcp", l.bound}]--; s.own[ownAddress{"tcp", l.bound}] <= 0 {
		delete(s.own, ownAddress{"tcp", l.bound})
	}
	s.quiet.Broadcast()
	s.mu.Unlock()
	_ = l.host.Close()
	for _, conn := range waiting {
		_ = conn.Close()
		s.release()
	}
	s.release()
	s.event(Event{Kind: EventClose, Attempt: attempt("tcp", Peer{Address: l.bound}, true), Time: began})
}
