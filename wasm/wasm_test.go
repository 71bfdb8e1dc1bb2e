package wasm

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
	"github.com/eryx-go/eryx/wasm/internal/instrument"
	"github.com/eryx-go/eryx/wasm/internal/recipe"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

func decodeGuest(t *testing.T) *wasmbin.Module {
	t.Helper()
	code, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmbin.Decode(code)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDigests(t *testing.T) {
	if _, err := Module(); err != nil {
		t.Error(err)
	}
	if _, err := Data(); err != nil {
		t.Error(err)
	}
	if _, err := decompress("guest.data", compressedData, readDigests().ModuleSHA256); err == nil {
		t.Error("a wrong digest was accepted")
	}
	if len(BuildID()) != 32 {
		t.Errorf("BuildID is %q", BuildID())
	}
}

// TestUpToDate checks that what is embedded was built from the sources here, with full optimisation and counting.
func TestUpToDate(t *testing.T) {
	tree := inputs.Tree{Source: "."}
	source, err := (&recipe.Build{Tree: tree, Shim: filepath.Join("guest", "shim"), StackSize: recipe.StackSize}).SourceDigest()
	if err != nil {
		t.Fatal(err)
	}
	d := readDigests()
	if d.SourceSHA256 != source {
		t.Error("the sources have changed since the module was built: run `make wasm`")
	}
	if d.Optimisation != "3" || d.Counting != string(instrument.SkipShort) {
		t.Errorf("built with -O%s -mode %s: run `make wasm`", d.Optimisation, d.Counting)
	}
}

// TestExports checks that the module exports what exports.txt lists, the functions of the symbols with their
// signatures, and nothing else.
func TestExports(t *testing.T) {
	text, err := os.ReadFile("exports.txt")
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := readSymbols()
	if err != nil {
		t.Fatal(err)
	}
	m := decodeGuest(t)
	var have []string
	found := 0
	for _, e := range m.Exports {
		f, ok := symbols.Functions[e.Name]
		if !ok {
			have = append(have, e.Name)
			continue
		}
		found++
		if typ, err := m.FuncType(e.Index); err != nil || e.Kind != wasmbin.KindFunc || typ.Key() != f.Type.Key() {
			t.Errorf("%s is not of the type that the symbols say (%v)", e.Name, err)
		}
	}
	slices.Sort(have)
	want := strings.Fields(string(text))
	if !slices.Equal(have, want) {
		t.Errorf("exports are\n%s\nexports.txt says\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	if found != len(symbols.Functions) {
		t.Errorf("%d of %d symbols are exported", found, len(symbols.Functions))
	}
}

// TestSymbols checks that functions of the table are where the symbols say, and data inside the module's.
func TestSymbols(t *testing.T) {
	symbols, err := readSymbols()
	if err != nil {
		t.Fatal(err)
	}
	m := decodeGuest(t)
	table := map[uint32]uint32{} // by slot
	for _, e := range m.Elements {
		start, err := wasmbin.ConstantI32(e.Offset)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range e.Funcs {
			table[start+uint32(i)] = f
		}
	}
	for _, e := range m.Exports {
		if f, ok := symbols.Functions[e.Name]; ok && f.Slot != 0 && table[f.Slot] != e.Index {
			t.Errorf("%s is function %d, but %d is in slot %d", e.Name, e.Index, table[f.Slot], f.Slot)
		}
	}
	for name, at := range symbols.Data {
		if at > HeapAddress() && !strings.HasPrefix(name, "__heap") {
			t.Errorf("%s is at %#x, the data ends at %#x", name, at, HeapAddress())
		}
	}
	for _, name := range []string{"PyList_New", "PyType_FromSpec", "_Py_Dealloc", "malloc", "memcpy", "snprintf", "sin"} {
		if _, ok := symbols.Functions[name]; !ok {
			t.Errorf("no function %s", name)
		}
	}
	for _, name := range []string{"_Py_NoneStruct", "PyExc_ValueError", "PyLong_Type", "errno"} {
		if symbols.Data[name] == 0 {
			t.Errorf("no datum %s", name)
		}
	}
}

// TestImports checks that the module needs nothing but what the host provides.
func TestImports(t *testing.T) {
	m := decodeGuest(t)
	for _, i := range m.Imports {
		if i.Kind != wasmbin.KindFunc || (i.Module != "wasi_snapshot_preview1" && i.Module != "eryx") {
			t.Errorf("unexpected import %s.%s of kind %d", i.Module, i.Name, i.Kind)
		}
	}
	if m.Start != nil {
		t.Error("the module has a start function")
	}
	if len(m.Data) != 0 || m.DataCount != nil {
		t.Error("the module has data segments")
	}
	if len(m.Customs) != 0 {
		t.Errorf("the module has a custom section %q", m.Customs[0].Name)
	}
}

// TestLayout checks that stack, data and heap follow one another inside the initial memory.
func TestLayout(t *testing.T) {
	m := decodeGuest(t)
	data, err := Data()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Memories) != 1 || m.Memories[0].Max != 65536 {
		t.Fatalf("memories are %v", m.Memories)
	}
	if DataAddress() != StackBytes() {
		t.Errorf("data is at %#x, the stack ends at %#x", DataAddress(), StackBytes())
	}
	if end := DataAddress() + uint32(len(data)); end > HeapAddress() || uint64(HeapAddress()) > m.Memories[0].Min*65536 {
		t.Errorf("data ends at %#x, heap begins at %#x, memory has %d pages", end, HeapAddress(), m.Memories[0].Min)
	}
}
