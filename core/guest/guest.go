package guest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/eryx-go/eryx/core/guest/codec"
	"github.com/eryx-go/eryx/core/guest/wasip1"
	"github.com/eryx-go/eryx/core/guestnet"
)

// The words that guest and host share; see wasm/guest/shim/call.c.
const (
	wordInput = iota
	wordInputCap
	wordOutputLen
	wordOutput
	wordOutputFD
	wordMemoryLimit
	wordBreak
	wordPeak
	infoWords
)

const outputBytes = 16384 // OUTPUT_BYTES in module.c

// Host is what a guest asks of the session it runs for. All methods but Ready are called on the guest's
// goroutine, while it runs; they must not block and must treat every argument as hostile.
type Host interface {
	// Output takes bytes written to descriptor fd, 1 or 2. It must copy them.
	Output(fd int, p []byte)
	// Callback starts the callback that the msgpack message asks for; a WASI errno, 0 for success.
	Callback(message []byte) int32
	// Emit takes a message that has no answer; a WASI errno, 0 for success.
	Emit(message []byte) int32
	// Events is the msgpack array of all events that wait for the guest, empty for none.
	// It stays valid until EventsTaken.
	Events() []byte
	// EventsTaken says that the guest has what Events returned.
	EventsTaken()
	// Ready delivers when Events may have something.
	Ready() <-chan struct{}
	// Busy says that the guest goes on computing or sleeps: what it has asked for should start now.
	Busy()
	// Query answers the guest's question about key; -1 for "not limited".
	Query(key int32) int64
}

// Guest is one instance of the interpreter. Its methods must not be called concurrently, except Interrupt
// and Kill.
type Guest struct {
	rt     *Runtime
	module api.Module
	memory *region
	image  *Image
	call   api.Function
	input  api.Function
	sp     api.MutableGlobal
	fuel   api.MutableGlobal
	info   uint32

	ctx     context.Context
	ctl     control
	process *wasip1.Process
	codecs  *codec.Table
	linker  linker
	host    Host
	limit   uint64 // memory in bytes for the present life

	policy  *guestnet.Policy // nil: no network
	net     *guestnet.Stack  // nil until it is used
	onNet   func()           // see OnNetwork
	wrapNet func(*guestnet.Stack)
	polls   []guestnet.PollEntry
	// netFailed is what Process.Failures was when a call of the network's failed last.
	netFailed uint32
	tls       *guestnet.TLSTable // nil until it is used
	filters   guestnet.FilterFunc

	stack [2]uint64
	dead  error
}

// Interrupt asks the running execution to stop for cause: politely, and after the grace period by force.
// Any goroutine; without effect when nothing runs.
func (g *Guest) Interrupt(cause Cause) { g.ctl.interrupt(cause) }

// Kill ends the running execution for cause at its next tick. Any goroutine. The guest is dead afterwards.
func (g *Guest) Kill(cause Cause) {
	g.ctl.kill.Store(true)
	g.ctl.interrupt(cause)
}

// Cause is why the present or last execution was interrupted.
func (g *Guest) Cause() Cause { return Cause(g.ctl.cause.Load()) }

// Begin sets the limits of the next execution and starts its clock.
func (g *Guest) Begin(l Limits) { g.ctl.begin(l) }

// Elapsed is the wall time since Begin.
func (g *Guest) Elapsed() time.Duration { return time.Since(g.ctl.started) }

// TimeLeft is how long the execution may go on; negative when there is no limit.
func (g *Guest) TimeLeft() time.Duration {
	if g.ctl.deadline <= 0 {
		return -1
	}
	return max(0, g.ctl.deadline-time.Since(g.ctl.started))
}

// Told reports that the program has been asked to stop. Only by who drives the guest.
func (g *Guest) Told() bool { return g.ctl.polite }

// Tell notes that the program is asked to stop by a message, so that ticks do not ask again.
func (g *Guest) Tell() {
	g.ctl.polite, g.ctl.politeAt = true, time.Since(g.ctl.started)
}

// Left is how long the host may leave the guest alone: until its deadline, or once it was told to stop until
// the end of its grace; negative for ever.
func (g *Guest) Left() time.Duration { return g.ctl.left(time.Since(g.ctl.started)) }

// LeftAt is Left as of now.
func (g *Guest) LeftAt(now time.Time) time.Duration { return g.ctl.left(now.Sub(g.ctl.started)) }

// FuelUsed is the fuel of the present execution so far, exact between calls.
func (g *Guest) FuelUsed() int64 { return g.ctl.used + g.ctl.granted - g.counter() }

// counter is what is left of the slice that the guest is using.
func (g *Guest) counter() int64 {
	if g.ctl.granted == 0 {
		return 0
	}
	return int64(int32(uint32(g.fuel.Get())))
}

// PeakMemory is the highest amount of memory, in bytes, that the guest has asked for.
func (g *Guest) PeakMemory() int64 { return min(int64(g.word(wordPeak)), int64(g.memory.size)) }

