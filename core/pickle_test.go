package core_test

import (
	"context"
	"slices"
	"testing"

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

func BenchmarkSnapshotState(b *testing.B) {
	s := newSession(b, core.Config{})
	execute(b, s, `table = {f"k{i}": i for i in range(10_000)}`)
	for b.Loop() {
		if _, _, err := s.SnapshotState(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
