package guestnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	maxAnswers   = 1024 // names whose answers are remembered
	maxNamed     = 4096 // addresses whose names are remembered
	maxNames     = 8    // names of one address
	maxAddresses = 64   // of one answer
	maxLookups   = 16   // under way at once
	maxHostName  = 253
	negativeTime = 5 * time.Second // how long "no such host" is remembered
)

// GAI is an error of getaddrinfo's, as the guest's libc numbers them; 0 is success.
type GAI int32

// The errors of name resolution. GAISystem comes with an Errno.
const (
	GAINoName GAI = -2
	GAIAgain  GAI = -3
	GAIFail   GAI = -4
	GAINoData GAI = -5
	GAIFamily GAI = -6
	GAISystem GAI = -11
)

// answers is what a guest has looked up. Guarded by the stack's mu.
type answers struct {
	byName  map[string]*answer
	order   []string // of byName, the oldest first
	names   map[netip.Addr][]string
	named   []netip.Addr // of names, the oldest first
	lookups int
}

// answer is what the resolver says about a name.
type answer struct {
	addresses []netip.Addr
	failed    GAI
	until     time.Time // zero while it is under way
	waiting   []*lookup
}

func (a *answer) fresh() bool { return a.until.IsZero() || time.Now().Before(a.until) }

// Resolve looks host up, for addresses of a family (FamilyAny: both). Names that the rules do not allow are not
// looked up, and addresses that they do not allow are left out. FamilyNumeric, added to the family, takes addresses
// only. The guest's goroutine, which waits.
func (s *Stack) Resolve(host string, family int32) ([]netip.Addr, GAI, Errno) {
	numeric := family&FamilyNumeric != 0
	family &^= FamilyNumeric
	if family != FamilyAny && family != FamilyIPv4 && family != FamilyIPv6 {
		return nil, GAIFamily, OK
	}
	if a, ok := literal(host); ok {
		return ofFamily([]netip.Addr{a}, family)
	}
	if numeric {
		return nil, GAINoName, OK
	}
	if errno := s.mayResolve(host); errno != OK {
		return nil, GAISystem, errno
	}
	name := Normalize(host)
	if !plausible(name) {
		return nil, GAINoName, OK
	}
	var found *answer
	errno := s.await(s.ceiling(-1), func() bool {
		if found == nil {
			found = s.lookUp(name, nil)
		}
		return found != nil && !found.until.IsZero()
	})
	switch {
	case errno == EAGAIN:
		return nil, GAIAgain, OK
	case errno != OK:
		return nil, GAISystem, errno
	case found.failed != 0:
		return nil, found.failed, OK
	}
	addresses, refusal := s.admit(name, found.addresses)
	if refusal != nil {
		s.event(Event{Kind: EventResolve, Attempt: Attempt{Host: name}, Refused: refusal.Reason})
		return nil, GAISystem, s.refuse(EACCES, refusal.Reason)
	}
	return ofFamily(addresses, family)
}

// mayResolve asks the rules whether a name may be looked up.
func (s *Stack) mayResolve(host string) Errno {
	if s.policy == nil {
		return s.refuse(EACCES, noNetwork)
	}
	if r := s.policy.Name(host); r != nil {
		s.event(Event{Kind: EventResolve, Attempt: Attempt{Host: shorten(host)}, Refused: r.Reason})
		return s.refuse(EACCES, r.Reason)
	}
	return OK
}

// plausible reports that name can be a host's at all.
func plausible(name string) bool {
	return name != "" && len(name) <= maxHostName && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c > 126 || strings.ContainsRune("/\\:@[]%\"'", c)
	})
}

// ofFamily is the addresses of a family, as getaddrinfo answers.
func ofFamily(all []netip.Addr, family int32) ([]netip.Addr, GAI, Errno) {
	if family == FamilyAny {
		return all, 0, OK
	}
	var some []netip.Addr
	for _, a := range all {
		if familyOf(a) == family {
			some = append(some, a)
		}
	}
	if len(some) == 0 {
		return nil, GAINoName, OK
	}
	return some, 0, OK
}

// lookUp is the answer about a name, which is looked up if need be: nil when too much is being looked up already.
// An answer that is not here yet tells on, if that is not nil. Under mu.
func (s *Stack) lookUp(name string, on *lookup) *answer {
	a := s.answers.byName[name]
	if a == nil || !a.fresh() {
		if s.answers.lookups >= maxLookups || s.closed {
			return nil
		}
		a = &answer{}
		s.remember(name, a)
		s.answers.lookups++
		go s.look(name, a)
	}
	if on != nil && a.until.IsZero() {
		a.waiting = append(a.waiting, on)
	}
	return a
}

// remember enters an answer, and forgets the oldest where there are too many. Under mu.
func (s *Stack) remember(name string, a *answer) {
	if s.answers.byName == nil {
		s.answers.byName = map[string]*answer{}
		s.answers.names = map[netip.Addr][]string{}
	}
	if s.answers.byName[name] == nil {
		if len(s.answers.order) >= maxAnswers {
			delete(s.answers.byName, s.answers.order[0])
			s.answers.order = s.answers.order[1:]
		}
		s.answers.order = append(s.answers.order, name)
	}
	s.answers.byName[name] = a
}

