// Command stdlib makes wasm/stdlib.zip: the standard library of the pinned wheel, our replacements from
// wasm/guest/lib, and the time zone database, with every module compiled to .pyc by the guest itself.
// Run it as `go run ./wasm/cmd/stdlib`, after wasm/cmd/build.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "stdlib:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	tree, err := inputs.FindTree(ctx)
	if err != nil {
		return err
	}
	progress := func(line string) { fmt.Println("stdlib:", line) }
	if err := tree.Fetch(ctx, progress); err != nil {
		return err
	}
	files, err := collect(tree)
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("compiling %d files in the guest", len(files)))
	stage := filepath.Join(tree.Build, "stdlib")
	if err := compile(ctx, files, stage); err != nil {
		return err
	}
	archive, err := pack(files)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(archive)
	if err := os.WriteFile(filepath.Join(tree.Source, "stdlib.zip"), archive, 0o644); err != nil {
		return err
	}
	progress(fmt.Sprintf("wrote stdlib.zip, %d bytes", len(archive)))
	return os.WriteFile(filepath.Join(tree.Source, "stdlib.sha256"), []byte(hex.EncodeToString(sum[:])+"\n"), 0o644)
}
