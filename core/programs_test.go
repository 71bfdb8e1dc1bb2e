package core_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// pythonOf is the exception that an execution must have ended with.
func pythonOf(t *testing.T, err error) *core.PythonError {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Python == nil {
		t.Fatalf("no Python exception: %v", err)
	}
	return e.Python
}

// A program that a session runs again is not compiled again; nothing but its time may tell.
func TestTheSameProgramAgain(t *testing.T) {
	s := newSession(t, core.Config{})
	for range 3 {
		r, err := s.Execute(context.Background(), "n = globals().get('n', 0) + 1\ndef f(): return n\nprint(n, f())\n1/(n-3)")
		text := string(r.Stdout)
		if err == nil && strings.HasPrefix(text, "3 ") {
			t.Fatal("no exception in the third run")
		}
	}
	_, err := s.Execute(context.Background(), "raise ValueError('once')")
	first := pythonOf(t, err).Traceback
	_, err = s.Execute(context.Background(), "raise ValueError('once')")
	if again := pythonOf(t, err).Traceback; again != first || !strings.Contains(again, "raise ValueError('once')") {
		t.Errorf("traceback\n%s\nand again\n%s", first, again)
	}
	if r, err := s.Execute(context.Background(), "import linecache; linecache.clearcache()"); err != nil {
		t.Fatal(r, err)
	}
	_, err = s.Execute(context.Background(), "raise ValueError('once')")
	if again := pythonOf(t, err).Traceback; again != first {
		t.Errorf("traceback after linecache.clearcache()\n%s", again)
	}
}

// The same text in another mode, or under another name, is another program.
func TestTheSameTextAsAnotherProgram(t *testing.T) {
	s := newSession(t, core.Config{})
	for _, c := range []struct {
		options []core.ExecuteOption
		want    string
	}{{nil, ""}, {[]core.ExecuteOption{core.WithInteractive()}, "2\n"}, {nil, ""}, {[]core.ExecuteOption{core.WithInteractive()}, "2\n"}} {
		r, err := s.Execute(context.Background(), "1 + 1", c.options...)
		if err != nil || string(r.Stdout) != c.want {
			t.Errorf("%q, %v, want %q", r.Stdout, err, c.want)
		}
	}
	for _, name := range []string{"a.py", "b.py", "a.py"} {
		_, err := s.Execute(context.Background(), "oops", core.WithFilename(name))
		if frames := pythonOf(t, err).Frames; len(frames) != 1 || frames[0].File != name {
			t.Errorf("%s: frames %v", name, frames)
		}
	}
}

// A program that awaits gets a coroutine of its own each time, and what it defines is its own.
func TestTheSameAsyncProgramAgain(t *testing.T) {
	s := newSession(t, core.Config{})
	for i := range 4 {
		r, err := s.Execute(context.Background(), "import asyncio\nclass A: pass\nseen = globals().get('seen', []) + [A]\nawait asyncio.sleep(0)\nprint(len(set(seen)))")
		if want := fmt.Sprintf("%d\n", i+1); err != nil || string(r.Stdout) != want {
			t.Errorf("%q, %v, want %q", r.Stdout, err, want)
		}
	}
}

// More programs than are remembered, and ones too long to be.
func TestManyPrograms(t *testing.T) {
	s := newSession(t, core.Config{})
	long := "print('long')\n" + strings.Repeat("# a comment\n", 2000)
	for range 2 {
		for i := range 50 {
			r, err := s.Execute(context.Background(), fmt.Sprintf("print(%d)", i))
			if want := fmt.Sprintf("%d\n", i); err != nil || string(r.Stdout) != want {
				t.Fatalf("%q, %v, want %q", r.Stdout, err, want)
			}
		}
		if r, err := s.Execute(context.Background(), long); err != nil || string(r.Stdout) != "long\n" {
			t.Fatal(r, err)
		}
	}
}
