package core_test

import (
	"context"
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
		"module's name":   {core.Config{Libraries: []core.Library{module("a", "../m")}}, "not a module's name"},
		"reserved name": {core.Config{Libraries: []core.Library{
			{Name: "a", Callbacks: []core.Callback{argsCallback("print", nil)}}}}, "reserved"},
	} {
		_, err := testRuntime(t).NewSession(c.config)
		if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
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
