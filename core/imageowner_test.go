package core

import (
	"runtime"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core/wheel"
)

// TestImageOwner: a factory's image is freed with the last of what was made of it, and not before.
func TestImageOwner(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	f, err := rt.NewFactory(t.Context(), FactoryConfig{SetupCode: "x = 1"})
	if err != nil {
		t.Fatal(err)
	}
	owner := f.origin.owner
	session, err := f.NewSession(Config{})
	if err != nil {
		t.Fatal(err)
	}
	fork, err := session.Fork()
	if err != nil {
		t.Fatal(err)
	}
	pool, err := rt.NewPool(PoolConfig{Factory: f})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.NewSession(Config{ResultVariable: "x", Limits: Limits{MaxMemoryBytes: 1}}); ErrorCode(err) != CodeInitialization {
		t.Errorf("a session that cannot start: %v", err)
	}
	func() {
		sandbox, err := f.NewSandbox(Config{})
		if err == nil {
			_, err = sandbox.Execute(t.Context(), "x")
		}
		if err != nil {
			t.Fatal(err)
		}
	}()
	_ = f.Close()
	_ = session.Close()
	_ = pool.Close()
	if owner.holds.Load() < 1 {
		t.Fatal("freed under a session")
	}
	if _, err := fork.Execute(t.Context(), "print(x)"); err != nil {
		t.Error(err)
	}
	_ = fork.Close()
	// The sandbox's hold goes with the sandbox, when Go finds that nobody has it.
	for end := time.Now().Add(10 * time.Second); owner.holds.Load() != 0; time.Sleep(time.Millisecond) {
		if runtime.GC(); time.Now().After(end) {
			t.Fatalf("%d holds are left", owner.holds.Load())
		}
	}
	if owner.tryHold() {
		t.Error("an image that is gone can be held")
	}
}

// TestFactoryRequirements: requirements are fetched, and importable in what the factory makes.
func TestFactoryRequirements(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	f, err := rt.NewFactory(t.Context(), FactoryConfig{
		Requirements: []string{"jinja2==3.1.6"}, Resolve: wheel.ResolveConfig{CacheDir: t.TempDir()}, Imports: []string{"jinja2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := f.NewSession(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Execute(t.Context(), "import jinja2, importlib.metadata as m; print(jinja2.Template('{{ 1 + 1 }}').render(), m.version('markupsafe') >= '3')")
	if err != nil || string(r.Stdout) != "2 True\n" {
		t.Errorf("%q, %v", r.Stdout, err)
	}
	_, err = rt.NewFactory(t.Context(), FactoryConfig{Requirements: []string{"./x"}})
	if ErrorCode(err) != CodeInitialization {
		t.Errorf("no requirement: %v", err)
	}
}
