package guest

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core/guest/codec"
	"github.com/eryx-go/eryx/core/guestfs"
)

// greedyHost keeps nothing, and looks at every byte that it is given.
type greedyHost struct {
	bootHost
	sum    byte
	events []byte
}

func (h *greedyHost) read(p []byte) int32 {
	for _, b := range p {
		h.sum ^= b
	}
	return int32(h.sum & 1)
}
func (h *greedyHost) Output(fd int, p []byte) {
	if fd != 1 && fd != 2 {
		panic(fmt.Sprintf("output to %d", fd))
	}
	h.read(p)
}
func (h *greedyHost) Callback(p []byte) int32 { return h.read(p) }
func (h *greedyHost) Emit(p []byte) int32     { return h.read(p) }
func (h *greedyHost) Events() []byte          { return h.events }

const fuzzMemory = 2 * wasmPage

// memoryGuest is a guest that is memory only, its shared words at address 64: what host functions work on.
func memoryGuest(t testing.TB) *Guest {
	memory, err := newRegion(16 * wasmPage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(memory.Free)
	if memory.Reallocate(fuzzMemory) == nil {
		t.Fatal("no memory")
	}
	g := &Guest{memory: memory, info: 64, ctl: control{wake: make(chan struct{}, 1)}, codecs: codec.NewTable(codec.Limits{})}
	g.begin(Options{FS: guestfs.NewMemFS(guestfs.Limits{MaxBytes: 1 << 20})}, fuzzMemory)
	t.Cleanup(func() { g.process.Close(); g.codecs.Reset() })
	return g
}

// callHost calls host function f as the guest would. The only panics it may end by are those that unwind a guest.
func callHost(g *Guest, f func(*Guest, []uint64), stack []uint64) (failed any) {
	defer func() {
		if r := recover(); r != nil {
			err, _ := r.(error)
			var exit *ExitError
			if !errors.Is(err, errKilled) && !errors.As(err, &exit) {
				failed = r
			}
		}
	}()
	f(g, stack)
	return nil
}

// FuzzHostFunctions calls every host function with words and a memory that may be anything.
func FuzzHostFunctions(f *testing.F) {
	for i := range hostFunctions {
		f.Add(uint8(i), uint64(0), uint64(0), uint64(0), uint64(0), []byte{})
		f.Add(uint8(i), uint64(64), uint64(1<<20), uint64(fuzzMemory), uint64(math.MaxUint32), []byte("\xff\xff\xff\xff"))
		f.Add(uint8(i), uint64(fuzzMemory-1), uint64(2), uint64(math.MaxUint64), uint64(1<<31), []byte{0x93, 1, 0xa1, 'a', 0x80})
		f.Add(uint8(i), uint64(1), uint64(100), uint64(8), uint64(200), []byte("x\x9c+\x04\x00\x00y\x00y"))
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b, c, d uint64, memory []byte) {
		g := memoryGuest(t)
		host := &greedyHost{events: memory}
		g.host = host
		g.ctl.begin(Limits{Timeout: time.Millisecond, Grace: time.Nanosecond, Fuel: 1000})
		copy(g.memory.space[:fuzzMemory], memory)
		h := hostFunctions[int(which)%len(hostFunctions)]
		stack := []uint64{a, b, c, d, a ^ b, c ^ d, a ^ d}
		for range 3 {
			if failed := callHost(g, h.f, stack[:max(len(h.params), len(h.results))]); failed != nil {
				t.Fatalf("%s panicked: %v", h.name, failed)
			}
			stack = append(stack[1:], a)
		}
	})
}

// TestSharedWordsAreHostile puts every odd value into each of the words that guest and host share.
func TestSharedWordsAreHostile(t *testing.T) {
	values := []uint32{0, 1, 2, 63, 64, outputBytes, outputBytes + 1, fuzzMemory - 1, fuzzMemory, 1 << 31, math.MaxUint32}
	for word := range uint32(infoWords) {
		for _, v := range values {
			for _, other := range values {
				g := memoryGuest(t)
				g.host = &greedyHost{}
				for i := range uint32(infoWords) {
					g.setWord(i, other)
				}
				g.setWord(word, v)
				g.drainOutput()
				if n := g.PeakMemory(); n < 0 || n > fuzzMemory {
					t.Fatalf("peak of %d bytes in a memory of %d", n, fuzzMemory)
				}
				if n := g.MemoryUsed(); n < 0 || n > fuzzMemory {
					t.Fatalf("%d bytes used of a memory of %d", n, fuzzMemory)
				}
			}
		}
	}
}

// TestInfoOutsideOfMemory has the shared words where there is no memory.
func TestInfoOutsideOfMemory(t *testing.T) {
	for _, address := range []uint32{fuzzMemory - 1, fuzzMemory, math.MaxUint32, math.MaxUint32 - 8} {
		g := memoryGuest(t)
		g.host, g.info = &greedyHost{}, address
		g.setWord(wordOutputLen, 1)
		g.drainOutput()
		if got := g.word(wordOutputLen); got != 0 {
			t.Errorf("address %#x: read %d from outside of memory", address, got)
		}
	}
}

// TestMessagesAreBounded has lengths of messages that the memory could hold but no host should copy.
func TestMessagesAreBounded(t *testing.T) {
	g := memoryGuest(t)
	g.host = &greedyHost{}
	for _, stack := range [][]uint64{{0, maxMessage + 1}, {fuzzMemory, 1}, {1, math.MaxUint32}, {math.MaxUint32, math.MaxUint32}} {
		for _, f := range []func(*Guest, []uint64){hostCallback, hostEmit} {
			s := append([]uint64{}, stack...)
			f(g, s)
			if s[0] != errnoFault {
				t.Errorf("%v: answered %d, want EFAULT", stack, s[0])
			}
		}
	}
}
