package core

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// sourcesOf is a package of modules, in a directory; mark makes its sources different from any others.
func sourcesOf(t *testing.T, mark string, modules map[string]string) []Package {
	t.Helper()
	dir := t.TempDir()
	for name, text := range modules {
		if err := os.WriteFile(dir+"/"+name, []byte("MARK = "+fmt.Sprintf("%q", mark)+"\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return PackagePaths(dir)
}

func runIn(t *testing.T, packages []Package, code string) string {
	t.Helper()
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.NewSession(Config{Packages: packages})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Execute(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Stdout)
}

// TestBytecode: a module's bytecode is made when it is imported, is kept, and is that of its source.
func TestBytecode(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	mark := time.Now().String()
	packages := sourcesOf(t, mark, map[string]string{
		"good.py": "def fail():\n    raise KeyError('here')\n", "bad.py": "x = = 1\n", "latin.py": "# y\n",
	})
	const code = `
import good, linecache, os, traceback, importlib.util
print(good.__cached__, os.path.exists(good.__cached__), good.__spec__.loader.get_data(good.__cached__)[:4] == importlib.util.MAGIC_NUMBER)
try: good.fail()
except KeyError as e: print(traceback.extract_tb(e.__traceback__)[-1])
try: import bad
except SyntaxError as e: print(e.filename, e.lineno, e.text.strip())
for path in (good.__cached__, good.__file__, os.path.dirname(good.__cached__) + "/new.cpython-314.pyc"):
    try: open(path, "wb")
    except OSError as e: print(e.strerror)
for path in ("/nosuch.cpython-314.pyc", "/bad.cpython-314.pyc", "/good.cpython-313.pyc", "/../good.cpython-314.pyc"):
    print(os.path.exists(os.path.dirname(good.__cached__) + path), end=" ")`
	const site = "/usr/lib/python3.14/site-packages/"
	want := site + "__pycache__/good.cpython-314.pyc True True\n" +
		"<FrameSummary file " + site + "good.py, line 3 in fail>\n" + site + "bad.py 2 x = = 1\n" +
		strings.Repeat("Read-only file system\n", 2) + "No such file or directory\nFalse False False False "
	for range 2 {
		if got := runIn(t, packages, code); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
	source, err := os.ReadFile(packages[0].Path + "/good.py")
	if err != nil {
		t.Fatal(err)
	}
	file := rt.bytecodeFile(source)
	kept := readSummed(file)
	if kept == nil {
		t.Fatal("the bytecode was not kept")
	}
	// What is damaged in the cache is made again.
	data, err := os.ReadFile(file)
	if err == nil {
		data[len(data)-1] ^= 1
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := runIn(t, packages, code); got != want {
		t.Errorf("with a damaged cache: %q", got)
	}
	if string(readSummed(file)) != string(kept) {
		t.Error("the damaged bytecode was not made again")
	}
}

// TestBytecodeConcurrent: sandboxes that import the same new modules at once all get them.
func TestBytecodeConcurrent(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	sandbox, err := rt.NewSandbox(Config{Packages: sourcesOf(t, time.Now().String(), map[string]string{"a.py": "import b", "b.py": "import c", "c.py": "x = 5"})})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			r, err := sandbox.Execute(t.Context(), "import a; print(a.b.c.x)")
			if err != nil || string(r.Stdout) != "5\n" {
				t.Errorf("%q, %v", r.Stdout, err)
			}
		})
	}
	all.Wait()
}
