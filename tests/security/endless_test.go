package security_test

import (
	"io"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// endless are programs that never end. stops says that asking them politely is enough; the others are killed.
var endless = map[string]struct {
	program string
	stops   bool
}{
	"loop":              {"while True: pass", true},
	"for":               {"import itertools\nfor _ in itertools.repeat(1): pass", true},
	"function":          {"def f():\n    while True: g()\ndef g(): pass\nf()", true},
	"generator":         {"def g():\n    while True: yield\nfor _ in g(): pass", true},
	"await_for_ever":    {"import asyncio\nawait asyncio.Event().wait()", true},
	"await_sleep":       {"import asyncio\nawait asyncio.sleep(10**6)", true},
	"await_busy":        {"import asyncio\nwhile True: await asyncio.sleep(0)", true},
	"asyncio_run":       {"import asyncio\nasyncio.run(asyncio.sleep(10**6))", true},
	"tasks":             {"import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nasync with asyncio.TaskGroup() as g:\n    for _ in range(10): g.create_task(f())", true},
	"call_soon":         {"import asyncio\nloop = asyncio.get_running_loop() if 0 else asyncio.new_event_loop()\ndef f(): loop.call_soon(f)\nf()\nloop.run_forever()", true},
	"sleep":             {"import time\ntime.sleep(10**6)", true},
	"select":            {"import select\nselect.select([], [], [], 10**6)", true},
	"input":             {"input()", true},
	"stdin":             {"import sys\nsys.stdin.buffer.read(1)", true},
	"sys_exit_refused":  {"import sys\nwhile True:\n    try: sys.exit()\n    except SystemExit: pass", true},
	"except_exception":  {"while True:\n    try: 1 / 0\n    except Exception: pass", true},
	"finally_is_short":  {"try:\n    while True: pass\nfinally: print('finally')", true},
	"swallow":           {"while True:\n    try:\n        while True: pass\n    except BaseException: pass", false},
	"swallow_bare":      {"while True:\n    try:\n        while True: pass\n    except: pass", false},
	"swallow_finally":   {"def f():\n    while True:\n        try:\n            while True: pass\n        finally: continue\nf()", false},
	"swallow_sleep":     {"import time\nwhile True:\n    try: time.sleep(10**6)\n    except BaseException: pass", false},
	"swallow_input":     {"while True:\n    try: input()\n    except BaseException: pass", false},
	"swallow_await":     {"import asyncio\nwhile True:\n    try: await asyncio.sleep(10**6)\n    except BaseException: pass", false},
	"swallow_tasks":     {"import asyncio\nasync def f():\n    while True:\n        try: await asyncio.sleep(10**6)\n        except BaseException: pass\ntry: await asyncio.gather(*[f() for _ in range(5)])\nexcept BaseException: await f()", false},
	"swallow_run":       {"import asyncio\nwhile True:\n    try: asyncio.run(asyncio.sleep(10**6))\n    except BaseException: pass", false},
	"swallow_recursion": {"def f():\n    try: f()\n    except BaseException: pass\n    try: f()\n    except BaseException: pass\nf()", false},
	"finally_is_long":   {"try:\n    while True: pass\nfinally:\n    while True: pass", false},
	"exit_is_long":      {"class A:\n    def __enter__(self): pass\n    def __exit__(self, *a):\n        while True: pass\nwith A():\n    while True: pass", false},
	"del":               {"class A:\n    def __del__(self):\n        while True: pass\nA()", true},
	"weakref":           {"import weakref\nclass A: pass\ndef f(*_):\n    global w\n    a = A(); w = weakref.ref(a, f); del a; f()\nf()", false},
	"ignored_signal":    {"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass", false},
	"own_handler":       {"import signal\nsignal.signal(signal.SIGINT, lambda *a: None)\nwhile True: pass", false},
	"default_handler":   {"import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nwhile True: pass", false},
	"unraisable":        {"import gc\ndef f(*a):\n    while True: pass\ngc.callbacks.append(f)\ngc.collect()", false},
	"trace_function":    {"import sys\ndef t(*a):\n    while True: pass\nsys.settrace(t)\n(lambda: 1)()", true},
	"audit_hook":        {"import sys\ndef h(*a):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass\nsys.addaudithook(h)\nopen('/')", false},
	"int_power":         {"10**10**8", true},
	"int_multiply":      {"a = 1 << 10**8\na * a", true},
	"int_to_str":        {"import sys\nsys.set_int_max_str_digits(0)\nstr(7 ** 10**7)", true},
	"sum":               {"sum(range(10**12))", false},
	"any":               {"import itertools\nany(itertools.repeat(0))", false},
	"consume":           {"import collections, itertools\ncollections.deque(itertools.count(), maxlen=0)", false},
	"max":               {"max(range(10**12))", false},
	"in":                {"'x' in iter(int, 1)", false},
	"regex":             {"import re\nre.match('(a+)+$', 'a' * 64 + 'b')", true},
	"regex_nested":      {"import re\nre.match('(?:(?:(?:a*)*)*)*b', 'a' * 64)", true},
	"replace":           {"s = 'a' * 10**6\nwhile True: s.count('a' * 5 + 'b')", true},
	"sort":              {"import random\nl = list(range(10**6))\nwhile True: l.sort(key=lambda x: -x)", true},
	"hash_collisions":   {"class A:\n    def __hash__(self): return 1\nd = {}\nwhile True: d[A()] = 1", true},
	"pbkdf2":            {"import hashlib\nhashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)", true},
	"sqlite":            {"import sqlite3\nsqlite3.connect(':memory:').execute('with recursive r(x) as (select 1 union all select x + 1 from r) select count(*) from r').fetchall()", false},
	"import":            {"import os, sys\nopen('/tmp/endless_module.py', 'w').write('while True: pass')\nsys.path.append('/tmp')\nimport endless_module", true},
	"exec":              {"exec('while True: pass')", true},
	"class_body":        {"class A:\n    while True: pass", true},
	"decimal":           {"import decimal\ndecimal.getcontext().prec = 10**6\nd = decimal.Decimal(2)\nwhile True: d = d.sqrt() + 1", false},
	"atexit":            {"import atexit\n@atexit.register\ndef f():\n    while True: pass", true},
	"repr":              {"class A(Exception):\n    def __str__(self):\n        while True: pass\nraise A()", true},
	"result":            {"class A(dict):\n    def items(self):\n        while True: pass\nresult = A(a=1)", true},
	"excepthook":        {"import sys\ndef h(*a):\n    while True: pass\nsys.excepthook = h\n1 / 0", true},
	"stdout_flush":      {"import sys\nclass F:\n    def write(self, s): pass\n    def flush(self):\n        while True: pass\nsys.stdout = F()", false},
}

func TestEndlessProgramsAreStopped(t *testing.T) {
	for name, c := range endless {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdin, keepOpen := io.Pipe()
			defer keepOpen.Close()
			limits := core.Limits{ExecutionTimeout: 300 * time.Millisecond, GracePeriod: 2 * time.Second, MaxMemoryBytes: 512 << 20}
			if !c.stops {
				limits.GracePeriod = 20 * time.Millisecond
			}
			result, err := run(t, core.Config{Limits: limits, Stdin: stdin}, "print('begun')\n"+c.program)
			wantCode(t, err, core.CodeTimeout, "execution_timeout")
			if got := string(result.Stdout); got != "begun\n" && got != "begun\nfinally\n" {
				t.Errorf("printed %q, want what came before the loop", clip(got))
			}
			if err.Killed == c.stops {
				t.Errorf("killed: %v, want %v", err.Killed, !c.stops)
			}
			if result.Duration < 300*time.Millisecond {
				t.Errorf("stopped after %v, before its timeout", result.Duration)
			}
		})
	}
}
