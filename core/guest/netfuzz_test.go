package guest

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core/guestnet"
)

// netGuest is memoryGuest with a network that reaches what the guest itself listens on, and nothing else.
func netGuest(t testing.TB) *Guest {
	g := memoryGuest(t)
	policy, err := guestnet.NewPolicy(guestnet.Config{
		AllowedHosts: []string{"127.0.0.0/8", "::1", "localhost"}, AllowedNetworks: []string{"127.0.0.0/8", "::1"},
		Listen: []string{"127.0.0.1:0"}, UDP: true, IOTimeout: 5 * time.Millisecond, ConnectTimeout: 5 * time.Millisecond,
		Resolver: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
		OnConnect: func(_ context.Context, a guestnet.Attempt) error {
			if a.Listen {
				return nil
			}
			return errors.New("no")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.policy, g.host = policy, &greedyHost{}
	t.Cleanup(g.closeNet)
	return g
}

// netWords are the words a call may be made with: descriptors, pointers, lengths, families, flags, levels.
var netWords = []uint64{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 24, 26, 39, 63, 64, 100, 0x100, 0x101, 128, 1024, 4096, 65536, fuzzMemory - 24, fuzzMemory - 1, fuzzMemory,
	1 << 20, 1 << 30, math.MaxInt32, 1 << 31, math.MaxUint32 - 1, math.MaxUint32, math.MaxInt64, math.MaxUint64,
}

// FuzzNetFunctions makes calls of the network, one after the other, with words and a memory that may be anything.
func FuzzNetFunctions(f *testing.F) {
	index := map[string]byte{}
	for i, h := range netFunctions {
		index[h.name] = byte(i)
	}
	call := func(name string, words ...byte) []byte {
		return append([]byte{index[name]}, append(words, 0, 0, 0, 0, 0)[:5]...)
	}
	var all []byte
	for _, c := range [][]byte{
		call("net_open", 1, 6, 0, 0), call("net_bind", 4, 9), call("net_listen", 4, 5), call("net_name", 4, 0, 9), call("net_open", 1, 6, 0, 1),
		call("net_connect", 5, 9), call("net_accept", 4, 9, 1), call("net_pair", 9, 1), call("net_send", 6, 10, 15, 0, 0), call("net_receive", 7, 10, 18, 0, 0),
		call("net_watch", 1, 7, 3), call("net_ready", 1, 10, 19), call("net_poll", 9, 3, 1), call("net_option", 4, 30, 4, 9, 0), call("net_shutdown", 6, 3),
		call("net_resolve", 9, 5, 0, 10, 19), call("net_lookup", 9, 5), call("net_reason", 2, 10, 18), call("net_open", 1, 5, 0, 0), call("net_send", 8, 10, 10, 0, 9),
	} {
		all = append(all, c...)
		f.Add(c, []byte("\x01\x00\x00\x00\x7f\x00\x00\x01"))
	}
	memory := make([]byte, 200)
	binary.LittleEndian.PutUint16(memory[9:], 1)
	copy(memory[13:], []byte{127, 0, 0, 1})
	f.Add(all, memory)
	f.Fuzz(func(t *testing.T, calls, memory []byte) {
		g := netGuest(t)
		g.ctl.begin(Limits{Timeout: 20 * time.Millisecond, Grace: time.Nanosecond, Fuel: 1000})
		copy(g.memory.space[:fuzzMemory], memory)
		for n := 0; len(calls) >= 6 && n < 64; n++ {
			h := netFunctions[int(calls[0])%len(netFunctions)]
			stack := make([]uint64, 0, 7)
			for _, w := range calls[1:6] {
				stack = append(stack, netWords[int(w)%len(netWords)])
			}
			calls = calls[6:]
			if failed := callHost(g, h.f, stack[:max(len(h.params), 1)]); failed != nil {
				t.Fatalf("%s%v panicked: %v", h.name, stack, failed)
			}
		}
	})
}

// TestNetCallsWithoutASocketAreErrors has descriptors that are files, closed, or never were.
func TestNetCallsWithoutASocketAreErrors(t *testing.T) {
	g := netGuest(t)
	g.ctl.begin(Limits{})
	for _, fd := range []uint64{0, 1, 2, 3, 4, 1 << 31, math.MaxUint32, math.MaxUint64} {
		for _, h := range netFunctions {
			switch h.name {
			case "net_open", "net_pair", "net_poll", "net_resolve", "net_lookup", "net_watch", "net_ready", "net_reason":
				continue
			}
			stack := []uint64{fd, 8, 8, 8, 8, 8}
			h.f(g, stack)
			errno := guestnet.Errno(-int32(stack[0]))
			if errno != guestnet.EBADF && errno != guestnet.ENOTSOCK {
				t.Errorf("%s on descriptor %d: answered %d", h.name, int32(fd), int32(stack[0]))
			}
		}
	}
}

// TestDescriptorsOfSocketsAreBounded opens sockets until there is no room, and again after closing some.
func TestDescriptorsOfSocketsAreBounded(t *testing.T) {
	g := netGuest(t)
	g.ctl.begin(Limits{})
	count := 0
	for {
		stack := []uint64{1, 6, 0, 0}
		hostNetOpen(g, stack)
		if fd := int32(stack[0]); fd < 0 {
			if guestnet.Errno(-fd) != guestnet.EMFILE {
				t.Fatalf("errno %d", -fd)
			}
			break
		}
		if count++; count > 1000 {
			t.Fatal("no bound")
		}
	}
	if count != 252 { // 256 without the standard streams and the root
		t.Errorf("%d sockets", count)
	}
	stack := []uint64{8, 0}
	hostNetPair(g, stack)
	if errno := -int32(stack[0]); errno != int32(guestnet.EMFILE) {
		t.Errorf("a pair: errno %d", errno)
	}
	g.process.CloseSocket(10)
	stack = []uint64{8, 0}
	hostNetPair(g, stack) // one number is free, two are needed: none is taken
	if errno := -int32(stack[0]); errno != int32(guestnet.EMFILE) {
		t.Errorf("half a pair: errno %d", errno)
	}
	stack = []uint64{1, 6, 0, 0}
	if hostNetOpen(g, stack); int32(stack[0]) != 10 {
		t.Errorf("the number that is free was not given: %d", int32(stack[0]))
	}
}
