// Package bounds rewrites a module so that wazero checks fewer memory accesses.
//
// wazero compares the address of every load and store with the length of memory, and puts 44 bytes of code for the
// failure into the path. It leaves the check out where the same value has been checked with an offset as large before. So before
// the first access through a local, this package puts a load that nobody uses at a large offset: wazero checks it, throws
// the load itself away, and needs no further check of that value.
//
// This is right only where whatever may be accessed lies at least Slack bytes before the end of memory, which
// the linker and the shim's sbrk see to. Addresses that are constants become offsets from a local that is zero, so that all of a
// path share one check.
package bounds

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Slack is how many bytes at the end of memory no object may use: one page.
const Slack = 64 << 10

// reach is the offset, in bytes, up to which one check serves.
const reach = Slack - 64

// Stats says how many accesses there are, and how many checks were widened.
type Stats struct {
	Accesses, Constant, Widened int
}

// String describes the statistics in one line.
func (s Stats) String() string {
	return fmt.Sprintf("widened %d checks for %d memory accesses, %d at constant addresses", s.Widened, s.Accesses, s.Constant)
}

// Run rewrites the module in place. Static addresses are those below static, in bytes; memory is never smaller.
func Run(m *wasmbin.Module, static uint32) (Stats, error) {
	var stats Stats
	first := m.ImportCount(wasmbin.KindFunc)
	for i := range m.Code {
		f := function{module: m, static: static, stats: &stats}
		if err := f.rewrite(first+uint32(i), &m.Code[i]); err != nil {
			return stats, fmt.Errorf("bounds: function %d: %w", first+uint32(i), err)
		}
	}
	return stats, nil
}

// edit replaces code[from:to] by text.
type edit struct {
	from, to int
	text     []byte
}

// apply returns the code with the edits made. At one place, what is put in comes before what is replaced.
func apply(code []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	size := len(code)
	for _, e := range edits {
		size += len(e.text)
	}
	out := make([]byte, 0, size)
	done := 0
	for _, e := range edits {
		out = append(append(out, code[done:e.from]...), e.text...)
		done = e.to
	}
	return append(out, code[done:]...)
}

// probe appends the load that nobody uses: of the byte at offset from the local.
func probe(local, offset uint32) []byte {
	text := wasmbin.AppendIndexed(nil, wasmbin.OpLocalGet, local)
	text = wasmbin.AppendIndexed(text, wasmbin.OpLocalTee, local)
	text = append(text, byte(wasmbin.OpI32Load8U), 0)
	text = wasmbin.AppendU32(text, offset)
	return append(text, byte(wasmbin.OpDrop))
}
