package core_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

const approval = `
x = 2
keep.append(2)
open("/data/file", "w").write("x")
import asyncio
try:
    print(await asyncio.gather(echo(x=1), slow(), ask(x="q"), echo(x=3)))
except BaseException as e:
    print("caught", e)
finally:
    x = 3
`

func TestSuspendAndResume(t *testing.T) {
	host := &journalHost{suspends: true}
	s := newSession(t, core.Config{Callbacks: host.callbacks()})
	execute(t, s, "x = 1; keep = [1]")
	r, err := journalRun(t, s, approval, nil)
	if core.ErrorCode(err) != core.CodeSuspended || err.Error() != "execution suspended: wants approval" || err.(*core.Error).Killed {
		t.Fatalf("%#v", err)
	}
	if want := (core.SuspendedCallback{Name: "ask", ArgsJSON: `{"x":"q"}`, Reason: "wants approval"}); *r.Suspended != want {
		t.Errorf("suspended by %+v", *r.Suspended)
	}
	// What was under way has ended, and what was called after the suspending call is not kept.
	if got := host.take(); !slices.Equal(got, []string{"ask", "echo", "echo", "slow"}) {
		t.Errorf("asked %v", got)
	}
	if len(r.Journal.Entries) != 2 || r.Journal.Entries[1].Name != "slow" || strings.Contains(string(r.Stdout), "caught") {
		t.Errorf("journal %+v, printed %q", r.Journal.Entries, r.Stdout)
	}
	if got := execute(t, s, "import os\nprint(x, keep, os.listdir('/data'))").Stdout; string(got) != "1 [1] []\n" {
		t.Errorf("the session was not rolled back: %s", got)
	}
	host.suspends = false
	r, err = journalRun(t, s, approval, through(t, r.Journal))
	if err != nil || string(r.Stdout) != "[1, 'slow', 'approved', 3]\n" || r.ReplayedCallbacks != 2 || r.Suspended != nil {
		t.Fatalf("%v %q %d", err, r.Stdout, r.ReplayedCallbacks)
	}
	if got := host.take(); !slices.Equal(got, []string{"ask", "echo"}) {
		t.Errorf("asked %v", got)
	}
	if got := execute(t, s, "print(x, keep)").Stdout; string(got) != "3 [1, 2]\n" {
		t.Errorf("after the resumption: %s", got)
	}
}

// TestSuspendRunningProgram: the program spins, or blocks, while the host suspends it.
func TestSuspendRunningProgram(t *testing.T) {
	host := &journalHost{suspends: true}
	s := newSession(t, core.Config{Callbacks: host.callbacks(), Limits: core.Limits{ExecutionTimeout: 20 * time.Second, CallbackTimeout: 200 * time.Millisecond}})
	for _, rest := range []string{"while True: pass", "import time\ntime.sleep(15)", "await never()"} {
		_, err := journalRun(t, s, "import asyncio\nt = asyncio.ensure_future(ask())\nawait asyncio.sleep(0)\n"+rest, nil)
		if core.ErrorCode(err) != core.CodeSuspended {
			t.Errorf("%s: %v", rest, err)
		}
	}
	if got := execute(t, s, "print('alive')").Stdout; string(got) != "alive\n" {
		t.Errorf("%s", got)
	}
}

// TestSuspendedExecutionEnds: calls under way are waited for, but not beyond the execution's time or its caller's
// patience.
func TestSuspendedExecutionEnds(t *testing.T) {
	host := &journalHost{suspends: true}
	s := newSession(t, core.Config{Callbacks: host.callbacks(), Limits: core.Limits{ExecutionTimeout: 300 * time.Millisecond, CallbackTimeout: core.Unlimited}})
	const code = "import asyncio\nawait asyncio.gather(never(), ask())"
	if _, err := journalRun(t, s, code, nil); core.ErrorCode(err) != core.CodeSuspended {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Execute(ctx, code, core.WithJournal(nil), core.WithTimeout(core.Unlimited))
	if core.ErrorCode(err) != core.CodeSuspended {
		t.Errorf("%v", err)
	}
}

func TestSuspendWithoutJournal(t *testing.T) {
	host := &journalHost{suspends: true}
	s := newSession(t, core.Config{Callbacks: host.callbacks()})
	r, err := s.Execute(context.Background(), "x = 1\ntry:\n    await ask()\nfinally:\n    print('cleaned')")
	if core.ErrorCode(err) != core.CodeSuspended || r.Suspended == nil || r.Journal != nil || string(r.Stdout) != "cleaned\n" {
		t.Fatalf("%v %+v", err, r)
	}
	if got := execute(t, s, "print(x)").Stdout; string(got) != "1\n" {
		t.Errorf("%s", got)
	}
	sandbox, err := testRuntime(t).NewSandbox(core.Config{Callbacks: host.callbacks()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Execute(context.Background(), "await ask()", core.WithJournal(nil)); core.ErrorCode(err) != core.CodeSuspended {
		t.Errorf("%v", err)
	}
}

// TestHaltedRunsAreRolledBack: what the host stops is undone and can go on later; what ends by itself is not undone.
func TestHaltedRunsAreRolledBack(t *testing.T) {
	host := &journalHost{}
	for name, c := range map[string]struct {
		code  string
		want  core.Code
		after string
	}{
		"timeout":   {"x = await echo(x=2)\nwhile True: pass", core.CodeTimeout, "1\n"},
		"killed":    {"x = await echo(x=2)\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass", core.CodeTimeout, "1\n"},
		"asleep":    {"x = await echo(x=2)\nawait never()", core.CodeTimeout, "1\n"},
		"exit":      {"x = await echo(x=2)\nimport sys\nsys.exit(3)", core.CodeExit, "2\n"},
		"os._exit":  {"x = await echo(x=2)\nimport os\nos._exit(3)", core.CodeExit, "1\n"},
		"exception": {"x = await echo(x=2)\n1/0", core.CodePython, "2\n"},
		"ctrl-c":    {"x = await echo(x=2)\nraise KeyboardInterrupt", core.CodePython, "2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, core.Config{Callbacks: host.callbacks(), Limits: core.Limits{ExecutionTimeout: 300 * time.Millisecond}})
			execute(t, s, "x = 1")
			r, err := journalRun(t, s, c.code, nil)
			if core.ErrorCode(err) != c.want || err.(*core.Error).Killed || strings.Contains(err.Error(), "reset") {
				t.Errorf("%#v", err)
			}
			if len(r.Journal.Entries) != 1 || r.Journal.Entries[0].Name != "echo" {
				t.Errorf("journal %+v", r.Journal.Entries)
			}
			if got := string(execute(t, s, "print(x)").Stdout); got != c.after {
				t.Errorf("x is %q, want %q", got, c.after)
			}
			if s.ExecutionCount() != 3 {
				t.Errorf("%d executions", s.ExecutionCount())
			}
		})
	}
}

// TestRollBackToTheVeryBeginning: a session whose first execution is undone still starts as it should.
func TestRollBackToTheVeryBeginning(t *testing.T) {
	s := newSession(t, core.Config{Checkpoint: true, Args: []string{"a", "b"}})
	if _, err := s.Execute(context.Background(), "1/0"); err == nil {
		t.Fatal("no error")
	}
	if got := execute(t, s, "import os, sys\nprint(os.getcwd(), sys.argv)").Stdout; string(got) != "/data ['a', 'b']\n" {
		t.Errorf("%s", got)
	}
}
