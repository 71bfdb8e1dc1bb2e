package core_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// TestSnapshotState: data, functions that use globals, closures, classes, instances and modules come back in another
// session, functions see its globals, and what pickle cannot take is named.
func TestSnapshotState(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, core.Config{})
	execute(t, s, `
import json
rate = 2
def scale(x): return x * rate
def make(n):
    def add(x, *, more=1): return x + n + more
    return add
add = make(10)
class Point:
    def __init__(self, x): self.x = x
    def scaled(self): return scale(self.x)
p = Point(21)
table = {f"k{i}": i for i in range(10_000)}
generator = (i for i in range(3))
`)
	snapshot, unsaved, err := s.SnapshotState(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(unsaved) != 1 || unsaved[0].Name != "generator" || unsaved[0].Reason == "" {
		t.Errorf("unsaved: %v", unsaved)
	}
	other := newSession(t, core.Config{})
	if err := other.RestoreState(ctx, snapshot); err != nil {
		t.Fatal(err)
	}
	got := string(execute(t, other, "rate = 3; print(scale(2), add(1), p.scaled(), json.dumps([1]), len(table), isinstance(p, Point))").Stdout)
	if want := "6 12 63 [1] 10000 True\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRestoreStateRefusesDamage: bytes that are not a whole snapshot change nothing.
// TestRestoreTakesPickles: what restores images merges pickles too, also when it starts a session.
func TestRestoreTakesPickles(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, "x = [1]\ndef f(): return x")
	pickle, _, err := s.SnapshotState(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	other, err := testRuntime(t).NewSessionFrom(pickle, core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	execute(t, other, "y = 2; x.append(2)")
	if err := other.Restore(pickle); err != nil {
		t.Fatal(err)
	}
	if got := string(execute(t, other, "print(f(), y)").Stdout); got != "[1] 2\n" {
		t.Error(got)
	}
	pickle[len(pickle)-1] ^= 1
	if _, err := testRuntime(t).NewSessionFrom(pickle, core.Config{}); core.ErrorCode(err) != core.CodeSnapshot {
		t.Errorf("a damaged pickle: %v", err)
	}
}

func TestRestoreStateRefusesDamage(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, core.Config{})
	execute(t, s, "x = 1")
	snapshot, _, err := s.SnapshotState(ctx)
	if err != nil {
		t.Fatal(err)
	}
	altered := slices.Clone(snapshot)
	altered[len(altered)-2] ^= 1
	for name, damaged := range map[string][]byte{"short": snapshot[:9], "cut": snapshot[:len(snapshot)-1], "altered": altered, "garbage": []byte("garbage, garbage")} {
		if err := s.RestoreState(ctx, damaged); core.ErrorCode(err) != core.CodeSnapshot {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.RestoreState(ctx, nil); err != nil {
		t.Error(err)
	}
	if got := string(execute(t, s, "print(x)").Stdout); got != "1\n" {
		t.Error(got)
	}
}

// TestPicklesOfManyKinds: what programs define in ordinary ways comes back, shared objects still shared, and all that
// cannot is named.
func TestPicklesOfManyKinds(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, core.Config{})
	execute(t, s, `
import abc, asyncio, collections, contextlib, dataclasses, decimal, enum, functools, json as j, re, sqlite3, threading
x = [1]; y = x; loop = []; loop.append(loop); none = None
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
@functools.lru_cache(maxsize=5)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def twice(f):
    @functools.wraps(f)
    def inner(*a): return 2 * f(*a)
    return inner
@twice
def same(n): return n
class Base(abc.ABC):
    @abc.abstractmethod
    def go(self): ...
    @property
    def p(self): return 5
class Sub(Base):
    __slots__ = ("own",)
    def __init__(self): self.own = self
    def go(self): return super().p + 1
sub = Sub()
class Color(enum.Enum):
    RED = 1
red = Color.RED
@dataclasses.dataclass(frozen=True)
class Point:
    a: int
point = Point(3)
Pair = collections.namedtuple("Pair", "a b"); pair = Pair(1, 2)
pattern = re.compile("a+"); money = decimal.Decimal("1.50")
part = functools.partial(same, 4)
@contextlib.contextmanager
def manager(): yield 8
async def later(): await asyncio.sleep(0); return 9
position = iter([1, 2, 3]); next(position)
lock = threading.Lock(); db = sqlite3.connect(":memory:"); gen = (i for i in x); handle = open("f", "w")
class Named:
    def __reduce__(self): return "named"
named = Named()
`)
	pickle, unsaved, err := s.SnapshotState(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range unsaved {
		names = append(names, u.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"db", "gen", "handle", "lock", "named"}) {
		t.Errorf("unsaved: %v", unsaved)
	}
	other := newSession(t, core.Config{})
	if err := other.RestoreState(ctx, pickle); err != nil {
		t.Fatal(err)
	}
	execute(t, other, `
assert y is x and loop[0] is loop and none is None and even(10) and odd(7)
assert fib(20) == 6765 and fib.cache_info().maxsize == 5 and same(4) == 8 and part() == 8
assert sub.go() == 6 and sub.own is sub and isinstance(sub, Base) and red is Color.RED
assert point == Point(3) and pair == Pair(1, 2) and pattern.match("aa") and str(money) == "1.50"
assert next(position) == 2 and j.dumps([1]) == "[1]" and await later() == 9
with manager() as eight: assert eight == 8`)
}

// TestHostilePickles: pickling and unpickling run under the session's limits, as programs do, and the session lives on.
func TestHostilePickles(t *testing.T) {
	ctx := context.Background()
	limits := core.Limits{ExecutionTimeout: 300 * time.Millisecond, MaxMemoryBytes: 100 << 20}
	for name, c := range map[string]struct {
		value string
		code  core.Code
	}{
		"endless": {"(exec, ('while True: pass',))", core.CodeTimeout},
		"memory":  {"(exec, ('x = bytearray(200 << 20)',))", core.CodePython},
		"raises":  {"(exec, ('1/0',))", core.CodePython},
		"exits":   {"(exec, ('import os; os._exit(7)',))", core.CodeExit},
	} {
		maker := newSession(t, core.Config{})
		execute(t, maker, "class Evil:\n    def __reduce__(self): return "+c.value+"\nevil = Evil()")
		pickle, unsaved, err := maker.SnapshotState(ctx)
		if err != nil || len(unsaved) > 0 {
			t.Fatalf("%s: %v, unsaved %v", name, err, unsaved)
		}
		victim := newSession(t, core.Config{Limits: limits})
		execute(t, victim, "x = 1")
		if err := victim.RestoreState(ctx, pickle); core.ErrorCode(err) != c.code {
			t.Errorf("%s: %v, want code %s", name, err, c.code)
		}
		if c.code == core.CodeExit {
			continue // which ends the interpreter
		}
		if got := string(execute(t, victim, "print(x)").Stdout); got != "1\n" {
			t.Errorf("%s: %q", name, got)
		}
	}
	slow := newSession(t, core.Config{Limits: limits})
	execute(t, slow, "y = 2\nclass Slow:\n    def __reduce__(self):\n        while True: pass\nslow = Slow()")
	if _, _, err := slow.SnapshotState(ctx); core.ErrorCode(err) != core.CodeTimeout {
		t.Errorf("endless pickling: %v", err)
	}
	if got := string(execute(t, slow, "print(y)").Stdout); got != "2\n" {
		t.Error(got)
	}
}

func BenchmarkSnapshotState(b *testing.B) {
	s := newSession(b, core.Config{})
	execute(b, s, `table = {f"k{i}": i for i in range(10_000)}`)
	for b.Loop() {
		if _, _, err := s.SnapshotState(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
