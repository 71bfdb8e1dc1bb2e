package core

import (
	"context"
	"sync"

	"github.com/eryx-go/eryx/core/guestnet"
)

// maxNetEvents is how many events of the network a result has.
const maxNetEvents = 1000

// netAudit is what an execution does on the network. Events come from any goroutine.
type netAudit struct {
	mu     sync.Mutex
	events []NetEvent
}

func (a *netAudit) add(e NetEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) < maxNetEvents {
		a.events = append(a.events, e)
	}
}

func (a *netAudit) all() []NetEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.events[:len(a.events):len(a.events)]
}

// setUpNetwork prepares the network of a life of the session's guest.
func (s *Session) setUpNetwork(stack *guestnet.Stack) {
	if filters := s.config.filters(); filters != nil {
		stack.FilterConnections(filters)
	}
	if s.config.Network != nil && s.config.Network.Fetch {
		s.fetcher.Store(newFetcher(stack, &s.config))
	}
	stack.Audit(func(e NetEvent) {
		if x := s.running.Load(); x != nil {
			x.network.add(e)
		}
	})
	stack.HookContext(func(ctx context.Context) context.Context {
		if x := s.running.Load(); x != nil {
			return &executionContext{ctx, x.ctx}
		}
		return ctx
	})
}

// executionContext has the values of an execution's context, and the end of another one.
type executionContext struct {
	context.Context
	values context.Context
}

func (c *executionContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}
