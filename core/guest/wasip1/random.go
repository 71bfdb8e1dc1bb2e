package wasip1

import (
	"io"
	"runtime"
)

// randomChunk is how much random_get fills between two looks at whether the
// execution has been interrupted.
const randomChunk = 64 << 10

// randomGet implements random_get.
func (p *Process) randomGet(c call) errno {
	buf, ok := c.bytes(c.u32(0), c.u32(1))
	if !ok {
		return efault
	}
	for len(buf) > 0 {
		chunk := buf[:min(len(buf), randomChunk)]
		if _, err := io.ReadFull(p.cfg.Random, chunk); err != nil {
			return eio
		}
		buf = buf[len(chunk):]
		if len(buf) == 0 {
			break
		}
		if e := p.checkpoint(c); e != success {
			return e
		}
	}
	return success
}

// schedYield implements sched_yield.
func (p *Process) schedYield(call) errno {
	runtime.Gosched()
	return success
}
