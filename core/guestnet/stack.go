package guestnet

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Wait blocks a guest for d (negative: for ever), or until ready delivers. It reports whether the guest is to be
// interrupted; it may also unwind the guest by a panic.
type Wait func(d time.Duration, ready <-chan struct{}) (interrupted bool)

// Stack is the network of one life of a guest: its sockets, what it has resolved, and what it has used up. The guest
// calls on one goroutine; everything else happens on others.
type Stack struct {
	policy *Policy // nil: no network, only pairs of sockets
	wait   Wait
	ctx    context.Context // ends with the stack
	cancel context.CancelFunc
	// changed has a token when some socket's state is another one. Only the guest waits for it.
	changed chan struct{}

	mu       sync.Mutex // guards what follows, and every socket
	quiet    *sync.Cond // a stream has stopped to read or to send
	sockets  map[*Socket]struct{}
	open     int // connections, of MaxConnections
	up, down int64
	own      map[ownAddress]int // what the guest listens on
	answers  answers
	sets     map[int32]*pollSet
	refusal  refusal
	notify   func()
	filters  FilterFunc
	audit    func(Event)
	context  func(context.Context) context.Context
	closed   bool
}

// ownAddress is where a guest listens itself. Another service may have the same port of another protocol.
type ownAddress struct {
	protocol string
	address  netip.AddrPort
}

// Peer is the other end of a connection, as the rules saw it.
type Peer struct {
	// Names led to the address, as far as the guest has resolved them; lower case, the last one used last.
	Names []string
	// Address was dialled, or is where an accepted connection comes from.
	Address netip.AddrPort
	// Accepted says that the peer has connected to the guest.
	Accepted bool
}

// Host is the name the guest knows the peer by, its address if there is none.
func (p Peer) Host() string {
	if n := len(p.Names); n > 0 {
		return p.Names[n-1]
	}
	return p.Address.Addr().String()
}

// refusal is the text for the last error that has one.
type refusal struct {
	errno Errno
	text  string
}

const noNetwork = "network access is not permitted in this sandbox; whoever made the sandbox can grant it with the option network"

// NewStack makes the network of a guest. A nil policy gives none, but pairs of connected sockets. wait blocks the
// guest while it waits for a socket.
func NewStack(policy *Policy, wait Wait) *Stack {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Stack{
		policy: policy, wait: wait, ctx: ctx, cancel: cancel, changed: make(chan struct{}, 1),
		sockets: map[*Socket]struct{}{}, own: map[ownAddress]int{}, sets: map[int32]*pollSet{},
	}
	s.quiet = sync.NewCond(&s.mu)
	return s
}

// Policy is the stack's policy, nil when it has no network.
func (s *Stack) Policy() *Policy { return s.policy }

// OnReady has f called, on any goroutine and without locks held, when a socket of poll set HostedSet becomes ready.
func (s *Stack) OnReady(f func()) {
	s.mu.Lock()
	s.notify = f
	s.mu.Unlock()
}

// Audit has f told of every event, as Config.OnEvent is, for this stack alone. It must be called before the stack is used,
// and so must HookContext.
func (s *Stack) Audit(f func(Event)) { s.audit = f }

// HookContext has the context that Config.OnConnect is given go through f.
func (s *Stack) HookContext(f func(context.Context) context.Context) { s.context = f }

// Context ends with the stack.
func (s *Stack) Context() context.Context { return s.ctx }

// Refusal is the text for errno, if the last call that failed with it had one: why, and what to do.
func (s *Stack) Refusal(errno Errno) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal.errno == errno {
		return s.refusal.text
	}
	return ""
}

// refuse remembers the text for an error.
func (s *Stack) refuse(errno Errno, text string) Errno {
	s.mu.Lock()
	s.refusal = refusal{errno, text}
	s.mu.Unlock()
	return errno
}

// Close ends all that is under way. What the guest has sent is still delivered, for a short time and without it.
func (s *Stack) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed, s.notify = true, nil
	sockets := make([]*Socket, 0, len(s.sockets))
	for socket := range s.sockets {
		sockets = append(sockets, socket)
	}
	s.mu.Unlock()
	for _, socket := range sockets {
		socket.Close()
	}
	s.cancel()
}

// signal tells the waiting guest, if there is one, to look again.
func (s *Stack) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// await waits until done, which is called with mu held, for d at most (negative: for ever). EAGAIN: d has passed.
func (s *Stack) await(d time.Duration, done func() bool) Errno {
	until := time.Now().Add(d)
	for {
		s.mu.Lock()
		ok, closed := done(), s.closed
		s.mu.Unlock()
		if ok {
			return OK
		}
		if closed {
			return EBADF
		}
		rest := time.Duration(-1)
		if d >= 0 {
			if rest = time.Until(until); rest <= 0 {
				return EAGAIN
			}
		}
		if s.wait(rest, s.changed) {
			return EINTR
		}
	}
}

// mostConnections bounds what "unlimited" connections can hold of the host's memory: each has two buffers, and a closed
// one may take a while to send what it was given.
const mostConnections = 1024

// acquire takes one of the connections that the policy allows at once. Under mu.
func (s *Stack) acquire() *Refusal {
	limit := s.policy.config.MaxConnections
	if limit == Unlimited {
		limit = mostConnections
	}
	if s.open >= limit {
		return refuse("the network policy allows %d connections at once (max_connections), and all are in use; close some first", limit)
	}
	s.open++
	return nil
}

// release gives a connection back.
func (s *Stack) release() {
	s.mu.Lock()
	s.open--
	s.quiet.Broadcast() // a listener may accept again
	s.mu.Unlock()
	s.signal()
}

// reserve takes up to n bytes of a budget; 0 when it is used up. Under mu.
func reserve(used *int64, limit, n int64) int64 {
	if limit > 0 {
		n = min(n, limit-*used)
	}
	n = max(n, 0)
	*used += n
	return n
}

// BytesUsed is what the guest has sent and received so far.
func (s *Stack) BytesUsed() (up, down int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up, s.down
}

// check decides about a connection to a; nil when it may be. The guest's own listeners are always within reach.
func (s *Stack) check(protocol string, names []string, a netip.AddrPort) *Refusal {
	s.mu.Lock()
	mine := s.own[ownAddress{protocol, a}] > 0
	if !mine && a.Addr().IsLoopback() {
		mine = s.own[ownAddress{protocol, netip.AddrPortFrom(unspecifiedLike(a.Addr()), a.Port())}] > 0
	}
	s.mu.Unlock()
	if mine {
		return nil
	}
	return s.policy.Dial(protocol, names, a)
}

func unspecifiedLike(a netip.Addr) netip.Addr { return unspecified(familyOf(a)).Addr() }

// names are what the guest has resolved to a.
func (s *Stack) names(a netip.Addr) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers.names[a])
}

// event tells the audit, if there is one.
func (s *Stack) event(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	if s.audit != nil {
		s.audit(e)
	}
	if s.policy != nil && s.policy.config.OnEvent != nil {
		s.policy.config.OnEvent(e)
	}
}

// attempt describes a connection for hook and audit.
func attempt(protocol string, peer Peer, listen bool) Attempt {
	return Attempt{Protocol: protocol, Host: peer.Host(), Address: peer.Address, Listen: listen}
}
