// Package recipe builds the guest: it compiles the shim, links it with the libraries, optimises and instruments
// the result, and writes the artifacts that package wasm embeds.
package recipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/eryx-go/eryx/wasm/internal/bounds"
	"github.com/eryx-go/eryx/wasm/internal/inputs"
	"github.com/eryx-go/eryx/wasm/internal/instrument"
	"github.com/eryx-go/eryx/wasm/internal/linker"
	"github.com/eryx-go/eryx/wasm/internal/stackcheck"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Build is one run of the recipe.
type Build struct {
	Tree      inputs.Tree
	Shim      string // folder of the shim's C files
	Out       string // folder of the artifacts
	Work      string // folder of what is made on the way
	Level     string // "0" (no Binaryen) to "3"
	Mode      instrument.Mode
	StackSize uint32 // bytes
	Progress  func(string)
}

// Run executes all steps and writes the artifacts.
func (b *Build) Run(ctx context.Context) error {
	if err := b.step("fetch", func() error { return b.Tree.Fetch(ctx, b.Progress) }); err != nil {
		return err
	}
	var shim string
	err := b.step("compile", func() (err error) { shim, err = b.compileShim(ctx); return err })
	if err != nil {
		return err
	}
	var linked *linker.Result
	if err := b.step("link", func() (err error) { linked, err = b.Link(shim); return err }); err != nil {
		return err
	}
	if err := b.step("check the stack", func() error { return b.checkStack(linked.Module) }); err != nil {
		return err
	}
	var module []byte
	err = b.step("optimise -O"+b.Level, func() (err error) { module, err = b.optimise(ctx, linked.Module); return err })
	if err != nil {
		return err
	}
	err = b.step("instrument "+string(b.Mode), func() (err error) { module, err = b.instrument(module); return err })
	if err != nil {
		return err
	}
	err = b.step("widen checks", func() (err error) { module, err = b.widen(module, linked.HeapBase); return err })
	if err != nil {
		return err
	}
	return b.step("publish", func() error { return b.publish(module, linked) })
}

func (b *Build) step(name string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.Progress(fmt.Sprintf("%-24s %6.1f s", name, time.Since(start).Seconds()))
	return nil
}

// Link links the shim with the libraries of inputs.json.
func (b *Build) Link(shim string) (*linker.Result, error) {
	pins, err := b.Tree.Pins()
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile(shim)
	if err != nil {
		return nil, err
	}
	libraries := []linker.Input{{Name: "shim", Wasm: code}}
	for _, name := range pins.Libraries {
		code, err := os.ReadFile(b.Tree.Library(name))
		if err != nil {
			return nil, err
		}
		libraries = append(libraries, linker.Input{Name: name, Wasm: code})
	}
	symbols, err := b.Symbols()
	if err != nil {
		return nil, err
	}
	linked, err := linker.Link(libraries, linker.Options{
		StackSize: b.StackSize, Exports: []string{"eryx_*"}, Symbols: symbols, TableGrowth: TableGrowth,
		HostModules: []string{"wasi_snapshot_preview1", "eryx"}, StubPrefix: "wasi:",
	})
	if err == nil {
		b.Progress(fmt.Sprintf("linked %d functions, %d table entries, %d KiB data, heap at %#x, %d overrides, %d stubs left",
			len(linked.Module.Code), linked.Module.Tables[0].Limits.Min, len(linked.Data)>>10, linked.HeapBase,
			len(linked.Overrides), len(linked.Stubs)))
	}
	return linked, err
}

// TableGrowth is how many slots of the function table all extensions of a guest may take together.
const TableGrowth = 1 << 16

// Symbols reads symbols.txt: the functions that extensions may call, "#" begins a comment.
func (b *Build) Symbols() ([]string, error) {
	data, err := os.ReadFile(filepath.Join(b.Tree.Source, "symbols.txt"))
	var names []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		names = append(names, strings.Fields(line)...)
	}
	return names, err
}

// StackSize is the size of the shadow stack in bytes. The native stack of a guest grows with it, several times
// as fast, and is the host's memory.
const StackSize = 2 << 20

// StackReserve is how much of the shadow stack, in bytes, is left for code that does not check it.
const StackReserve = 512 << 10

// checkStack puts replacements in place and guards the functions of stackcheck.txt.
func (b *Build) checkStack(m *wasmbin.Module) error {
	text, err := os.ReadFile(filepath.Join(b.Tree.Source, "stackcheck.txt"))
	if err != nil {
		return err
	}
	checks, err := stackcheck.Parse(text)
	if err != nil {
		return err
	}
	if err := replace(m); err != nil {
		return err
	}
	return stackcheck.Apply(m, checks, StackReserve)
}

func (b *Build) instrument(module []byte) ([]byte, error) {
	m, err := wasmbin.Decode(module)
	if err != nil {
		return nil, err
	}
	stats, err := instrument.Run(m, b.Mode)
	if err != nil {
		return nil, err
	}
	b.Progress(stats.String())
	return wasmbin.Encode(m), nil
}

// widen makes one check serve many memory accesses (package bounds).
func (b *Build) widen(module []byte, static uint32) ([]byte, error) {
	m, err := wasmbin.Decode(module)
	if err != nil {
		return nil, err
	}
	stats, err := bounds.Run(m, static)
	if err != nil {
		return nil, err
	}
	b.Progress(stats.String())
	return wasmbin.Encode(m), nil
}
