// Package extensions_test imports extension modules that it compiles from C: what they can do, that they can be
// stopped, and that images, forks and factories keep them. Hostile ones must harm nothing but their import.
package extensions_test

import (
	"archive/zip"
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

	"github.com/eryx-go/eryx/core"
)

const suffix = ".cpython-314-wasm32-wasi.so"

var (
	rt       *core.Runtime
	compiler string // wasm/cmd/extension, built
	work     string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if work, err = os.MkdirTemp("", "eryx-extensions-"); err != nil {
		return failed(err)
	}
	defer os.RemoveAll(work)
	compiler = filepath.Join(work, "compiler")
	if text, err := exec.Command("go", "build", "-o", compiler, "../../wasm/cmd/extension").CombinedOutput(); err != nil {
		return failed(fmt.Errorf("%w\n%s", err, text))
	}
	if rt, err = core.NewRuntime(context.Background(), core.RuntimeConfig{}); err != nil {
		return failed(err)
	}
	defer rt.Close()
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// compile makes an extension of C files of src, or of the text given as "name.c: text", with more flags given as "-flag".
func compile(t *testing.T, name string, sources ...string) []byte {
	t.Helper()
	out := filepath.Join(work, name+suffix)
	args, flags := []string{"-o", out}, []string{"--", "-fvisibility=hidden", "-Isrc"}
	for _, source := range sources {
		if strings.HasPrefix(source, "-") {
			flags = append(flags, source)
			continue
		}
		if file, text, inline := strings.Cut(source, ": "); inline {
			path := filepath.Join(t.TempDir(), file)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
			continue
		}
		args = append(args, filepath.Join("src", source))
	}
	command := exec.Command(compiler, append(args, flags...)...)
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("compile %s: %v\n%s", name, err, text)
	}
	library, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// inlineModule is the C code of an extension of one function, run() with the given body.
func inlineModule(name, before, body string) string {
	return fmt.Sprintf(`%s.c: #include "capi.h"
%s
static PyObject *run(PyObject *self, PyObject *o) { %s }
static PyMethodDef methods[] = {{"run", run, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "%s", NULL, -1, methods, NULL, NULL, NULL, NULL};
EXPORT PyObject *PyInit_%s(void) { return PyModule_Create2(&module, PYTHON_API_VERSION); }
`, name, before, body, name, name)
}

// wheelOf packs files into a wheel for WASI.
func wheelOf(t *testing.T, name string, files map[string][]byte) core.Package {
	t.Helper()
	return wheelFor(t, name+"-1.0-cp314-cp314-wasi_0_0_wasm32.whl", files)
}

func wheelFor(t *testing.T, filename string, files map[string][]byte) core.Package {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(filename, ".whl"), "-")
	info := parts[0] + "-" + parts[1] + ".dist-info/"
	all := map[string][]byte{
		info + "METADATA": []byte("Metadata-Version: 2.1\nName: " + parts[0] + "\nVersion: " + parts[1] + "\n"),
		info + "WHEEL":    []byte("Wheel-Version: 1.0\nTag: " + strings.Join(parts[2:], "-") + "\n"),
	}
	for path, data := range files {
		all[path] = data
	}
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for path, data := range all {
		w, err := archive.Create(path)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return core.Package{Path: filename, Data: buffer.Bytes()}
}

// extension is a package of one extension module.
func extension(t *testing.T, name string, library []byte) core.Package {
	t.Helper()
	return wheelOf(t, name, map[string][]byte{name + suffix: library})
}

// samples are the packages of the two extensions in src.
func samples(t *testing.T) []core.Package {
	t.Helper()
	return []core.Package{
		extension(t, "sample", compile(t, "sample", "sample.c")), extension(t, "second", compile(t, "second", "second.c")),
	}
}

// patience is the timeout of programs that end by themselves. Nothing is measured with it.
const patience = time.Minute

func session(t *testing.T, packages ...core.Package) *core.Session {
	t.Helper()
	s, err := rt.NewSession(core.Config{Packages: packages, Limits: core.Limits{ExecutionTimeout: patience}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// prints asserts what a program prints.
func prints(t *testing.T, s *core.Session, code, want string) {
	t.Helper()
	result, err := s.Execute(t.Context(), code)
	if err != nil {
		t.Fatalf("%s\n%v", code, err)
	}
	if have := string(result.Stdout); have != want {
		t.Errorf("%s\nprinted %q, want %q", code, have, want)
	}
}

// fails asserts the code of a program's error, and that the error's text ends with want.
func fails(t *testing.T, s *core.Session, code, errorCode, want string, options ...core.ExecuteOption) {
	t.Helper()
	_, err := s.Execute(t.Context(), code, options...)
	var e *core.Error
	if !errors.As(err, &e) || string(e.Code) != errorCode || !strings.Contains(err.Error(), want) {
		t.Errorf("%s\nfailed with %v, want %s: %s", code, err, errorCode, want)
	}
}

// stillWorks asserts that the next session of the process is a good one.
func stillWorks(t *testing.T, packages ...core.Package) {
	t.Helper()
	code, want := "print(sum(range(10)))", "45\n"
	if len(packages) > 0 {
		code, want = "import sample; print(sample.add(40, 2), sample.bump())", "42 41\n"
	}
	prints(t, session(t, packages...), code, want)
}
