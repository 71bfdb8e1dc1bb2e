// Command extension compiles an extension module in C for the sandbox, with the pinned compiler:
//
//	go run ./wasm/cmd/extension -headers Include -o spam.cpython-314-wasm32-wasi.so spam.c [more.c ...] [-- flags of the compiler]
//
// -headers names the folder of CPython's headers, which are not part of Eryx; pyconfig.h is replaced by the guest's.
// See docs/native-extensions.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
)

// What every extension needs: position independent code, and none of what the sandbox does not run (SIMD,
// exceptions, threads).
var compileFlags = []string{
	"-target", "wasm32-wasi", "-fPIC", "-O2", "-g0", "-fno-ident", "-mbulk-memory", "-mnontrapping-fptoint", "-msign-ext",
	"-mmutable-globals", "-mno-simd128", "-Wall",
}

var linkFlags = []string{
	"wasm-ld", "-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic", "--no-entry",
	"--export-if-defined=__wasm_call_ctors",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "extension:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	out := flag.String("o", "", "the `file` to write, such as spam.cpython-314-wasm32-wasi.so")
	headers := flag.String("headers", "", "the `folder` with Python.h")
	flag.Parse()
	sources, flags := flag.Args(), []string(nil)
	if i := slices.Index(sources, "--"); i >= 0 {
		sources, flags = sources[:i], sources[i+1:]
	}
	if *out == "" || len(sources) == 0 {
		return errors.New("usage: extension -o FILE SOURCE... [-- FLAG...]")
	}
	tree, err := inputs.FindTree(ctx)
	if err != nil {
		return err
	}
	if err := tree.FetchZig(ctx, func(line string) { fmt.Fprintln(os.Stderr, "extension:", line) }); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "eryx-extension-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if *headers != "" {
		include := filepath.Join(work, "include")
		if err := copyHeaders(*headers, include); err != nil {
			return err
		}
		flags = append([]string{"-I" + include}, flags...)
	}
	return build(ctx, tree, work, sources, flags, *out)
}

// build compiles the sources, in the folder work, and links them into one shared library.
func build(ctx context.Context, tree inputs.Tree, work string, sources, flags []string, out string) error {
	link := slices.Clone(linkFlags)
	for i, source := range sources {
		object := filepath.Join(work, strconv.Itoa(i)+".o")
		if err := zig(ctx, tree, slices.Concat([]string{"cc"}, compileFlags, flags, []string{"-c", source, "-o", object})); err != nil {
			return err
		}
		link = append(link, object)
	}
	return zig(ctx, tree, append(link, "-o", out))
}

func zig(ctx context.Context, tree inputs.Tree, args []string) error {
	cache := filepath.Join(tree.Build, "cache", "zig")
	cmd := exec.CommandContext(ctx, tree.Zig(), args...)
	cmd.Env = append(os.Environ(), "ZIG_GLOBAL_CACHE_DIR="+cache, "ZIG_LOCAL_CACHE_DIR="+cache)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", args[0], err, text)
	}
	return nil
}
