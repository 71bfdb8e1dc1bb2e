package core_test

import (
	"context"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

const addSchema = `{"type": "object", "properties": {
	"b": {"type": "integer", "description": "the first"},
	"a": {"type": "integer", "default": 7}}, "required": ["b"]}`

// argsCallback returns its arguments.
func argsCallback(name string, schema any) core.Callback {
	return core.Callback{
		Name: name, Description: "Gives back what it is given.", Schema: schema,
		Func: func(_ context.Context, args map[string]any) (any, error) { return args, nil },
	}
}

// expectOutput runs code with callbacks and compares what it prints, line by line.
func expectOutput(t *testing.T, code, want string, callbacks ...core.Callback) {
	t.Helper()
	if got := strings.TrimSpace(run(t, code, callbacks...)); got != strings.TrimSpace(want) {
		t.Errorf("printed:\n%s\nwant:\n%s", got, want)
	}
}

func TestCallbackArguments(t *testing.T) {
	expectOutput(t, `
async def attempt(make):
    try:
        print(await make())
    except TypeError as e:
        print("TypeError:", e)
await attempt(lambda: add(1, 2))
await attempt(lambda: add(1, a=2))
await attempt(lambda: add(b=1))
await attempt(lambda: add(1, 2, 3))
await attempt(lambda: add(1, b=2))
await attempt(lambda: free(1))
await attempt(lambda: free(x=1))
await attempt(lambda: invoke("add", 1, 2))
await attempt(lambda: invoke("not-identifier", y=3))
`, `
{'a': 2, 'b': 1}
{'a': 2, 'b': 1}
{'b': 1}
TypeError: add() takes at most 2 positional arguments but 3 were given
TypeError: add() got multiple values for argument 'b'
TypeError: free() takes keyword arguments only
{'x': 1}
{'a': 2, 'b': 1}
{'y': 3}
`, argsCallback("add", addSchema), argsCallback("free", nil), argsCallback("not-identifier", nil))
}

func TestCallbackNamespaces(t *testing.T) {
	expectOutput(t, `
print(await db.users.get(i=1), await db["x-y"].fn(i=2), await db(i=3), await db.class_(i=4))
print(db, callable(db), callable(db.users), dir(db.users))
try:
    db.nothing
except AttributeError as e:
    print(e)
try:
    await db.users()
except TypeError as e:
    print("TypeError")
`, `
{'i': 1} {'i': 2} {'i': 3} {'i': 4}
<namespace db: class_, users, x-y> True False ['get']
namespace 'db' has no function 'nothing'
TypeError
`, argsCallback("db.users.get", nil), argsCallback("db.x-y.fn", nil), argsCallback("db", nil), argsCallback("db.class_", nil))
}

func TestCallbackIntrospection(t *testing.T) {
	expectOutput(t, `
import inspect, io, contextlib
print(inspect.signature(add), inspect.iscoroutinefunction(add), add.__name__)
print(inspect.signature(ns), ns.__doc__.splitlines()[0])
print([(c["name"], c["description"], list(c["parameters_schema"].get("properties", {}))) for c in list_callbacks()])
out = io.StringIO()
with contextlib.redirect_stdout(out):
    help(add)
print(out.getvalue())
`, `
(b: int, a: int = 7) True add
(**kwargs: Any) Gives back what it is given.
[('add', 'Gives back what it is given.', ['b', 'a']), ('ns', 'Gives back what it is given.', []), ('ns.f', 'Gives back what it is given.', [])]
Help on function add in module builtins:

async add(b: int, a: int = 7)
    Gives back what it is given.

    Args:
        b (int): the first
        a (int, optional):
`, argsCallback("add", addSchema), argsCallback("ns", nil), argsCallback("ns.f", nil))
}

func TestCallbackVisibleInModules(t *testing.T) {
	expectOutput(t, `
open("helper.py", "w").write("async def f():\n    return await free(x=1)\n")
import sys
sys.path.insert(0, "/data")
import helper
print(await helper.f())
`, "{'x': 1}", argsCallback("free", nil))
}

func TestCallbackNamesRefused(t *testing.T) {
	rt := testRuntime(t)
	for _, name := range []string{
		"", "print", "invoke", "class", "asyncio", "list_callbacks", "CallbackError", "str.upper", "a..b", ".a", "a.", "a b", "__import__",
		strings.Repeat("n", 256),
	} {
		_, err := rt.NewSandbox(core.Config{Callbacks: []core.Callback{argsCallback(name, nil)}})
		if core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("name %.20q: error %v, want code invalid", name, err)
		}
	}
	_, err := rt.NewSession(core.Config{Callbacks: []core.Callback{argsCallback("twice", nil), argsCallback("twice", nil)}})
	if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), `"twice"`) {
		t.Errorf("duplicate: %v", err)
	}
	if _, err := rt.NewSandbox(core.Config{Callbacks: []core.Callback{{Name: "neither"}}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("no function: %v", err)
	}
	if _, err := rt.NewSandbox(core.Config{Callbacks: []core.Callback{argsCallback("bad", "{")}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("bad schema: %v", err)
	}
}

func TestCallbackValues(t *testing.T) {
	seen := map[string]any{}
	keep := core.Callback{Name: "keep", Func: func(_ context.Context, args map[string]any) (any, error) {
		for k, v := range args {
			seen[k] = v
		}
		return args["value"], nil
	}}
	expectOutput(t, `
import datetime, enum, math, collections
class Color(enum.IntEnum):
    RED = 3
class Kind(enum.Enum):
    A = "a"
class Text(str):
    pass
for v in [None, True, 2**63, -2**200, 1.5, float("inf"), "\U0001F600", b"\x00\xff", bytearray(b"x"), (1, [2]), {"a": {"b": []}},
          {1: 2, None: 3, False: 4, 1.5: 5}, datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.date(2026, 1, 2),
          Color.RED, Kind.A, Text("t"), collections.OrderedDict(k=1)]:
    print(repr(await keep(value=v)))
print(math.isnan(await keep(nan=1, value=float("nan"))))
calls = 0
for v in [{1, 2}, object(), 1j, {(1,): 2}, print, "\ud800"]:
    try:
        await keep(value=v)
        print("passed", v)
    except (TypeError, ValueError) as e:
        print(type(e).__name__, str(e).split(" object")[0])
a = []
a.append(a)
try:
    await keep(value=a)
except ValueError as e:
    print("ValueError", e)
`, `
None
True
9223372036854775808
-1606938044258990275541962092341162602522202993782792835301376
1.5
inf
'😀'
b'\x00\xff'
b'x'
[1, [2]]
{'a': {'b': []}}
{'1': 2, '1.5': 5, 'false': 4, 'null': 3}
'2026-01-02T03:04:05'
'2026-01-02'
3
'a'
't'
{'k': 1}
True
TypeError keep() argument 'value': set cannot be passed to the host
TypeError keep() argument 'value':
TypeError keep() argument 'value': complex cannot be passed to the host
TypeError keep() argument 'value': keys must be str, int, float, bool or None, not tuple
TypeError keep() argument 'value': builtin_function_or_method cannot be passed to the host
ValueError keep() argument 'value': the text has a lone surrogate, which is not valid Unicode
ValueError keep() argument 'value': the value nests deeper than 200 levels, or contains itself
`, keep)
	if v, ok := seen["value"].(float64); !ok || !math.IsNaN(v) {
		t.Errorf("last value is %v, want NaN: a refused call reached the host", seen["value"])
	}
}

func TestCallbackErrors(t *testing.T) {
	fail := core.Callback{Name: "fail", Func: func(_ context.Context, args map[string]any) (any, error) {
		switch args["how"] {
		case "code":
			return nil, core.CallbackErrorf("not_found", "no user %d", 7)
		case "panic":
			panic("secret of the host")
		case "bytes":
			return nil, errors.New("broken \xff text")
		case "value":
			return make(chan int), nil
		case "big":
			return big.NewInt(0).Lsh(big.NewInt(1), 70), nil
		}
		return nil, errors.New("plain")
	}}
	expectOutput(t, `
print(issubclass(CallbackError, RuntimeError))
for how in ["plain", "code", "panic", "bytes", "value"]:
    try:
        await fail(how=how)
    except CallbackError as e:
        print(e.code, "|", e)
print(await fail(how="big") == 2**70)
try:
    await invoke("nobody")
except CallbackError as e:
    print(e.code, "|", e)
`, `
True
callback | plain
not_found | no user 7
internal | the host function failed
callback | broken � text
value | the host function returned a value that cannot be passed: value cannot be encoded: type chan int
True
unknown | there is no callback named "nobody"; list_callbacks() tells which there are
`, fail)
}

func TestCallbackTimeoutOfItsOwn(t *testing.T) {
	started := make(chan context.Context, 2)
	hang := func(name string, timeout time.Duration) core.Callback {
		return core.Callback{Name: name, Timeout: timeout, Func: func(ctx context.Context, _ map[string]any) (any, error) {
			started <- ctx
			<-ctx.Done()
			return nil, ctx.Err()
		}}
	}
	begin := time.Now()
	expectOutput(t, `
import asyncio
async def f(make):
    try:
        await make()
    except CallbackError as e:
        return e.code
print(await asyncio.gather(f(slow), f(quick)))
`, "['timeout', 'timeout']", hang("quick", 30*time.Millisecond), hang("slow", 60*time.Millisecond))
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	for range 2 {
		if ctx := <-started; ctx.Err() == nil {
			t.Error("a context is not cancelled after its timeout")
		}
	}
}

func TestSetCallbacks(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{argsCallback("first", nil)}})
	execute(t, s, "await first()")
	if err := s.SetCallbacks([]core.Callback{argsCallback("second", nil)}); err != nil {
		t.Fatal(err)
	}
	r := execute(t, s, `
await second()
try:
    first
except NameError as e:
    print(e)
print([c["name"] for c in list_callbacks()])
`)
	if got := string(r.Stdout); got != "name 'first' is not defined\n['second']\n" {
		t.Errorf("printed %q", got)
	}
	if err := s.SetCallbacks(nil); err != nil {
		t.Fatal(err)
	}
	if r := execute(t, s, "print(list_callbacks(), 'second' in dir(__builtins__))"); string(r.Stdout) != "[] False\n" {
		t.Errorf("printed %q", r.Stdout)
	}
	if err := s.SetCallbacks([]core.Callback{argsCallback("print", nil)}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("reserved name: %v", err)
	}
}

func TestCallbackTypeErrorIsShort(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{argsCallback("free", nil)}})
	_, err := s.Execute(context.Background(), "x = 1\nawait free(x={1})\n")
	var e *core.Error
	if !errors.As(err, &e) || e.Python == nil {
		t.Fatal(err)
	}
	if strings.Contains(e.Python.Traceback, "During handling") || strings.Contains(e.Python.Traceback, "/usr/lib/eryx") || !strings.Contains(e.Python.Traceback, "line 2") {
		t.Errorf("traceback:\n%s", e.Python.Traceback)
	}
}
