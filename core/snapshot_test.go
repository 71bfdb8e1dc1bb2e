package core_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// remember is a program that leaves what pickle cannot take: a generator, a closure, an open database, a file.
const remember = `
import itertools, sqlite3
def count():
    total = 0
    while True:
        total += yield total
g = count(); next(g); g.send(5)
def make():
    n = 41
    def inner():
        nonlocal n
        n += 1
        return n
    return inner
closure = make()
db = sqlite3.connect(":memory:")
db.execute("create table t (x)"); db.execute("insert into t values (7)")
it = itertools.count(10); next(it)
open("notes.txt", "w").write("kept")
handle = open("notes.txt"); handle.read(2)
class A:
    x = 1
`

const recall = `print(g.send(1), closure(), db.execute("select x from t").fetchall(), next(it), handle.read(), A().x)`

const recalled = "6 42 [(7,)] 11 pt 1\n"

// TestSnapshotKeepsEverything: an image restores memory, generators, databases, files and open descriptors, in
// another session, any number of times, and the session it was taken of goes on.
func TestSnapshotKeepsEverything(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, remember)
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		other, err := testRuntime(t).NewSessionFrom(image, core.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(execute(t, other, recall).Stdout); got != recalled {
			t.Errorf("restored %d: %q, want %q", i, got, recalled)
		}
		if n := other.ExecutionCount(); n != 2 {
			t.Errorf("execution count %d, want 2", n)
		}
		other.Close()
	}
	if got := string(execute(t, s, recall).Stdout); got != recalled {
		t.Errorf("original: %q, want %q", got, recalled)
	}
}

// TestRestoreRevivesDeadSession: a session that was killed lives again from an image.
func TestRestoreRevivesDeadSession(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, "x = 1")
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Execute(context.Background(), "import os; os._exit(3)"); core.ErrorCode(err) != core.CodeExit {
		t.Fatal(err)
	}
	if _, err := s.Execute(context.Background(), "x"); core.ErrorCode(err) != core.CodeClosed {
		t.Fatal(err)
	}
	if err := s.Restore(image); err != nil {
		t.Fatal(err)
	}
	if got := string(execute(t, s, "print(x)").Stdout); got != "1\n" {
		t.Error(got)
	}
}

// TestForkIsIndependent: neither sees what the other does after the fork, in memory or in files.
func TestForkIsIndependent(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, "x = [1]; open('f', 'w').write('before')")
	child, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	execute(t, s, "x.append('parent'); open('f', 'w').write('parent')")
	execute(t, child, "x.append('child'); open('f', 'w').write('child')")
	for session, want := range map[*core.Session]string{s: "[1, 'parent'] parent\n", child: "[1, 'child'] child\n"} {
		if got := string(execute(t, session, "print(x, open('f').read())").Stdout); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestDamagedSnapshotsAreRefused: whatever is altered or cut off, the error says so and the session is unharmed.
func TestDamagedSnapshotsAreRefused(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, "x = 1")
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	otherBuild := bytes.Replace(image, []byte("eryx-state-2\n"), []byte("eryx-state-2\n0123"), 1)
	cases := map[string][]byte{"empty": nil, "other build": otherBuild[:len(image)], "garbage": []byte("garbage")}
	for i := 0; i < len(image); i += len(image)/50 + 1 {
		cases[fmt.Sprintf("cut at %d", i)] = image[:i]
		altered := bytes.Clone(image)
		altered[i] ^= 0x40
		cases[fmt.Sprintf("altered at %d", i)] = altered
	}
	for name, damaged := range cases {
		if err := s.Restore(damaged); core.ErrorCode(err) != core.CodeSnapshot {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := string(execute(t, s, "print(x)").Stdout); got != "1\n" {
		t.Error(got)
	}
}

// TestSnapshotsWithinLimits: an image that needs more than its new session may have is refused, and changes nothing.
func TestSnapshotsWithinLimits(t *testing.T) {
	large := newSession(t, core.Config{Limits: core.Limits{MaxMemoryBytes: 200 << 20, MaxVFSBytes: 100 << 20}})
	execute(t, large, "x = bytearray(100 << 20)")
	memory, err := large.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	execute(t, large, "del x\nopen('f', 'wb').write(bytes(80 << 20))")
	if err := large.Reset(); err != nil { // gives the memory back, and keeps the files
		t.Fatal(err)
	}
	files, err := large.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	small := newSession(t, core.Config{Limits: core.Limits{MaxMemoryBytes: 64 << 20}})
	execute(t, small, "y = 1; open('g', 'w').write('kept')")
	for name, image := range map[string][]byte{"memory": memory, "files": files} {
		if err := small.Restore(image); core.ErrorCode(err) != core.CodeSnapshot {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := string(execute(t, small, "print(y, open('g').read())").Stdout); got != "1 kept\n" {
		t.Error(got)
	}
	if err := large.Restore(memory); err != nil {
		t.Error(err)
	}
	if err := large.Restore(files); err != nil {
		t.Error(err)
	}
	if got := string(execute(t, large, "import os; print(os.path.getsize('f'))").Stdout); got != "83886080\n" {
		t.Error(got)
	}
}

// TestCheckpoint: an execution that fails, is killed or ends the interpreter leaves no trace, in memory or files.
func TestCheckpoint(t *testing.T) {
	s := newSession(t, core.Config{Checkpoint: true, Limits: core.Limits{ExecutionTimeout: 300 * time.Millisecond}})
	execute(t, s, "x = [1]; open('f', 'w').write('good')")
	const spoil = "x.append(2); open('f', 'w').write('bad')\n"
	for _, end := range []string{"1/0", "import os; os._exit(1)", "while True:\n  try:\n    while True: pass\n  except BaseException: pass"} {
		if _, err := s.Execute(context.Background(), spoil+end); err == nil {
			t.Fatalf("%q succeeded", end)
		}
		if got := string(execute(t, s, "print(x, open('f').read())").Stdout); got != "[1] good\n" {
			t.Errorf("after %q: %q", end, got)
		}
	}
	if n := s.ExecutionCount(); n != 7 {
		t.Errorf("execution count %d, want 7", n)
	}
}

// TestCheckpointWithADeletedFile: a file that was deleted while it was open is all that going back loses.
func TestCheckpointWithADeletedFile(t *testing.T) {
	s := newSession(t, core.Config{Checkpoint: true})
	execute(t, s, "import os\nf = open('gone', 'w+'); f.write('text'); f.flush(); os.remove('gone')\nx = [1]\nkept = open('kept', 'w+')")
	if _, err := s.Execute(context.Background(), "x.append(2)\n1/0"); core.ErrorCode(err) != core.CodePython {
		t.Fatal(err)
	}
	got := string(execute(t, s, "print(x, kept.write('k'))\ntry: f.seek(0); f.read()\nexcept OSError as e: print(e.strerror)").Stdout)
	if want := "[1] 1\nBad file descriptor\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func BenchmarkFork(b *testing.B) {
	s := newSession(b, core.Config{})
	execute(b, s, "x = bytes(1_000_000)")
	for b.Loop() {
		child, err := s.Fork()
		if err != nil {
			b.Fatal(err)
		}
		child.Close()
	}
}

func BenchmarkSnapshot(b *testing.B) {
	s := newSession(b, core.Config{})
	execute(b, s, "import os; x = os.urandom(1_000_000)")
	for b.Loop() {
		if _, err := s.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRestore(b *testing.B) {
	s := newSession(b, core.Config{})
	execute(b, s, "import os; x = os.urandom(1_000_000)")
	image, err := s.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Restore(image); err != nil {
			b.Fatal(err)
		}
	}
}
