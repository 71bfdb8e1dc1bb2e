// Command go is the quick start: untrusted code that awaits two functions of the host at once, a session, a limit, a
// snapshot.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/eryx-go/eryx/core"
)

// prices stands for a service that takes a while to answer.
var prices = map[string]float64{"ACME": 12.5, "INITECH": 7.25}

func getPrice(ctx context.Context, args map[string]any) (any, error) {
	symbol, _ := args["symbol"].(string)
	price, ok := prices[symbol]
	if !ok {
		return nil, fmt.Errorf("no such symbol: %q", symbol)
	}
	select {
	case <-time.After(50 * time.Millisecond):
		return price, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func main() {
	ctx := context.Background()
	rt, err := core.NewRuntime(ctx, core.RuntimeConfig{
		Progress: func(text string) { fmt.Fprintln(os.Stderr, text) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	session, err := rt.NewSession(core.Config{
		Callbacks: []core.Callback{{Name: "get_price", Description: "The price of a symbol.", Func: getPrice}},
		Limits:    core.Limits{ExecutionTimeout: time.Second},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	run(ctx, session, `
import asyncio
acme, initech = await asyncio.gather(get_price(symbol="ACME"), get_price(symbol="INITECH"))
print(f"ACME {acme}, INITECH {initech}")
`)
	run(ctx, session, `print("the session remembers:", acme + initech)`)
	run(ctx, session, `while True: pass`)
	run(ctx, session, `print("and lives on:", acme)`)

	image, err := session.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	restored, err := rt.NewSessionFrom(image, core.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer restored.Close()
	run(ctx, restored, `print("restored:", acme + initech)`)
}

// run executes code and prints what came of it.
func run(ctx context.Context, session *core.Session, code string) {
	result, err := session.Execute(ctx, code)
	fmt.Printf("%s", result.Stdout)
	var failure *core.Error
	if errors.As(err, &failure) {
		fmt.Printf("%s: %s\n", failure.Code, failure.Message)
	}
}
