package main

import (
	"path/filepath"
	"strings"
)

// nodePrefix begins the names of the metrics of bindings/node, whose peer is Pyodide in Node.
const nodePrefix = "node/"

// startNode prepares a side of bench/node/measure.mjs, whose process is started when it is first asked.
func startNode(o options, side string) *python {
	return &python{
		interpreter: o.node, root: o.root,
		args: []string{"--expose-gc", filepath.Join(o.root, "bench/node/measure.mjs"), side},
		env:  []string{"ERYX_LIBRARY=" + o.library},
	}
}

// nodeMetrics are those of bindings/node, taken in the same way as Pyodide's.
func (e *engine) nodeMetrics() []metric {
	if e.node == nil {
		return nil
	}
	all := []metric{
		{name: "cold_start", what: "new process, import, first output, warm cache", unit: "s", count: 4, peerCount: 2},
		{name: "create_print", what: "new instance that has printed", unit: "s", count: 100, peerCount: 2},
		{name: "memory", what: "Private_Dirty per live instance that printed", unit: "bytes", count: 1},
		{name: "session_execute", what: "`print('hi')` again in a live instance", unit: "s", count: 300},
		{name: "callback_sequential", what: "500 times `await echo(x=i)`, async JavaScript function, per call", unit: "s", count: 5},
		{name: "callback_gathered", what: "`asyncio.gather` of 1,000 of them, per call", unit: "s", count: 5},
	}
	for _, name := range e.programs {
		all = append(all, metric{name: "cpu/" + name, what: e.titles[name], unit: "s", count: 1})
	}
	for i := range all {
		name := all[i].name
		all[i].name, all[i].peer, all[i].from = nodePrefix+name, name, e.pyodide
		all[i].take = func(count int) ([]float64, error) { return e.node.take(name, count) }
	}
	return all
}

// isNode tells the metrics of bindings/node from the others.
func isNode(name string) bool { return strings.HasPrefix(name, nodePrefix) }
