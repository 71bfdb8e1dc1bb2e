package core_test

import (
	"context"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestOutputHandlersOrderAndCoalescing(t *testing.T) {
	var both, stdout strings.Builder
	calls := 0
	s := newSession(t, core.Config{
		Callbacks: []core.Callback{{Name: "mark", Func: func(context.Context, map[string]any) (any, error) {
			both.WriteString("|")
			return nil, nil
		}}},
		OnStdout: func(p []byte) { calls++; both.Write(p); stdout.Write(p) },
		OnStderr: func(p []byte) { both.Write(p) },
	})
	r := execute(t, s, `
import sys
for i in range(3):
    print("o", i)
    print("e", i, file=sys.stderr)
await mark()
for i in range(1000):
    print(i)
await mark()
sys.stdout.write("no newline")
`)
	want := "o 0\ne 0\no 1\ne 1\no 2\ne 2\n|"
	if !strings.HasPrefix(both.String(), want) || strings.Count(both.String(), "|") != 2 || !strings.HasSuffix(both.String(), "999\n|no newline") {
		t.Errorf("order: %.60q ... %q", both.String(), both.String()[both.Len()-30:])
	}
	if stdout.String() != string(r.Stdout) {
		t.Errorf("the handler saw %d bytes, the result has %d", stdout.Len(), len(r.Stdout))
	}
	if calls > 50 {
		t.Errorf("%d calls of the handler for 1,004 prints: not coalesced", calls)
	}
}

func TestOutputHandlerSeesLiveOutput(t *testing.T) {
	seen := make(chan string, 10)
	go1 := make(chan struct{})
	s := newSession(t, core.Config{
		OnStdout: func(p []byte) { seen <- string(p) },
		Callbacks: []core.Callback{{Name: "wait", Func: func(context.Context, map[string]any) (any, error) {
			<-go1
			return nil, nil
		}}},
	})
	done := make(chan error, 1)
	go func() {
		_, err := s.Execute(context.Background(), "print('before', end='')\nawait wait()\nprint('after', end='')\n")
		done <- err
	}()
	if got := <-seen; got != "before" {
		t.Errorf("saw %q", got)
	}
	close(go1)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "after" {
		t.Errorf("saw %q", got)
	}
}

func TestOutputHandlerThatPanics(t *testing.T) {
	s := newSession(t, core.Config{OnStdout: func([]byte) { panic("the host's own") }})
	for range 2 {
		if r := execute(t, s, "print('kept')"); string(r.Stdout) != "kept\n" {
			t.Errorf("printed %q", r.Stdout)
		}
	}
}

func TestOutputLimit(t *testing.T) {
	var streamed int
	s := newSession(t, core.Config{Limits: core.Limits{MaxOutputBytes: 1000}, OnStdout: func(p []byte) { streamed += len(p) }})
	r := execute(t, s, "for i in range(10000):\n    print('x' * 100)\nimport sys\nprint('e', file=sys.stderr)")
	if len(r.Stdout) != 1000 || streamed != 1000 || !r.StdoutTruncated || len(r.Stderr) != 0 || !r.StderrTruncated {
		t.Errorf("%d bytes kept, %d streamed, truncated %v %v", len(r.Stdout), streamed, r.StdoutTruncated, r.StderrTruncated)
	}
	_, err := s.Execute(context.Background(), "while True:\n    print('x' * 100)", core.WithLimits(core.Limits{OutputOverflow: core.OutputFail}))
	if e, ok := err.(*core.Error); !ok || e.Code != core.CodeLimit || e.Limit != "output" {
		t.Errorf("overflow: %v", err)
	}
}
