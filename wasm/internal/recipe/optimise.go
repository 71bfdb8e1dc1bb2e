package recipe

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// What wazero refuses must not be written, so everything beyond these features is off.
var features = []string{
	"--mvp-features", "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-sign-ext",
	"--enable-nontrapping-float-to-int", "--enable-mutable-globals", "--enable-multivalue",
	"--enable-reference-types", "--enable-call-indirect-overlong", "--enable-extended-const",
}

// optimise runs Binaryen's wasm-opt. The result keeps its function names; publish strips them.
func (b *Build) optimise(ctx context.Context, m *wasmbin.Module) ([]byte, error) {
	module := wasmbin.Encode(m)
	if b.Level == "0" {
		return module, nil
	}
	in, out := filepath.Join(b.Work, "linked.wasm"), filepath.Join(b.Work, "optimised.wasm")
	if err := os.WriteFile(in, module, 0o644); err != nil {
		return nil, err
	}
	args := slices.Concat(features, []string{"-g", "-O" + b.Level, in, "-o", out})
	if err := b.run(ctx, b.Work, nil, b.Tree.Binaryen("wasm-opt"), args...); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}
