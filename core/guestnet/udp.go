package guestnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// maxDatagrams and maxDatagramBytes bound what waits for the guest; what comes beyond it is lost, as datagrams are.
	maxDatagrams     = 256
	maxDatagramBytes = 256 << 10
	maxDatagram      = 65507 // bytes of one
	// maxDestinations is how many decisions about destinations are remembered.
	maxDestinations = 1024
)

// datagrams is a UDP socket of the host's.
type datagrams struct {
	socket   *Socket
	conn     *net.UDPConn
	peer     netip.AddrPort // of a connected socket
	waiting  []datagram
	size     int
	broken   Errno
	allowed  map[netip.AddrPort]bool
	up, down int64
	began    time.Time
	closed   bool
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

func (d *datagrams) readiness() uint16 {
	r := uint16(PollOut)
	if len(d.waiting) > 0 || d.broken != OK {
		r |= PollIn
	}
	return r
}

// openDatagrams opens the host's socket on local, whose place among the connections is taken already.
func (k *Socket) openDatagrams(local netip.AddrPort) Errno {
	s := k.stack
	network := "udp4"
	if k.family == FamilyIPv6 {
		network = "udp6"
	}
	var config net.ListenConfig
	host, err := config.ListenPacket(context.Background(), network, local.String())
	if err != nil {
		s.release()
		return errnoOf(err)
	}
	d := &datagrams{socket: k, conn: host.(*net.UDPConn), allowed: map[netip.AddrPort]bool{}, began: time.Now()}
	k.update(func() { k.datagrams, k.local = d, addrPortOf(d.conn.LocalAddr()) })
	go d.run()
	return OK
}

// bindDatagrams is Bind of a datagram socket.
func (k *Socket) bindDatagrams(a netip.AddrPort) Errno {
	s := k.stack
	if a.Addr().IsUnspecified() && a.Port() == 0 {
		return k.anyDatagrams()
	}
	a, errno := s.granted("udp", a)
	if errno != OK {
		return errno
	}
	if errno := k.openDatagrams(a); errno != OK {
		return errno
	}
	s.mu.Lock()
	local := k.local
	s.own[ownAddress{"udp", local}]++
	s.mu.Unlock()
	s.event(Event{Kind: EventListen, Attempt: attempt("udp", Peer{Address: local}, true)})
	return OK
}

// anyDatagrams opens the host's socket on any free port, for a guest that only sends and gets answers.
func (k *Socket) anyDatagrams() Errno {
	s := k.stack
	s.mu.Lock()
	if k.datagrams != nil {
		s.mu.Unlock()
		return OK
	}
	if r := s.acquire(); r != nil {
		s.refusal = r.as(EMFILE)
		s.mu.Unlock()
		return EMFILE
	}
	s.mu.Unlock()
	return k.openDatagrams(unspecified(k.family))
}

// run takes what arrives: from the peer only when there is one, and otherwise from where the guest may send.
func (d *datagrams) run() {
	buf := make([]byte, maxDatagram+1)
	for {
		n, from, err := d.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			fatal := errors.Is(err, net.ErrClosed)
			d.socket.update(func() { d.broken = errnoOf(err) })
			if fatal {
				return
			}
			continue
		}
		d.arrived(clean(from), buf[:n])
	}
}

func (d *datagrams) arrived(from netip.AddrPort, data []byte) {
	s := d.socket.stack
	d.socket.update(func() {
		switch {
		case d.closed, d.peer.IsValid() && d.peer != from,
			s.own[ownAddress{"udp", d.socket.local}] == 0 && !d.allowed[from], // an answer to nothing
			len(d.waiting) >= maxDatagrams, d.size+len(data) > maxDatagramBytes:
			return
		}
		n := int64(len(data))
		if got := reserve(&s.down, s.policy.config.MaxBytesDown, n); got < n {
			s.down -= got
			d.broken = EDQUOT
			return
		}
		d.down += n
		d.size += len(data)
		d.waiting = append(d.waiting, datagram{from, append([]byte(nil), data...)})
	})
}

