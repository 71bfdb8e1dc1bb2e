package guest

// hostChmod sets the permissions of a file, which preview1 cannot; see wasm/guest/shim/files.c.
func hostChmod(g *Guest, stack []uint64) {
	path, ok := g.bytes(uint32(stack[0]), uint32(stack[1]))
	if !ok {
		stack[0] = errnoFault
		return
	}
	stack[0] = uint64(g.process.Chmod(path, uint32(stack[2])))
}
