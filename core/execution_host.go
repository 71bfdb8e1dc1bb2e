package core

import (
	"encoding/binary"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

// The methods of this file are what the guest asks of its execution (guest.Host). They run on the pump's
// goroutine, and all that they are given is hostile.

const (
	errnoInval = 28 // WASI EINVAL

	// maxBatch is how many bytes of events the guest takes at once, if there is more than one event.
	maxBatch = 1 << 20
	// maxSpare is the most memory that is kept for the next events, in bytes.
	maxSpare = 64 << 10
	// maxEmitted is the longest message without an answer, in bytes.
	maxEmitted = 1 << 20
)

// eventQueue is the events that wait for the guest, in batches: each a msgpack array, header included, as the guest
// will read it.
type eventQueue struct {
	batches []eventBatch
	bytes   int
	spare   []byte // the memory of a batch that was taken
}

type eventBatch struct {
	count uint32
	data  []byte // 5 bytes for the header, then the events
}

func (q *eventQueue) add(event []byte) {
	last := len(q.batches) - 1
	if last < 0 || len(q.batches[last].data)+len(event) > maxBatch {
		q.batches = append(q.batches, eventBatch{data: append(q.spare[:0], 0xdd, 0, 0, 0, 0)})
		q.spare = nil
		last++
	}
	q.batches[last].count++
	q.batches[last].data = append(q.batches[last].data, event...)
	q.bytes += len(event)
}

func (q *eventQueue) empty() bool { return len(q.batches) == 0 }

// take removes the first batch; nil when there is none.
func (q *eventQueue) take() []byte {
	if q.empty() {
		return nil
	}
	batch := q.batches[0]
	if len(q.batches) == 1 {
		q.batches[0] = eventBatch{}
		q.batches = q.batches[:0]
	} else {
		q.batches = q.batches[1:]
	}
	q.bytes -= len(batch.data) - 5
	binary.BigEndian.PutUint32(batch.data[1:], batch.count)
	return batch.data
}

// reuse takes the memory of a batch that the guest has copied.
func (q *eventQueue) reuse(batch []byte) {
	if cap(batch) <= maxSpare {
		q.spare = batch
	}
}

// Output implements guest.Host.
func (x *execution) Output(fd int, p []byte) { x.out.write(fd, p) }

// Ready implements guest.Host.
func (x *execution) Ready() <-chan struct{} { return x.ready }

// Busy implements guest.Host.
func (x *execution) Busy() {
	x.startWork()
	x.expireCalls()
}

// Events implements guest.Host.
func (x *execution) Events() []byte {
	if x.trace != nil {
		x.traceEnded()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.taking == nil {
		x.taking = x.events.take()
	}
	return x.taking
}

// EventsTaken implements guest.Host.
func (x *execution) EventsTaken() {
	x.mu.Lock()
	x.events.reuse(x.taking)
	x.taking = nil
	x.mu.Unlock()
}

// Emit implements guest.Host: ["cancel", id] and later kinds of messages.
func (x *execution) Emit(message []byte) int32 {
	if len(message) > maxEmitted {
		return errnoInval
	}
	value, err := wire.Decode(message)
	if err != nil {
		return errnoInval
	}
	fields, ok := value.([]any)
	if !ok || len(fields) < 2 {
		return errnoInval
	}
	kind, _ := fields[0].(string)
	if kind == "trace" && x.trace != nil {
		x.traceEnded()
		x.trace.batch(fields[1:])
		return 0
	}
	id, ok := fields[1].(int64)
	switch {
	case !ok:
		return errnoInval
	case kind == "cancel":
		x.cancelCall(id)
		return 0
	case kind == "credit" && len(fields) == 3:
		n, _ := fields[2].(int64)
		x.creditCall(id, n)
		return 0
	}
	return errnoInval
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
