package guestnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Connect connects the socket to a. A socket that does not block answers EINPROGRESS; what comes of it, SO_ERROR
// tells. The guest's goroutine.
func (k *Socket) Connect(a netip.AddrPort) Errno {
	s := k.stack
	a, errno := k.destination(a)
	if errno != OK {
		return errno
	}
	if k.kind == TypeDatagram {
		return k.connectDatagrams(a)
	}
	local := k.unbind()
	if errno := k.connectable(); errno != OK {
		return errno
	}
	peer := Peer{Names: s.names(a.Addr()), Address: a}
	ctx, errno := k.beginConnect(peer)
	if errno != OK {
		return errno
	}
	go k.dial(ctx, peer, local)
	errno = k.awaitCall(false, func() bool { return !k.connecting || k.closed })
	if errno == EAGAIN {
		return EINPROGRESS
	}
	if errno == OK {
		errno = k.TakeError()
	}
	return errno
}

// destination is where a leads, in the terms of the rules: an address that means any host is this one.
func (k *Socket) destination(a netip.AddrPort) (netip.AddrPort, Errno) {
	switch {
	case !a.IsValid() || k.family == FamilyIPv4 && !a.Addr().Is4():
		return a, EAFNOSUPPORT
	case k.family == FamilyIPv6 && a.Addr().Is4():
		return a, EAFNOSUPPORT
	}
	a = clean(a)
	if a.Addr().IsUnspecified() {
		home := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if a.Addr().Is6() {
			home = netip.IPv6Loopback()
		}
		a = netip.AddrPortFrom(home, a.Port())
	}
	return a, OK
}

// connectable is why a stream cannot be connected, OK when it can.
func (k *Socket) connectable() Errno {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	switch {
	case k.closed:
		return EBADF
	case k.connecting:
		return EALREADY
	case k.stream != nil:
		return EISCONN
	case k.listener != nil || k.lookup != nil:
		return EINVAL
	}
	errno := k.pending // of a connect that failed: told once, by whatever asks
	k.pending = OK
	return errno
}

// beginConnect asks the rules and takes what a connection needs.
func (k *Socket) beginConnect(peer Peer) (context.Context, Errno) {
	s := k.stack
	refusal := s.check("tcp", peer.Names, peer.Address)
	errno := EACCES
	s.mu.Lock()
	if refusal == nil {
		refusal, errno = s.acquire(), EMFILE
	}
	if refusal != nil {
		s.refusal = refusal.as(errno)
		s.mu.Unlock()
		s.event(Event{Kind: EventConnect, Attempt: attempt("tcp", peer, false), Refused: refusal.Reason})
		return nil, errno
	}
	ctx, cancel := s.timed()
	k.connecting, k.abandon, k.remote, k.pending = true, cancel, peer.Address, OK
	s.mu.Unlock()
	return ctx, OK
}

func (r *Refusal) as(errno Errno) refusal { return refusal{errno, r.Reason} }

// timed is a context of a connect.
func (s *Stack) timed() (context.Context, context.CancelFunc) {
	if limit := s.policy.config.ConnectTimeout; limit != Unlimited {
		return context.WithTimeout(s.ctx, limit)
	}
	return context.WithCancel(s.ctx)
}

// dial connects, on a goroutine of its own; local is where from, if it is valid.
func (k *Socket) dial(ctx context.Context, peer Peer, local netip.AddrPort) {
	s := k.stack
	conn, err := s.connect(ctx, "tcp", peer, local)
	abandoned := false
	k.update(func() {
		k.connecting = false
		k.abandon()
		k.abandon = nil
		if err != nil {
			k.pending, k.remote = errnoOf(err), netip.AddrPort{}
			var r *Refusal
			if errors.As(err, &r) {
				s.refusal = r.as(k.pending)
			}
			return
		}
		if abandoned = k.closed; abandoned {
			return
		}
		k.local = addrPortOf(conn.LocalAddr())
		k.stream = newStream(k, conn, peer)
		k.applyOptions(conn)
		k.stream.start()
	})
	if err != nil || abandoned {
		if conn != nil {
			_ = conn.Close()
		}
		s.release()
	}
}

