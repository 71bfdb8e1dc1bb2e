package core_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func textLibrary() core.Library {
	return core.Library{
		Name:      "text",
		Callbacks: []core.Callback{argsCallback("text.count", nil)},
		Modules: map[string]string{
			"tools.text.case": "from __future__ import annotations\n\n\ndef upper(s: str) -> str:\n    return s.upper()\n\n\ndef fails():\n    raise ValueError('in the library')\n",
			"tools":           "VERSION = 3\n",
			"single":          "async def count(n):\n    return await text.count(n=n)\n",
		},
		Stubs: "def upper(s: str) -> str: ...",
	}
}

func TestLibrary(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{argsCallback("own", nil)}, Libraries: []core.Library{textLibrary()}})
	r := execute(t, s, `from __future__ import annotations
import tools, single
from tools.text.case import upper, fails
print(tools.VERSION, upper("a"), await single.count(2), await own(x=1), tools.text.case.__file__)
import traceback
try:
    fails()
except ValueError as e:
    print([(f.filename, f.lineno) for f in traceback.extract_tb(e.__traceback__)])
try:
    open(tools.__file__, "w")
except OSError as e:
    print(type(e).__name__)
`)
	want := `3 A {'n': 2} {'x': 1} /lib/python/tools/text/case.py
[('<user>', 7), ('/lib/python/tools/text/case.py', 9)]
OSError
`
	if string(r.Stdout) != want {
		t.Errorf("printed %s\nwant %s", r.Stdout, want)
	}
}

func TestLibraryConflicts(t *testing.T) {
	module := func(name, module string) core.Library {
		return core.Library{Name: name, Modules: map[string]string{module: ""}}
	}
	for name, c := range map[string]struct {
		config core.Config
		says   string
	}{
		"callbacks of two libraries": {core.Config{Libraries: []core.Library{
			{Name: "a", Callbacks: []core.Callback{argsCallback("f", nil)}},
			{Name: "b", Callbacks: []core.Callback{argsCallback("f", nil)}}}}, `callback "f" is in library "b" and in library "a"`},
		"callback of the configuration": {core.Config{Callbacks: []core.Callback{argsCallback("f", nil)}, Libraries: []core.Library{
			{Name: "b", Callbacks: []core.Callback{argsCallback("f", nil)}}}}, "in the configuration"},
		"modules":         {core.Config{Libraries: []core.Library{module("a", "m"), module("b", "m")}}, `module "m"`},
		"Python's module": {core.Config{Libraries: []core.Library{module("a", "json")}}, "Python's own"},
		"below Python's":  {core.Config{Libraries: []core.Library{module("a", "time.more")}}, "Python's own"},
		"module's name":   {core.Config{Libraries: []core.Library{module("a", "../m")}}, "not a module's name"},
		"init":            {core.Config{Libraries: []core.Library{module("a", "m.__init__")}}, "the package's name"},
		"main":            {core.Config{Libraries: []core.Library{module("a", "__main__")}}, "not importable"},
		"long":            {core.Config{Libraries: []core.Library{module("a", strings.Repeat("m.", 128)+"m")}}, "not a module's name"},
		"no name":         {core.Config{Libraries: []core.Library{module("", "m")}}, "library name"},
		"lines":           {core.Config{Libraries: []core.Library{module("a\nimport os", "m")}}, "library name"},
		"long name":       {core.Config{Libraries: []core.Library{module(strings.Repeat("a", 256), "m")}}, "library name"},
		"source":          {core.Config{Libraries: []core.Library{{Name: "a", Modules: map[string]string{"m": "\x00"}}}}, "NUL"},
		"reserved name": {core.Config{Libraries: []core.Library{
			{Name: "a", Callbacks: []core.Callback{argsCallback("print", nil)}}}}, "reserved"},
	} {
		_, err := testRuntime(t).NewSession(c.config)
		if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		_, err = testRuntime(t).NewSandbox(c.config)
		if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: a sandbox: %v, want %q", name, err, c.says)
		}
	}
}

// TestLibraryBuiltinNames refuses each module that the guest finds before it looks for files, or has loaded already.
func TestLibraryBuiltinNames(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, `import sys
names = [*sys.builtin_module_names, *sys.stdlib_module_names & {n for n in sys.modules if "." not in n},
    *(n for n in sys.modules if n.isidentifier() and n != "__main__")]`)
	names, err := s.Get(context.Background(), "names")
	if err != nil {
		t.Fatal(err)
	}
	list := names.([]any)
	if len(list) < 100 {
		t.Fatalf("only %d names", len(list))
	}
	for _, name := range list {
		library := core.Library{Name: "l", Modules: map[string]string{name.(string): ""}}
		_, err := testRuntime(t).NewSandbox(core.Config{Libraries: []core.Library{library}})
		if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), "Python's own") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLibraryAndPackage(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "tools.py"), []byte("X = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := core.Config{
		Packages:  []core.Package{{Path: folder}},
		Libraries: []core.Library{{Name: "l", Modules: map[string]string{"tools.more": ""}}},
	}
	_, err := testRuntime(t).NewSandbox(config)
	if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), `"tools"`) || !strings.Contains(err.Error(), "a package") {
		t.Errorf("%v", err)
	}
}

