package ops

import (
	"errors"
	"sync"

	"github.com/eryx-go/eryx/core"
)

// Window is how many items of a stream the other side may have sent without a "more" event for each.
const Window = 16

// stream is the part of a call that has several answers. Items for which the program has no room yet wait in backlog;
// the end of the stream waits behind them.
type stream struct {
	mu      sync.Mutex
	backlog []any
	waiting bool // core has been asked to tell of room
	ended   bool
	err     error
}

// send passes on an item, or keeps it until there is room. The other side is told when it may send one more. One that
// does not keep to that is refused: nothing may pile up here.
func (p *pendingCall) send(id uint64, item any) {
	if p.decide != nil { // a decision is no stream
		return
	}
	s := &p.stream
	s.mu.Lock()
	if len(s.backlog) >= Window {
		s.mu.Unlock()
		if _, open := p.request.service.calls.take(id); open {
			p.stop()
			p.request.answered(id)
			p.call.Complete(nil, core.CallbackErrorf("internal", "the host function sent items faster than it may"))
		}
		return
	}
	s.backlog = append(s.backlog, item)
	s.mu.Unlock()
	p.flush(id)
}

// flush sends what waits, as far as there is room.
func (p *pendingCall) flush(id uint64) {
	s := &p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.backlog) > 0 && !s.waiting {
		err := p.call.Send(s.backlog[0])
		if errors.Is(err, core.ErrNoCredit) {
			s.waiting = true
			p.call.OnCredit(func() { go p.room(id) })
			return
		}
		if err != nil {
			s.fail(err)
			break
		}
		s.backlog = s.backlog[1:]
		p.request.emit("more", id)
	}
	if s.ended && len(s.backlog) == 0 {
		p.call.Complete(nil, s.err)
	}
}

// fail ends the stream with the error of an item that cannot be passed, or of a call that is over. Under mu.
func (s *stream) fail(err error) { s.backlog, s.ended, s.err = nil, true, err }

// room goes on when core says that there is room.
func (p *pendingCall) room(id uint64) {
	p.stream.mu.Lock()
	p.stream.waiting = false
	p.stream.mu.Unlock()
	p.flush(id)
}

// end answers the call; the end of a stream waits for its items.
func (p *pendingCall) end(value any, err error) {
	if p.decide != nil {
		p.decide(value, err)
		return
	}
	s := &p.stream
	s.mu.Lock()
	if len(s.backlog) > 0 {
		s.ended, s.err = true, err
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	p.call.Complete(value, err)
}
