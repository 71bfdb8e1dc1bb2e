package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// testRuntime is the process's shared runtime.
func testRuntime(t testing.TB) *core.Runtime {
	t.Helper()
	rt, err := core.DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// newSession starts a session that ends with the test.
func newSession(t testing.TB, config core.Config) *core.Session {
	t.Helper()
	s, err := testRuntime(t).NewSession(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// execute runs code in s, which must succeed.
func execute(t testing.TB, s *core.Session, code string) *core.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := s.Execute(ctx, code)
	if err != nil {
		t.Fatalf("%v\n%s", err, tracebackOf(err))
	}
	return r
}

// tracebackOf is the program's traceback in err, if there is one.
func tracebackOf(err error) string {
	if e, ok := err.(*core.Error); ok && e.Python != nil {
		return e.Python.Traceback
	}
	return ""
}

// run executes code in a session of its own with callbacks, and returns what it printed.
func run(t testing.TB, code string, callbacks ...core.Callback) string {
	t.Helper()
	return string(execute(t, newSession(t, core.Config{Callbacks: callbacks}), code).Stdout)
}
