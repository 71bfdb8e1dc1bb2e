package codec

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// ResultBytes is the size of what Feed writes to its result: consumed, produced, state, info (uint32 each).
const ResultBytes = 16

// Result is the outcome of one Feed.
type Result struct {
	Consumed int    // bytes taken from the input
	Produced int    // bytes written to the output
	State    uint32 // StateInput, StateMore or StateEnd
	Info     uint32 // xz: integrity check id + 1, once the stream's header has been read
}

// Table holds the streams of one guest. Its methods may be called from any goroutine; calls are serialised.
type Table struct {
	limits Limits

	mu      sync.Mutex
	streams map[int32]*stream
	next    int32

	// live and bytes count running goroutines and what they hold, those left behind by an interrupt too.
	live  atomic.Int32
	bytes atomic.Int64
}

// NewTable makes an empty table.
//
// Handles start at a random number: one that an image brings from an earlier life of the sandbox must be
// refused, not name somebody else's stream.
func NewTable(limits Limits) *Table {
	return &Table{limits: limits.withDefaults(), streams: map[int32]*stream{}, next: rand.Int32N(1<<30) + 1}
}

// Open starts a stream and returns its handle, always positive.
// Errors: ErrParams, ErrUnsupported, ErrStreams, ErrMemory.
func (t *Table) Open(kind Kind, params []byte) (int32, error) {
	run, err := parse(kind, params)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if max(int(t.live.Load()), len(t.streams)) >= t.limits.MaxStreams {
		return 0, ErrStreams
	}
	s := newStream(t, run)
	handle := t.next
	t.next = t.next%(1<<31-2) + 1
	t.streams[handle] = s
	return handle, nil
}

// Feed gives a stream input and takes output. It does one step: call again, with the input that was not taken,
// until the state says otherwise. After ErrInterrupted the same call may be repeated, with the same input, and
// goes on where it was. Any other error ends the stream.
func (t *Table) Feed(handle int32, in, out []byte, flags int32, interrupt Interrupt) (Result, error) {
	if flags < FlagNone || flags > FlagFinish {
		return Result{}, ErrParams
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.streams[handle]
	if s == nil {
		return Result{}, ErrHandle
	}
	return s.feed(in, out, flags, interrupt)
}

// Close ends a stream; an unknown handle is ignored.
func (t *Table) Close(handle int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.streams[handle]; s != nil {
		s.close()
		delete(t.streams, handle)
	}
}

// Reset ends all streams: the sandbox is closed, or its instance is to be used again.
func (t *Table) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.streams {
		s.close()
	}
	clear(t.streams)
}

// Len is the number of open streams.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.streams)
}

// Live is the number of goroutines behind streams, including one that an interrupt left behind and that has
// not noticed yet.
func (t *Table) Live() int { return int(t.live.Load()) }

// reserve accounts for n bytes of host memory, or fails with ErrMemory.
func (t *Table) reserve(n int64) error {
	if n < 0 || t.bytes.Add(n) > t.limits.MaxBytes {
		t.bytes.Add(-n)
		return ErrMemory
	}
	return nil
}

// HostOpen is Open as the host import codec_open: a handle, or a negative errno.
func (t *Table) HostOpen(kind int32, params []byte) int32 {
	handle, err := t.Open(Kind(kind), params)
	if err != nil {
		return Errno(err)
	}
	return handle
}

// HostFeed is Feed as the host import codec_feed: 0 or a negative errno, and the Result in the ResultBytes of
// result. When it fails (other than with EINTR) the first Result.Produced bytes of out are the error's text.
func (t *Table) HostFeed(handle int32, in, out []byte, flags int32, result []byte, interrupt Interrupt) int32 {
	if len(result) < ResultBytes {
		return -errnoINVAL
	}
	r, err := t.Feed(handle, in, out, flags, interrupt)
	status := Errno(err)
	if err != nil {
		r = Result{State: StateEnd}
		if status != -errnoINTR {
			r.Produced = copy(out, err.Error())
		}
	}
	binary.LittleEndian.PutUint32(result[0:], uint32(r.Consumed))
	binary.LittleEndian.PutUint32(result[4:], uint32(r.Produced))
	binary.LittleEndian.PutUint32(result[8:], r.State)
	binary.LittleEndian.PutUint32(result[12:], r.Info)
	return status
}
