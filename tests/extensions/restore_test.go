package extensions_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// used is a program that uses all that an extension keeps: its data, its type, objects of it, another extension's
// pointer into it. It can go on in a copy of the session.
const (
	use  = "import sample, second\ncounter = sample.Counter(10)\nrest = iter(counter)\nnext(rest)\nsample.bump()\nsecond.state()"
	more = "print(next(rest), counter, sample.bump(), second.ninefold(2), second.state(), sample.Counter(1).add(2), isinstance(counter, sample.Counter))"
	said = "9 <Counter 8> 42 18 (1, 1001) <Counter 3> True\n"
)

func TestFork(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, use, "")
	for range 3 {
		fork, err := s.Fork()
		if err != nil {
			t.Fatal(err)
		}
		prints(t, fork, more, said)
		// An extension that the fork imports itself comes after those that it has.
		prints(t, fork, "import sample; print(sample.relocations()[0:3])", "('two', 'one', 15)\n")
		if err := fork.Close(); err != nil {
			t.Fatal(err)
		}
	}
	prints(t, s, more, said)
}

// TestForkThenImport has the parent import one extension, and two forks the other.
func TestForkThenImport(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, "import sample; sample.bump()", "")
	for range 2 {
		fork, err := s.Fork()
		if err != nil {
			t.Fatal(err)
		}
		defer fork.Close()
		prints(t, fork, "import second; print(second.ninefold(1), sample.bump())", "9 42\n")
		again, err := fork.Fork()
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		prints(t, again, "print(second.ninefold(1), sample.bump(), second.state())", "9 43 (2, 1000)\n")
	}
}

func TestSnapshot(t *testing.T) {
	packages := samples(t)
	s := session(t, packages...)
	prints(t, s, use, "")
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	restored, err := rt.NewSessionFrom(image, core.Config{Packages: packages})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	prints(t, restored, more, said)
	prints(t, s, more, said)
	if err := s.Restore(image); err != nil {
		t.Fatal(err)
	}
	prints(t, s, more, said)
}