// MemoryUsed is the memory in bytes that the guest's allocator holds now.
func (g *Guest) MemoryUsed() int64 { return min(int64(g.word(wordBreak)), int64(g.memory.size)) }

// inUse is how much of memory holds anything, in whole pages, and one page more: the machine code may rely on that
// nothing lies in the last page (wasm/internal/bounds).
func (g *Guest) inUse() uint64 {
	return min((uint64(g.word(wordBreak))+2*wasmPage-1)/wasmPage*wasmPage, g.memory.size)
}

// Dead is the reason why the guest cannot run any more, nil while it can.
func (g *Guest) Dead() error { return g.dead }

// Process is the guest's WASI state.
func (g *Guest) Process() *wasip1.Process { return g.process }

// SetHost changes who answers the guest.
func (g *Guest) SetHost(h Host) { g.host = h }

// Call performs one operation of the Python runtime's: message is msgpack, and so is the reply, which is
// valid until the next call. An *ExitError, ErrKilled or ErrTrap leaves the guest dead.
func (g *Guest) Call(message []byte) ([]byte, error) {
	if g.dead != nil {
		return nil, g.dead
	}
	if err := g.putInput(message); err != nil {
		return nil, err
	}
	packed, err := g.run(g.call, uint64(len(message)))
	g.drainOutput()
	if err != nil {
		return nil, err
	}
	reply, ok := g.bytes(uint32(packed>>32), uint32(packed))
	if !ok || len(reply) == 0 {
		g.dead = fmt.Errorf("%w: the reply lies outside of memory", ErrTrap)
		return nil, g.dead
	}
	return reply, nil
}

// putInput copies message into the guest's input buffer, which grows as needed.
func (g *Guest) putInput(message []byte) error {
	n := uint32(len(message))
	address := g.word(wordInput)
	if limit := g.word(wordInputCap); n > limit || limit > inputBytes {
		got, err := g.run(g.input, uint64(n))
		if err != nil {
			return err
		}
		if got == 0 {
			return ErrNoMemory
		}
		address = uint32(got)
	}
	target, ok := g.bytes(address, n)
	if !ok {
		g.dead = fmt.Errorf("%w: the input buffer lies outside of memory", ErrTrap)
		return g.dead
	}
	copy(target, message)
	return nil
}

const inputBytes = 65536 // INPUT_BYTES in call.c

// run calls an exported function with one argument, feeding the tick counter before and reading it after.
func (g *Guest) run(f api.Function, argument uint64) (uint64, error) {
	g.fuel.Set(uint64(uint32(g.ctl.firstSlice())))
	g.stack[0] = argument
	err := f.CallWithStack(g.ctx, g.stack[:])
	g.ctl.settle(int64(int32(uint32(g.fuel.Get()))))
	if err != nil {
		return 0, g.died(err)
	}
	return g.stack[0], nil
}

// died translates what ended a call; the guest is unusable afterwards.
func (g *Guest) died(err error) error {
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		g.dead = exit
	case errors.Is(err, errKilled):
		g.dead = ErrKilled
	case g.overflowed(err):
		g.dead = ErrStack
	default:
		g.dead = fmt.Errorf("%w: %w", ErrTrap, err)
	}
	return g.dead
}

// overflowed reports that a trap comes from too deep a recursion: wazero says so, or the shadow stack, which
// begins at address 0, has been left downwards.
func (g *Guest) overflowed(err error) bool {
	return strings.HasPrefix(err.Error(), "wasm error: stack overflow") || int32(uint32(g.sp.Get())) < minStack
}

// minStack is less than any code that is not about to overflow leaves of the shadow stack, in bytes.
const minStack = 4096

// bytes is the guest's memory from address on, if all of it exists.
func (g *Guest) bytes(address, length uint32) ([]byte, bool) {
	end := uint64(address) + uint64(length)
	if end > g.memory.size {
		return nil, false
	}
	return g.memory.space[address:end:end], true
}

func (g *Guest) word(i uint32) uint32 {
	b, ok := g.bytes(g.info+4*i, 4)
	if !ok {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

func (g *Guest) setWord(i, v uint32) {
	if b, ok := g.bytes(g.info+4*i, 4); ok {
		binary.LittleEndian.PutUint32(b, v)
	}
}

// drainOutput takes what the guest has left in its output buffer. It reads the guest's memory directly, so
// it also works after a kill.
func (g *Guest) drainOutput() {
	n := g.word(wordOutputLen)
	if n == 0 {
		return
	}
	g.setWord(wordOutputLen, 0)
	fd := int(g.word(wordOutputFD))
	text, ok := g.bytes(g.word(wordOutput), min(n, outputBytes))
	if ok && g.host != nil && (fd == 1 || fd == 2) {
		g.host.Output(fd, text)
	}
}

// Discard frees the instance, instead of keeping it for another life.
func (g *Guest) Discard() {
	g.image = nil
	g.Close()
}

// Close gives the instance back to its image's pool, or frees it.
func (g *Guest) Close() { g.rt.release(g) }
