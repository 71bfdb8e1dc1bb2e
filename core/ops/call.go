package ops

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wire"
)

// pendingCall is a host function's call that waits for its answer from the other side.
type pendingCall struct {
	request *request
	call    *core.Call
	stop    func() bool                // ends the watch for the call's own end
	decide  func(value any, err error) // takes the answer instead of call, which is nil then
	stream  stream
}

// startCall announces a call of a host function to the side that submitted the execution.
func (s *Service) startCall(call *core.Call) {
	r, _ := call.Value(requestKey{}).(*request)
	if r == nil || r.sink == nil {
		call.Complete(nil, core.CallbackErrorf("internal", "the host does not take calls"))
		return
	}
	id := s.NextID()
	stop := call.AfterFunc(func() { r.endCall(id) })
	s.calls.put(id, &pendingCall{request: r, call: call, stop: stop})
	r.mu.Lock()
	if r.calls == nil {
		r.calls = map[uint64]struct{}{}
	}
	r.calls[id] = struct{}{}
	r.mu.Unlock()
	r.emit("call", id, call.Name, call.Args)
	if call.Err() != nil { // it ended before it could be found
		r.endCall(id)
	}
}

// endCall says that the answer to a call is not wanted any more, unless it has been answered.
func (r *request) endCall(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, id)
	if pending, waiting := r.service.calls.take(id); waiting {
		r.emit("ended", id)
		pending.giveUp()
	}
}

// giveUp tells who waits for a decision that there is none.
func (p *pendingCall) giveUp() {
	if p.decide != nil {
		p.decide(nil, errNoDecision)
	}
}

// answered forgets a call that the other side has answered.
func (r *request) answered(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, id)
}

// endCalls ends the calls that are left at the end of an execution, so that no "ended" comes after "done".
func (r *request) endCalls() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.calls {
		if pending, waiting := r.service.calls.take(id); waiting {
			r.emit("ended", id)
			pending.giveUp()
		}
	}
	r.calls = nil
}

// The second element of an answer.
const (
	answerValue   = 0
	answerError   = 1
	answerItem    = 2
	answerSuspend = 3
)

// answer is one answer to a call, checked.
type answer struct {
	call  uint64
	value any
	err   error
	item  bool // value is an item of a stream, and not its end
}

var errAnswer = errors.New("an answer is [call, 0, value], [call, 1, code, message], [call, 2, item] or [call, 3, reason]")

// Complete takes an encoded array of answers. Answers to calls that are over are dropped. An error means that the
// message is not what it should be, and none of it was taken.
func (s *Service) Complete(message []byte) error {
	value, err := wire.Decode(message)
	if err != nil {
		return err
	}
	list, ok := value.([]any)
	if !ok {
		return errAnswer
	}
	answers := make([]answer, len(list))
	for i, item := range list {
		if answers[i], err = parseAnswer(item); err != nil {
			return fmt.Errorf("answer %d: %w", i, err)
		}
	}
	for _, a := range answers {
		if a.item {
			if pending, ok := s.calls.get(a.call); ok {
				pending.send(a.call, a.value)
			}
			continue
		}
		if pending, ok := s.calls.take(a.call); ok {
			pending.stop()
			pending.request.answered(a.call)
			pending.end(a.value, a.err)
		}
	}
	return nil
}

func parseAnswer(item any) (answer, error) {
	parts, _ := item.([]any)
	if len(parts) < 3 {
		return answer{}, errAnswer
	}
	id, ok := parts[0].(int64)
	if !ok || id <= 0 {
		return answer{}, errAnswer
	}
	a := answer{call: uint64(id)}
	kind, isNumber := parts[1].(int64)
	switch {
	case !isNumber:
	case kind == answerValue && len(parts) == 3:
		a.value = parts[2]
		return a, nil
	case kind == answerItem && len(parts) == 3:
		a.value, a.item = parts[2], true
		return a, nil
	case kind == answerSuspend && len(parts) == 3:
		if reason, ok := parts[2].(string); ok {
			a.err = core.Suspend(reason)
			return a, nil
		}
	case kind == answerError && len(parts) == 4:
		code, ok := parts[2].(string)
		text, ok2 := parts[3].(string)
		if ok && ok2 {
			a.err = core.CallbackErrorf(code, "%s", text)
			return a, nil
		}
	}
	return answer{}, errAnswer
}
