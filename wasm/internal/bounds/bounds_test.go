package bounds

import (
	"bytes"
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

const pages = 3

// module has one function `run` of type i32 -> i32 with one more i32 local, and memory of which the last page is slack.
func module(code []byte) *wasmbin.Module {
	i32 := []wasmbin.ValType{wasmbin.I32}
	return &wasmbin.Module{
		Types:    []wasmbin.FuncType{{Params: i32, Results: i32}},
		Funcs:    []uint32{0},
		Code:     []wasmbin.Body{{Code: append(code, byte(wasmbin.OpEnd)), Locals: []wasmbin.Local{{Count: 1, Type: wasmbin.I32}}}},
		Memories: []wasmbin.Limits{{Min: pages}},
		Exports: []wasmbin.Export{
			{Name: "run", Kind: wasmbin.KindFunc}, {Name: "memory", Kind: wasmbin.KindMemory},
		},
	}
}

func code(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		switch v := p.(type) {
		case wasmbin.Op:
			out = append(out, byte(v))
		case int:
			out = append(out, byte(v))
		case []byte:
			out = append(out, v...)
		}
	}
	return out
}

func get(local uint32) []byte { return wasmbin.AppendIndexed(nil, wasmbin.OpLocalGet, local) }
func set(local uint32) []byte { return wasmbin.AppendIndexed(nil, wasmbin.OpLocalSet, local) }
func constant(v int32) []byte { return wasmbin.AppendI32Const(nil, v) }
func load(offset uint32) []byte {
	return wasmbin.AppendU32([]byte{byte(wasmbin.OpI32Load), 2}, offset)
}
func store(offset uint32) []byte {
	return wasmbin.AppendU32([]byte{byte(wasmbin.OpI32Store), 2}, offset)
}

const empty = 0x40 // the type of a block that takes and gives nothing

// run instantiates the module and calls run(argument).
func run(t *testing.T, m *wasmbin.Module, argument uint64) (uint64, error) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	instance, err := r.Instantiate(ctx, wasmbin.Encode(m))
	if err != nil {
		t.Fatal(err)
	}
	for at := uint32(0); at < pages<<16; at += 4 {
		instance.Memory().WriteUint32Le(at, at)
	}
	results, err := instance.ExportedFunction("run").Call(ctx, argument)
	if err != nil {
		return 0, err
	}
	return results[0], nil
}

// The rewritten function computes what the original does, with the probes that its text promises.
func TestRewritten(t *testing.T) {
	for _, c := range []struct {
		name     string
		code     []byte
		want     Stats
		argument uint64
	}{
		{"two accesses share a check", code(get(0), load(4), get(0), load(8), wasmbin.OpI32Add), Stats{2, 0, 1}, 100},
		{"a new value has its own", code(get(0), load(4), set(0), get(0), load(8)), Stats{2, 0, 2}, 100},
		{"a copy shares it", code(get(0), load(4), get(0), set(1), get(1), load(8), wasmbin.OpI32Add), Stats{2, 0, 1}, 100},
		{"constants share one", code(constant(64), load(0), constant(0), load(128), wasmbin.OpI32Add), Stats{2, 2, 1}, 0},
		{"a store is looked through", code(get(0), constant(7), store(4), get(0), load(4)), Stats{2, 0, 1}, 100},
		{"behind a branch that does not set it",
			code(get(0), load(0), set(1), wasmbin.OpBlock, empty, get(1), wasmbin.OpBrIf, 0, get(0), constant(1), store(4), wasmbin.OpEnd,
				get(0), load(4)), Stats{3, 0, 1}, 100},
		{"behind a branch that sets it",
			code(get(0), load(0), set(1), wasmbin.OpBlock, empty, get(1), wasmbin.OpBrIf, 0, constant(4), set(0), wasmbin.OpEnd,
				get(0), load(4)), Stats{2, 0, 2}, 100},
		{"the arms of an if",
			code(get(0), wasmbin.OpIf, empty, get(0), load(0), set(1), wasmbin.OpElse, get(0), load(4), set(1), wasmbin.OpEnd, get(1)),
			Stats{2, 0, 2}, 100},
		{"a loop checks again",
			code(get(0), load(0), set(1), wasmbin.OpLoop, empty, get(0), load(0), set(1), get(0), constant(-4), wasmbin.OpI32Add, set(0),
				get(0), constant(8), wasmbin.OpI32Ne, wasmbin.OpBrIf, 0, wasmbin.OpEnd, get(1)), Stats{2, 0, 2}, 100},
		{"an offset out of reach is left alone", code(get(0), load(reach)), Stats{1, 0, 0}, 100},
		{"a constant that is no static address is left alone", code(constant(1<<17), load(0)), Stats{1, 0, 0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := run(t, module(bytes.Clone(c.code)), c.argument)
			if err != nil {
				t.Fatal(err)
			}
			m := module(bytes.Clone(c.code))
			stats, err := Run(m, 1<<16)
			if err != nil {
				t.Fatal(err)
			}
			if stats != c.want {
				t.Errorf("stats %+v, want %+v", stats, c.want)
			}
			if got, err := run(t, m, c.argument); err != nil || got != want {
				t.Errorf("gives %d, %v, want %d", got, err, want)
			}
		})
	}
}