// TestSnapshotInAnotherRuntime restores where nothing is compiled yet.
func TestSnapshotInAnotherRuntime(t *testing.T) {
	packages := samples(t)
	s := session(t, packages...)
	prints(t, s, use, "")
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other, err := core.NewRuntime(context.Background(), core.RuntimeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	restored, err := other.NewSessionFrom(image, core.Config{Packages: packages})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	prints(t, restored, more, said)
}

// TestSnapshotNeedsItsPackages checks that code of an extension comes from the session's own packages only.
func TestSnapshotNeedsItsPackages(t *testing.T) {
	packages := samples(t)
	s := session(t, packages...)
	prints(t, s, use, "")
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := extension(t, "sample", compile(t, "sample", inlineModule("sample", "", "return Py_NewRef(o);")))
	for name, given := range map[string][]core.Package{"none": nil, "one of two": packages[:1], "another version": {other, packages[1]}} {
		t.Run(name, func(t *testing.T) {
			_, err := rt.NewSessionFrom(image, core.Config{Packages: given})
			if core.ErrorCode(err) != core.CodeSnapshot || !strings.Contains(err.Error(), "give the packages that it was imported from") {
				t.Errorf("restored without its packages: %v", err)
			}
			stillWorks(t, packages...)
		})
	}
	if err := s.Restore(image); err != nil {
		t.Fatal(err)
	}
	prints(t, s, more, said)
}

func TestDamagedSnapshots(t *testing.T) {
	packages := samples(t)
	s := session(t, packages...)
	prints(t, s, use, "")
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(image); at += 1 + len(image)/97 {
		damaged := append([]byte(nil), image...)
		damaged[at] ^= 0x55
		if err := s.Restore(damaged); err == nil {
			t.Errorf("byte %d was changed, and nobody noticed", at)
		}
	}
	prints(t, s, more, said)
}

func factory(t *testing.T) *core.Factory {
	t.Helper()
	f, err := rt.NewFactory(t.Context(), core.FactoryConfig{
		Packages: samples(t), Imports: []string{"sample", "second"}, SetupCode: use,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// checkFactory uses sandboxes and sessions one after the other, so that instances are used again, and some at once.
func checkFactory(t *testing.T, f *core.Factory) {
	t.Helper()
	for range 5 {
		sandbox, err := f.NewSandbox(core.Config{})
		if err != nil {
			t.Fatal(err)
		}
		result, err := sandbox.Execute(t.Context(), more)
		if err != nil || string(result.Stdout) != said {
			t.Fatalf("a factory's sandbox printed %q, %v", result.Stdout, err)
		}
	}
	for range 3 {
		s, err := f.NewSession(core.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		prints(t, s, more, said)
		fork, err := s.Fork()
		if err != nil {
			t.Fatal(err)
		}
		defer fork.Close()
		prints(t, fork, "print(sample.bump(), counter)", "43 <Counter 8>\n")
	}
}

func TestFactory(t *testing.T) { checkFactory(t, factory(t)) }

func TestFactoryFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sample.factory")
	if err := factory(t).Save(file); err != nil {
		t.Fatal(err)
	}
	other, err := core.NewRuntime(context.Background(), core.RuntimeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	f, err := other.LoadFactory(file)
	if err != nil {
		t.Fatal(err)
	}
	checkFactory(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFactoryWithMore imports in a session an extension that its factory does not have.
func TestFactoryWithMore(t *testing.T) {
	extra := extension(t, "extra", compile(t, "extra", inlineModule("extra", "", "return Py_BuildValue(\"(OO)\", o, o);")))
	f := factory(t)
	for range 3 {
		s, err := f.NewSession(core.Config{Packages: []core.Package{extra}})
		if err != nil {
			t.Fatal(err)
		}
		prints(t, s, "import extra; print(extra.run(3), sample.bump())", "(3, 3) 42\n")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	checkFactory(t, f)
}

// TestInstancesForget checks that nothing of an extension is left for who gets the instance next.
func TestInstancesForget(t *testing.T) {
	packages := samples(t)
	for range 5 {
		s := session(t, packages...)
		prints(t, s, "import sample; print(sample.bump())", "41\n")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		bare := session(t)
		prints(t, bare, "import sys\ntry: import sample\nexcept ImportError as e: print(e)\nprint('sample' in sys.modules)", "No module named 'sample'\nFalse\n")
		if err := bare.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPool(t *testing.T) {
	pool, err := rt.NewPool(core.PoolConfig{Config: core.Config{Packages: samples(t)}, MaxSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 6 {
		lease, err := pool.Acquire(t.Context(), core.LeaseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		prints(t, lease.Session, "import sample; print(sample.bump())", "41\n")
		lease.Release()
	}
}

// TestRollback checks that a session returns to what it was when code in an extension is killed.
func TestRollback(t *testing.T) {
	s, err := rt.NewSession(core.Config{Packages: samples(t), Checkpoint: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prints(t, s, use, "")
	fails(t, s, "sample.bump()\nsample.spin()", "timeout", "timeout", core.WithTimeout(short))
	prints(t, s, more, said)
}

// TestStore has sessions with extensions moved to disk and back.
func TestStore(t *testing.T) {
	store, err := rt.NewSessionStore(core.StoreConfig{MaxResident: 1, Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	packages := samples(t)
	var sessions []*core.Session
	for range 3 {
		s, err := rt.NewSession(core.Config{Packages: packages, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		prints(t, s, use, "")
		sessions = append(sessions, s)
	}
	for _, s := range sessions {
		prints(t, s, more, said)
	}
	if stats := store.Stats(); stats.TotalReturned < 2 {
		t.Errorf("nothing was moved: %+v", stats)
	}
}
