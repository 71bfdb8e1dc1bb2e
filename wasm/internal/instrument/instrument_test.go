package instrument

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// guest makes a module whose tick function asks the host, and whose function `run` (parameter 0 is an i32)
// has the given code.
func guest(code []byte) *wasmbin.Module {
	toI32 := wasmbin.FuncType{Results: []wasmbin.ValType{wasmbin.I32}}
	fromI32 := wasmbin.FuncType{Params: []wasmbin.ValType{wasmbin.I32}}
	return &wasmbin.Module{
		Types:   []wasmbin.FuncType{toI32, fromI32},
		Imports: []wasmbin.Import{{Module: "eryx", Name: "tick", Kind: wasmbin.KindFunc, Func: 0}},
		Funcs:   []uint32{0, 1},
		Code: []wasmbin.Body{
			{Code: []byte{byte(wasmbin.OpCall), 0, byte(wasmbin.OpEnd)}},
			{Code: append(code, byte(wasmbin.OpEnd)), Locals: []wasmbin.Local{{Count: 1, Type: wasmbin.I64}, {Count: 2, Type: wasmbin.I32}}},
		},
		Memories: []wasmbin.Limits{{Min: 1}},
		Exports: []wasmbin.Export{
			{Name: TickFunction, Kind: wasmbin.KindFunc, Index: 1}, {Name: "run", Kind: wasmbin.KindFunc, Index: 2},
		},
	}
}

var errKilled = errors.New("killed")

// execute instruments the module and calls run(n). The host hands out slices of 10 and kills the guest at its
// 100th tick. Returns how often the guest ticked, and what was left of the last slice.
func execute(t *testing.T, m *wasmbin.Module, mode Mode, n uint32) (ticks int, left int32, err error) {
	t.Helper()
	if _, err := Run(m, mode); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	_, err = r.NewHostModuleBuilder("eryx").NewFunctionBuilder().WithFunc(func() int32 {
		if ticks++; ticks >= 100 {
			panic(errKilled)
		}
		return 10
	}).Export("tick").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := r.Instantiate(ctx, wasmbin.Encode(m))
	if err != nil {
		t.Fatal(err)
	}
	_, err = instance.ExportedFunction("run").Call(ctx, api.EncodeU32(n))
	return ticks, int32(instance.ExportedGlobal(FuelGlobal).Get()), err
}

// Pieces of code. A loop that counts local 0 down to zero:
var (
	forever   = []byte{byte(wasmbin.OpLoop), 0x40, byte(wasmbin.OpBr), 0, byte(wasmbin.OpEnd)}
	countdown = slices.Concat([]byte{byte(wasmbin.OpLoop), 0x40}, decrement(0),
		[]byte{byte(wasmbin.OpBrIf), 0, byte(wasmbin.OpEnd)})
)

func decrement(local byte) []byte {
	return []byte{byte(wasmbin.OpLocalGet), local, byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpI32Sub),
		byte(wasmbin.OpLocalTee), local}
}

func TestSpinningGuestIsStopped(t *testing.T) {
	for _, mode := range []Mode{CountAll, SkipShort} {
		ticks, _, err := execute(t, guest(slices.Clone(forever)), mode, 0)
		if !errors.Is(err, errKilled) || ticks != 100 {
			t.Errorf("%s: %d ticks, %v", mode, ticks, err)
		}
	}
}

func TestEveryHeadCounts(t *testing.T) {
	// 25 passes: the first asks for a slice and so do passes 12 and 23; 8 of the last ten are left.
	ticks, left, err := execute(t, guest(slices.Clone(countdown)), CountAll, 25)
	if err != nil || ticks != 3 || left != 8 {
		t.Errorf("%d ticks, %d left, %v", ticks, left, err)
	}
	if ticks, left, err = execute(t, guest(slices.Clone(countdown)), None, 25); err != nil || ticks != 0 || left != 0 {
		t.Errorf("uninstrumented: %d ticks, %d left, %v", ticks, left, err)
	}
}

// TestTickMayLoop lets the tick function itself run through more loop heads than a slice has.
func TestTickMayLoop(t *testing.T) {
	m := guest(slices.Clone(forever))
	m.Code[0] = wasmbin.Body{
		Locals: []wasmbin.Local{{Count: 1, Type: wasmbin.I32}},
		Code: slices.Concat([]byte{byte(wasmbin.OpI32Const), 50, byte(wasmbin.OpLocalSet), 0}, countdown,
			[]byte{byte(wasmbin.OpCall), 0, byte(wasmbin.OpEnd)}),
	}
	if ticks, _, err := execute(t, m, CountAll, 0); !errors.Is(err, errKilled) || ticks != 100 {
		t.Errorf("%d ticks, %v", ticks, err)
	}
}

func TestRunNeedsTick(t *testing.T) {
	m := guest(nil)
	m.Exports = m.Exports[1:]
	if _, err := Run(m, CountAll); err == nil || !strings.Contains(err.Error(), TickFunction) {
		t.Errorf("without tick: %v", err)
	}
	m = guest(nil)
	m.Exports[0].Index = 2
	if _, err := Run(m, CountAll); err == nil {
		t.Error("a tick function of another type was accepted")
	}
	m = guest([]byte{byte(wasmbin.OpLoop), 0x40, 0xfd, 0, byte(wasmbin.OpEnd)})
	if _, err := Run(m, CountAll); err == nil {
		t.Error("an unknown instruction was accepted")
	}
}
