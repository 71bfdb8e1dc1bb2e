package core

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

// The methods of this file are what the guest asks of its execution (guest.Host). They run on the pump's
// goroutine, and all that they are given is hostile.

const (
	errnoInval = 28 // WASI EINVAL

	eventOK    = 0
	eventError = 1
)

// eventQueue is a msgpack array of events, header included, as the guest will read it.
type eventQueue struct {
	count uint32
	data  []byte // 5 bytes for the header, then the events
}

func (q *eventQueue) add(event []byte) {
	if q.count == 0 {
		q.data = append(q.data[:0], 0xdd, 0, 0, 0, 0)
	}
	q.count++
	q.data = append(q.data, event...)
}

// Output implements guest.Host.
func (x *execution) Output(fd int, p []byte) { x.out.write(fd, p) }

// Ready implements guest.Host.
func (x *execution) Ready() <-chan struct{} { return x.ready }

// Busy implements guest.Host.
func (x *execution) Busy() {
	if x.deferred != nil {
		x.spawn(x.deferred)
		x.deferred = nil
	}
	x.expireCalls()
}

// Events implements guest.Host.
func (x *execution) Events() []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.taking == nil && x.events.count > 0 {
		x.taking = x.events.data
		binary.BigEndian.PutUint32(x.taking[1:], x.events.count)
		x.events = eventQueue{}
	}
	return x.taking
}

// EventsTaken implements guest.Host.
func (x *execution) EventsTaken() {
	x.mu.Lock()
	x.taking = nil
	x.mu.Unlock()
}

// Callback implements guest.Host: it starts the call that [id, name, arguments] asks for.
func (x *execution) Callback(message []byte) int32 {
	request, err := wire.Decode(message)
	if err != nil {
		return errnoInval
	}
	fields, ok := request.([]any)
	if !ok || len(fields) != 3 {
		return errnoInval
	}
	id, ok := fields[0].(int64)
	name, ok2 := fields[1].(string)
	args, ok3 := fields[2].(map[string]any)
	if !ok || !ok2 || !ok3 {
		return errnoInval
	}
	x.begin(id, name, args)
	return 0
}

// begin starts a call, or queues the error that refuses it.
func (x *execution) begin(id int64, name string, args map[string]any) {
	x.invocations++
	callback := x.callbacks[name]
	refusal := x.refusal(callback, name)
	if refusal != nil {
		x.queue(encodeEvent(id, nil, refusal))
		return
	}
	call := &Call{Name: name, Args: args, execution: x, callback: callback, id: id, started: time.Now()}
	if x.limits.CallbackTimeout > 0 {
		call.deadline = call.started.Add(x.limits.CallbackTimeout)
	}
	x.mu.Lock()
	if x.calls == nil {
		x.calls = map[int64]*Call{}
	}
	x.calls[id] = call
	x.order = append(x.order, call)
	x.mu.Unlock()
	if callback.Start != nil {
		protect(func() { callback.Start(call) })
		return
	}
	x.spawn(x.deferred)
	x.deferred = call
}

// refusal is why the call must not be made, nil when it may.
func (x *execution) refusal(callback *Callback, name string) error {
	if callback == nil {
		return CallbackErrorf("unknown", "there is no callback named %q; list_callbacks() tells which there are", name)
	}
	if limit := x.limits.MaxCallbackInvocations; limit > 0 && x.invocations > limit {
		return CallbackErrorf("limit", "the limit of %d callback invocations per execution is used up; make fewer calls or batch them", limit)
	}
	x.mu.Lock()
	pending := len(x.calls)
	x.mu.Unlock()
	if limit := x.limits.MaxPendingCallbacks; limit > 0 && pending >= limit {
		return CallbackErrorf("limit", "%d callbacks are under way, the limit of them; await some before starting more", limit)
	}
	return nil
}

