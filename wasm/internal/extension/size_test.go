package extension

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// TestSizes checks every bound of a function: what is just within it is taken, one more is not.
func TestSizes(t *testing.T) {
	many := func(piece []byte, n int) []byte { return bytes.Repeat(piece, n) }
	block, loop, blockEnd := []byte{byte(wasmbin.OpBlock), 0x40}, []byte{byte(wasmbin.OpLoop), 0x40}, op(wasmbin.OpEnd)
	nested := func(begin []byte) func(int) []byte {
		return func(n int) []byte { return slices.Concat(many(begin, n), many(blockEnd, n)) }
	}
	for name, c := range map[string]struct {
		code   func(n int) []byte
		locals int
		most   int
		want   string
	}{
		"bytes":             {func(n int) []byte { return many(op(wasmbin.OpNop), n) }, 0, maxFunctionBytes - 3, "bytes of code"}, // behind: a number, end
		"loops":             {func(n int) []byte { return many(append(slices.Clone(loop), blockEnd...), n) }, 0, maxLoops, "loops"},
		"nesting of blocks": {nested(block), 0, maxDepth, "levels of nesting"},
		"nesting of loops":  {nested(loop), 0, maxLoopDepth, "levels of loops"},
		"calls":             {func(n int) []byte { return many(slices.Concat(call(funcWeak), op(wasmbin.OpDrop)), n) }, 0, maxCalls, "calls"},
		"branches":          {func(n int) []byte { return many(slices.Concat(number(0), []byte{byte(wasmbin.OpBrIf), 0}), n) }, 0, maxBranches, "branches"},
		"branch targets": {func(n int) []byte {
			return slices.Concat(block, number(0), []byte{byte(wasmbin.OpBrTable)}, leb(uint32(n-1)), make([]byte, n), blockEnd)
		}, 0, maxTargets, "branch targets"},
		"branches and variables": {func(n int) []byte { return many(slices.Concat(number(0), []byte{byte(wasmbin.OpBrIf), 0}), n) },
			1479, 1000, "squared, times variables"},
	} {
		t.Run(name, func(t *testing.T) {
			body := func(n int) wasmbin.Body {
				return wasmbin.Body{Locals: []wasmbin.Local{{Count: uint32(c.locals), Type: wasmbin.I32}}, Code: end(slices.Concat(c.code(n), number(0)))}
			}
			if err := checkSize(i32I32, body(c.most)); err != nil {
				t.Errorf("%d: %v", c.most, err)
			}
			if err := checkSize(i32I32, body(c.most+1)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d: %v, want %q", c.most+1, err, c.want)
			}
		})
	}
}
