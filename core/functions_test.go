package core_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

const functionsProgram = `
import asyncio
def add(a, b=1):
    print("adding")
    return a + b
async def later(x):
    await asyncio.sleep(0.001)
    return await echo(x=x)
def fails():
    raise KeyError("k")
def bad():
    return object()
async def forever():
    while True:
        await asyncio.sleep(1)
class Box:
    def __init__(self):
        self.n = 3
    async def get(self, *, plus):
        return self.n + plus
box = Box()
result = "kept"
`

func TestSessionCall(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{echoCallback()}})
	execute(t, s, functionsProgram)
	ctx := context.Background()
	call := func(name string, args []any, kwargs map[string]any) any {
		t.Helper()
		r, err := s.Call(ctx, name, args, kwargs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return r.Value
	}
	for _, c := range []struct {
		name   string
		args   []any
		kwargs map[string]any
		want   any
	}{
		{"add", []any{1, 2}, nil, int64(3)},
		{"add", []any{"'); x = ('"}, map[string]any{"b": "!"}, "'); x = ('!"},
		{"later", []any{7}, nil, int64(7)},
		{"box.get", nil, map[string]any{"plus": 4}, int64(7)},
	} {
		if got := call(c.name, c.args, c.kwargs); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v (%T), want %v", c.name, got, got, c.want)
		}
	}
	if n := s.ExecutionCount(); n != 1 {
		t.Errorf("%d executions, want 1: calls do not count", n)
	}
	r, err := s.Call(ctx, "add", []any{1}, nil)
	if err != nil || string(r.Stdout) != "adding\n" {
		t.Errorf("printed %q, error %v", r.Stdout, err)
	}
}

func TestSessionCallFails(t *testing.T) {
	s := newSession(t, core.Config{Limits: core.Limits{ExecutionTimeout: 200 * time.Millisecond}})
	execute(t, s, functionsProgram)
	ctx := context.Background()
	for _, c := range []struct{ name, kind string }{
		{"fails", "KeyError"}, {"bad", "TypeError"}, {"nothing", "NameError"}, {"box.nothing", "AttributeError"}, {"add", "TypeError"},
	} {
		_, err := s.Call(ctx, c.name, nil, nil)
		var e *core.Error
		if !errors.As(err, &e) || e.Code != core.CodePython || e.Python.Type != c.kind {
			t.Errorf("%s: %v, want a Python %s", c.name, err, c.kind)
		}
	}
	for _, name := range []string{"", "a b", "f()", "a..b", "x; y", "1"} {
		if _, err := s.Call(ctx, name, nil, nil); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if _, err := s.Call(ctx, "add", []any{make(chan int)}, nil); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("an argument that cannot be passed: %v", err)
	}
	if _, err := s.Call(ctx, "forever", nil, nil); core.ErrorCode(err) != core.CodeTimeout {
		t.Errorf("forever: %v", err)
	}
	if r, err := s.Call(ctx, "add", []any{1}, nil); err != nil || r.Value != int64(2) {
		t.Errorf("after a timeout: %v", err)
	}
}

func TestSessionGetSet(t *testing.T) {
	s := newSession(t, core.Config{})
	ctx := context.Background()
	huge := new(big.Int).Lsh(big.NewInt(1), 300)
	values := map[string]any{
		"a": int64(1), "b": "text", "c": []byte("\x00\xff"), "d": []any{nil, true, 1.5}, "e": map[string]any{"k": []any{}}, "f": huge,
	}
	for name, v := range values {
		if err := s.Set(ctx, name, v); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, s, "assert (a, b, c, d, f) == (1, 'text', b'\\x00\\xff', [None, True, 1.5], 2**300)\na += 1\nprint(e)")
	values["a"] = int64(2)
	for name, want := range values {
		got, err := s.Get(ctx, name)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s = %v, error %v, want %v", name, got, err, want)
		}
	}
	if _, err := s.Get(ctx, "nothing"); core.ErrorCode(err) != core.CodePython {
		t.Errorf("missing name: %v", err)
	}
	for _, name := range []string{"a.b", "", "a b", "class", "1x"} {
		if err := s.Set(ctx, name, 1); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("set %q: %v", name, err)
		}
	}
	if err := s.Set(ctx, "x", make(chan int)); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("set of a channel: %v", err)
	}
}
