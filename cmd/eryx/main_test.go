package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// binary is the command, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "eryx-cmd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "eryx")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=1.2.3-test", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// limit is how long a run of the command may take before its test fails.
const limit = 3 * time.Minute

// outcome is what a run of the command left.
type outcome struct {
	stdout, stderr string
	code           int
}

// eryx runs the command in an empty folder with the given standard input.
func eryx(t *testing.T, stdin string, arguments ...string) outcome {
	t.Helper()
	return eryxIn(t, t.TempDir(), stdin, arguments...)
}

func eryxIn(t *testing.T, dir, stdin string, arguments ...string) outcome {
	t.Helper()
	command := command(t, arguments...)
	command.Dir = dir
	command.Stdin = strings.NewReader(stdin)
	return finish(t, command)
}

func command(t *testing.T, arguments ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, binary, arguments...)
}

// finish runs command to its end.
func finish(t *testing.T, command *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", command.Args, err)
	}
	return outcome{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

// check compares an outcome. "..." in a wanted text stands for anything.
func (o outcome) check(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code || !like(o.stdout, stdout) || !like(o.stderr, stderr) {
		t.Fatalf("exit code %d, want %d\nstdout %q\nwant   %q\nstderr %q\nwant   %q", o.code, code, o.stdout, stdout, o.stderr, stderr)
	}
}

func like(got, want string) bool {
	parts := strings.Split(want, "...")
	last := parts[len(parts)-1]
	if len(parts) == 1 {
		return got == want
	}
	for i, part := range parts[:len(parts)-1] {
		at := strings.Index(got, part)
		if at < 0 || i == 0 && at != 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return strings.HasSuffix(got, last)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
