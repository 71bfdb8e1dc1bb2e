// Package guest tests what a program finds in the sandbox: small Python programs, and exactly what they print.
package guest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

var runtime *core.Runtime

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if runtime, err = core.NewRuntime(context.Background(), core.RuntimeConfig{}); err != nil {
		println(err.Error())
		return 1
	}
	defer runtime.Close()
	return m.Run()
}

// program is a Python program and what must come of it.
type program struct {
	name   string
	code   string
	stdin  string
	want   string // standard output
	stderr string
	err    string // the last line of the error; "" for none
	exit   int
}

// runAll runs every program in a sandbox of its own.
func runAll(t *testing.T, programs []program) {
	t.Helper()
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) { p.run(t) })
	}
}

func (p program) run(t *testing.T) {
	sandbox, err := runtime.NewSandbox(core.Config{Stdin: strings.NewReader(p.stdin)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(t.Context(), p.code, core.WithTimeout(20*time.Second))
	message := ""
	if err != nil && core.ErrorCode(err) != core.CodeExit {
		lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
		message = lines[len(lines)-1]
	}
	if message != p.err {
		t.Errorf("error: %v\nwant the last line %q", err, p.err)
	}
	if result.ExitCode != p.exit {
		t.Errorf("exit code %d, want %d", result.ExitCode, p.exit)
	}
	compare(t, "stdout", string(result.Stdout), p.want)
	compare(t, "stderr", string(result.Stderr), p.stderr)
}

// compare ignores the line breaks at both ends, which raw strings bring along.
func compare(t *testing.T, stream, got, want string) {
	t.Helper()
	if strings.Trim(got, "\n") != strings.Trim(want, "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", stream, got, want)
	}
}

func repeat(line string, count int) string { return strings.Repeat(line, count) }
