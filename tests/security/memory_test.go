package security_test

import (
	"testing"

	"github.com/eryx-go/eryx/core"
)

// gluttons are programs that take memory until there is none.
var gluttons = map[string]string{
	"str":         "'a' * 10**10",
	"bytes":       "b'a' * 10**9",
	"bytearray":   "bytearray(10**9)",
	"list":        "[0] * 10**9",
	"list_grows":  "l = []\nwhile True: l.append(len(l))",
	"list_nested": "l = []\nwhile True: l = [l, list(range(100))]",
	"list_self":   "l = [1]\nwhile True: l += l",
	"str_doubles": "s = 'a'\nwhile True: s += s",
	"dict":        "d = {}\nwhile True: d[len(d)] = str(len(d))",
	"set":         "s = set()\nwhile True: s.add(len(s))",
	"objects":     "class A:\n    def __init__(self, n): self.n = n\na = None\nwhile True: a = A(a)",
	"iterator":    "list(iter(int, 1))",
	"join":        "''.join(iter(str, 1))",
	"int_shift":   "1 << 10**11",
	"int_doubles": "n = 1\nwhile True: n <<= 1_000_000",
	"int_format":  "'%1000000000d' % 1",
	"str_format":  "'{:>1000000000}'.format(1)",
	"ljust":       "'a'.ljust(10**9)",
	"replace":     "('a' * 10**6).replace('a', 'b' * 10**6)",
	"expandtabs":  "('\\t' * 1000).expandtabs(10**7)",
	"range_list":  "list(range(10**9))",
	"tuple":       "tuple(range(10**9))",
	"repeat":      "import itertools\nlist(itertools.repeat(0))",
	"product":     "import itertools\nlist(itertools.product(range(1000), repeat=4))",
	"permute":     "import itertools\nlist(itertools.permutations(range(20)))",
	"deque":       "import collections\nd = collections.deque()\nwhile True: d.append(1)",
	"array":       "import array\narray.array('d', [0]) * 10**9",
	"bytesio":     "import io\nb = io.BytesIO()\nwhile True: b.write(b'a' * 10**6)",
	"seek":        "import io\nb = io.BytesIO()\nb.seek(10**9)\nb.write(b'a')",
	"stringio":    "import io\nb = io.StringIO()\nwhile True: b.write('a' * 10**6)",
	"exceptions":  "def f(n):\n    try: raise ValueError('a' * 10**6)\n    except ValueError as e: f.kept.append(e)\nf.kept = []\nwhile True: f(1)",
	"generators":  "def g(): yield\nl = []\nwhile True:\n    l.append(g()); next(l[-1])",
	"classes":     "l = []\nwhile True: l.append(type('A', (), {}))",
	"modules":     "import types\nl = []\nwhile True: l.append(types.ModuleType('a'))",
	"intern":      "import sys\nl = []\nwhile True: l.append(sys.intern(str(len(l)) * 100))",
	"json":        "import json\njson.loads('[' + '0,' * 30_000_000 + '0]')",
	"pickle":      "import pickle\npickle.loads(b'\\x80\\x04\\x8e' + (10**9).to_bytes(8, 'little') + b'a')",
	"struct":      "import struct\nstruct.pack('1000000000x')",
	"sqlite":      "import sqlite3\nsqlite3.connect(':memory:').execute('select hex(zeroblob(500000000))').fetchall()",
	"mmap_file":   "f = open('/tmp/a', 'wb')\nf.truncate(10**6)\nl = []\nwhile True: l.append(open('/tmp/a', 'rb').read())",
	"regex":       "import re\nre.purge()\nl = []\nwhile True: l.append(re.findall('a', 'a' * 10**5))",
	"unicode":     "import unicodedata\ns = '\\ufdfa' * 10**7\nwhile True: s = unicodedata.normalize('NFKD', s) * 2",
	"xml":         "import xml.etree.ElementTree as E\ne = E.Element('a')\nwhile True: E.SubElement(e, 'a')",
}

func TestAProgramCannotHaveMoreMemoryThanItsLimit(t *testing.T) {
	const limit = 64 << 20
	for name, program := range gluttons {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := run(t, core.Config{Limits: core.Limits{MaxMemoryBytes: limit}}, "print('begun')\n"+program)
			if err == nil {
				t.Fatal("ended well, want a MemoryError")
			}
			raised := err.Python != nil && err.Python.Type == "MemoryError"
			refused := err.Python != nil && err.Python.Type == "OverflowError" && err.Code == core.CodePython
			if !raised && !refused && err.Code != core.CodeLimit {
				t.Fatalf("ended with %q: %s", err.Code, clip(err.Message))
			}
			if raised && err.Limit != "memory" {
				t.Errorf("a MemoryError names the limit %q, want memory", err.Limit)
			}
			if err.Killed {
				t.Error("the guest did not survive")
			}
			if got := string(result.Stdout); got != "begun\n" {
				t.Errorf("printed %q", clip(got))
			}
			const slack = 4 << 20 // to describe the error with
			if result.PeakMemoryBytes > limit+slack {
				t.Errorf("had %d bytes, more than the limit of %d", result.PeakMemoryBytes, limit)
			}
		})
	}
}

func TestAMemoryErrorCanBeCaught(t *testing.T) {
	program := lines(
		"for make in (lambda: 'a' * 10**9, lambda: [0] * 10**9, lambda: list(iter(int, 1))):",
		"    for _ in range(3):",
		"        try: make()",
		"        except MemoryError: print('caught')",
		"print(len('a' * 10**6))")
	result, err := run(t, core.Config{Limits: core.Limits{MaxMemoryBytes: 64 << 20}}, program)
	wantStdout(t, result, err, "caught\ncaught\ncaught\ncaught\ncaught\ncaught\ncaught\ncaught\ncaught\n1000000\n")
}

func TestTheMemoryLimitHoldsInSessions(t *testing.T) {
	session, failed := rt.NewSession(core.Config{Limits: core.Limits{MaxMemoryBytes: 48 << 20, ExecutionTimeout: patience}})
	if failed != nil {
		t.Fatal(failed)
	}
	defer session.Close()
	for range 3 {
		_, failed = session.Execute(t.Context(), "kept = []\nwhile True: kept.append('a' * 100_000 + str(len(kept)))")
		if core.ErrorCode(failed) != core.CodePython {
			t.Fatalf("ended with %v, want a MemoryError", failed)
		}
	}
	result, failed := session.Execute(t.Context(), "n = len(kept)\ndel kept\nprint(n > 100)")
	if failed != nil || string(result.Stdout) != "True\n" {
		t.Fatalf("the session did not live on: %v %q", failed, result.Stdout)
	}
	stillWorks(t)
}
