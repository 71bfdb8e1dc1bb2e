package core

import (
	"container/heap"
	"fmt"
	"sync"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

// The calls of an execution: how they begin, and the ways they end. What comes from the guest is hostile.

const (
	errnoAgain = 6 // WASI EAGAIN

	// Kinds of events, the second element of each: see wasm/guest/eryx/callbacks.py and streams.py.
	eventOK    = 0
	eventError = 1
	eventItem  = 2
	eventEnd   = 3

	// maxRefusals is how many bytes of refusals may wait for the guest; beyond it is refused without a word.
	maxRefusals = 1 << 20
)

// Callback implements guest.Host: it starts the call that [id, name, arguments] asks for.
func (x *execution) Callback(message []byte) int32 {
	var fields [3]any
	if n, err := wire.DecodeArray(message, fields[:]); err != nil || n != len(fields) {
		return errnoInval
	}
	id, ok := fields[0].(int64)
	name, ok2 := fields[1].(string)
	args, ok3 := fields[2].(map[string]any)
	if !ok || !ok2 || !ok3 {
		return errnoInval
	}
	return x.begin(id, name, args)
}

// begin starts a call, or queues the error that refuses it.
func (x *execution) begin(id int64, name string, args map[string]any) int32 {
	x.invocations++
	callback := x.callbacks[name]
	if callback == nil || callback.kind != kindFetch { // there the placeholders are needed
		args, _ = x.session.config.secrets.Value(args).(map[string]any)
	}
	if refusal := x.refusal(id, callback, name); refusal != nil {
		if x.eventBytes() > maxRefusals {
			return errnoAgain
		}
		x.queue(x.encodeEvent(nil, id, nil, refusal))
		return 0
	}
	call := &Call{Name: name, Args: args, execution: x, callback: callback, id: id, started: time.Now()}
	if x.recorder != nil {
		call.callback, call.recorded = x.journaled(callback, name, args)
		callback = call.callback
	}
	call.timeout = x.limits.CallbackTimeout
	if callback.Timeout != 0 {
		call.timeout = callback.Timeout
	}
	if call.timeout > 0 {
		call.deadline = call.started.Add(call.timeout)
	}
	if callback.streaming() {
		call.credit, call.touched = streamWindow, call.started
	}
	x.mu.Lock()
	if x.calls == nil {
		x.calls = map[int64]*Call{}
	}
	x.calls[id] = call
	if call.timeout > 0 {
		x.deadlines.add(call, len(x.calls))
	}
	x.mu.Unlock()
	if x.trace != nil {
		x.traceEnded()
		x.trace.callStarted(name, args)
	}
	x.launch(call)
	return 0
}

// launch lets the host function of call begin.
func (x *execution) launch(call *Call) {
	switch c := call.callback; {
	case c.Start != nil:
		protect(func() { c.Start(call) })
	case c.StartStream != nil:
		protect(func() { c.StartStream(call) })
	case c.Stream != nil:
		go call.stream()
	default:
		x.work.add(call)
	}
}

// refusal is why the call must not be made, nil when it may.
func (x *execution) refusal(id int64, callback *Callback, name string) error {
	if callback == nil {
		return CallbackErrorf("unknown", "there is no callback named %.300q; list_callbacks() tells which there are", name)
	}
	if limit := x.limits.MaxCallbackInvocations; limit > 0 && x.invocations > limit {
		return CallbackErrorf("limit", "the limit of %d callback invocations per execution is used up; make fewer calls or batch them", limit)
	}
	x.mu.Lock()
	pending, used, suspended := len(x.calls), x.calls[id] != nil, x.suspended != nil
	full := x.recorder != nil && x.recorder.full()
	x.mu.Unlock()
	if suspended {
		return errSuspended
	}
	if full {
		return CallbackErrorf("limit", "the journal of this execution is full: it may hold %d bytes of arguments and answers", maxJournalBytes)
	}
	if used {
		return CallbackErrorf("internal", "call %d is under way already", id)
	}
	limit := x.limits.MaxPendingCallbacks
	if limit <= 0 || limit > maxPending {
		limit = maxPending
	}
	if pending >= limit {
		return CallbackErrorf("limit", "%d callbacks are under way, the limit of them; await some before starting more", limit)
	}
	return nil
}

const maxPending = 1_000_000

// encodeEvent appends the event that answers call id to dst.
func (x *execution) encodeEvent(dst []byte, id int64, value any, err error) []byte {
	if err == nil {
		event, encodeErr := x.encodeValue(dst, id, eventOK, value)
		if encodeErr == nil {
			return event
		}
		err = encodeErr
	}
	code, message := errorOf(err)
	return append(dst, mustEncode([]any{id, eventError, validText(code), validText(message)})...)
}

// encodeValue appends an event with a value, which must fit into the guest, to dst.
func (x *execution) encodeValue(dst []byte, id int64, kind int64, value any) ([]byte, error) {
	event, err := wire.AppendTriple(dst, id, kind, value)
	if err != nil {
		return nil, &errCallback{"value", fmt.Sprintf("the host function returned a value that cannot be passed: %v", err)}
	}
	// The guest needs the bytes twice, encoded and decoded, beside its own.
	if limit := x.session.limits.MaxMemoryBytes; limit > 0 && int64(len(event)) > limit/4 {
		return nil, &errCallback{"value", fmt.Sprintf("the host function returned %d bytes, too much for a memory limit of %d bytes", len(event), limit)}
	}
	return event, nil
}

// queue adds an event for the guest, which is running.
func (x *execution) queue(event []byte) {
	x.mu.Lock()
	x.events.add(event)
	x.mu.Unlock()
	x.signal()
}

func (x *execution) eventBytes() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.events.bytes
}

