package stackcheck

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

const stack, reserve = 1000, 200

// guest makes a module in which `deep` calls itself for ever, without using the shadow stack itself, and
// eryx_recursion_error adds the stack pointer to the exported global `raised`.
func guest() *wasmbin.Module {
	global := func(v int32) wasmbin.Global {
		return wasmbin.Global{GlobalType: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true},
			Init: append(wasmbin.AppendI32Const(nil, v), byte(wasmbin.OpEnd))}
	}
	raise := wasmbin.AppendIndexed(wasmbin.AppendIndexed(nil, wasmbin.OpGlobalGet, 0), wasmbin.OpGlobalGet, 1)
	raise = wasmbin.AppendIndexed(append(raise, byte(wasmbin.OpI32Add)), wasmbin.OpGlobalSet, 1)
	m := &wasmbin.Module{
		Types:   []wasmbin.FuncType{{}, {Results: []wasmbin.ValType{wasmbin.I32}}},
		Funcs:   []uint32{0, 1},
		Globals: []wasmbin.Global{global(stack), global(0)},
		Exports: []wasmbin.Export{
			{Name: RaiseFunction, Kind: wasmbin.KindFunc, Index: 0}, {Name: "deep", Kind: wasmbin.KindFunc, Index: 1},
			{Name: "__stack_pointer", Kind: wasmbin.KindGlobal, Index: 0}, {Name: "raised", Kind: wasmbin.KindGlobal, Index: 1},
		},
		Code: []wasmbin.Body{
			{Code: append(raise, byte(wasmbin.OpEnd))},
			{Code: append(wasmbin.AppendIndexed(nil, wasmbin.OpCall, 1), byte(wasmbin.OpEnd))},
		},
	}
	wasmbin.SetFunctionNames(m, []string{"raise", "deep"})
	return m
}

func TestApply(t *testing.T) {
	m := guest()
	if err := Apply(m, []Check{{"deep", -7}}, reserve); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	instance, err := r.Instantiate(ctx, wasmbin.Encode(m))
	if err != nil {
		t.Fatal(err)
	}
	out, err := instance.ExportedFunction("deep").Call(ctx)
	if err != nil || int32(out[0]) != -7 {
		t.Errorf("deep returned %v, %v", out, err)
	}
	if at := instance.ExportedGlobal("raised").Get(); at >= reserve || at < reserve-frame {
		t.Errorf("stopped at %d", at)
	}
	if sp := instance.ExportedGlobal("__stack_pointer").Get(); sp != stack {
		t.Errorf("the stack pointer is %d afterwards", sp)
	}
}

func TestApplyRefuses(t *testing.T) {
	if err := Apply(guest(), []Check{{"nowhere", 0}}, 1); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("unknown function: %v", err)
	}
	if err := Apply(guest(), []Check{{"raise", 0}}, 1); err == nil {
		t.Error("a function without a result was guarded")
	}
	for missing := range 3 {
		m := guest()
		m.Exports[missing].Name, m.Exports[missing].Kind = "other", wasmbin.KindFunc
		if err := Apply(m, nil, 1); (err == nil) != (missing == 1) {
			t.Errorf("without export %d: %v", missing, err)
		}
	}
}

func TestParse(t *testing.T) {
	checks, err := Parse([]byte("# comment\n\nabc -1 # why\n  d 0\n"))
	if err != nil || len(checks) != 2 || checks[0] != (Check{"abc", -1}) || checks[1] != (Check{"d", 0}) {
		t.Errorf("%v, %v", checks, err)
	}
	for _, text := range []string{"abc", "abc x", "abc 1 2", "abc 99999999999"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
