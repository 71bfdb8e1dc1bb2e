package main

import "path/filepath"

// metric is one thing to measure. Those with peer have the same name in bench/peer/measure.py.
type metric struct {
	name, what, unit string
	count            int // samples per turn
	peer             bool
	take             func(count int) ([]float64, error)
}

const (
	sequential = "for i in range(500):\n    await echo(x=i)\n"
	gathered   = "import asyncio\ngot = await asyncio.gather(*[echo(x=i) for i in range(1000)])\n" +
		"assert [g['x'] for g in got] == list(range(1000))\n"
	spin      = "while True: pass"
	builtin   = "sum(range(10**12))"
	backtrack = "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"
)

// metrics are all that is measured, in order.
func (e *engine) metrics() []metric {
	command := filepath.Clean(e.options.command)
	all := []metric{
		{"create_print", "new sandbox, `print('hi')`, close", "s", 150, true, e.createPrint},
		{"recycled_ready", "new session from a recycled guest, before it runs", "s", 300, false, e.recycledReady},
		{"session_execute", "`print('hi')` again in a live session", "s", 300, true, e.sessionExecute},
		{"create_rate", "sandboxes made, run and closed on 2 threads", "1/s", 1, true, e.createRate},
		{"session_memory", "Private_Dirty per live session that printed, over 100", "bytes", 1, true, inChild("session_memory")},
		{"cold_start", "command: process start to first output, warm cache", "s", 5, true, func(n int) ([]float64, error) { return coldStart(command, n) }},
		{"gc_while_spinning", "`runtime.GC()` while 8 guests spin", "s", 10, false, inChild("gc_while_spinning")},
		{"stop/loop", "deadline to return: `while True: pass`", "s", 5, false, inChild("stop/loop")},
		{"stop/builtin", "deadline to return: `sum(range(10**12))`", "s", 3, false, inChild("stop/builtin")},
		{"stop/regex", "deadline to return: `(a+)+$` against 60 a's and a b", "s", 3, false, inChild("stop/regex")},
		{"callback_sequential", "500 times `await echo(x=i)`, per call", "s", 3, true, e.callbacks(sequential, 500)},
		{"callback_gathered", "`asyncio.gather` of 1,000 `echo`, per call", "s", 3, true, e.callbacks(gathered, 1000)},
		{"callback_10000", "10,000 callbacks of 50 ms gathered, all", "s", 1, false, e.tenThousand},
		{"waiting_memory", "Private_Dirty per session that awaits a callback, over 1,000", "bytes", 1, false, inChild("waiting_memory")},
		{"waiting_goroutines", "goroutines per session that awaits a callback, over 1,000", "", 1, false, inChild("waiting_goroutines")},
	}
	for _, module := range []string{"http.client", "unittest", "statistics", "argparse"} {
		all = append(all, metric{"import/" + module, "first `import " + module + "` in a fresh guest", "s", 5, true, e.importTime(module)})
	}
	for _, name := range e.programs {
		all = append(all, metric{"cpu/" + name, e.titles[name], "s", 2, true, e.cpu(name)})
	}
	return all
}
