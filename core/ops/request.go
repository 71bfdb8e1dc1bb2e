package ops

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wire"
)

// requestKey finds the request in the context of an execution.
type requestKey struct{}

// request is one operation under way.
type request struct {
	id       uint64
	fields   fields
	sink     Sink
	service  *Service
	ctx      context.Context
	cancel   context.CancelFunc
	finished atomic.Bool

	mu    sync.Mutex
	calls map[uint64]struct{} // of host functions, announced and not answered
}

// emit sends the event [kind, request, values...]. What cannot be encoded, which is a fault of ours, is dropped.
func (r *request) emit(kind string, values ...any) {
	if r.sink == nil {
		return
	}
	event, err := wire.Encode(append([]any{kind, r.id}, values...))
	if err == nil {
		r.sink.Emit(event)
	}
}

// finish ends the request with its one "done" event; later calls do nothing. value may stand beside an error.
func (r *request) finish(value any, err error) {
	if !r.finished.CompareAndSwap(false, true) {
		return
	}
	var record any
	if err != nil {
		record = errorRecord(err)
	}
	r.endCalls()
	r.service.forget(r) // before the other side knows that it is done: its id then means nothing any more
	r.done(value, record)
	r.cancel()
}

// done sends the event, or says why it cannot be encoded: a value of the guest's may nest too deep with what is around it.
func (r *request) done(value, record any) {
	if r.sink == nil {
		return
	}
	event, err := wire.Encode([]any{"done", r.id, value, record})
	if err != nil {
		r.emit("done", nil, errorRecord(&core.Error{Code: core.CodeInternal, Message: "the result cannot be passed on: " + err.Error()}))
		return
	}
	r.sink.Emit(event)
}

// output passes on what the program wrote, and waits when the other side does not keep up.
func (r *request) output(stream int) func([]byte) {
	return func(p []byte) {
		r.emit("output", stream, p)
		r.sink.Wait(r.ctx)
	}
}
