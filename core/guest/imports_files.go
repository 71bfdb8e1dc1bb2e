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

// hostDup gives a descriptor a second number, which preview1 cannot; the number, or a negative errno.
func hostDup(g *Guest, stack []uint64) {
	fd, errno := g.process.Dup(int32(stack[0]), int32(stack[1]))
	if errno != 0 {
		stack[0] = negative(int64(errno))
		return
	}
	stack[0] = uint64(uint32(fd))
}
