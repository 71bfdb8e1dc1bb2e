// Command build makes the guest module from its pinned inputs: fetch, compile, link, optimise, instrument,
// publish. Run it as `go run ./wasm/cmd/build`; -O0 leaves Binaryen out and takes seconds.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
	"github.com/eryx-go/eryx/wasm/internal/instrument"
	"github.com/eryx-go/eryx/wasm/internal/recipe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "wasm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	level := flag.String("O", "3", "optimisation `level`: 0 (without Binaryen), 1, 2, 3")
	fast := flag.Bool("O0", false, "short for -O=0")
	mode := flag.String("mode", string(instrument.SkipShort), "loops to count: count-all, skip-short, loops-only, none")
	stack := flag.Uint("stack-size", recipe.StackSize, "shadow stack in `bytes`")
	shim := flag.String("shim", "", "`folder` of the shim's C files (default wasm/guest/shim)")
	out := flag.String("out", "", "`folder` for the artifacts and everything else, for experiments (default wasm and build/wasm)")
	flag.Parse()
	if *fast {
		*level = "0"
	}
	tree, err := inputs.FindTree(ctx)
	if err != nil {
		return err
	}
	if *shim == "" {
		*shim = filepath.Join(tree.Source, "guest", "shim")
	}
	b := recipe.Build{
		Tree: tree, Shim: *shim, Out: *out, Work: *out, Level: *level, Mode: instrument.Mode(*mode), StackSize: uint32(*stack),
		Progress: func(line string) { fmt.Println("wasm:", line) },
	}
	if b.Out == "" {
		b.Out, b.Work = tree.Source, tree.Build
	}
	for _, path := range []*string{&b.Shim, &b.Out, &b.Work} { // commands run in folders of their own
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return b.Run(ctx)
}
