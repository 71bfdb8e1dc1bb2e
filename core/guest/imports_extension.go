package guest

import (
	"encoding/binary"
	"path"
)

// The dynamic loader; see wasm/guest/shim/dl.c.

const (
	maxExtensionPath = 4096
	maxSymbolName    = 4096
	openedBytes      = 16 // eryx_opened in eryx.h
)

// hostDLOpen finds the extension at a path and says how much memory it needs: 0, or -1 with an error to fetch.
func hostDLOpen(g *Guest, stack []uint64) {
	name, ok := g.bytes(uint32(stack[0]), uint32(stack[1]))
	out, ok2 := g.bytes(uint32(stack[2]), openedBytes)
	if !ok || !ok2 || len(name) > maxExtensionPath {
		g.linker.failure = "its path is too long"
		stack[0] = negative(errnoFault)
		return
	}
	g.drainOutput()
	g.host.Busy() // compiling may take a while
	handle, err := g.open(path.Clean(string(name)))
	if err != nil {
		g.linker.failure = path.Base(string(name)) + ": " + err.Error()
		stack[0] = negative(1)
		return
	}
	binary.LittleEndian.PutUint32(out, uint32(handle))
	fresh, size, align := uint32(0), uint32(0), uint32(1)
	if handle == len(g.linker.loaded) {
		fresh, size, align = 1, g.linker.pending.MemoryBytes, g.linker.pending.MemoryAlign
	}
	binary.LittleEndian.PutUint32(out[4:], size)
	binary.LittleEndian.PutUint32(out[8:], align)
	binary.LittleEndian.PutUint32(out[12:], fresh)
	stack[0] = 0
}

// hostDLLink loads what was opened to an address: the slot of its initialising function, or 0.
func hostDLLink(g *Guest, stack []uint64) {
	init, err := g.link(uint32(stack[0]))
	if err != nil {
		g.linker.failure = err.Error()
		init = 0
	}
	stack[0] = uint64(init)
}

// hostDLSymbol is the address of a symbol, or 0.
func hostDLSymbol(g *Guest, stack []uint64) {
	handle := uint32(stack[0])
	name, ok := g.bytes(uint32(stack[1]), uint32(stack[2]))
	stack[0] = 0
	if !ok || len(name) > maxSymbolName || uint64(handle) >= uint64(len(g.linker.loaded)) {
		g.linker.failure = "no such library or symbol"
		return
	}
	l := g.linker.loaded[handle]
	a, ok := l.Symbols[string(name)]
	if !ok {
		g.linker.failure = path.Base(l.Path) + " does not define " + string(name)
		return
	}
	stack[0] = uint64(l.address(a))
}

// hostDLError copies the text of the last failure: its length, at most that of the buffer.
func hostDLError(g *Guest, stack []uint64) {
	out, ok := g.bytes(uint32(stack[0]), uint32(stack[1]))
	stack[0] = 0
	if ok {
		stack[0] = uint64(copy(out, g.linker.failure))
	}
}
