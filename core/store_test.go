package core_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func newStore(t testing.TB, config core.StoreConfig) (store *core.SessionStore, directory string) {
	t.Helper()
	directory = t.TempDir()
	config.Directory = directory
	store, err := testRuntime(t).NewSessionStore(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, directory
}

// storedFiles are the paths of images on disk, whose permissions must keep others out.
func storedFiles(t testing.TB, directory string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == directory {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be seen by others: %v", path, info.Mode())
		}
		if !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestSessionStore: of many sessions a few are in memory, and none notices: state that pickle cannot take, files,
// callbacks, limits and counts stay.
func TestSessionStore(t *testing.T) {
	const sessions, resident = 20, 4
	store, directory := newStore(t, core.StoreConfig{MaxResident: resident})
	var all []*core.Session
	for i := range sessions {
		me := core.Callback{Name: "me", Func: func(context.Context, map[string]any) (any, error) { return i, nil }}
		s := newSession(t, core.Config{Store: store, Callbacks: []core.Callback{me}, Limits: core.Limits{MaxMemoryBytes: 64 << 20}})
		execute(t, s, fmt.Sprintf("import itertools\ncount = itertools.count(%d)\nopen('f', 'w').write('file %d')\nhandle = open('f')\nhandle.read(5)", 100*i, i))
		all = append(all, s)
		if s := store.Stats(); s.Resident > resident {
			t.Fatalf("after session %d: %+v", i, s)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	uses := make([]int, sessions)
	for range 60 {
		i := random.IntN(sessions)
		got := string(execute(t, all[i], "print(next(count), await me(), open('f').read(), handle.read()); handle.seek(5)").Stdout)
		if want := fmt.Sprintf("%d %d file %d %d\n", 100*i+uses[i], i, i, i); got != want {
			t.Fatalf("session %d: %q, want %q", i, got, want)
		}
		uses[i]++
		if n := all[i].ExecutionCount(); n != 1+uses[i] {
			t.Fatalf("session %d: %d executions counted, want %d", i, n, 1+uses[i])
		}
	}
	if _, err := all[0].Execute(context.Background(), "x = bytearray(80 << 20)"); err == nil || !strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("the memory limit: %v", err)
	}
	stats, files := store.Stats(), storedFiles(t, directory)
	if stats.Sessions != sessions || stats.Resident > resident || stats.OnDisk != sessions-stats.Resident || len(files) != stats.OnDisk ||
		stats.TotalMoved < 40 || stats.TotalReturned < 40 {
		t.Errorf("%d files, %+v", len(files), stats)
	}
	for _, s := range all[:sessions-1] {
		_ = s.Close()
	}
	if stats := store.Stats(); stats.Sessions != 1 || stats.OnDisk+stats.Resident != 1 || len(storedFiles(t, directory)) != stats.OnDisk {
		t.Errorf("after closing: %+v", stats)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
	if _, err := all[sessions-1].Execute(context.Background(), "1"); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("a session of a closed store: %v", err)
	}
	if _, err := testRuntime(t).NewSession(core.Config{Store: store}); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("a new session of a closed store: %v", err)
	}
}

// TestSessionStoreDiskIsFull: who needs room is told that there is none, and no session is lost.
func TestSessionStoreDiskIsFull(t *testing.T) {
	store, _ := newStore(t, core.StoreConfig{MaxResident: 1, MaxDiskBytes: 1 << 20})
	first := newSession(t, core.Config{Store: store})
	execute(t, first, "import os\ndata = os.urandom(2 << 20)\nx = 1")
	_, err := testRuntime(t).NewSession(core.Config{Store: store})
	if e, _ := err.(*core.Error); core.ErrorCode(err) != core.CodeLimit || e.Limit != "disk" {
		t.Fatalf("a session that does not fit on the disk: %v", err)
	}
	if got := string(execute(t, first, "print(x, len(data))").Stdout); got != "1 2097152\n" {
		t.Error(got)
	}
	_ = first.Close()
	second, third := newSession(t, core.Config{Store: store}), newSession(t, core.Config{Store: store})
	execute(t, second, "y = 2")
	execute(t, third, "import os\ndata = os.urandom(2 << 20)")
	if _, err := second.Execute(context.Background(), "y"); core.ErrorCode(err) != core.CodeLimit {
		t.Errorf("a session that cannot come back: %v", err)
	}
	_ = third.Close()
	if got := string(execute(t, second, "print(y)").Stdout); got != "2\n" {
		t.Error(got)
	}
}

// TestSessionStoreDamage: a session whose image on disk is gone or altered says so, and can be reset.
func TestSessionStoreDamage(t *testing.T) {
	store, directory := newStore(t, core.StoreConfig{MaxResident: 1})
	s := newSession(t, core.Config{Store: store})
	other := newSession(t, core.Config{Store: store})
	for name, damage := range map[string]func(path string, image []byte) error{
		"gone": func(path string, _ []byte) error { return os.Remove(path) },
		"altered": func(path string, image []byte) error {
			image[len(image)/2] ^= 1
			return os.WriteFile(path, image, 0o600)
		},
		"cut": func(path string, image []byte) error { return os.WriteFile(path, image[:len(image)/2], 0o600) },
	} {
		execute(t, s, "x = 1")
		execute(t, other, "y = 1")
		files := storedFiles(t, directory)
		image, err := os.ReadFile(files[0])
		if err == nil {
			err = damage(files[0], image)
		}
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if _, err := s.Execute(context.Background(), "x"); core.ErrorCode(err) != core.CodeSnapshot {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Execute(context.Background(), "x"); core.ErrorCode(err) != core.CodeClosed {
			t.Errorf("%s, again: %v", name, err)
		}
		if err := s.Reset(); err != nil {
			t.Errorf("%s: reset: %v", name, err)
		}
	}
}

// TestSessionStoreStates: sessions of every kind come back as they were.
func TestSessionStoreStates(t *testing.T) {
	store, _ := newStore(t, core.StoreConfig{MaxResident: 1})
	factory := newFactory(t, core.FactoryConfig{SetupCode: "base = [1]\nopen('/data/base', 'w').write('base')"})
	pushOut := newSession(t, core.Config{Store: store})
	out := func() { execute(t, pushOut, "1") }

	fresh := newSession(t, core.Config{Store: store, Args: []string{"a"}})
	made, err := factory.NewSession(core.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	out()
	if got := string(execute(t, fresh, "import sys; print(sys.argv)").Stdout); got != "['a']\n" {
		t.Errorf("fresh: %q", got)
	}
	if got := string(execute(t, made, "base.append(2); print(base, open('/data/base').read())").Stdout); got != "[1, 2] base\n" {
		t.Errorf("of a factory, fresh: %q", got)
	}
	out()
	fork, err := made.Fork()
	if err != nil {
		t.Fatal(err)
	}
	out()
	if got := string(execute(t, fork, "base.append(3); print(base)").Stdout); got != "[1, 2, 3]\n" {
		t.Errorf("fork: %q", got)
	}
	image, err := made.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	out()
	if err := fork.Restore(image); err != nil {
		t.Fatal(err)
	}
	out()
	if got := string(execute(t, fork, "print(base)").Stdout); got != "[1, 2]\n" {
		t.Errorf("restored: %q", got)
	}
	if _, err := made.Execute(context.Background(), "import os; os._exit(1)"); err == nil {
		t.Fatal("it goes on")
	}
	out()
	if _, err := made.Execute(context.Background(), "1"); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("dead: %v", err)
	}
	if err := made.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := string(execute(t, made, "print(base)").Stdout); got != "[1]\n" {
		t.Errorf("reset: %q", got)
	}

	open := newSession(t, core.Config{Store: store})
	execute(t, open, "import os\nf = open('gone', 'w+')\nf.write('text')\nos.remove('gone')")
	out()
	if got := string(execute(t, open, "f.seek(0); print(f.read())").Stdout); got != "text\n" {
		t.Errorf("with a deleted file open: %q", got)
	}
	if _, err := open.Snapshot(); core.ErrorCode(err) != core.CodeSnapshot || !strings.Contains(err.Error(), "data/gone") {
		t.Errorf("an image with a deleted file open: %v", err)
	}
}

// TestSessionStoreOfRunning: sessions that wait for a callback stay in memory until they end.
func TestSessionStoreOfRunning(t *testing.T) {
	store, _ := newStore(t, core.StoreConfig{MaxResident: 2})
	begun, calls := make(chan struct{}, 5), make(chan *core.Call, 5)
	wait := core.Callback{Name: "wait", Start: func(call *core.Call) { calls <- call; begun <- struct{}{} }}
	ended := make(chan error, 5)
	for range 5 {
		s := newSession(t, core.Config{Store: store, Callbacks: []core.Callback{wait}})
		s.Start(context.Background(), "x = 1; await wait()", func(_ *core.Result, err error) { ended <- err })
		<-begun
	}
	if s := store.Stats(); s.Resident != 5 || s.OnDisk != 0 {
		t.Errorf("while they wait: %+v", s)
	}
	for range 5 {
		(<-calls).Complete(nil, nil)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the store moves what is too much to disk", func() bool {
		s := store.Stats()
		return s.Resident == 2 && s.OnDisk == 3
	})
}

// TestSessionStoreConfig: what makes no sense is refused.
func TestSessionStoreConfig(t *testing.T) {
	rt := testRuntime(t)
	for _, c := range []core.StoreConfig{{MaxResident: -1}, {MaxDiskBytes: -1}} {
		if _, err := rt.NewSessionStore(c); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := rt.NewSessionStore(core.StoreConfig{Directory: "/nowhere"}); core.ErrorCode(err) != core.CodeInitialization {
		t.Errorf("a missing directory: %v", err)
	}
	store, _ := newStore(t, core.StoreConfig{})
	if _, err := rt.NewSandbox(core.Config{Store: store}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("a sandbox: %v", err)
	}
	if _, err := rt.NewPool(core.PoolConfig{Config: core.Config{Store: store}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("a pool: %v", err)
	}
}

// TestSessionStoreAtOnce uses, forks and closes sessions of one store from many goroutines.
func TestSessionStoreAtOnce(t *testing.T) {
	store, _ := newStore(t, core.StoreConfig{MaxResident: 3})
	shared := newSession(t, core.Config{Store: store})
	execute(t, shared, "n = 0")
	var wait sync.WaitGroup
	const workers, turns = 6, 8
	for w := range workers {
		wait.Go(func() {
			own := newSession(t, core.Config{Store: store})
			for i := range turns {
				if got := string(execute(t, own, fmt.Sprintf("x = globals().get('x', %d) + 1; print(x)", w)).Stdout); got != fmt.Sprintln(w+i+1) {
					t.Errorf("worker %d: %q in turn %d", w, got, i)
				}
				execute(t, shared, "n += 1")
				fork, err := own.Fork()
				if err != nil {
					t.Error(err)
					return
				}
				execute(t, fork, "x = 0")
				_ = fork.Close()
			}
		})
	}
	wait.Wait()
	if got := string(execute(t, shared, "print(n)").Stdout); got != fmt.Sprintln(workers*turns) {
		t.Error(got)
	}
	if s := store.Stats(); s.Resident > 3 || s.Sessions != workers+1 {
		t.Errorf("%+v", s)
	}
}

// TestThousandsOfSessions: sessions at rest hold no thread, no goroutine and no descriptor; the peer ends at 999.
func TestThousandsOfSessions(t *testing.T) {
	const n = 2000
	store, directory := newStore(t, core.StoreConfig{MaxResident: 300})
	execute(t, newSession(t, core.Config{}), "1")
	goroutines, before := runtime.NumGoroutine(), openDescriptors(t)
	sessions := make([]*core.Session, n)
	for i := range sessions {
		config := core.Config{}
		if i%2 == 0 {
			config.Store = store
		}
		var err error
		if sessions[i], err = testRuntime(t).NewSession(config); err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
		defer sessions[i].Close()
		execute(t, sessions[i], fmt.Sprintf("x = %d", i))
	}
	if more := settled(goroutines); more > 20 {
		t.Errorf("%d goroutines for %d sessions", more, n)
	}
	if more := openDescriptors(t) - before; more > 20 {
		t.Errorf("%d descriptors for %d sessions", more, n)
	}
	if s := store.Stats(); s.Resident != 300 || s.OnDisk != n/2-300 || len(storedFiles(t, directory)) != s.OnDisk {
		t.Errorf("%+v", s)
	}
	for i := 0; i < n; i += 97 {
		if got := string(execute(t, sessions[i], "print(x)").Stdout); got != fmt.Sprintln(i) {
			t.Errorf("session %d: %q", i, got)
		}
	}
}

// openDescriptors is how many descriptors the process has, 0 where that cannot be seen.
func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