// An address that is computed but not used, because its value's computation leaves, may be anything.
func TestUnusedAddressIsNotProbed(t *testing.T) {
	body := code(wasmbin.OpBlock, empty, get(0), constant(1), wasmbin.OpBrIf, 0, constant(7), store(0), wasmbin.OpEnd, constant(5))
	m := module(body)
	stats, err := Run(m, 1<<16)
	if err != nil || stats.Widened != 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
	if got, err := run(t, m, 0xffffffff); err != nil || got != 5 {
		t.Errorf("gives %d, %v", got, err)
	}
}

// An access outside memory still traps, and so does one in the slack at the end, which nothing may own.
func TestOutsideMemoryTraps(t *testing.T) {
	for _, at := range []uint64{pages << 16, pages<<16 - 8, 0xffffffff, 0xfffffff0} {
		m := module(code(get(0), load(0), get(0), load(4), wasmbin.OpI32Add))
		if _, err := Run(m, 1<<16); err != nil {
			t.Fatal(err)
		}
		if got, err := run(t, m, at); err == nil {
			t.Errorf("%#x: gives %d", at, got)
		}
	}
}

// The end of what may be owned is within one check's reach.
func TestLastOwnedByte(t *testing.T) {
	m := module(code(get(0), load(0)))
	if _, err := Run(m, 1<<16); err != nil {
		t.Fatal(err)
	}
	last := uint64((pages-1)<<16 - 4)
	if got, err := run(t, m, last); err != nil || got != last {
		t.Errorf("gives %d, %v", got, err)
	}
}

// What is not valid code is an error or left as it is, for the runtime to refuse; it is never a panic.
func TestHostileCode(t *testing.T) {
	for _, bad := range [][]byte{
		{0x0b, 0x0b}, {0x0b}, {byte(wasmbin.OpCallIndirect), 99, 0}, {byte(wasmbin.OpCall), 99}, {0xff}, {0xfd, 0},
	} {
		if _, err := Run(module(bad), 0); err == nil {
			t.Errorf("% x: no error", bad)
		}
	}
	for _, odd := range [][]byte{{0x05}, {byte(wasmbin.OpBlock), 0x63}, {byte(wasmbin.OpDrop)}, {byte(wasmbin.OpLocalGet), 0}} {
		_, _ = Run(module(odd), 0)
	}
}

func FuzzRun(f *testing.F) {
	f.Add(code(get(0), load(4), get(0), load(8), wasmbin.OpI32Add))
	f.Add(code(wasmbin.OpLoop, empty, get(0), load(0), set(1), get(1), wasmbin.OpBrIf, 0, wasmbin.OpEnd, get(1)))
	f.Fuzz(func(_ *testing.T, body []byte) { _, _ = Run(module(bytes.Clone(body)), 1<<16) })
}
