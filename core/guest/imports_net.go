package guest

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/eryx-go/eryx/core/guestnet"
)

// The guest's sockets; see wasm/guest/shim/net.c. Descriptors, pointers, lengths, addresses and flags may be anything.

const (
	netNonblock = 1 // a flag of open, pair and accept
	pollBytes   = 8 // of one struct pollfd
	maxPoll     = 16384
	maxNameText = 4096
	gaiBase     = 1000 // net_resolve answers -(gaiBase + code) for an error of getaddrinfo's own
)

var noAddress netip.AddrPort

// netFunctions is the part of hostFunctions that concerns the network.
var netFunctions = []hostFunction{
	{"net_open", hostNetOpen, []api.ValueType{i32, i32, i32, i32}, []api.ValueType{i32}},
	{"net_pair", hostNetPair, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"net_connect", hostNetConnect, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"net_bind", hostNetBind, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"net_listen", hostNetListen, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"net_accept", hostNetAccept, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"net_name", hostNetName, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"net_receive", hostNetReceive, []api.ValueType{i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"net_send", hostNetSend, []api.ValueType{i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"net_option", hostNetOption, []api.ValueType{i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"net_shutdown", hostNetShutdown, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"net_poll", hostNetPoll, []api.ValueType{i32, i32, i64}, []api.ValueType{i32}},
	{"net_resolve", hostNetResolve, []api.ValueType{i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"net_lookup", hostNetLookup, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"net_watch", hostNetWatch, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"net_ready", hostNetReady, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"net_reason", hostNetReason, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
}

// Network is the guest's network in this life, made on first use.
func (g *Guest) Network() *guestnet.Stack {
	if g.net == nil {
		g.net = guestnet.NewStack(g.policy, g.netWait)
		g.net.OnReady(g.onNet)
		if g.wrapNet != nil {
			g.wrapNet(g.net)
		}
	}
	return g.net
}

// OnNetwork has ready called, on any goroutine, when a socket that the hosted loop waits for becomes ready. The guest
// must be at rest.
func (g *Guest) OnNetwork(ready func()) {
	g.onNet = ready
	if g.net != nil {
		g.net.OnReady(ready)
	}
}

// NetPending reports that a socket is ready that the hosted loop waits for.
func (g *Guest) NetPending() bool { return g.net != nil && g.net.Pending(guestnet.HostedSet) }

// netWait is how the guest waits for a socket.
func (g *Guest) netWait(d time.Duration, ready <-chan struct{}) bool {
	g.drainOutput()
	if g.host != nil {
		g.host.Busy()
	}
	return g.ctl.sleep(d, ready)
}

// closeNet ends the network of this life.
func (g *Guest) closeNet() {
	if g.net != nil {
		g.net.Close()
		g.net = nil
	}
	g.onNet, g.policy, g.wrapNet = nil, nil, nil
}

// socket is the socket under a descriptor.
func (g *Guest) socket(fd uint64) (*guestnet.Socket, guestnet.Errno) {
	s, errno := g.process.SocketAt(int32(fd))
	if errno != 0 {
		return nil, guestnet.Errno(errno)
	}
	f, ok := s.(*socketFile)
	if !ok {
		return nil, guestnet.ENOTSOCK
	}
	return f.socket, guestnet.OK
}

// address reads an address of the guest's; one at 0 is none.
func (g *Guest) address(pointer uint64) (netip.AddrPort, guestnet.Errno) {
	if uint32(pointer) == 0 {
		return noAddress, guestnet.OK
	}
	b, ok := g.bytes(uint32(pointer), guestnet.AddressBytes)
	if !ok {
		return noAddress, guestnet.EFAULT
	}
	return guestnet.DecodeAddress(b)
}

// answer puts what a call returns: a number, or a negative errno.
func (g *Guest) answer(stack []uint64, n int32, errno guestnet.Errno) {
	if errno != guestnet.OK {
		n = -int32(errno)
		g.netFailed = g.process.Failures()
	}
	stack[0] = uint64(uint32(n))
}

// enter gives a socket a descriptor, or closes it.
func (g *Guest) enter(s *guestnet.Socket, nonblock bool) (int32, guestnet.Errno) {
	s.SetNonblock(nonblock)
	fd, errno := g.process.OpenSocket(&socketFile{socket: s}, nonblock)
	if errno != 0 {
		s.Close()
		return 0, guestnet.Errno(errno)
	}
	return fd, guestnet.OK
}

func hostNetOpen(g *Guest, stack []uint64) {
	s, errno := g.Network().Open(int32(stack[0]), int32(stack[1]), int32(stack[2]))
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	fd, errno := g.enter(s, stack[3]&netNonblock != 0)
	g.answer(stack, fd, errno)
}

func hostNetPair(g *Guest, stack []uint64) {
	out, ok := g.bytes(uint32(stack[0]), 8)
	if !ok {
		g.answer(stack, 0, guestnet.EFAULT)
		return
	}
	nonblock := stack[1]&netNonblock != 0
	a, b, errno := g.Network().Pair()
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	first, errno := g.enter(a, nonblock)
	if errno != guestnet.OK {
		b.Close()
		g.answer(stack, 0, errno)
		return
	}
	second, errno := g.enter(b, nonblock)
	if errno != guestnet.OK {
		g.process.CloseSocket(first)
		g.answer(stack, 0, errno)
		return
	}
	binary.LittleEndian.PutUint32(out, uint32(first))
	binary.LittleEndian.PutUint32(out[4:], uint32(second))
	g.answer(stack, 0, guestnet.OK)
}

// withAddress does what connect and bind have in common.
func withAddress(g *Guest, stack []uint64, f func(*guestnet.Socket, netip.AddrPort) guestnet.Errno) {
	s, errno := g.socket(stack[0])
	if errno == guestnet.OK {
		var a netip.AddrPort
		if a, errno = g.address(stack[1]); errno == guestnet.OK {
			errno = f(s, a)
		}
	}
	g.answer(stack, 0, errno)
}

func hostNetConnect(g *Guest, stack []uint64) { withAddress(g, stack, (*guestnet.Socket).Connect) }

func hostNetBind(g *Guest, stack []uint64) { withAddress(g, stack, (*guestnet.Socket).Bind) }

func hostNetListen(g *Guest, stack []uint64) {
	s, errno := g.socket(stack[0])
	if errno == guestnet.OK {
		errno = s.Listen(int32(stack[1]))
	}
	g.answer(stack, 0, errno)
}

// socketAndAddress is the call's socket and the guest's room for an address, at argument i; false when it has answered with an
// error instead.
func (g *Guest) socketAndAddress(stack []uint64, i int) (*guestnet.Socket, []byte, bool) {
	s, errno := g.socket(stack[0])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return nil, nil, false
	}
	out, ok := g.bytes(uint32(stack[i]), guestnet.AddressBytes)
	if !ok {
		g.answer(stack, 0, guestnet.EFAULT)
	}
	return s, out, ok
}

func hostNetAccept(g *Guest, stack []uint64) {
	s, out, ok := g.socketAndAddress(stack, 1)
	if !ok {
		return
	}
	made, errno := s.Accept()
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	if peer, errno := made.Remote(); errno == guestnet.OK {
		guestnet.EncodeAddress(out, peer)
	}
	fd, errno := g.enter(made, stack[2]&netNonblock != 0)
	g.answer(stack, fd, errno)
}

func hostNetName(g *Guest, stack []uint64) {
	s, out, ok := g.socketAndAddress(stack, 2)
	if !ok {
		return
	}
	a, _ := s.Names()
	errno := guestnet.OK
	if uint32(stack[1]) != 0 {
		a, errno = s.Remote()
	}
	if errno == guestnet.OK {
		guestnet.EncodeAddress(out, a)
	}
	g.answer(stack, 0, errno)
}

// buffer is the guest's buffer for a transfer; what is beyond math.MaxInt32 cannot be told and is not moved.
func (g *Guest) buffer(pointer, length uint64) ([]byte, guestnet.Errno) {
	b, ok := g.bytes(uint32(pointer), min(uint32(length), math.MaxInt32))
	if !ok {
		return nil, guestnet.EFAULT
	}
	return b, guestnet.OK
}

func hostNetReceive(g *Guest, stack []uint64) {
	s, errno := g.socket(stack[0])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	p, errno := g.buffer(stack[1], stack[2])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	var out []byte
	if uint32(stack[4]) != 0 {
		var ok bool
		if out, ok = g.bytes(uint32(stack[4]), guestnet.AddressBytes); !ok {
			g.answer(stack, 0, guestnet.EFAULT)
			return
		}
	}
	n, from, errno := s.Receive(p, uint32(stack[3]))
	if out != nil && errno == guestnet.OK {
		guestnet.EncodeAddress(out, from)
	}
	g.answer(stack, int32(n), errno)
}

func hostNetSend(g *Guest, stack []uint64) {
	s, errno := g.socket(stack[0])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	p, errno := g.buffer(stack[1], stack[2])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	to, errno := g.address(stack[4])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	n, errno := s.Send(p, uint32(stack[3]), to)
	g.answer(stack, int32(n), errno)
}

func hostNetOption(g *Guest, stack []uint64) {
	s, errno := g.socket(stack[0])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	value, ok := g.bytes(uint32(stack[3]), 4)
	if !ok {
		g.answer(stack, 0, guestnet.EFAULT)
		return
	}
	level, name := int32(stack[1]), int32(stack[2])
	if uint32(stack[4]) != 0 {
		g.answer(stack, 0, s.SetOption(level, name, int32(binary.LittleEndian.Uint32(value))))
		return
	}
	n, errno := s.Option(level, name)
	g.netFailed = g.process.Failures() // it may be the error of a connect
	if errno == guestnet.OK {
		binary.LittleEndian.PutUint32(value, uint32(n))
	}
	g.answer(stack, 0, errno)
}

func hostNetShutdown(g *Guest, stack []uint64) {
	s, errno := g.socket(stack[0])
	if errno == guestnet.OK {
		errno = s.Shutdown(int32(stack[1]))
	}
	g.answer(stack, 0, errno)
}
