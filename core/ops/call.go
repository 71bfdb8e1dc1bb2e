package ops

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wire"
)

// pendingCall is a host function's call that waits for its answer from the other side.
type pendingCall struct {
	call *core.Call
	stop func() bool // ends the watch for the call's own end
}

// startCall announces a call of a host function to the side that submitted the execution.
func (s *Service) startCall(call *core.Call) {
	r, _ := call.Value(requestKey{}).(*request)
	if r == nil || r.sink == nil {
		call.Complete(nil, core.CallbackErrorf("internal", "the host does not take calls"))
		return
	}
	id := s.NextID()
	stop := call.AfterFunc(func() {
		if _, waiting := s.calls.take(id); waiting {
			r.emit("ended", id)
		}
	})
	s.calls.put(id, &pendingCall{call, stop})
	if call.Err() != nil { // it ended before it could be found
		s.calls.take(id)
		return
	}
	r.emit("call", id, call.Name, call.Args)
}

// The second element of an answer.
const (
	answerValue = 0
	answerError = 1
)

// answer is one answer to a call, checked.
type answer struct {
	call  uint64
	value any
	err   error
}

var errAnswer = errors.New("an answer is [call, 0, value] or [call, 1, code, message]")

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
		if pending, ok := s.calls.take(a.call); ok {
			pending.stop()
			pending.call.Complete(a.value, a.err)
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
	switch kind, _ := parts[1].(int64); {
	case kind == answerValue && len(parts) == 3:
		a.value = parts[2]
		return a, nil
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
