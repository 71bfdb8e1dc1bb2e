package guestnet

import (
	"slices"
	"time"
)

// Events of sockets, as the guest's poll() has them.
const (
	PollIn   = 0x1
	PollOut  = 0x2
	PollErr  = 0x1000
	PollHup  = 0x2000
	PollNval = 0x4000
)

// HostedSet is the poll set of the event loop that the host drives; see Stack.OnReady.
const HostedSet = 1

// maxSets bounds the selectors of one guest.
const maxSets = 1024

// pollSet is what one selector of the guest's waits for. It is level-triggered.
type pollSet struct {
	id    int32
	watch map[int32]*watcher // by descriptor
	ready []*watcher         // may be ready; looked at again when asked
}

// watcher is the interest of one set in one descriptor.
type watcher struct {
	set    *pollSet
	socket *Socket
	fd     int32
	events uint16 // 0: it is over
	listed bool   // in ready
}

// active are the events that the descriptor is ready for, of those that are wanted.
func (w *watcher) active() uint16 {
	if w.events == 0 {
		return 0
	}
	return wanted(w.socket.readiness(), w.events)
}

// consider notes the watcher when its descriptor is ready; true when it is.
func (w *watcher) consider() bool {
	if w.active() == 0 {
		return false
	}
	if !w.listed {
		w.listed = true
		w.set.ready = append(w.set.ready, w)
	}
	return true
}

// end takes the watcher from its set and its socket.
func (w *watcher) end() {
	w.events = 0
	delete(w.set.watch, w.fd)
	w.socket.watchers = slices.DeleteFunc(w.socket.watchers, func(o *watcher) bool { return o == w })
}

// Watch makes set report events of the socket under the number fd; events 0 ends that. ENOENT: the set was not made in
// this life of the guest's.
func (s *Stack) Watch(set int32, fd int32, socket *Socket, events uint16) Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.sets[set]
	if p == nil {
		return ENOENT
	}
	w := p.watch[fd]
	if w != nil && (w.socket != socket || events == 0) {
		w.end()
		w = nil
	}
	switch {
	case events == 0:
		return OK
	case socket.closed:
		return EBADF
	case w == nil:
		w = &watcher{set: p, socket: socket, fd: fd}
		p.watch[fd] = w
		socket.watchers = append(socket.watchers, w)
	}
	w.events = events
	socket.interest(events)
	w.consider()
	return OK
}

// Unwatch ends the interest of set in fd, whatever that is by now.
func (s *Stack) Unwatch(set, fd int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.sets[set]; p != nil && p.watch[fd] != nil {
		p.watch[fd].end()
	}
}

// set is the set of that number, made if need be. Under mu.
func (s *Stack) set(set int32) (*pollSet, Errno) {
	p := s.sets[set]
	if p == nil {
		if len(s.sets) >= maxSets || set <= 0 {
			return nil, ENOBUFS
		}
		p = &pollSet{id: set, watch: map[int32]*watcher{}}
		s.sets[set] = p
	}
	return p, OK
}

// HasSet reports that the guest has made set in this life.
func (s *Stack) HasSet(set int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sets[set] != nil
}

// MakeSet makes set, without a descriptor.
func (s *Stack) MakeSet(set int32) Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, errno := s.set(set)
	return errno
}

// DropSet forgets a set.
func (s *Stack) DropSet(set int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.sets[set]; p != nil {
		for _, w := range p.watch {
			w.end()
		}
		delete(s.sets, set)
	}
}

// wanted is what of a socket's readiness a wait for events ends with: errors always.
func wanted(ready, events uint16) uint16 { return ready & (events | PollErr | PollHup) }

// Ready is the descriptors of set that are ready, with their events; at most limit.
func (s *Stack) Ready(set int32, limit int, report func(fd int32, events uint16)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.sets[set]
	if p == nil {
		return
	}
	kept := p.ready[:0]
	for _, w := range p.ready {
		events := w.active()
		if events == 0 {
			w.listed = false
			continue
		}
		kept = append(kept, w)
		if limit > 0 {
			limit--
			report(w.fd, events)
		}
	}
	clear(p.ready[len(kept):])
	p.ready = kept
	if limit == 0 && len(kept) > 1 { // who was not told comes first next time
		p.ready = append(append([]*watcher(nil), kept[1:]...), kept[0])
	}
}

// Pending reports that some descriptor of set is ready.
func (s *Stack) Pending(set int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.sets[set]
	return p != nil && slices.ContainsFunc(p.ready, func(w *watcher) bool { return w.active() != 0 })
}

// Changed has a token when a socket's state has changed; for who waits for a set.
func (s *Stack) Changed() <-chan struct{} { return s.changed }

// PollEntry is one socket of a poll, with what is wanted of it and, afterwards, what it is.
type PollEntry struct {
	Socket         *Socket
	Events, Result uint16
}

// Poll waits until one of the sockets is ready, for d at most (negative: for ever), and fills in the results. A wait
// for peers lasts no longer than the policy's IOTimeout.
func (s *Stack) Poll(entries []PollEntry, d time.Duration) (int, Errno) {
	s.mu.Lock()
	for _, e := range entries {
		e.Socket.interest(e.Events)
		if e.Socket.waitsForPeer() {
			d = s.ceiling(d)
		}
	}
	s.mu.Unlock()
	count := 0
	errno := s.await(d, func() bool {
		count = 0
		for i := range entries {
			e := &entries[i]
			if e.Result = wanted(e.Socket.readiness(), e.Events); e.Result != 0 {
				count++
			}
		}
		return count > 0
	})
	if errno == EAGAIN {
		return 0, OK
	}
	return count, errno
}

// ceiling is d, but no more than the policy allows one wait.
func (s *Stack) ceiling(d time.Duration) time.Duration {
	if s.policy == nil {
		return d
	}
	limit := s.policy.config.IOTimeout
	if limit == Unlimited || (d >= 0 && d < limit) {
		return d
	}
	return limit
}