// TestLibraryOfFactory uses a library in a factory's set-up code, and in what it makes whether or not it is given there.
func TestLibraryOfFactory(t *testing.T) {
	library := textLibrary()
	library.Modules["late"] = "WHEN = 'late'\n"
	f, err := testRuntime(t).NewFactory(context.Background(), core.FactoryConfig{
		Imports: []string{"tools"}, SetupCode: "import single\nfrom tools.text.case import upper\nn = await single.count(4)",
		Libraries: []core.Library{library},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const loaded = "import tools\nprint(n, upper('b'), tools.VERSION)\n"
	for name, c := range map[string]struct {
		config core.Config
		code   string
		want   string
	}{
		"without": {core.Config{}, loaded + "try:\n    import late\nexcept ImportError as e: print(e)", "{'n': 4} B 3\nNo module named 'late'\n"},
		"with": {core.Config{Libraries: []core.Library{library}},
			loaded + "import late, single\nprint(late.WHEN, await single.count(5))", "{'n': 4} B 3\nlate {'n': 5}\n"},
		"with another": {core.Config{Libraries: []core.Library{{Name: "other", Modules: map[string]string{"other": "X = 1"}}}},
			loaded + "import other\nprint(other.X)", "{'n': 4} B 3\n1\n"},
	} {
		sandbox, err := f.NewSandbox(c.config)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := sandbox.Execute(context.Background(), c.code); err != nil || string(r.Stdout) != c.want {
			t.Errorf("%s: %v, printed %q, want %q", name, err, r.Stdout, c.want)
		}
	}
}

// TestLibraryAfterPlainFactory gives a library to the sandboxes of a factory that had none.
func TestLibraryAfterPlainFactory(t *testing.T) {
	f, err := testRuntime(t).NewFactory(context.Background(), core.FactoryConfig{SetupCode: "try:\n    import single\nexcept ImportError:\n    n = 1"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pool, err := testRuntime(t).NewPool(core.PoolConfig{Factory: f, Config: core.Config{Libraries: []core.Library{textLibrary()}}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, config := range []core.LeaseConfig{{}, {Callbacks: []core.Callback{argsCallback("own", nil)}}} {
		lease, err := pool.Acquire(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		if r := execute(t, lease.Session, "import single\nprint(n, await single.count(2))"); string(r.Stdout) != "1 {'n': 2}\n" {
			t.Errorf("printed %q", r.Stdout)
		}
		lease.Release()
	}
}

const wantStubs = `from collections.abc import AsyncIterator
from typing import Any

async def add(b: int, a: int = 7) -> Any:
    """Gives back what it is given.

    Args:
        b (int): the first
        a (int, optional):
    """

class _db:
    async def __call__(self, **kwargs: Any) -> Any:
        """Gives back what it is given."""

    async def find(self, name: str, limit: int | None = ...) -> Any:
        """Finds.

        Args:
            name (str):
            limit (int | None, optional):
        """

    def rows(self, **kwargs: Any) -> AsyncIterator[Any]: ...

    # reached with invoke("x-y") or by ["x-y"] on its namespace:
    async def x_y(self, **kwargs: Any) -> Any:
        """Gives back what it is given."""

db: _db

# text
def upper(s: str) -> str: ...
`

func TestTypeStubs(t *testing.T) {
	type findArgs struct {
		Name  string `json:"name"`
		Limit *int   `json:"limit"`
	}
	find := core.TypedCallback("db.find", "Finds.", func(context.Context, findArgs) (any, error) { return nil, nil })
	library := textLibrary()
	library.Callbacks = nil
	sandbox, err := testRuntime(t).NewSandbox(core.Config{
		Callbacks: []core.Callback{
			argsCallback("add", addSchema), argsCallback("db", nil), argsCallback("db.x-y", nil), find,
			{Name: "db.rows", StartStream: func(call *core.Call) { call.Complete(nil, nil) }},
		},
		Libraries: []core.Library{library},
	})
	if err != nil {
		t.Fatal(err)
	}
	stubs := sandbox.TypeStubs()
	if stubs != wantStubs {
		t.Errorf("stubs:\n%s\nwant:\n%s", stubs, wantStubs)
	}
	s := newSession(t, core.Config{})
	if err := s.Set(context.Background(), "stubs", stubs); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "import ast\nast.parse(stubs)")
	if got := s.TypeStubs(); got != "" {
		t.Errorf("stubs of nothing: %q", got)
	}
}
