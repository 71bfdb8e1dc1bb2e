package recipe

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// replacements are functions that the libraries do not export, by name, and the shim's exports that take their
// place. What a library exports needs no entry here: the linker overrides it.
var replacements = map[string]string{"sqlite3_randomness": "eryx_random"}

// replace makes each function of replacements call the other instead of its own body.
func replace(m *wasmbin.Module) error {
	names, err := wasmbin.FunctionNames(m)
	if err != nil {
		return err
	}
	first := m.ImportCount(wasmbin.KindFunc)
	done := map[string]bool{}
	for index, name := range names {
		target, ok := replacements[name]
		if !ok || index < first {
			continue
		}
		by, ok := m.Export(target)
		if !ok {
			return fmt.Errorf("replace %s: no exported function %s", name, target)
		}
		old, err := m.FuncType(index)
		if err != nil {
			return err
		}
		if typ, err := m.FuncType(by.Index); err != nil || typ.Key() != old.Key() {
			return fmt.Errorf("replace %s: %s has another signature (%v)", name, target, err)
		}
		var code []byte
		for i := range old.Params {
			code = wasmbin.AppendIndexed(code, wasmbin.OpLocalGet, uint32(i))
		}
		code = wasmbin.AppendIndexed(code, wasmbin.OpCall, by.Index)
		m.Code[index-first] = wasmbin.Body{Code: append(code, byte(wasmbin.OpEnd))}
		done[name] = true
	}
	for name := range replacements {
		if !done[name] {
			return fmt.Errorf("replace: no function %s", name)
		}
	}
	return nil
}
