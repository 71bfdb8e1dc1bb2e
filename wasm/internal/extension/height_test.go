package extension

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

func TestOperands(t *testing.T) {
	get := getLocal(0)
	iff := []byte{byte(wasmbin.OpIf), byte(wasmbin.I32)}
	for name, c := range map[string]struct {
		code []byte
		want int
	}{
		"one":         {get, 1},
		"two":         {slices.Concat(get, get, op(wasmbin.OpI32Add)), 2},
		"a chain":     {slices.Concat(get, bytes.Repeat(slices.Concat(get, op(wasmbin.OpI32Add)), 100)), 2},
		"a heap":      {slices.Concat(bytes.Repeat(get, 100), bytes.Repeat(op(wasmbin.OpI32Add), 99)), 100},
		"calls":       {slices.Concat(get, call(funcTwice), call(funcThrice), call(funcWeak), op(wasmbin.OpI32Add)), 2},
		"a table":     {slices.Concat(get, get, []byte{byte(wasmbin.OpCallIndirect), typeI32I32, 0}), 2},
		"loads":       {slices.Concat(get, []byte{byte(wasmbin.OpI32Load), 0, 0}, get, get, []byte{byte(wasmbin.OpI32Store), 0, 0}), 3},
		"both ways":   {slices.Concat(get, iff, get, op(wasmbin.OpElse), get, get, op(wasmbin.OpI32Add), op(wasmbin.OpEnd)), 2},
		"not reached": {slices.Concat([]byte{byte(wasmbin.OpBlock), 0x40, byte(wasmbin.OpBr), 0}, get, get, op(wasmbin.OpEnd), get), 2},
		"select":      {slices.Concat(get, get, get, op(wasmbin.OpSelect), get, op(wasmbin.OpI32Add)), 3},
		"memory.fill": {slices.Concat(get, get, get, []byte{0xfc, 0x0b, 0}, get), 3},
	} {
		t.Run(name, func(t *testing.T) {
			lib := library(c.code)
			prepare(t, lib) // it is valid
			b := &builder{in: lib, types: []wasmbin.FuncType{i32I32, i32I32, toI32, i32I32}}
			if have := b.operands(lib.Code[0].Code); have != c.want {
				t.Errorf("%d operands, want %d", have, c.want)
			}
		})
	}
}

// TestOperandsCount has a recursion with a hundred thousand operands at each level: it takes the shadow stack at once.
func TestOperandsCount(t *testing.T) {
	const many = 20_000
	code := slices.Concat(bytes.Repeat(getLocal(0), many), call(firstOwn), bytes.Repeat(op(wasmbin.OpI32Add), many-1))
	if _, _, err := evaluate(t, code, 0); err == nil || strings.Count(err.Error(), "$") > 4 {
		t.Errorf("it ended with %v", err)
	}
}