// look asks the resolver, on a goroutine of its own.
func (s *Stack) look(name string, a *answer) {
	began := time.Now()
	ctx, cancel := s.timed()
	defer cancel()
	addresses, err := s.askResolver(ctx, name)
	failed := gaiOf(err, len(addresses))
	e := Event{Kind: EventResolve, Attempt: Attempt{Host: name}, Time: began, Duration: time.Since(began)}
	if failed != 0 {
		e.Error = "the name could not be resolved"
	}
	s.event(e)
	s.mu.Lock()
	s.answers.lookups--
	a.addresses, a.failed = addresses, failed
	a.until = s.expiry(failed)
	for _, address := range addresses {
		s.name(address, name)
	}
	waiting := a.waiting
	a.waiting = nil
	s.mu.Unlock()
	for _, l := range waiting {
		l.socket.update(func() { l.done = true })
	}
	s.signal()
}

// expiry is until when an answer may be used.
func (s *Stack) expiry(failed GAI) time.Time {
	d := s.policy.config.DNSCacheTime
	if d == Unlimited {
		d = 100 * 365 * 24 * time.Hour
	}
	if failed != 0 {
		d = min(d, negativeTime)
	}
	return time.Now().Add(d)
}

// askResolver asks whoever the policy says; the loopback names never leave the host.
func (s *Stack) askResolver(ctx context.Context, name string) ([]netip.Addr, error) {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	var found []netip.Addr
	var err error
	if s.policy.config.Resolver != nil {
		found, err = s.policy.config.Resolver(ctx, name)
	} else {
		found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	}
	var addresses []netip.Addr
	for _, a := range found {
		a = a.WithZone("").Unmap()
		if a.IsValid() && !slices.Contains(addresses, a) && len(addresses) < maxAddresses {
			addresses = append(addresses, a)
		}
	}
	return addresses, err
}

// gaiOf is the guest's error for one of the resolver's.
func gaiOf(err error, count int) GAI {
	var dns *net.DNSError
	switch {
	case count > 0:
		return 0
	case err == nil:
		return GAINoName
	case errors.As(err, &dns) && dns.IsNotFound:
		return GAINoName
	case errors.As(err, &dns) && (dns.IsTimeout || dns.IsTemporary), errors.Is(err, context.DeadlineExceeded):
		return GAIAgain
	case errors.As(err, &dns):
		return GAINoName
	}
	return GAIFail
}

// name notes that name led to an address; the latest comes last. Under mu.
func (s *Stack) name(a netip.Addr, name string) {
	known := s.answers.names[a]
	if known == nil {
		if len(s.answers.named) >= maxNamed {
			delete(s.answers.names, s.answers.named[0])
			s.answers.named = s.answers.named[1:]
		}
		s.answers.named = append(s.answers.named, a)
	}
	known = slices.DeleteFunc(slices.Clone(known), func(n string) bool { return n == name })
	if len(known) >= maxNames {
		known = known[1:]
	}
	s.answers.names[a] = append(known, name)
}

// admit leaves out what the rules would not let the guest reach on any port. When nothing is left, it says why.
func (s *Stack) admit(name string, all []netip.Addr) ([]netip.Addr, *Refusal) {
	var some []netip.Addr
	var refusal *Refusal
	for _, a := range all {
		if r := s.policy.Answer(name, a); r != nil {
			refusal = r
			continue
		}
		some = append(some, a)
	}
	if len(some) > 0 {
		s.mu.Lock()
		for _, a := range some { // what was resolved last counts as what is connected to
			s.name(a, name)
		}
		s.mu.Unlock()
		return some, nil
	}
	return nil, refusal
}

// lookup is the descriptor by which a guest's loop waits for an answer of the resolver's.
type lookup struct {
	socket *Socket
	answer *answer // that it waits for; may be nil
	done   bool
}

func (l *lookup) readiness() uint16 {
	if l.done {
		return PollIn
	}
	return 0
}

// cancel lets the answer forget the descriptor.
func (l *lookup) cancel() {
	s := l.socket.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.answer != nil {
		l.answer.waiting = slices.DeleteFunc(l.answer.waiting, func(o *lookup) bool { return o == l })
	}
}

// Lookup begins to look host up, and makes a socket that can be read, which it cannot, when Resolve would answer at
// once.
func (s *Stack) Lookup(host string) (*Socket, Errno) {
	if errno := s.mayResolve(host); errno != OK {
		return nil, errno
	}
	k, errno := s.add(&Socket{stack: s, family: FamilyIPv4, kind: TypeStream, nonblock: true})
	if errno != OK {
		return nil, errno
	}
	l := &lookup{socket: k}
	s.mu.Lock()
	defer s.mu.Unlock()
	k.lookup = l
	name := Normalize(host)
	if _, ok := literal(host); ok || !plausible(name) {
		l.done = true
		return k, OK
	}
	l.answer = s.lookUp(name, l)
	l.done = l.answer == nil || !l.answer.until.IsZero() // too many: Resolve waits
	return k, OK
}
