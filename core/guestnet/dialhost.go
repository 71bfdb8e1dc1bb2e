package guestnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is how long one address has before the next is tried beside it (RFC 8305).
const attemptDelay = 250 * time.Millisecond

// DialHost connects to a host by TCP for the host's own sake, under the guest's policy: it resolves the name, tries
// all addresses that the rules allow, some at once ("happy eyeballs"), and counts as one of the guest's connections.
// The error is a [*Refusal] when the rules forbid it. Any goroutine.
func (s *Stack) DialHost(ctx context.Context, host string, port uint16) (net.Conn, Peer, error) {
	if s.policy == nil {
		return nil, Peer{}, refuse("%s", noNetwork)
	}
	peers, err := s.peers(ctx, host, port)
	if err != nil {
		return nil, Peer{}, err
	}
	s.mu.Lock()
	refusal := s.acquire()
	s.mu.Unlock()
	if refusal != nil {
		return nil, Peer{}, refusal
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	conn, peer, err := s.race(ctx, peers)
	if err != nil {
		s.release()
		return nil, Peer{}, err
	}
	return &counted{Conn: conn, stack: s, peer: peer, began: time.Now()}, peer, nil
}

// within is ctx, but no longer than the stack lives and a connect may take.
func (s *Stack) within(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if limit := s.policy.config.ConnectTimeout; limit != Unlimited {
		limited, cancel = context.WithTimeout(ctx, limit)
	}
	limited, end := context.WithCancel(limited)
	stop := context.AfterFunc(s.ctx, end)
	return limited, func() { stop(); end(); cancel() }
}

// peers are the addresses of a host that the rules allow, in the order in which they are to be tried.
func (s *Stack) peers(ctx context.Context, host string, port uint16) ([]Peer, error) {
	addresses := []netip.Addr{}
	var names []string
	if a, ok := literal(host); ok {
		addresses = append(addresses, a.Unmap())
	} else {
		if r := s.policy.Name(host); r != nil {
			return nil, r
		}
		names = []string{Normalize(host)}
		if !plausible(names[0]) {
			return nil, fmt.Errorf("there cannot be a host named %q", shorten(host))
		}
		found, err := s.askResolver(ctx, names[0])
		if err != nil {
			return nil, err
		}
		addresses = found
	}
	var peers []Peer
	var refusal *Refusal
	for _, a := range addresses {
		peer := Peer{Names: names, Address: netip.AddrPortFrom(a, port)}
		if r := s.check("tcp", names, peer.Address); r != nil {
			refusal = r
			s.event(Event{Kind: EventConnect, Attempt: attempt("tcp", peer, false), Refused: r.Reason})
			continue
		}
		peers = append(peers, peer)
	}
	if len(peers) == 0 {
		if refusal != nil {
			return nil, refusal
		}
		return nil, fmt.Errorf("the host %q has no address", shorten(host))
	}
	return peers, nil
}

type raced struct {
	conn net.Conn
	peer Peer
	err  error
}

// race connects to the first of the peers that answers.
func (s *Stack) race(ctx context.Context, peers []Peer) (net.Conn, Peer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan raced, len(peers))
	begin := func(p Peer) {
		go func() {
			conn, err := s.connect(ctx, "tcp", p, netip.AddrPort{})
			results <- raced{conn, p, err}
		}()
	}
	started, running := 0, 0
	var failed error
	timer := time.NewTimer(0)
	defer timer.Stop()
	for started < len(peers) || running > 0 {
		select {
		case <-timer.C:
		case r := <-results:
			running--
			if r.err == nil {
				go discard(results, running)
				return r.conn, r.peer, nil
			}
			if failed == nil {
				failed = r.err
			}
		}
		if started < len(peers) {
			begin(peers[started])
			started++
			running++
			timer.Reset(attemptDelay)
		}
	}
	return nil, Peer{}, failed
}

// discard closes the connections that came too late.
func discard(results <-chan raced, count int) {
	for range count {
		if r := <-results; r.conn != nil {
			_ = r.conn.Close()
		}
	}
}

// counted is a connection that gives its place back when it is closed, and is subject to the limits of bytes.
type counted struct {
	net.Conn
	stack    *Stack
	peer     Peer
	began    time.Time
	closed   bool
	up, down int64
}

// Read implements net.Conn.
func (c *counted) Read(p []byte) (int, error) {
	s := c.stack
	s.mu.Lock()
	granted := reserve(&s.down, s.policy.config.MaxBytesDown, int64(len(p)))
	s.mu.Unlock()
	if granted == 0 && len(p) > 0 {
		return 0, EDQUOT
	}
	n, err := c.Conn.Read(p[:granted])
	s.mu.Lock()
	s.down -= granted - int64(n)
	c.down += int64(n)
	s.mu.Unlock()
	return n, err
}

// Write implements net.Conn.
func (c *counted) Write(p []byte) (int, error) {
	s := c.stack
	s.mu.Lock()
	granted := reserve(&s.up, s.policy.config.MaxBytesUp, int64(len(p)))
	c.up += granted
	s.mu.Unlock()
	n, err := c.Conn.Write(p[:granted])
	if err == nil && n < len(p) {
		err = EDQUOT
	}
	return n, err
}

// CloseWrite tells the peer that nothing follows.
func (c *counted) CloseWrite() error {
	closeWrite(c.Conn)
	return nil
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	s := c.stack
	s.mu.Lock()
	again := c.closed
	c.closed = true
	e := Event{Kind: EventClose, Attempt: attempt("tcp", c.peer, false), BytesUp: c.up, BytesDown: c.down, Duration: time.Since(c.began)}
	s.mu.Unlock()
	if !again {
		s.release()
		s.event(e)
	}
	return err
}
