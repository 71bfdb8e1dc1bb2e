// Package tests holds what is tested across packages: real programs through the public API.
package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// scriptCount is how many example scripts there are: a script that is lost fails the test.
const scriptCount = 21

// TestExampleScripts runs every script of examples/scripts in a fresh sandbox and compares all it prints
// with the output of CPython beside it.
func TestExampleScripts(t *testing.T) {
	scripts, err := filepath.Glob("../examples/scripts/*.py")
	if err != nil || len(scripts) != scriptCount {
		t.Fatalf("found %d scripts, want %d: %v", len(scripts), scriptCount, err)
	}
	rt, err := core.NewRuntime(t.Context(), core.RuntimeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close() })
	sandbox, err := rt.NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		name := strings.TrimSuffix(filepath.Base(path), ".py")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runScript(t, sandbox, path)
		})
	}
}

func runScript(t *testing.T, sandbox *core.Sandbox, path string) {
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(strings.TrimSuffix(path, ".py") + ".out")
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(context.Background(), string(source), core.WithFilename(filepath.Base(path)))
	if err != nil {
		t.Fatalf("%v\nstdout:\n%s\nstderr:\n%s", err, result.Stdout, result.Stderr)
	}
	if len(result.Stderr) > 0 {
		t.Errorf("stderr: %s", result.Stderr)
	}
	got, expected := strings.Split(string(result.Stdout), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(expected)) {
		if g, w := at(got, i), at(expected, i); g != w {
			t.Fatalf("line %d:\n got %q\nwant %q", i+1, g, w)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no line)"
}
