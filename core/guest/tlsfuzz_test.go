package guest

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"math"
	"testing"

	"github.com/eryx-go/eryx/core/guestnet"
	"github.com/eryx-go/eryx/core/wire"
	"github.com/eryx-go/eryx/tests/testca"
)

// tlsGuest is memoryGuest with a network, in which TLS may be anything.
func tlsGuest(t testing.TB) *Guest {
	g := memoryGuest(t)
	policy, err := guestnet.NewPolicy(guestnet.Config{AllowInsecureTLS: true, NoSystemRoots: true, MaxConnections: 4})
	if err != nil {
		t.Fatal(err)
	}
	g.policy, g.host = policy, &greedyHost{}
	t.Cleanup(g.closeTLS)
	return g
}

var tlsFunctions = []func(*Guest, []uint64){hostTLSOpen, hostTLSStep, hostTLSAsk, hostTLSClose, hostTLSMove}

// tlsWords are the words a call may be made with: handles, operations, pointers, lengths.
var tlsWords = []uint64{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 1000, 4096, 16384, 65536, fuzzMemory - 12, fuzzMemory - 1, fuzzMemory, 1 << 20, 1 << 31, math.MaxUint32, math.MaxUint64,
}

// FuzzTLSFunctions makes calls of TLS, one after the other, with words and a memory that may be anything. Two
// connections are there already: a client's and a server's.
func FuzzTLSFunctions(f *testing.F) {
	ca := testca.New(f)
	pair := ca.Localhost()
	options := []any{
		map[string]any{"hostname": "localhost", "verify": 0, "alpn": []any{"h2", "http/1.1"}},
		map[string]any{"server": true, "chain": pair.Certificate, "key": pair.Key, "alpn": []any{"http/1.1"}},
	}
	f.Add([]byte{1, 1, 0, 0, 0, 10, 14, 0, 1, 1, 5, 0, 0, 10, 14, 0, 1, 2, 3, 10, 11, 0, 0, 0}, []byte("\x16\x03\x01\x00\x05hello"))
	f.Add([]byte{0, 10, 11, 12, 12, 9, 0, 0, 2, 1, 1, 0, 0, 12, 14, 0, 3, 1, 0, 0, 0, 0, 0, 0}, []byte{0x80})
	f.Add([]byte{2, 0, 3, 10, 12, 12, 14, 0, 2, 0, 4, 10, 12, 12, 14, 0, 2, 0, 5, 0, 0, 12, 14, 0}, pair.Certificate)
	f.Fuzz(func(t *testing.T, calls, memory []byte) {
		g := tlsGuest(t)
		g.ctl.begin(Limits{})
		for _, o := range options {
			message, err := wire.Encode(o)
			if err != nil {
				t.Fatal(err)
			}
			copy(g.memory.space[4096:], message)
			stack := []uint64{4096, uint64(len(message)), 64, 64, 128}
			hostTLSOpen(g, stack)
			if int32(stack[0]) <= 0 {
				t.Fatal("no connection", int32(stack[0]))
			}
		}
		copy(g.memory.space[:fuzzMemory], memory)
		for n := 0; len(calls) >= 8 && n < 64; n++ {
			stack := make([]uint64, 0, 7)
			for _, w := range calls[1:8] {
				stack = append(stack, tlsWords[int(w)%len(tlsWords)])
			}
			which := int(calls[0]) % len(tlsFunctions)
			calls = calls[8:]
			if failed := callHost(g, tlsFunctions[which], stack); failed != nil {
				t.Fatalf("function %d%v panicked: %v", which, stack, failed)
			}
		}
	})
}

// TestTLSTalksToItself lets a guest be both ends, with ciphertext that it hands from one to the other.
func TestTLSTalksToItself(t *testing.T) {
	ca := testca.New(t)
	pair := ca.Localhost()
	g := tlsGuest(t)
	g.ctl.begin(Limits{})
	open := func(o map[string]any) uint64 {
		message, err := wire.Encode(o)
		if err != nil {
			t.Fatal(err)
		}
		copy(g.memory.space[4096:], message)
		stack := []uint64{4096, uint64(len(message)), 64, 64, 128}
		hostTLSOpen(g, stack)
		return stack[0]
	}
	ends := []uint64{open(map[string]any{"hostname": "localhost"}), open(map[string]any{"server": true, "chain": pair.Certificate, "key": pair.Key})}
	step := func(handle uint64, op, in, inLen, out, outCap uint64) (status int32, consumed, produced uint32) {
		stack := []uint64{handle, op, in, inLen, out, outCap, 128}
		hostTLSStep(g, stack)
		return int32(stack[0]), binary.LittleEndian.Uint32(g.memory.space[128:]), binary.LittleEndian.Uint32(g.memory.space[132:])
	}
	for range 10 {
		for i, end := range ends {
			step(end, guestnet.TLSOpHandshake, 0, 0, 0, 0)
			_, _, n := step(end, guestnet.TLSOpTake, 0, 0, 8192, 60000)
			step(ends[1-i], guestnet.TLSOpFeed, 8192, uint64(n), 0, 0)
		}
	}
	copy(g.memory.space[4096:], "hello")
	if status, n, _ := step(ends[0], guestnet.TLSOpWrite, 4096, 5, 0, 0); status != 0 || n != 5 {
		t.Fatalf("write: %d, %d", status, n)
	}
	_, _, n := step(ends[0], guestnet.TLSOpTake, 0, 0, 8192, 60000)
	step(ends[1], guestnet.TLSOpFeed, 8192, uint64(n), 0, 0)
	if status, _, n := step(ends[1], guestnet.TLSOpRead, 0, 0, 4096, 100); status != 0 || n != 5 {
		t.Fatalf("read: %d, %d", status, n)
	}
	// Who never takes the ciphertext cannot make the host keep more and more of it.
	total := uint32(0)
	for {
		status, n, _ := step(ends[0], guestnet.TLSOpWrite, 0, 65536, 0, 0)
		if total += n; status != 0 {
			if status != int32(guestnet.TLSWantWrite) {
				t.Fatal(status)
			}
			break
		}
	}
	if total > 1<<20 {
		t.Errorf("%d bytes are kept", total)
	}
}

// TestTLSKeysAreBounded refuses a key that would take long to check.
func TestTLSKeysAreBounded(t *testing.T) {
	ca := testca.New(t)
	huge := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: bytes.Repeat([]byte{1}, 6000)})
	if why := guestnet.CheckPair(ca.Localhost().Certificate, huge); why != "the private key is longer than RSA with 8192 bits" {
		t.Error(why)
	}
}
