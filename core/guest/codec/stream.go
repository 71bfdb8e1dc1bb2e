package codec

import (
	"fmt"
	"io"
	"time"
)

const (
	// chunkBytes is the most input that one step copies.
	chunkBytes = 64 << 10
	// outBytes is the size of the buffer in which decompressed data is handed over.
	outBytes = 64 << 10
	// pollEvery is how often a running step asks its Interrupt.
	pollEvery = 2 * time.Millisecond
	// streamBytes is what any stream holds besides its codec's tables.
	streamBytes = 96 << 10
)

// runner is the body of a stream: it takes input from s, hands output to s.emit, and returns when the stream ends.
type runner func(s *stream) error

// yielded is what the body says when it stops for the caller.
type yielded struct {
	out   []byte // output to take; the body waits until it is all taken
	ended bool
	err   error
}

// stream is one codec running as a coroutine: either the caller runs (in feed) or the body does, never both,
// unless a call was interrupted; then busy is set and only the body touches the fields below `shared`.
type stream struct {
	table  *Table
	resume chan struct{} // the caller lets the body run; closed: it must end
	yield  chan yielded
	done   chan struct{} // closed when the body has ended and released what it held
	busy   bool          // a step is under way that an interrupted call did not wait for
	out    []byte        // output not yet taken by the caller
	ended  bool
	err    error

	// shared
	buf     []byte // input of this step, a copy of the guest's
	pos     int    // how much of buf the body has taken
	op      int32  // flush or finish asked for, after buf
	info    uint32
	held    int64  // bytes reserved in table
	chunk   []byte // what next returned last
	onEmpty func() error
	stopped bool // resume was closed
}

func newStream(t *Table, run runner) *stream {
	s := &stream{table: t, resume: make(chan struct{}), yield: make(chan yielded, 1), done: make(chan struct{})}
	t.live.Add(1)
	go s.body(run)
	return s
}

// body runs the codec. A panic of a library is an error of the stream.
func (s *stream) body(run runner) {
	var err error
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %w: %v", ErrCorrupt, errPanic, p)
		}
		s.table.bytes.Add(-s.held)
		s.table.live.Add(-1)
		close(s.done)
		// The channel has room for one. It is full only when the stream was closed and nobody listens.
		select {
		case s.yield <- yielded{ended: true, err: err}:
		default:
		}
	}()
	if _, ok := <-s.resume; !ok {
		return
	}
	if err = s.reserve(streamBytes); err == nil {
		err = run(s)
	}
}

// pause hands y to the caller and waits until the body may go on.
func (s *stream) pause(y yielded) error {
	if s.stopped {
		return errStopped
	}
	s.yield <- y
	_, ok := <-s.resume
	s.stopped = !ok
	if !ok {
		return errStopped
	}
	return nil
}

// emit hands output over. The body may reuse p when emit returns.
func (s *stream) emit(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	return s.pause(yielded{out: p})
}

// Write is emit, for libraries that push.
func (s *stream) Write(p []byte) (int, error) {
	if err := s.emit(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// fill waits until there is input. onEmpty runs first: what is decoded goes out before waiting for more.
func (s *stream) fill() error {
	for s.pos == len(s.buf) {
		if s.onEmpty != nil {
			if err := s.onEmpty(); err != nil {
				return err
			}
			if s.pos < len(s.buf) {
				return nil
			}
		}
		if err := s.pause(yielded{}); err != nil {
			return err
		}
	}
	return nil
}

// Read takes input, at least one byte; it never reports the end, only a closed stream.
func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.buf[s.pos:])
	s.pos += n
	return n, nil
}

// ReadByte takes one byte of input.
func (s *stream) ReadByte() (byte, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	b := s.buf[s.pos]
	s.pos++
	return b, nil
}

// next is for compressors: all input at hand, or the operation that was asked for after it.
func (s *stream) next() (chunk []byte, op int32, err error) {
	for {
		if s.pos < len(s.buf) {
			// A copy: while the codec hands over output, the caller already brings the next input.
			s.chunk = append(s.chunk[:0], s.buf[s.pos:]...)
			s.pos = len(s.buf)
			return s.chunk, FlagNone, nil
		}
		if s.op != FlagNone {
			op, s.op = s.op, FlagNone
			return nil, op, nil
		}
		if err := s.pause(yielded{}); err != nil {
			return nil, 0, err
		}
	}
}

// reserve accounts for n more bytes of memory until the stream ends.
func (s *stream) reserve(n int64) error {
	if err := s.table.reserve(n); err != nil {
		return err
	}
	s.held += n
	return nil
}

// release gives back what was reserved and is no longer needed.
func (s *stream) release(n int64) {
	s.table.bytes.Add(-n)
	s.held -= n
}

// copyOut emits all that r gives, until io.EOF.
func (s *stream) copyOut(r io.Reader) error {
	buf := make([]byte, outBytes)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := s.emit(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// feed does one step, see Table.Feed.
func (s *stream) feed(in, out []byte, flags int32, interrupt Interrupt) (Result, error) {
	if s.ended && len(s.out) == 0 {
		return Result{State: StateEnd}, s.err
	}
	if len(s.out) > 0 {
		return s.take(out, 0), nil
	}
	if !s.busy {
		s.load(in, len(out), flags)
		s.resume <- struct{}{}
	} else if len(in) < len(s.buf) {
		s.fail(ErrInterrupted)
		return Result{}, ErrParams
	}
	y, ok := s.wait(interrupt)
	if !ok {
		return Result{}, ErrInterrupted
	}
	consumed := s.pos
	s.buf, s.pos = s.buf[:0], 0
	if y.ended {
		s.ended, s.err = true, y.err
		if y.err != nil {
			return Result{}, y.err
		}
		return Result{Consumed: consumed, State: StateEnd, Info: s.info}, nil
	}
	s.out = y.out
	if len(s.out) == 0 {
		return Result{Consumed: consumed, State: StateInput, Info: s.info}, nil
	}
	return s.take(out, consumed), nil
}

// load copies the next input. How much is bounded by what the output could need, so that reading a stream in
// tiny pieces does not copy its input over and over.
func (s *stream) load(in []byte, room int, flags int32) {
	n := min(len(in), chunkBytes, 4096+room)
	s.buf = append(s.buf[:0], in[:n]...)
	s.pos = 0
	s.op = FlagNone
	if n == len(in) {
		s.op = flags
	}
}

func (s *stream) take(out []byte, consumed int) Result {
	n := copy(out, s.out)
	s.out = s.out[n:]
	return Result{Consumed: consumed, Produced: n, State: StateMore, Info: s.info}
}

// wait waits for the body; false when the interrupt came first, and the step goes on without us.
func (s *stream) wait(interrupt Interrupt) (yielded, bool) {
	s.busy = true
	if interrupt == nil {
		y := <-s.yield
		s.busy = false
		return y, true
	}
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		select {
		case y := <-s.yield:
			s.busy = false
			return y, true
		case <-timer.C:
			if interrupt() {
				return yielded{}, false
			}
			timer.Reset(pollEvery)
		}
	}
}

// fail marks the stream as ended with err for all later calls.
func (s *stream) fail(err error) { s.ended, s.err, s.out = true, err, nil }

// close ends the body: at once when it waits; one in the middle of a step ends by itself when the step is done.
func (s *stream) close() {
	s.fail(ErrHandle)
	close(s.resume)
	if !s.busy {
		<-s.done
	}
}