// encodeEvent is the event that answers call id.
func encodeEvent(id int64, value any, err error) []byte {
	if err == nil {
		event, encodeErr := wire.Encode([]any{id, eventOK, value})
		if encodeErr == nil {
			return event
		}
		err = &errCallback{"value", fmt.Sprintf("the host function returned a value that cannot be passed: %v", encodeErr)}
	}
	code, message := errorOf(err)
	return mustEncode([]any{id, eventError, code, message})
}

// queue adds an event for the guest, which is running.
func (x *execution) queue(event []byte) {
	x.mu.Lock()
	x.events.add(event)
	x.mu.Unlock()
	x.signal()
}

func (x *execution) signal() {
	select {
	case x.ready <- struct{}{}:
	default:
	}
}

// completed queues the answer of call; true when the caller now drives the program.
func (x *execution) completed(call *Call, value any, err error) bool {
	event := encodeEvent(call.id, value, err)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.finished || x.calls[call.id] != call {
		return false
	}
	delete(x.calls, call.id)
	x.record(call, err)
	x.events.add(event)
	if !x.waiting {
		x.signal()
		return false
	}
	x.waiting = false
	if x.timer != nil {
		x.timer.Stop()
	}
	return true
}

// record notes a call that has ended. Under mu.
func (x *execution) record(call *Call, err error) {
	if len(x.records) >= maxRecords {
		return
	}
	r := CallbackRecord{Name: call.Name, Duration: time.Since(call.started)}
	if err != nil {
		_, r.Error = errorOf(err)
	}
	x.records = append(x.records, r)
}

// expireCalls answers the calls whose time is over. They were started in order and have the same timeout,
// so the first that is not due ends the search.
func (x *execution) expireCalls() {
	now := time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.order) > 0 {
		call := x.order[0]
		if x.calls[call.id] == call {
			if call.deadline.IsZero() || now.Before(call.deadline) {
				return
			}
			delete(x.calls, call.id)
			err := CallbackErrorf("timeout", "callback %q took longer than %v; ask for less, or in smaller steps", call.Name, x.limits.CallbackTimeout)
			if call.settle(errDeadline) {
				x.record(call, err)
				x.events.add(encodeEvent(call.id, nil, err))
				x.signal()
			}
		}
		x.order = x.order[1:]
	}
}

// Emit implements guest.Host: ["cancel", id] and later kinds of messages.
func (x *execution) Emit(message []byte) int32 {
	value, err := wire.Decode(message)
	if err != nil {
		return errnoInval
	}
	fields, ok := value.([]any)
	if !ok || len(fields) < 2 {
		return errnoInval
	}
	if kind, _ := fields[0].(string); kind == "cancel" {
		if id, ok := fields[1].(int64); ok {
			x.cancelCall(id)
			return 0
		}
	}
	return errnoInval
}

// cancelCall ends a call that the program no longer waits for.
func (x *execution) cancelCall(id int64) {
	x.mu.Lock()
	call := x.calls[id]
	if call != nil {
		delete(x.calls, id)
		x.record(call, CallbackErrorf("cancelled", "cancelled by the program"))
	}
	x.mu.Unlock()
	if call != nil {
		call.settle(errCanceled)
	}
}

// The figures that sandbox.remaining() asks for; see wasm/guest/eryx/limits.py.
const (
	querySeconds = iota
	queryMemory
	queryCallbacks
	queryFuel
	queryOutput
	queryVFS
)

// Query implements guest.Host.
func (x *execution) Query(key int32) int64 {
	left := func(limit, used int64) int64 {
		if limit <= 0 {
			return -1
		}
		return max(0, limit-used)
	}
	switch key {
	case querySeconds:
		return int64(x.guest.TimeLeft())
	case queryMemory:
		return left(x.session.limits.MaxMemoryBytes, x.guest.MemoryUsed())
	case queryCallbacks:
		return left(int64(x.limits.MaxCallbackInvocations), int64(x.invocations))
	case queryFuel:
		return left(x.limits.MaxFuel, x.guest.FuelUsed())
	case queryOutput:
		return left(x.limits.MaxOutputBytes, x.out.used)
	case queryVFS:
		return x.session.filesLeft()
	}
	return -1
}

var _ guest.Host = (*execution)(nil)
