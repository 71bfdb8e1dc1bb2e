package wasip1

// argsGet implements args_get.
func (p *Process) argsGet(c call) errno { return writeStrings(c, p.cfg.Args) }

// argsSizesGet implements args_sizes_get.
func (p *Process) argsSizesGet(c call) errno { return writeSizes(c, p.cfg.Args) }

// environGet implements environ_get.
func (p *Process) environGet(c call) errno { return writeStrings(c, p.cfg.Env) }

// environSizesGet implements environ_sizes_get.
func (p *Process) environSizesGet(c call) errno { return writeSizes(c, p.cfg.Env) }

// size is the room that strings take with their terminating zeros.
func size(strings []string) uint32 {
	var n uint64
	for _, s := range strings {
		n += uint64(len(s)) + 1
	}
	return uint32(min(n, 1<<32-1))
}

// writeStrings fills an array of pointers (argument 0) and the bytes that they
// point to (argument 1).
func writeStrings(c call, strings []string) errno {
	pointers, ok := c.out(0, uint32(len(strings))*4)
	if !ok {
		return efault
	}
	data, ok := c.out(1, size(strings))
	if !ok {
		return efault
	}
	ptr := c.u32(1)
	for i, s := range strings {
		le.PutUint32(pointers[i*4:], ptr)
		n := copy(data, s)
		data[n] = 0
		data = data[n+1:]
		ptr += uint32(n) + 1
	}
	return success
}

// writeSizes writes how many strings there are and how much room they take.
func writeSizes(c call, strings []string) errno {
	count, ok := c.out(0, 4)
	if !ok {
		return efault
	}
	bytes, ok := c.out(1, 4)
	if !ok {
		return efault
	}
	le.PutUint32(count, uint32(len(strings)))
	le.PutUint32(bytes, size(strings))
	return success
}
