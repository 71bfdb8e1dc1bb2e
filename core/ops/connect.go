package ops

import (
	"context"
	"errors"
	"strings"

	"github.com/eryx-go/eryx/core"
)

var (
	errNoDecision = errors.New("nobody decided about it")
	errDecidedNo  = errors.New("refused")
)

// askConnect lets the side that submitted the execution decide about a connection: a "connect" event, which is answered
// as a call is. true or nil allows it; false or an error refuses it.
func (s *Service) askConnect(ctx context.Context, a core.NetAttempt) error {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil || r.sink == nil {
		return errNoDecision
	}
	id, decided := s.NextID(), make(chan error, 1)
	s.calls.put(id, &pendingCall{request: r, stop: func() bool { return true }, decide: func(value any, err error) {
		switch {
		case err != nil:
		case value == nil || value == true:
		default:
			err = errDecidedNo
		}
		select {
		case decided <- err:
		default:
		}
	}})
	r.mu.Lock()
	if r.calls == nil {
		r.calls = map[uint64]struct{}{}
	}
	r.calls[id] = struct{}{}
	r.mu.Unlock()
	r.emit("connect", id, attemptRecord(a))
	select {
	case err := <-decided:
		return err
	case <-ctx.Done():
		r.endCall(id)
		return ctx.Err()
	}
}

// attemptRecord is an attempt as the other side gets it.
func attemptRecord(a core.NetAttempt) map[string]any {
	return map[string]any{
		"protocol": a.Protocol, "host": strings.ToValidUTF8(a.Host, "\ufffd"), "address": a.Address.Addr().String(),
		"port": int64(a.Address.Port()), "listen": a.Listen,
	}
}
