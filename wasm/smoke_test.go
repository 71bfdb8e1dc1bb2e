package wasm

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

const (
	errnoBADF = 8
	maxTicks  = 100_000
)

// stubHost provides every import of the module: each host function stores nothing and returns EBADF,
// except that there is an empty environment, and that eryx.tick hands out a slice and counts its calls, and ends a guest that goes on too long.
func stubHost(ctx context.Context, t *testing.T, r wazero.Runtime, m *wasmbin.Module, ticks *int) {
	t.Helper()
	builders := map[string]wazero.HostModuleBuilder{}
	for _, imp := range m.Imports {
		b := builders[imp.Module]
		if b == nil {
			b = r.NewHostModuleBuilder(imp.Module)
			builders[imp.Module] = b
		}
		typ := m.Types[imp.Func]
		tick := imp.Module == "eryx" && imp.Name == "tick"
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			if tick {
				if *ticks++; *ticks > maxTicks {
					panic("the guest does not end")
				}
				stack[0] = 1000
			} else if strings.HasPrefix(imp.Name, "environ_") {
				stack[0] = 0
			} else if len(typ.Results) > 0 {
				stack[0] = errnoBADF
			}
		}), valueTypes(typ.Params), valueTypes(typ.Results)).Export(imp.Name)
	}
	for name, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func valueTypes(in []wasmbin.ValType) []api.ValueType {
	out := make([]api.ValueType, len(in))
	for i, v := range in {
		out[i] = api.ValueType(v)
	}
	return out
}

// TestSmoke instantiates the module, gives it its data, runs the constructors, and sees loops tick.
func TestSmoke(t *testing.T) {
	ctx := context.Background()
	features := api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst
	config := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	defer r.Close(ctx)
	var ticks int
	stubHost(ctx, t, r, decodeGuest(t), &ticks)
	code, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	guest, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	data, err := Data()
	if err != nil {
		t.Fatal(err)
	}
	if !guest.Memory().Write(DataAddress(), data) {
		t.Fatal("the data does not fit into the initial memory")
	}
	if _, err := guest.ExportedFunction("eryx_start").Call(ctx); err != nil {
		t.Fatal(err)
	}
	if sp := guest.ExportedGlobal("__stack_pointer").Get(); sp != uint64(StackBytes()) {
		t.Errorf("stack pointer is %#x after eryx_start, want %#x", sp, StackBytes())
	}
	// Without files CPython cannot start; that it says so, in words of its own, takes thousands of functions.
	reply, err := guest.ExportedFunction("eryx_boot").Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := guest.Memory().Read(uint32(reply[0]>>32), uint32(reply[0]))
	if !ok || len(text) == 0 {
		t.Fatalf("eryx_boot returned %#x", reply[0])
	}
	t.Logf("eryx_boot: %s", text)
	if ticks == 0 {
		t.Error("no loop ticked")
	}
}
