package security_test

import (
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// tampers are programs that break the guest's runtime. Whatever they do, the host gets an answer, and the
// next program is not concerned.
var tampers = map[string]string{
	"delete_modules":  "import sys\nfor name in list(sys.modules): del sys.modules[name]",
	"clear_builtins":  "import builtins\nbuiltins.__dict__.clear()",
	"clear_runner":    "import eryx.runner\neryx.runner.__dict__.clear()",
	"clear_runtime":   "import eryx.runtime\neryx.runtime.OPS.clear()",
	"replace_finish":  "import eryx.runner as r\nr.finish = r._finish = r._outcome = lambda *a: ['done', {'result_json': '\"forged\"', 'exit': 2**70}]",
	"reply_none":      "import eryx.runner as r\nr.finish = r._finish = r._outcome = lambda *a: None",
	"reply_number":    "import eryx.runner as r\nr.finish = lambda *a: -5",
	"reply_huge":      "import eryx.runner as r\nr.finish = lambda *a: ['done', {'error': {'type': 'x' * 10**7, 'message': 'x' * 10**7, 'traceback': 'x' * 10**7, 'frames': [['a', 1, 'b', 'c']] * 10**5}}]",
	"reply_mistyped":  "import eryx.runner as r\nr.finish = lambda *a: ['done', {'error': {'type': 1, 'message': [], 'traceback': {}, 'frames': 'x'}, 'exit': 'y', 'interrupted': 3}]",
	"reply_deep":      "import eryx.runner as r\nd = []\nfor _ in range(150): d = [d]\nr.finish = lambda *a: ['done', d]",
	"reply_too_deep":  "import eryx.runner as r\nd = []\nfor _ in range(10**5): d = [d]\nr.finish = lambda *a: ['done', d]",
	"reply_cycle":     "import eryx.runner as r\nd = []\nd.append(d)\nr.finish = lambda *a: ['done', d]",
	"reply_wait":      "import eryx.runner as r\nr.finish = lambda *a: 10**6",
	"reply_raises":    "import eryx.runner as r\ndef f(*a): raise KeyError('mine')\nr.finish = f",
	"stdout_none":     "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = None",
	"stdout_object":   "import sys\nsys.stdout = object()",
	"stdout_closed":   "import sys, os\nsys.stdout.close(); os.close(1); os.close(2); print('x')",
	"stdout_detached": "import sys\nsys.stdout.detach()\nsys.stderr.detach()\n1 / 0",
	"host_garbage":    "import _eryx\nfor v in (None, 1, [], [1], [1, 2, 3], [1, 'a', {}], [2**63, 'a', {}], ['x', 'a', {}], {'a': 1}, 'a' * 10**6, b'\\xff'):\n    for f in (_eryx.callback, _eryx.emit, _eryx.query, _eryx.wait, _eryx.slack, _eryx.write1):\n        try: f(v) if f is not _eryx.wait else f(0)\n        except (OSError, TypeError, ValueError, OverflowError): pass",
	"flood_callbacks": "import _eryx\ntry:\n    for i in range(10**6): _eryx.callback([i, 'x', {}])\nexcept OSError: pass",
	"flood_emit":      "import _eryx\nfor i in range(10**5):\n    try: _eryx.emit(['cancel', i])\n    except OSError: pass",
	"unpack_garbage":  "import _eryx, random\nfor i in range(20_000):\n    try: _eryx.unpack(random.randbytes(i % 40))\n    except Exception: pass",
	"unpack_huge":     "import _eryx\nfor b in (b'\\xdd\\xff\\xff\\xff\\xff', b'\\xdf\\xff\\xff\\xff\\xff', b'\\xc6\\xff\\xff\\xff\\xff', b'\\x91' * 10**6):\n    try: _eryx.unpack(b)\n    except Exception: pass",
	"slack":           "import _eryx\nfor _ in range(1000): _eryx.slack(True)\ntry: 'a' * 10**9\nexcept MemoryError: pass",
	"interrupts":      "import _eryx\nfor _ in range(10):\n    try:\n        _eryx.interrupt()\n        for _ in range(10): pass\n    except BaseException: pass",
	"meta_path":       "import sys\nsys.meta_path.clear(); sys.path.clear(); sys.path_hooks.clear()\ntry: import nothing\nexcept ImportError: pass",
	"recursion_limit": "import sys\nsys.setrecursionlimit(10**9)\nsys.setrecursionlimit(1) if 0 else None",
	"switch_interval": "import sys, gc\nsys.setswitchinterval(10**-9); gc.disable(); gc.set_threshold(1)",
	"audit_raises":    "import sys\ndef h(*a): raise ValueError('mine')\nsys.addaudithook(h)",
	"trace_raises":    "import sys\ndef t(*a): raise ValueError('mine')\nsys.settrace(t); sys.setprofile(t)",
	"excepthook":      "import sys\nsys.excepthook = None\n1 / 0",
	"exception_class": "class E(Exception):\n    __name__ = __qualname__ = __module__ = property(lambda s: 1 / 0)\n    def __str__(self): raise self\n    def __repr__(self): raise self\nraise E()",
	"exception_meta":  "class M(type):\n    def __getattribute__(cls, n): raise KeyError(n)\nclass E(Exception, metaclass=M): pass\nraise E()",
	"traceback":       "import traceback, linecache\ntraceback.TracebackException = linecache.getline = None\n1 / 0",
	"json":            "import json\njson.dumps = lambda *a, **k: object()\nresult = 1",
	"main_gone":       "import sys\nsys.modules['__main__'] = None\nresult = 1",
	"globals_dict":    "globals().clear()",
	"code_replace":    "def f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes(range(0, 256)), co_stacksize=0)\n",
	"frames":          "import sys, gc\nf = sys._getframe()\nwhile f.f_back: f = f.f_back\nf.f_locals.clear() if hasattr(f.f_locals, 'clear') else None\nfor o in gc.get_objects():\n    if isinstance(o, dict):\n        try: o['__eryx__'] = 1\n        except Exception: pass",
	"gc_clear":        "import gc\nfor o in gc.get_objects():\n    if type(o) is list:\n        o.clear()",
	"signals":         "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass",
	"loop_closed":     "import asyncio\nasync def f(): pass\nloop = asyncio.get_running_loop() if 0 else asyncio.new_event_loop()\nloop.close()\nimport eryx.runner\neryx.runner.hosted_loop().close()",
	"atexit_raises":   "import atexit\n@atexit.register\ndef f(): raise ValueError('mine')",
	"weak_main":       "import types, sys\nsys.modules['eryx'] = types.ModuleType('eryx')\nsys.modules['eryx.runner'] = None",
}

func TestTamperingWithTheRuntimeConcernsNobodyElse(t *testing.T) {
	for name, program := range tampers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := core.Limits{ExecutionTimeout: 10 * time.Second}
			_, err := run(t, core.Config{Limits: limits}, program)
			if err != nil && len(err.Error()) > 8<<20 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
		t.Run(name+"/session", func(t *testing.T) {
			t.Parallel()
			session, failed := rt.NewSession(core.Config{Limits: core.Limits{ExecutionTimeout: 10 * time.Second}})
			if failed != nil {
				t.Fatal(failed)
			}
			defer session.Close()
			for _, code := range []string{program, "print(1)", "await __import__('asyncio').sleep(0)"} {
				_, _ = session.Execute(t.Context(), code) // its outcome is its own affair, as long as there is one
			}
			_ = session.ClearState() // may fail: the runtime is broken
			if failed := session.Reset(); failed != nil {
				t.Fatalf("Reset: %v", failed)
			}
			result, failed := session.Execute(t.Context(), "import sys, json\nprint(json.dumps([1]), sys.getrecursionlimit())")
			if failed != nil || string(result.Stdout) != "[1] 1000\n" {
				t.Fatalf("after Reset: %v %q", failed, result.Stdout)
			}
		})
	}
}