// receive takes the first datagram; what does not fit into p is lost.
func (d *datagrams) receive(p []byte, flags uint32) (int, netip.AddrPort, Errno) {
	k := d.socket
	errno := k.awaitCall(flags&MsgDontWait != 0, func() bool { return d.readiness()&PollIn != 0 || k.closed })
	if errno != OK {
		return 0, netip.AddrPort{}, errno
	}
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if k.closed {
		return 0, netip.AddrPort{}, EBADF
	}
	if len(d.waiting) == 0 {
		errno, d.broken = d.broken, OK
		return 0, netip.AddrPort{}, errno
	}
	first := d.waiting[0]
	n := copy(p, first.data)
	if flags&MsgTrunc != 0 {
		n = len(first.data)
	}
	if flags&MsgPeek == 0 {
		d.waiting = d.waiting[1:]
		d.size -= len(first.data)
	}
	return n, inFamily(first.from, k.family), OK
}

// connectDatagrams is Connect of a datagram socket.
func (k *Socket) connectDatagrams(a netip.AddrPort) Errno {
	if errno := k.anyDatagrams(); errno != OK {
		return errno
	}
	if errno := k.datagrams.permit(a); errno != OK {
		return errno
	}
	k.update(func() { k.datagrams.peer, k.remote = a, a })
	return OK
}

// sendDatagram is Send of a datagram socket.
func (k *Socket) sendDatagram(p []byte, _ bool, a netip.AddrPort) (int, Errno) {
	if len(p) > maxDatagram {
		return 0, EMSGSIZE
	}
	if errno := k.anyDatagrams(); errno != OK {
		return 0, errno
	}
	d := k.datagrams
	if !a.IsValid() {
		if a = d.peer; !a.IsValid() {
			return 0, EDESTADDRREQ
		}
	} else {
		var errno Errno
		if a, errno = k.destination(a); errno != OK {
			return 0, errno
		}
	}
	if errno := d.permit(a); errno != OK {
		return 0, errno
	}
	return d.send(p, a)
}

func (d *datagrams) send(p []byte, a netip.AddrPort) (int, Errno) {
	s := d.socket.stack
	s.mu.Lock()
	n := int64(len(p))
	if got := reserve(&s.up, s.policy.config.MaxBytesUp, n); got < n {
		s.up -= got
		s.refusal = refusal{EDQUOT, "the network policy's limit of bytes to send is used up (max_bytes_up)"}
		s.mu.Unlock()
		return 0, EDQUOT
	}
	d.up += n
	s.mu.Unlock()
	sent, err := d.conn.WriteToUDPAddrPort(p, inFamily(a, d.socket.family))
	return sent, errnoOf(err)
}

// permit decides about a destination, once.
func (d *datagrams) permit(a netip.AddrPort) Errno {
	s := d.socket.stack
	s.mu.Lock()
	known := d.allowed[a]
	s.mu.Unlock()
	if known {
		return OK
	}
	peer := Peer{Names: s.names(a.Addr()), Address: a}
	e := Event{Kind: EventConnect, Attempt: attempt("udp", peer, false)}
	refusal := s.check("udp", peer.Names, a)
	if refusal == nil {
		refusal = s.askWaiting(e.Attempt)
	}
	if refusal != nil {
		e.Refused = refusal.Reason
		s.event(e)
		return s.refuse(EACCES, refusal.Reason)
	}
	s.event(e)
	s.mu.Lock()
	if len(d.allowed) >= maxDestinations {
		clear(d.allowed)
	}
	d.allowed[a] = true
	s.mu.Unlock()
	return OK
}

func (d *datagrams) close() {
	s := d.socket.stack
	_ = d.conn.Close()
	s.mu.Lock()
	d.closed, d.waiting, d.size = true, nil, 0
	local := d.socket.local
	if s.own[ownAddress{"udp", local}]--; s.own[ownAddress{"udp", local}] <= 0 {
		delete(s.own, ownAddress{"udp", local})
	}
	e := Event{Kind: EventClose, Attempt: attempt("udp", Peer{Address: local}, true), BytesUp: d.up, BytesDown: d.down, Duration: time.Since(d.began)}
	s.mu.Unlock()
	s.release()
	s.event(e)
}
