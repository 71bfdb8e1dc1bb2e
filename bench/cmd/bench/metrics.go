package main

import (
	"path/filepath"
	"strings"
	"sync"
)

// metric is one thing to measure.
type metric struct {
	name, what, unit string
	count            int     // samples per turn
	peerCount        int     // samples per turn of the peer; 0: as many
	from             *python // who is asked instead of the peer
	once             bool    // one turn is enough: it takes long, and others do not disturb it
	peer             string  // what the peer is asked for, a name in bench/peer/measure.py; "": nothing
	take             func(count int) ([]float64, error)
}

const (
	sequential = "for i in range(500):\n    await echo(x=i)\n"
	gathered   = "import asyncio\ngot = await asyncio.gather(*[echo(x=i) for i in range(1000)])\n" +
		"assert got == list(range(1000))\n"
	spin      = "while True: pass"
	builtin   = "sum(range(10**12))"
	backtrack = "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"
)

// imports are timed one by one; measure.py has the same.
var imports = []string{"http.client", "unittest", "statistics", "argparse"}

// factoryImports are modules that are not in the runtime's own image; measure.py has the same.
var factoryImports = []string{
	"xml.dom.minidom", "unittest.mock", "logging.config", "pydoc", "mailbox", "plistlib", "doctest", "xmlrpc.client", "tarfile",
}

// metrics are all that is measured, in order.
func (e *engine) metrics() []metric {
	all := append(e.startMetrics(), e.callbackMetrics()...)
	all = append(all, e.stateMetrics()...)
	all = append(all, e.filesMetrics()...)
	all = append(all, e.networkMetrics()...)
	all = append(all, e.bindingMetrics()...)
	all = append(all, e.nodeMetrics()...)
	all = append(all, e.rustMetrics()...)
	for _, module := range imports {
		all = append(all, metric{name: "import/" + module, what: "first `import " + module + "` in a fresh guest", unit: "s",
			count: 5, peer: "import/" + module, take: e.importTime(module)})
	}
	for _, name := range e.programs {
		all = append(all, metric{name: "cpu/" + name, what: e.titles[name], unit: "s", count: 2, peer: "cpu/" + name, take: e.cpu(name)})
	}
	return all
}

func (e *engine) startMetrics() []metric {
	command := filepath.Clean(e.options.command)
	cold := func(n int) ([]float64, error) { return coldStart(command, n) }
	return []metric{
		{name: "create_print", what: "new sandbox, `print('hi')`, close", unit: "s", count: 150, peer: "create_print", take: e.createPrint},
		{name: "recycled_ready", what: "new session from a recycled guest, before it runs", unit: "s", count: 300, take: e.recycledReady},
		{name: "session_execute", what: "`print('hi')` again in a live session", unit: "s", count: 300, peer: "session_execute", take: e.sessionExecute},
		{name: "session_new", what: "`print('hi 1')`, `print('hi 2')` and so on, each new to the session", unit: "s", count: 300, peer: "session_new", take: e.sessionNew},
		{name: "create_rate", what: "sandboxes made, run and closed on 2 threads", unit: "1/s", count: 1, peer: "create_rate", take: e.createRate},
		{name: "session_memory", what: "Private_Dirty per live session that printed, over 100", unit: "bytes", count: 1, peer: "session_memory", take: inChild("session_memory")},
		{name: "cold_start", what: "command: process start to first output, warm cache", unit: "s", count: 5, peer: "cold_start", take: cold},
		{name: "gc_while_spinning", what: "`runtime.GC()` while 8 guests spin", unit: "s", count: 10, take: inChild("gc_while_spinning")},
		{name: "stop/loop", what: "deadline to return: `while True: pass`", unit: "s", count: 5, take: inChild("stop/loop")},
		{name: "stop/builtin", what: "deadline to return: `sum(range(10**12))`", unit: "s", count: 3, take: inChild("stop/builtin")},
		{name: "stop/regex", what: "deadline to return: `(a+)+$` against 60 a's and a b", unit: "s", count: 3, take: inChild("stop/regex")},
	}
}

// pick takes one of the samples that a measurement gives at once.
func pick(take func() ([]float64, error), which int) func(int) ([]float64, error) {
	return func(int) ([]float64, error) {
		samples, err := take()
		if err != nil {
			return nil, err
		}
		return samples[which : which+1], nil
	}
}