func (x *execution) signal() {
	select {
	case x.ready <- struct{}{}:
	default:
	}
}

// eventBuffers are where answers are encoded before they are queued, which happens on many goroutines.
var eventBuffers = sync.Pool{New: func() any { return new([]byte) }}

// completed queues the answer of call; true when the caller now drives the program.
func (x *execution) completed(call *Call, value any, err error) bool {
	if reason, ok := suspensionOf(err); ok {
		return x.suspend(call, reason)
	}
	scratch := eventBuffers.Get().(*[]byte)
	event := (*scratch)[:0]
	if err == nil && call.callback.streaming() {
		event = append(event, mustEncode([]any{call.id, eventEnd})...)
	} else {
		event = x.encodeEvent(event, call.id, value, err)
	}
	if cap(event) <= maxSpare {
		*scratch = event
	}
	defer eventBuffers.Put(scratch) // the queue of events has copied it
	var outcome callOutcome
	if call.recorded != nil {
		outcome = outcomeOf(event)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.finished || x.calls[call.id] != call {
		return false
	}
	delete(x.calls, call.id)
	x.record(call, err)
	if call.recorded != nil {
		x.recorder.end(call.recorded, outcome)
	}
	return x.deliver(event)
}

// deliver queues an event; true when the caller now drives the program. Under mu.
func (x *execution) deliver(event []byte) bool {
	x.events.add(event)
	return x.wake()
}

// record notes a call that has ended. Under mu.
func (x *execution) record(call *Call, err error) {
	if len(x.records) >= maxRecords && x.trace == nil {
		return
	}
	r := CallbackRecord{Name: call.Name, Duration: time.Since(call.started)}
	if err != nil {
		_, r.Error = errorOf(err)
	}
	if x.trace != nil {
		x.ended = append(x.ended, r)
	}
	if len(x.records) >= maxRecords {
		return
	}
	x.records = append(x.records, r)
}

// expireCalls answers the calls whose time is over.
func (x *execution) expireCalls() {
	now := time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		call := x.deadlines.first(x.calls)
		if call == nil || now.Before(call.due) {
			return
		}
		heap.Pop(&x.deadlines)
		if call.extend(now) {
			heap.Push(&x.deadlines, call)
			continue
		}
		delete(x.calls, call.id)
		err := CallbackErrorf("timeout", "callback %q took longer than %v; ask for less, or in smaller steps", call.Name, call.timeout)
		if call.settle(errDeadline) {
			x.record(call, err)
			event := x.encodeEvent(nil, call.id, nil, err)
			if call.recorded != nil {
				x.recorder.end(call.recorded, outcomeOf(event))
			}
			x.events.add(event)
			x.signal()
		}
	}
}

// cancelCall ends a call that the program no longer waits for.
func (x *execution) cancelCall(id int64) {
	x.mu.Lock()
	call := x.calls[id]
	if call != nil {
		delete(x.calls, id)
		x.record(call, CallbackErrorf("cancelled", "cancelled by the program"))
		if call.recorded != nil && x.guest.Cause() == guest.CauseNone { // and not because it is being stopped
			call.recorded.abandon()
		}
	}
	x.mu.Unlock()
	if call != nil {
		call.settle(errCanceled)
	}
}

// deadlineHeap is the calls that have a deadline, the next one first; calls that are over leave it late.
type deadlineHeap []*Call

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h deadlineHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *deadlineHeap) Push(call any) { *h = append(*h, call.(*Call)) }

// Pop implements heap.Interface.
func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	call := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return call
}

// add adds call; alive is how many calls are under way, so that those that are over do not pile up.
func (h *deadlineHeap) add(call *Call, alive int) {
	call.due = call.deadline
	if len(*h) > 2*alive+1024 {
		kept := (*h)[:0]
		for _, c := range *h {
			if !c.over() {
				kept = append(kept, c)
			}
		}
		clear((*h)[len(kept):])
		*h = kept
		heap.Init(h)
	}
	heap.Push(h, call)
}

// first is the call with the next deadline, nil if there is none; calls that are over are dropped.
func (h *deadlineHeap) first(calls map[int64]*Call) *Call {
	for len(*h) > 0 {
		if call := (*h)[0]; calls[call.id] == call {
			return call
		}
		heap.Pop(h)
	}
	return nil
}
