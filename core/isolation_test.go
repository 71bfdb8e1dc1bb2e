package core_test

import (
	"testing"

	"github.com/eryx-go/eryx/core"
)

// TestNothingOfOneSandboxIsInTheNext leaves every kind of trace, and looks for it in recycled instances.
func TestNothingOfOneSandboxIsInTheNext(t *testing.T) {
	sandbox, err := testRuntime(t).NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const leave = `
import builtins, os, sys, types, json, gc, warnings, decimal, locale, signal, socket, random
mark = 'trace-of-' + 'another-sandbox'
kept = [(mark + str(i)) * 50 for i in range(20_000)]
builtins.mark = json.mark = sys.mark = mark
sys.modules['mark'] = types.ModuleType('mark')
sys.path.append('/' + mark); os.environ['MARK'] = mark; os.chdir('/tmp')
for d in ('/data', '/tmp'): open(d + '/mark', 'w').write(mark)
open_file = open('/tmp/open', 'w'); sys.argv.append(mark)
sys.setrecursionlimit(5000); decimal.getcontext().prec = 3; gc.disable(); random.seed(1)
signal.signal(signal.SIGINT, signal.SIG_IGN); sys.stdout = None
`
	const look = `
import builtins, os, sys, json, gc, decimal, signal
words = b'trace-of-' + b'another-sandbox'
fds = []
for fd in range(3, 300):
    try: os.fstat(fd); fds.append(fd)
    except OSError: pass
def files(d): return sorted(os.listdir(d))
print(hasattr(builtins, 'mark'), hasattr(json, 'mark'), hasattr(sys, 'mark'), 'mark' in sys.modules, os.environ.get('MARK'),
      os.getcwd(), files('/data'), files('/tmp'), sys.argv, sys.getrecursionlimit(), decimal.getcontext().prec, gc.isenabled(),
      signal.getsignal(signal.SIGINT) == signal.SIG_IGN, any('trace-of' in p for p in sys.path))
fresh = bytearray(30_000_000)  # what the allocator hands out must be clean
print(any(fresh), words in fresh)
result = fds
`
	var first string
	for i := range 4 {
		r, err := sandbox.Execute(t.Context(), look)
		if err != nil {
			t.Fatal(err)
		}
		got := string(r.Stdout) + string(r.JSON)
		if i == 0 {
			first = got
			t.Log(got)
		} else if got != first {
			t.Errorf("after another sandbox:\n%s\nwant\n%s", got, first)
		}
		if _, err := sandbox.Execute(t.Context(), leave); err != nil {
			t.Fatal(err)
		}
	}
	if want := "False False False False None /data [] [] [''] 1000 28 True False False\nFalse False\n"; len(first) < len(want) || first[:len(want)] != want {
		t.Errorf("the first sandbox sees\n%s\nwant\n%s", first, want)
	}
}

// TestRandomnessDiffersBetweenSandboxes draws from every source in several sandboxes.
func TestRandomnessDiffersBetweenSandboxes(t *testing.T) {
	sandbox, err := testRuntime(t).NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		"import random; print(random.random())", "import random; print(random.getrandbits(128))",
		"import random; print(random.SystemRandom().random())", "import os; print(os.urandom(16).hex())",
		"import secrets; print(secrets.token_hex())", "import uuid; print(uuid.uuid4())", "import uuid; print(uuid.uuid1())",
		"import sqlite3; print(sqlite3.connect(':memory:').execute('select hex(randomblob(16))').fetchone())",
		"import random; print(random.Random().random())", "import tempfile; print(tempfile.mktemp())",
	} {
		seen := map[string]bool{}
		for range 4 {
			r, err := sandbox.Execute(t.Context(), source)
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			if seen[string(r.Stdout)] {
				t.Errorf("%s gave %s twice", source, r.Stdout)
			}
			seen[string(r.Stdout)] = true
		}
	}
}
