package guest

import "github.com/eryx-go/eryx/core/guest/codec"

// The compression streams and key derivations of _eryx_codec; see wasm/guest/shim/codec.c.

func hostCodecOpen(g *Guest, stack []uint64) {
	params, ok := g.bytes(uint32(stack[1]), uint32(stack[2]))
	if !ok {
		stack[0] = negative(errnoFault)
		return
	}
	stack[0] = uint64(uint32(g.codecs.HostOpen(int32(stack[0]), params)))
}

func hostCodecFeed(g *Guest, stack []uint64) {
	in, ok := g.bytes(uint32(stack[1]), uint32(stack[2]))
	out, ok2 := g.bytes(uint32(stack[3]), uint32(stack[4]))
	result, ok3 := g.bytes(uint32(stack[6]), codec.ResultBytes)
	if !ok || !ok2 || !ok3 {
		stack[0] = negative(errnoFault)
		return
	}
	stack[0] = uint64(uint32(g.codecs.HostFeed(int32(stack[0]), in, out, int32(stack[5]), result, g.ctl.check)))
}

func hostCodecClose(g *Guest, stack []uint64) { g.codecs.Close(int32(stack[0])) }

func hostKDF(g *Guest, stack []uint64) {
	params, ok := g.bytes(uint32(stack[0]), uint32(stack[1]))
	out, ok2 := g.bytes(uint32(stack[2]), uint32(stack[3]))
	if !ok || !ok2 {
		stack[0] = negative(errnoFault)
		return
	}
	stack[0] = uint64(uint32(g.codecs.HostKDF(params, out, g.ctl.check)))
}
