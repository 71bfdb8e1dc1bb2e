package wasm

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Skeleton returns module without its code: the same types, imports, tables and exports, and functions that trap.
//
// An engine that finds the machine code of the module in a cache needs no more than this, and reads a hundredth
// of the bytes: see docs/decisions/0005-cold-start.md.
func Skeleton(module []byte) ([]byte, error) {
	m, err := wasmbin.Decode(module)
	if err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	for i := range m.Code {
		m.Code[i] = wasmbin.Body{Code: []byte{byte(wasmbin.OpUnreachable), byte(wasmbin.OpEnd)}}
	}
	m.Customs = nil
	return wasmbin.Encode(m), nil
}