// connect makes a connection that the rules allow: it asks the hook, dials, and tells the audit.
func (s *Stack) connect(ctx context.Context, protocol string, peer Peer, local netip.AddrPort) (net.Conn, error) {
	began := time.Now()
	e := Event{Kind: EventConnect, Attempt: attempt(protocol, peer, false), Time: began}
	var conn net.Conn
	err := s.ask(ctx, e.Attempt)
	if err == nil {
		conn, err = s.dialer(protocol, peer, local).DialContext(ctx, protocol, peer.Address.String())
	}
	e.Duration = time.Since(began)
	var r *Refusal
	switch {
	case errors.As(err, &r):
		e.Refused = r.Reason
	case err != nil:
		e.Error = errnoOf(err).Error()
	}
	s.event(e)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// ask lets the hook decide.
func (s *Stack) ask(ctx context.Context, a Attempt) error {
	hook := s.policy.config.OnConnect
	if hook == nil {
		return nil
	}
	if s.context != nil {
		ctx = s.context(ctx)
	}
	if err := hook(ctx, a); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return refuse("the host refused the connection to %s: %s", a.Host, shorten(err.Error()))
	}
	return nil
}

const maxReason = 1000

func shorten(text string) string {
	if len(text) > maxReason {
		return text[:maxReason] + "..."
	}
	return text
}

// dialer asks the rules once more, about the very address that the system is about to connect to.
func (s *Stack) dialer(protocol string, peer Peer, local netip.AddrPort) *net.Dialer {
	var from net.Addr
	if local.IsValid() {
		from = net.TCPAddrFromAddrPort(local)
	}
	return &net.Dialer{
		LocalAddr:     from,
		FallbackDelay: -1,
		KeepAlive:     -1,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			a, err := netip.ParseAddrPort(address)
			if err != nil {
				return refuse("the address %q cannot be read", address)
			}
			if r := s.check(protocol, peer.Names, clean(a)); r != nil {
				return r
			}
			return nil
		},
	}
}

// TakeError is the error of what was under way, told once.
func (k *Socket) TakeError() Errno {
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	errno := k.pending
	k.pending = OK
	return errno
}

// Receive takes bytes, or one datagram, that have arrived, and says where they come from. In flags are the guest's
// MSG_PEEK, MSG_WAITALL, MSG_TRUNC and MSG_DONTWAIT.
func (k *Socket) Receive(p []byte, flags uint32) (int, netip.AddrPort, Errno) {
	stream, datagrams, errno := k.transport()
	switch {
	case errno != OK:
		return 0, netip.AddrPort{}, errno
	case flags&^(MsgPeek|MsgWaitAll|MsgDontWait|MsgTrunc|MsgNoSignal) != 0:
		return 0, netip.AddrPort{}, ENOTSUP
	case datagrams != nil:
		return datagrams.receive(p, flags)
	case len(p) == 0:
		return 0, netip.AddrPort{}, OK
	}
	n, errno := stream.receive(p, flags&MsgPeek != 0, flags&MsgDontWait != 0, flags&MsgWaitAll != 0)
	return n, netip.AddrPort{}, errno
}

// Flags of the guest's send and receive calls.
const (
	MsgPeek     = 0x2
	MsgTrunc    = 0x20
	MsgDontWait = 0x40
	MsgWaitAll  = 0x100
	MsgNoSignal = 0x4000
)

// Send sends bytes, or one datagram to a (which is not valid when the guest named none).
func (k *Socket) Send(p []byte, flags uint32, a netip.AddrPort) (int, Errno) {
	if flags&^(MsgDontWait|MsgNoSignal) != 0 {
		return 0, ENOTSUP
	}
	if k.kind == TypeDatagram {
		return k.sendDatagram(p, flags&MsgDontWait != 0, a)
	}
	stream, _, errno := k.transport()
	if errno != OK {
		return 0, errno
	}
	return stream.send(p, flags&MsgDontWait != 0)
}

// transport is what moves the socket's bytes; it waits for a connect that is under way.
func (k *Socket) transport() (*stream, *datagrams, Errno) {
	s := k.stack
	s.mu.Lock()
	connecting := k.connecting
	s.mu.Unlock()
	if connecting {
		if errno := k.awaitCall(false, func() bool { return !k.connecting || k.closed }); errno != OK {
			return nil, nil, errno
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case k.closed:
		return nil, nil, EBADF
	case k.pending != OK:
		errno := k.pending
		k.pending = OK
		return nil, nil, errno
	case k.stream == nil && k.datagrams == nil:
		return nil, nil, ENOTCONN
	}
	return k.stream, k.datagrams, OK
}
