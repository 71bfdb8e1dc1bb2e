package wasip1

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero/api"
)

// maxIovecs is the longest buffer list of one call, Linux's IOV_MAX.
const maxIovecs = 1024

var le = binary.LittleEndian

// call is one system call: where the guest's memory is and what it passed.
type call struct {
	ctx  context.Context
	mem  api.Memory
	args []uint64
}

func (c call) u32(i int) uint32 { return uint32(c.args[i]) }
func (c call) fd(i int) int32   { return int32(uint32(c.args[i])) }
func (c call) u64(i int) uint64 { return c.args[i] }

// bytes is the guest's memory [ptr, ptr+n) itself, or false when that is not
// all inside it. A range that ends at 4 GiB exactly is refused, because wazero
// computes its end in 32 bits.
func (c call) bytes(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) >= 1<<32 {
		return nil, false
	}
	return c.mem.Read(ptr, n)
}

// out is where the result that argument i points to goes: n bytes.
func (c call) out(i int, n uint32) ([]byte, bool) { return c.bytes(c.u32(i), n) }

// iovecs walks a buffer list of the guest's, never beyond a number of bytes.
type iovecs struct {
	c      call
	array  []byte // the list itself, 8 bytes an entry, in guest memory
	budget int    // bytes that this call may still move
}

// iovecs takes the list that argument i points to, of the length in argument
// i+1.
func (c call) iovecs(i, budget int) (iovecs, errno) {
	n := c.u32(i + 1)
	if n > maxIovecs {
		return iovecs{}, einval
	}
	array, ok := c.out(i, n*8)
	if !ok {
		return iovecs{}, efault
	}
	return iovecs{c: c, array: array, budget: budget}, success
}

// next is the next buffer that is not empty; nil at the end of the list or
// when the budget is used up.
func (v *iovecs) next() ([]byte, errno) {
	for len(v.array) > 0 && v.budget > 0 {
		ptr, n := le.Uint32(v.array), le.Uint32(v.array[4:])
		v.array = v.array[8:]
		if n == 0 {
			continue
		}
		buf, ok := v.c.bytes(ptr, n)
		if !ok {
			return nil, efault
		}
		buf = buf[:min(len(buf), v.budget)]
		v.budget -= len(buf)
		return buf, success
	}
	return nil, success
}
