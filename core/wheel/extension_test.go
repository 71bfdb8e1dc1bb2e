package wheel

import (
	"errors"
	"strings"
	"testing"
)

// TestExtensionModules checks which machine code a wheel may hold, and the reason when it may not.
func TestExtensionModules(t *testing.T) {
	const module, component, elf = "\x00asm\x01\x00\x00\x00...", "\x00asm\x0d\x00\x01\x00", "\x7fELF\x02\x01\x01\x00"
	wasi, pure := "p-1-cp314-cp314-wasi_0_0_wasm32.whl", "p-1-py3-none-any.whl"
	for name, c := range map[string]struct {
		file    string
		entries []entry
		reason  string // "" when it is taken
	}{
		"WASI":              {wasi, []entry{{name: "p/x.cpython-314-wasm32-wasi.so", text: module}}, ""},
		"stable ABI":        {"p-1-cp312-abi3-wasi_0_0_wasm32.whl", []entry{{name: "p/x.abi3.so", text: module}}, ""},
		"in any":            {pure, []entry{{name: "x.cpython-314-wasm32-wasi.so", text: module}}, ""},
		"also others":       {pure, []entry{{name: "x.cpython-314-wasm32-wasi.so", text: module}, {name: "x.cpython-314-x86_64-linux-gnu.so", text: elf}}, ""},
		"also pure":         {pure, []entry{{name: "p/x.py"}, {name: "p/x.cpython-314-x86_64-linux-gnu.so", text: elf}}, ""},
		"a plain library":   {pure, []entry{{name: "p/data/libx.so", text: elf}}, ""},
		"Linux":             {wasi, []entry{{name: "p/x.cpython-314-x86_64-linux-gnu.so", text: elf}}, "built for cpython-314-x86_64-linux-gnu"},
		"Windows":           {pure, []entry{{name: "p/x.cp314-win_amd64.pyd", text: "MZ"}}, "built for Windows"},
		"another Python":    {pure, []entry{{name: "p/x.cpython-313-wasm32-wasi.so", text: module}}, "built for cpython-313-wasm32-wasi"},
		"Linux's stable":    {pure, []entry{{name: "p/x.abi3.so", text: elf}}, "it is built for Linux"},
		"macOS's stable":    {pure, []entry{{name: "p/x.abi3.so", text: "\xcf\xfa\xed\xfe\x07"}}, "it is built for macOS"},
		"wrong name":        {wasi, []entry{{name: "p/x.cpython-314-wasm32-wasi.so", text: elf}}, "it is built for Linux"},
		"component":         {wasi, []entry{{name: "p/x.cpython-314-wasm32-wasi.so", text: component}}, "component"},
		"garbage":           {wasi, []entry{{name: "p/x.cpython-314-wasm32-wasi.so", text: "x"}}, "no WebAssembly"},
		"platform of linux": {"p-1-cp314-cp314-linux_x86_64.whl", []entry{{name: "p/x.cpython-314-wasm32-wasi.so", text: module}}, "platform linux_x86_64"},
		"threads":           {"p-1-cp314-cp314-emscripten_4_0_9_wasm32.whl", []entry{{name: "p/x.cpython-314-wasm32-emscripten.so", text: module}}, "platform emscripten_4_0_9_wasm32"},
	} {
		t.Run(name, func(t *testing.T) {
			data := wheelOf(t, append(c.entries, entry{name: "p/__init__.py"})...)
			_, err := Parse(c.file, data, FormatUnknown, Options{})
			if c.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("want a refusal with %q, got %v", c.reason, err)
			}
			if _, err := Parse(c.file, data, FormatUnknown, Options{DropNative: true}); err != nil {
				t.Errorf("without its machine code: %v", err)
			}
		})
	}
}
