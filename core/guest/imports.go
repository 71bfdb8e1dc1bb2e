package guest

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const (
	errnoFault = 21 // WASI EFAULT
	errnoIntr  = 27 // WASI EINTR
	errnoNoSys = 52 // WASI ENOSYS
	// needMore marks a reply of wait that says how large the buffer must be; see eryx.h.
	needMore = 1 << 20
	// maxMessage is the longest callback request or emitted message, in bytes.
	maxMessage = 256 << 20
)

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

// hostFunction is one function that the guest can call.
type hostFunction struct {
	name    string
	f       func(g *Guest, stack []uint64)
	params  []api.ValueType
	results []api.ValueType
}

// hostFunctions is every function the guest can call besides WASI's and netFunctions: the whole boundary.
var hostFunctions = []hostFunction{
	{"tick", hostTick, nil, []api.ValueType{i32}},
	{"sleep", hostSleep, []api.ValueType{i64}, []api.ValueType{i32}},
	{"flush", hostFlush, nil, nil},
	{"callback", hostCallback, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"emit", hostEmit, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"wait", hostWait, []api.ValueType{i64, i32, i32, i32}, []api.ValueType{i64}},
	{"codec_open", hostCodecOpen, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"codec_feed", hostCodecFeed, []api.ValueType{i32, i32, i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"codec_close", hostCodecClose, []api.ValueType{i32}, nil},
	{"kdf", hostKDF, []api.ValueType{i32, i32, i32, i32}, []api.ValueType{i32}},
	{"tls_open", hostTLSOpen, []api.ValueType{i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"tls_step", hostTLSStep, []api.ValueType{i32, i32, i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"tls_ask", hostTLSAsk, []api.ValueType{i32, i32, i32, i32, i32, i32}, []api.ValueType{i32}},
	{"tls_move", hostTLSMove, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"tls_close", hostTLSClose, []api.ValueType{i32}, nil},
	{"chmod", hostChmod, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"dup", hostDup, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"dl_open", hostDLOpen, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"dl_link", hostDLLink, []api.ValueType{i32}, []api.ValueType{i32}},
	{"dl_symbol", hostDLSymbol, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}},
	{"dl_error", hostDLError, []api.ValueType{i32, i32}, []api.ValueType{i32}},
	{"query", hostQuery, []api.ValueType{i32}, []api.ValueType{i64}},
}

// guestContext carries the guest to its host functions without a chain of context values.
type guestContext struct {
	context.Context
	guest *Guest
}

type guestKey struct{}

func (c *guestContext) Value(key any) any {
	if _, ok := key.(guestKey); ok {
		return c.guest
	}
	return c.Context.Value(key)
}

// instantiateHost registers the module "eryx".
func instantiateHost(ctx context.Context, rt wazero.Runtime) error {
	b := rt.NewHostModuleBuilder("eryx")
	for _, h := range slices.Concat(hostFunctions, netFunctions) {
		f := h.f
		b = b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(
			func(ctx context.Context, _ api.Module, stack []uint64) {
				f(ctx.Value(guestKey{}).(*Guest), stack)
			}), h.params, h.results).Export(h.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func hostTick(g *Guest, stack []uint64) {
	g.drainOutput()
	g.host.Busy()
	stack[0] = uint64(uint32(g.ctl.tick()))
}

func hostFlush(g *Guest, _ []uint64) { g.drainOutput() }

func hostSleep(g *Guest, stack []uint64) {
	g.drainOutput()
	g.host.Busy()
	d := time.Duration(stack[0])
	if d < 0 {
		d = math.MaxInt64 / 2
	}
	if g.ctl.sleep(min(d, math.MaxInt64/2), nil) {
		stack[0] = errnoIntr
		return
	}
	stack[0] = 0
}

// message is the guest's bytes for a callback or emit.
func (g *Guest) message(stack []uint64) ([]byte, bool) {
	length := uint32(stack[1])
	if length > maxMessage {
		return nil, false
	}
	return g.bytes(uint32(stack[0]), length)
}

func hostCallback(g *Guest, stack []uint64) {
	g.drainOutput()
	m, ok := g.message(stack)
	if !ok {
		stack[0] = errnoFault
		return
	}
	stack[0] = uint64(uint32(g.host.Callback(m)))
}

func hostEmit(g *Guest, stack []uint64) {
	m, ok := g.message(stack)
	if !ok {
		stack[0] = errnoFault
		return
	}
	stack[0] = uint64(uint32(g.host.Emit(m)))
}

func hostWait(g *Guest, stack []uint64) {
	ns, address, size := int64(stack[0]), uint32(stack[1]), uint32(stack[2])
	events := g.host.Events()
	if len(events) == 0 && ns != 0 {
		g.drainOutput()
		g.host.Busy()
		d := time.Duration(-1)
		if ns > 0 {
			d = time.Duration(min(ns, math.MaxInt64/2))
		}
		if g.waitFor(d, int32(stack[3])) {
			stack[0] = negative(errnoIntr)
			return
		}
		events = g.host.Events()
	}
	if len(events) > int(size) {
		stack[0] = negative(needMore + int64(len(events)))
		return
	}
	target, ok := g.bytes(address, uint32(len(events)))
	if !ok {
		stack[0] = negative(errnoFault)
		return
	}
	copy(target, events)
	if len(events) > 0 {
		g.host.EventsTaken()
	}
	stack[0] = uint64(len(events))
}

// waitFor waits for an event, or for a socket of a selector (0: none); whether the guest is to be interrupted.
func (g *Guest) waitFor(d time.Duration, set int32) bool {
	if set == 0 || g.net == nil || !g.net.HasSet(set) {
		return g.ctl.sleep(d, g.host.Ready())
	}
	until := time.Now().Add(d)
	for !g.net.Pending(set) {
		rest := time.Duration(-1)
		if d >= 0 {
			if rest = time.Until(until); rest <= 0 {
				return false
			}
		}
		event, interrupted := g.ctl.sleepFor(rest, g.host.Ready(), g.net.Changed())
		if interrupted || event {
			return interrupted
		}
	}
	return false
}

func negative(v int64) uint64 { return uint64(-v) }

func hostQuery(g *Guest, stack []uint64) {
	stack[0] = uint64(g.host.Query(int32(stack[0])))
}
