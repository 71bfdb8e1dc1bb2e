// Command fetch gets the pinned inputs of the guest and unpacks them into build/wasm.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tree, err := inputs.FindTree(ctx)
	if err == nil {
		err = tree.Fetch(ctx, func(line string) { fmt.Println("fetch:", line) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(1)
	}
}
