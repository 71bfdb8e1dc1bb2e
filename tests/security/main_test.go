// Package security_test runs hostile programs and asserts what the host sees of each: the exact outcome, and that
// the same process runs the next program correctly. One file per claim, named after the claim.
package security_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

var rt *core.Runtime

func TestMain(m *testing.M) {
	var err error
	if rt, err = core.DefaultRuntime(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot start the runtime:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// patience is the execution timeout of programs that end by themselves. It is generous, because the machine may be
// slow and the race detector is slower; nothing is measured with it.
const patience = time.Minute

// run executes a program in a sandbox of its own, and then asserts that the process still works.
func run(t *testing.T, config core.Config, code string, options ...core.ExecuteOption) (*core.Result, *core.Error) {
	t.Helper()
	if config.Limits.ExecutionTimeout == 0 {
		config.Limits.ExecutionTimeout = patience
	}
	sandbox, err := rt.NewSandbox(config)
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(context.Background(), code, options...)
	stillWorks(t)
	if result == nil {
		t.Fatal("no result")
	}
	if err != result.Err {
		t.Fatalf("Execute returned %v, its result says %v", err, result.Err)
	}
	var e *core.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("the error is a %T, not a *core.Error: %v", err, err)
	}
	tellsNothing(t, result)
	return result, e
}

// stillWorks asserts that the next sandbox of this process runs correctly.
func stillWorks(t *testing.T) {
	t.Helper()
	sandbox, err := rt.NewSandbox(core.Config{Limits: core.Limits{ExecutionTimeout: patience}})
	if err != nil {
		t.Fatal(err)
	}
	const program = "import json, sys\n" +
		"print(sum(i * i for i in range(1000)), sorted(k for k in globals() if not k.startswith('__')))\n" +
		"result = json.loads('[1, {\"a\": null}]')"
	result, err := sandbox.Execute(context.Background(), program)
	if err != nil {
		t.Fatalf("the next sandbox failed: %v", err)
	}
	if got, want := string(result.Stdout), "332833500 ['json', 'sys']\n"; got != want {
		t.Fatalf("the next sandbox printed %q, want %q", got, want)
	}
	if got, want := string(result.JSON), `[1, {"a": null}]`; got != want {
		t.Fatalf("the next sandbox's result is %s, want %s", got, want)
	}
}

// hostWords are what no text of a program's outcome may contain: the host's paths, frames and engine.
var hostWords = regexp.MustCompile(`/work/|/root/|/home/|/tmp/go-build|\.go:\d|goroutine|wazero|wasm error|wasm stack|0xc0[0-9a-f]{8}`)

// tellsNothing asserts that the outcome says nothing of the host.
func tellsNothing(t *testing.T, result *core.Result) {
	t.Helper()
	texts := []string{string(result.Stdout), string(result.Stderr), string(result.JSON), result.JSONError}
	var e *core.Error
	if errors.As(result.Err, &e) {
		texts = append(texts, e.Error(), e.Message)
		if e.Python != nil {
			texts = append(texts, e.Python.Type, e.Python.Message, e.Python.Traceback, fmt.Sprint(e.Python.Frames))
		}
	}
	for _, text := range texts {
		if at := hostWords.FindStringIndex(text); at != nil {
			t.Errorf("the outcome tells of the host: ...%q...", text[max(0, at[0]-80):min(len(text), at[1]+80)])
		}
	}
}

// wantStdout asserts that a program ended well and printed exactly want.
func wantStdout(t *testing.T, result *core.Result, err *core.Error, want string) {
	t.Helper()
	if err != nil {
		t.Fatalf("failed: %v\nstderr: %s", err, clip(string(result.Stderr)))
	}
	if got := string(result.Stdout); got != want {
		t.Fatalf("printed %q, want %q", clip(got), want)
	}
}

// wantPython asserts that a program ended by an uncaught exception of one of the types.
func wantPython(t *testing.T, err *core.Error, types ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("ended well, want %v", types)
	}
	if err.Code != core.CodePython || err.Python == nil {
		t.Fatalf("ended with %q (%s), want an exception: %v", err.Code, clip(err.Message), types)
	}
	for _, want := range types {
		if err.Python.Type == want {
			return
		}
	}
	t.Fatalf("raised %s, want %v", err.Python.Type, types)
}

// wantCode asserts the code and limit of an error.
func wantCode(t *testing.T, err *core.Error, code core.Code, limit string) {
	t.Helper()
	if err == nil {
		t.Fatalf("ended well, want %q", code)
	}
	if err.Code != code || err.Limit != limit {
		t.Fatalf("ended with code %q, limit %q (%s), want %q, %q", err.Code, err.Limit, clip(err.Message), code, limit)
	}
}

func clip(s string) string {
	const most = 2000
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// lines joins the lines of a program.
func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }
