package extensions_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// importError asserts that importing the library is an ImportError with the reason, that the session goes on, and
// that the next one is a good one.
func importError(t *testing.T, name string, library []byte, want string) {
	t.Helper()
	// By this name, the wheel is not looked into before the import.
	s := session(t, wheelOf(t, name, map[string][]byte{name + ".so": library}))
	code := fmt.Sprintf("try:\n    import %s\nexcept ImportError as e:\n    print(type(e).__name__, e.name, e)\nprint('goes on')", name)
	result, err := s.Execute(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	out := string(result.Stdout)
	if !strings.HasPrefix(out, "ImportError "+name+" ") || !strings.HasSuffix(out, "\ngoes on\n") || !strings.Contains(out, want) {
		t.Errorf("printed %q, want an ImportError with %q", out, want)
	}
	stillWorks(t)
}

func TestNotExtensions(t *testing.T) {
	good := compile(t, "sample", "sample.c")
	for name, c := range map[string]struct {
		library []byte
		want    string
	}{
		"empty":     {nil, "no WebAssembly module"},
		"garbage":   {bytes.Repeat([]byte("garbage "), 1000), "no WebAssembly module"},
		"elf":       {append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 5000)...), "built for Linux"},
		"truncated": {good[:len(good)*2/3], "damaged"},
		"component": {[]byte("\x00asm\x0d\x00\x01\x00"), "no WebAssembly module"},
		"bare":      {[]byte("\x00asm\x01\x00\x00\x00"), "no dylink.0 section"},
		"dylink":    {bytes.Replace(good, []byte("\x08dylink.0\x01"), []byte("\x08dylink.0\x77"), 1), ""},
	} {
		t.Run(name, func(t *testing.T) { importError(t, name, c.library, c.want) })
	}
}

// TestForeignWheels checks that a wheel's machine code is looked at when the wheel is given.
func TestForeignWheels(t *testing.T) {
	for file, name := range map[string]string{
		"p-1.0-cp314-cp314-wasi_0_0_wasm32.whl": "p" + suffix, "p-1.0-py3-none-any.whl": "p.cpython-314-x86_64-linux-gnu.so",
	} {
		_, err := rt.NewSession(core.Config{Packages: []core.Package{wheelFor(t, file, map[string][]byte{name: []byte("\x7fELF\x02\x01\x01")})}})
		if core.ErrorCode(err) != core.CodeInitialization || !strings.Contains(err.Error(), "cannot be loaded") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestHostileLibraries(t *testing.T) {
	for name, c := range map[string]struct{ before, body, want string }{
		"missing":   {"int fork(void);", "return PyLong_FromLong(fork());", "imports what the sandbox does not have: env.fork"},
		"hosts":     {"__attribute__((import_module(\"eryx\"), import_name(\"tick\"))) int tick(void);", "return PyLong_FromLong(tick());", "eryx.tick"},
		"wasi":      {"__attribute__((import_module(\"wasi_snapshot_preview1\"), import_name(\"proc_exit\"))) void leave(int);", "leave(3); return o;", "wasi_snapshot_preview1.proc_exit"},
		"signature": {"double PyTuple_Size2(int) __asm__(\"PyTuple_GetSlice\");", "return PyFloat_FromDouble(PyTuple_Size2(1));", "takes PyTuple_GetSlice to have another signature"},
		"grow":      {"", "return PyLong_FromLong((long)__builtin_wasm_memory_grow(0, 1000));", "memory.grow"},
		"datum":     {"extern int no_such_datum;", "return PyLong_FromLong((long)&no_such_datum);", "GOT.mem.no_such_datum"},
		"noinit":    {"#define PyInit_noinit other", "return o;", "does not define module export function (PyInit_noinit)"},
	} {
		t.Run(name, func(t *testing.T) {
			importError(t, name, compile(t, name, inlineModule(name, c.before, c.body)), c.want)
		})
	}
}

// TestHostileInit has extensions that misbehave while they are loaded.
func TestHostileInit(t *testing.T) {
	constructor := func(code string) string {
		return "static volatile int n; __attribute__((constructor)) static void start(void) { " + code + " }"
	}
	for name, c := range map[string]struct{ before, code, want string }{
		"forever": {constructor("for (;;) n++;"), "timeout", "timeout"},
		"traps":   {constructor("__builtin_trap();"), "internal", "stopped unexpectedly"},
		"wild":    {constructor("for (char *p = (char *)64; ; p += 64) *p = 1;"), "internal", "stopped unexpectedly"},
		"stack":   {"static int deep(volatile int *p) { volatile int here[64]; here[0] = *p; return deep(here) + here[0]; }" + constructor("n = deep(&n);"), "limit", "recursed deeper"},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, extension(t, name, compile(t, name, inlineModule(name, c.before, "return o;"))))
			fails(t, s, "import "+name, c.code, c.want, core.WithTimeout(short))
			stillWorks(t)
		})
	}
}

// TestSetsTheStackPointer has an extension that moves the guest's stack away: that guest may die, others may not.
func TestSetsTheStackPointer(t *testing.T) {
	library := compile(t, "mover", inlineModule("mover", "__asm__(\".globaltype __stack_pointer, i32\");",
		`__asm__ volatile("local.get %0\n\tglobal.set __stack_pointer" :: "r"(PyLong_AsLong(o))); return PyLong_FromLong(1);`))
	for _, to := range []string{"0", "-8", "64", "1 << 30", "-1 << 31"} {
		s := session(t, extension(t, "mover", library))
		if result, err := s.Execute(t.Context(), "import mover\nprint(mover.run("+to+"))", core.WithTimeout(short)); err == nil && string(result.Stdout) != "1\n" {
			t.Errorf("to %s: printed %q", to, result.Stdout)
		}
		stillWorks(t)
	}
}

// TestFlippedBytes damages a good extension in many places. What then happens in the guest is the guest's affair;
// every outcome is one that the host knows.
func TestFlippedBytes(t *testing.T) {
	good := compile(t, "sample", "sample.c")
	outcomes := map[core.Code]int{}
	for at := 8; at < len(good); at += len(good)/60 + 1 {
		damaged := append([]byte(nil), good...)
		damaged[at] ^= 1 << (at % 8)
		s := session(t, extension(t, "sample", damaged))
		_, err := s.Execute(t.Context(), "import sample\nsample.relocations()\nsample.Counter(3).add(2)\nsample.add(1, 2)", core.WithTimeout(short))
		switch code := core.ErrorCode(err); code {
		case "", core.CodePython, core.CodeTimeout, core.CodeLimit, core.CodeInternal:
			outcomes[code]++
		default:
			t.Errorf("byte %d changed: %v", at, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if outcomes[core.CodePython] == 0 {
		t.Errorf("no damage was found: %v", outcomes)
	}
	stillWorks(t, samples(t)...)
}

// TestManyExtensions loads until the guest may not have more.
func TestManyExtensions(t *testing.T) {
	library := compile(t, "second", "second.c")
	files := map[string][]byte{"sample" + suffix: compile(t, "sample", "sample.c")}
	for i := range 300 {
		files[fmt.Sprintf("p%d/second%s", i, suffix)] = unlike(library, uint32(i))
	}
	s := session(t, wheelOf(t, "many", files))
	prints(t, s, `
import importlib, sample
done = 0
try:
    for i in range(300):
        importlib.import_module(f"p{i}.second")
        done += 1
except ImportError as e:
    print(done, e)
print(sample.add(1, 2))
`, "255 more than 256 extension modules\n3\n")
	stillWorks(t, samples(t)...)
}

// TestNotFromFiles checks that a program cannot bring machine code of its own.
func TestNotFromFiles(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, `
import sys, sample, _imp, importlib.machinery
data = open(sample.__file__, "rb").read()
for folder in "/tmp", "/data":
    sys.path[:0] = [folder]
    open(folder + "/copied.so", "wb").write(data)
    try: import copied
    except ImportError as e: print(e)
for path in "/usr/lib/python3.14/site-packages/../../../../data/copied.so", "", "/", "/usr/lib/python3.14/site-packages", "x" * 5000:
    try: _imp.create_dynamic(importlib.machinery.ModuleSpec("copied", None, origin=path))
    except ImportError as e: print(len(path), "sandbox only" in str(e))
`, `copied.so: extension modules are loaded from the packages of the sandbox only, and none has "/tmp/copied.so"
copied.so: extension modules are loaded from the packages of the sandbox only, and none has "/data/copied.so"
60 True
0 True
1 True
33 True
5000 True
`)
	stillWorks(t)
}
