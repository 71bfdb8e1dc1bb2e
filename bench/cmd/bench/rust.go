package main

import (
	"os"
	"path/filepath"
	"strings"
)

// rustPrefix begins the names of the metrics of bindings/rust.
const rustPrefix = "rust/"

// startRust prepares the program of bench/rust, whose process is started when it is first asked; nil when it was not built.
func startRust(o options) *python {
	program := filepath.Join(o.root, "bindings/rust/target/release/eryx-bench")
	if _, err := os.Stat(program); err != nil {
		return nil
	}
	return &python{interpreter: program, root: o.root, env: []string{"ERYX_LIBRARY=" + o.library}}
}

// rustMetrics are those of bindings/rust. What a call costs in the C interface alone is measured beside it, in turns.
func (e *engine) rustMetrics() []metric {
	if e.rust == nil {
		return nil
	}
	all := []metric{
		{name: "create_print", what: "fresh sandbox that has printed", unit: "s", count: 100},
		{name: "session_execute", what: "`print('hi')` again in a live session", unit: "s", count: 300},
		{name: "callback_abi", what: "500 times `await echo(x=i)`, answered through the C interface alone, per call", unit: "s", count: 10},
		{name: "callback_inline", what: "the same with `Callback::inline`, per call", unit: "s", count: 10},
		{name: "callback_inline_overhead", what: "what the crate adds to such a call: difference of the minima of 100 turns each", unit: "s", count: 6},
		{name: "callback_sequential", what: "the same with an async function, in the task that awaits the execution, per call", unit: "s", count: 5},
		{name: "callback_gathered", what: "`asyncio.gather` of 1,000 of them, per call", unit: "s", count: 5},
	}
	for i := range all {
		name := all[i].name
		all[i].name = rustPrefix + name
		all[i].take = func(count int) ([]float64, error) { return e.rust.take(name, count) }
	}
	return all
}

// isRust tells the metrics of bindings/rust from the others.
func isRust(name string) bool { return strings.HasPrefix(name, rustPrefix) }
