// Command link merges position independent libraries into one module: link [flags] shim.so library.so ...
// The first library's functions override those of the others.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/linker"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "link:", err)
		os.Exit(1)
	}
}

func run() error {
	stack := flag.Uint("stack-size", 2<<20, "shadow stack in `bytes`")
	module := flag.String("o", "linked.wasm", "`file` for the module")
	data := flag.String("data", "linked.data", "`file` for the initial memory")
	exports := flag.String("exports", "eryx_*", "functions of the shim to export, comma-separated `patterns`")
	hosts := flag.String("hosts", "wasi_snapshot_preview1,eryx", "import `modules` that the host provides")
	stubs := flag.String("stubs", "wasi:", "`prefix` of import modules to replace by functions that trap")
	flag.Parse()
	var libraries []linker.Input
	for _, path := range flag.Args() {
		code, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		libraries = append(libraries, linker.Input{Name: filepath.Base(path), Wasm: code})
	}
	result, err := linker.Link(libraries, linker.Options{
		StackSize: uint32(*stack), Exports: strings.Split(*exports, ","),
		HostModules: strings.Split(*hosts, ","), StubPrefix: *stubs,
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(*module, wasmbin.Encode(result.Module), 0o644); err != nil {
		return err
	}
	fmt.Printf("data at %#x, heap at %#x\n", result.DataStart, result.HeapBase)
	fmt.Printf("overrides: %s\n", strings.Join(result.Overrides, " "))
	fmt.Printf("stubs: %s\n", strings.Join(result.Stubs, " "))
	return os.WriteFile(*data, result.Data, 0o644)
}
