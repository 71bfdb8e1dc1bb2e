// Command precompile writes the interpreter's machine code for this kind of processor to a file, for packages to ship:
//
//	go run ./capi/precompile build/code.tar.zst
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/eryx-go/eryx/capi/precompiled"
	"github.com/eryx-go/eryx/core"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: precompile FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "precompile:", err)
		os.Exit(1)
	}
}

func run(path string) (err error) {
	dir, err := os.MkdirTemp("", "eryx-precompile")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rt, err := core.NewRuntime(context.Background(), core.RuntimeConfig{CacheDir: dir})
	if err != nil {
		return err
	}
	if err := rt.Close(); err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(precompiled.Pack(out, dir), out.Close())
}