func (e *engine) callbackMetrics() []metric {
	waiting := sync.OnceValues(func() ([]float64, error) { return inChild("waiting")(1) })
	return []metric{
		{name: "callback_sequential", what: "500 times `await echo(x=i)`, per call", unit: "s", count: 20, peer: "callback_sequential", take: e.callbacks(sequential, 500)},
		{name: "callback_gathered", what: "`asyncio.gather` of 1,000 `echo`, per call", unit: "s", count: 20, peer: "callback_gathered", take: e.callbacks(gathered, 1000)},
		{name: "callback_10000", what: "10,000 callbacks of 50 ms gathered, all", unit: "s", count: 1, take: e.tenThousand},
		{name: "waiting_memory", what: "Private_Dirty per session that awaits a callback, over 10,000", unit: "bytes", count: 1, once: true, take: pick(waiting, waitingBytes)},
		{name: "waiting_goroutines", what: "goroutines per session that awaits a callback, over 10,000", count: 1, once: true, take: pick(waiting, waitingGoroutines)},
		{name: "waiting_threads", what: "threads of the process per session that awaits a callback, over 10,000", count: 1, once: true, take: pick(waiting, waitingThreads)},
		{name: "trace_factor", what: "a loop with `Trace` on, in times of the loop without", count: 3, take: e.traceFactor},
	}
}

func (e *engine) stateMetrics() []metric {
	return []metric{
		{name: "snapshot_state", what: "pickle a session that holds a dict of 10,000 entries", unit: "s", count: 2, peer: "snapshot_state", take: e.snapshotState},
		{name: "image/take", what: "`Snapshot` of a fresh session and 1 MiB of random bytes", unit: "s", count: 20, take: e.imageTake},
		{name: "image/restore", what: "`Restore` of that image", unit: "s", count: 20, take: e.imageRestore},
		{name: "fork", what: "`Fork` of that session", unit: "s", count: 20, take: e.fork},
		{name: "fork_changed", what: "`Fork` of that session, which has printed since the last one", unit: "s", count: 20, take: e.forkChanged},
		{name: "image_bytes", what: "size of the image of a session that printed", unit: "bytes", count: 1, once: true, take: e.imageBytes},
		{name: "checkpoint_cost", what: "`print('hi')` in a session with 1 MiB and `Checkpoint`, in times of one without", count: 30, take: e.checkpointCost},
		{name: "store_return", what: "`print('hi')` in a session with 1 MiB that is on disk, while another one moves there", unit: "s", count: 10, take: e.storeReturn},
		{name: "fork_memory", what: "Private_Dirty per fork of a session with 16 MiB, over 100", unit: "bytes", count: 1, take: inChild("fork_memory")},
		{name: "factory_build", what: "factory that imports " + strings.Join(factoryImports, ", "), unit: "s", count: 1, once: true, peer: "factory_build", take: e.factoryBuild},
		{name: "factory_factor", what: "building that factory, in times of importing in a fresh session", count: 3, take: e.factoryFactor},
	}
}

// bindingMetrics are those of bindings/python, which measure.py takes in the same way as the peer's.
func (e *engine) bindingMetrics() []metric {
	if e.binding == nil {
		return nil
	}
	const prefix = "python/"
	all := []metric{
		{name: "create_print", what: "`Sandbox().execute(\"print('hi')\")`", unit: "s", count: 150, peer: "create_print"},
		{name: "session_execute", what: "`execute(\"print('hi')\")` again in a live session", unit: "s", count: 300, peer: "session_execute"},
		{name: "session_new", what: "programs that are new to the session", unit: "s", count: 300, peer: "session_new"},
		{name: "callback_sequential", what: "500 times `await echo(x=i)`, plain function, `execute`, per call", unit: "s", count: 5, peer: "callback_sequential"},
		{name: "callback_gathered", what: "`asyncio.gather` of 1,000 of them, per call", unit: "s", count: 5, peer: "callback_gathered"},
		{name: "async_sequential", what: "500 times `await echo(x=i)`, async function in the caller's loop, `execute_async`, per call", unit: "s", count: 3},
		{name: "async_gathered", what: "`asyncio.gather` of 1,000 of them, per call", unit: "s", count: 3},
		{name: "snapshot_state", what: "`snapshot_state()` of a session that holds a dict of 10,000 entries", unit: "s", count: 2, peer: "snapshot_state"},
		{name: "cold_start", what: "new interpreter, `import eryx`, first result, exit, warm cache", unit: "s", count: 5, peer: "python_cold_start"},
		{name: "files/write", what: "100 MiB written to a file in memory, 1 MiB at a time", unit: "s", count: 5, peer: "files/write"},
		{name: "files/read", what: "and read back", unit: "s", count: 5, peer: "files/read"},
		{name: "import_package", what: "first import of a package of 200 modules from a wheel", unit: "s", count: 5, peer: "import_package"},
	}
	for i := range all {
		name := all[i].name
		if all[i].peer != "" {
			name = all[i].peer
		}
		all[i].name = prefix + all[i].name
		all[i].take = func(count int) ([]float64, error) { return e.binding.take(name, count) }
	}
	return all
}
