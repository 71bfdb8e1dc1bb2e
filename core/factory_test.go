package core_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

func newFactory(t testing.TB, config core.FactoryConfig) *core.Factory {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	f, err := testRuntime(t).NewFactory(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// output runs code in a new sandbox of f, which must succeed.
func output(t testing.TB, f *core.Factory, config core.Config, code string) string {
	t.Helper()
	s, err := f.NewSandbox(config)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(context.Background(), code)
	if err != nil {
		t.Fatalf("%v\n%s", err, tracebackOf(err))
	}
	return string(r.Stdout)
}

// TestFactory: imports and set-up are there in every sandbox, which see nothing of each other.
func TestFactory(t *testing.T) {
	f := newFactory(t, core.FactoryConfig{
		Packages: wheels(t, "jinja2", "markupsafe"),
		Imports:  []string{"jinja2", "jinja2.sandbox"},
		SetupCode: `
import sys, random
counter = 0
shared = {"list": []}
def bump():
    global counter
    counter += 1
    return counter
class Greeter:
    template = __import__("jinja2").Template("Hello {{ name }}!")
answer = await ask(question="6*7")
open("/data/prepared.txt", "w").write("from set-up")
`,
		Callbacks: []core.Callback{{Name: "ask", Func: func(context.Context, map[string]any) (any, error) { return 42, nil }}},
	})
	const code = `
import sys
print("jinja2" in sys.modules, "jinja2.sandbox" in sys.modules, Greeter.template.render(name="x"), answer, bump(), bump(), counter)
shared["list"].append(1); mine = 1
print(shared, open("/data/prepared.txt").read())
open("/data/other.txt", "w").write("left")
try: ask
except NameError: print("no callback")
import os; print(sorted(os.listdir("/data")), __name__)`
	want := "True True Hello x! 42 1 2 2\n{'list': [1]} from set-up\nno callback\n['other.txt', 'prepared.txt'] __main__\n"
	for range 3 {
		if got := output(t, f, core.Config{}, code); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := output(t, f, core.Config{}, "import random; print(random.random())"); got == output(t, f, core.Config{}, "import random; print(random.random())") {
		t.Errorf("two sandboxes draw the same random number %s", got)
	}
	// A traceback through set-up code shows its lines.
	s, err := f.NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Execute(context.Background(), "del counter\nbump()")
	if text := tracebackOf(err); !strings.Contains(text, `File "<setup>", line 7, in bump`) || !strings.Contains(text, "counter += 1") {
		t.Errorf("traceback: %s", text)
	}
}

// TestFactoryOptions: what a sandbox or session can be configured with works for those of a factory.
func TestFactoryOptions(t *testing.T) {
	f := newFactory(t, core.FactoryConfig{SetupCode: "base = 1"})
	var streamed bytes.Buffer
	config := core.Config{
		Args: []string{"prog", "a"}, Env: map[string]string{"K": "v"}, ResultVariable: "answer",
		Stdin:     strings.NewReader("typed\n"),
		Callbacks: []core.Callback{{Name: "double", Func: func(_ context.Context, a map[string]any) (any, error) { return 2 * a["n"].(int64), nil }}},
		Volumes:   []core.Volume{{HostPath: t.TempDir(), GuestPath: "/vol", Mode: core.VolumeReadWrite}},
		Packages:  wheels(t, "tabulate"),
		OnStdout:  func(p []byte) { streamed.Write(p) },
		Limits:    core.Limits{MaxCallbackInvocations: 1},
	}
	const code = `
import sys, os, tabulate
print(sys.argv, os.environ["K"], input(), await double(n=21), base, tabulate.__version__)
open("/vol/f", "w").write("x")
try: await double(n=1)
except CallbackError as e: print(e.code)
answer = [base]`
	session, err := f.NewSession(config)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	r := execute(t, session, code)
	if got, want := string(r.Stdout), "['prog', 'a'] v typed 42 1 0.10.0\nlimit\n"; got != want || streamed.String() != want {
		t.Errorf("got %q, streamed %q, want %q", got, streamed.String(), want)
	}
	if string(r.JSON) != "[1]" {
		t.Errorf("result %s", r.JSON)
	}
	// Reset goes back to the factory's state; a fork goes on from the session's.
	execute(t, session, "base = 2")
	fork, err := session.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	if err := session.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := string(execute(t, session, "print(base)").Stdout) + string(execute(t, fork, "print(base)").Stdout); got != "1\n2\n" {
		t.Errorf("after Reset, in the fork: %q", got)
	}
}

// TestFactoryFile: a saved factory gives the same sandboxes; anything else than what was saved is refused.
func TestFactoryFile(t *testing.T) {
	f := newFactory(t, core.FactoryConfig{
		Packages: wheels(t, "tabulate"), Imports: []string{"tabulate"},
		SetupCode: "n = 5\ngen = iter(range(3)); next(gen)\nopen('/tmp/t', 'w').write('tmp')",
	})
	path := filepath.Join(t.TempDir(), "factory")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	if f.SizeBytes() <= 0 {
		t.Error("no size")
	}
	_ = f.Close()
	loaded, err := testRuntime(t).LoadFactory(path)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	const code = "import sys; print('tabulate' in sys.modules, n, list(gen), open('/tmp/t').read(), sys.modules['tabulate'].tabulate([[1]]).split())"
	if got := output(t, loaded, core.Config{}, code); got != "True 5 [1, 2] tmp ['-', '1', '-']\n" {
		t.Errorf("got %q", got)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(data))
	for name, bad := range map[string][]byte{
		"empty": {}, "cut": data[:len(data)/2], "one byte less": data[:len(data)-1], "one more": append(bytes.Clone(data), 0),
		"altered": flip(data, len(data)/2), "sum": flip(data, 60), "build": flip(data, 20), "magic": flip(data, 0), "head only": data[:79],
	} {
		_, err := testRuntime(t).LoadFactoryBytes(bad)
		if core.ErrorCode(err) != core.CodeSnapshot {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := testRuntime(t).LoadFactory(filepath.Join(t.TempDir(), "none")); core.ErrorCode(err) != core.CodeSnapshot || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// flip is data with one byte changed.
func flip(data []byte, at int) []byte {
	c := bytes.Clone(data)
	c[at] ^= 0x40
	return c
}

// TestFactoryFails: what fails while a factory is made is an error that says why, with the traceback.
func TestFactoryFails(t *testing.T) {
	rt := testRuntime(t)
	for name, c := range map[string]struct {
		config core.FactoryConfig
		code   core.Code
		text   string
	}{
		"import":  {core.FactoryConfig{Imports: []string{"json", "nosuch.module"}}, core.CodeInitialization, "ModuleNotFoundError: No module named 'nosuch'"},
		"set-up":  {core.FactoryConfig{SetupCode: "x = 1\n1/0"}, core.CodeInitialization, `File "<setup>", line 2`},
		"syntax":  {core.FactoryConfig{SetupCode: "x ="}, core.CodeInitialization, "SyntaxError"},
		"exit":    {core.FactoryConfig{SetupCode: "import sys; sys.exit(3)"}, core.CodeInitialization, "set-up code failed"},
		"timeout": {core.FactoryConfig{SetupCode: "while True: pass", Limits: core.Limits{ExecutionTimeout: 100 * time.Millisecond}}, core.CodeInitialization, "timeout"},
		"name":    {core.FactoryConfig{Imports: []string{"a b"}}, core.CodeInvalid, `"a b"`},
		"package": {core.FactoryConfig{Packages: core.PackagePaths("/nonexistent.whl")}, core.CodeInitialization, "nonexistent.whl"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := rt.NewFactory(context.Background(), c.config)
			if err == nil {
				_ = f.Close()
				t.Fatal("no error")
			}
			if core.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.text) {
				t.Errorf("code %q: %v", core.ErrorCode(err), err)
			}
		})
	}
}

// TestFactoryClose: what a factory has made outlives it, and nothing new can be made.
func TestFactoryClose(t *testing.T) {
	f := newFactory(t, core.FactoryConfig{SetupCode: "x = 1"})
	sandbox, err := f.NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	session, err := f.NewSession(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := sandbox.Execute(context.Background(), "print(x)"); err != nil || string(r.Stdout) != "1\n" {
			t.Fatal(err)
		}
	}
	if got := string(execute(t, session, "print(x)").Stdout); got != "1\n" {
		t.Error(got)
	}
	_, sandboxErr := f.NewSandbox(core.Config{})
	_, sessionErr := f.NewSession(core.Config{})
	_, bytesErr := f.Bytes()
	for _, err := range []error{sandboxErr, sessionErr, bytesErr} {
		if core.ErrorCode(err) != core.CodeClosed {
			t.Errorf("after Close: %v", err)
		}
	}
}
