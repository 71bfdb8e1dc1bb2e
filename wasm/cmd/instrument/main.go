// Command instrument adds the preemption counter to a linked module: instrument [-mode m] in.wasm out.wasm.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/eryx-go/eryx/wasm/internal/instrument"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "instrument:", err)
		os.Exit(1)
	}
}

func run() error {
	mode := flag.String("mode", string(instrument.SkipShort), "loops to count: count-all, skip-short, loops-only, none")
	flag.Parse()
	if flag.NArg() != 2 {
		return errors.New("usage: instrument [-mode m] in.wasm out.wasm")
	}
	code, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		return err
	}
	m, err := wasmbin.Decode(code)
	if err != nil {
		return err
	}
	stats, err := instrument.Run(m, instrument.Mode(*mode))
	if err != nil {
		return err
	}
	fmt.Println(stats)
	return os.WriteFile(flag.Arg(1), wasmbin.Encode(m), 0o644)
}
