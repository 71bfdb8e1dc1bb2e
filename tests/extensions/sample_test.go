package extensions_test

import (
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestFunctionsTypesAndData(t *testing.T) {
	s := session(t, samples(t)...)
	for _, c := range []struct{ code, want string }{
		{"import sample; print(sample.add(2, 3), sample.__file__)",
			"5 /usr/lib/python3.14/site-packages/sample.cpython-314-wasm32-wasi.so\n"},
		{"print(sample.__spec__.loader.__class__.__name__, sample.__doc__)", "ExtensionFileLoader A test.\n"},
		{"print(sample.relocations())", "('two', 'one', 15, -5, 7, 5, 0, <class 'IndexError'>, 42)\n"},
		{"print(sample.identities(4), sample.identities('x'))", "(1, 1) (1, 0)\n"},
		{"print(sample.call(lambda i: i * i, 5))", "16\n"},
		{"print(sample.allocate(5_000_000))", "240\n"},
		{"print(sample.libc(1.0))", "from C 5\n('0.841 2.500', 1, 'No such file or directory')\n"},
		{"c = sample.Counter(3); print(c, list(c), c.add(4).value, c)", "<Counter 4> [3, 2, 1] 4 <Counter 4>\n"},
		{"class D(sample.Counter):\n    def __repr__(self): return super().__repr__() + '!'\nprint(D(7), isinstance(D(), sample.Counter))",
			"<Counter 7>! True\n"},
	} {
		prints(t, s, c.code, c.want)
	}
}

func TestErrorsOfExtensions(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, `
import sample
try: sample.fail("luck")
except sample.Error as e: print(repr(e), isinstance(e, LookupError))
def bad(i): raise ValueError(i)
try: sample.call(bad, 3)
except ValueError as e: print(e.__traceback__.tb_next.tb_frame.f_code.co_name)
try: sample.add("x", 1)
except TypeError as e: print(e)
try: sample.Counter().add(None)
except TypeError as e: print(e)
try: sample.allocate(1 << 30)
except MemoryError: print("no memory")
`, "Error('no luck') True\nbad\n'str' object cannot be interpreted as an integer\n'NoneType' object cannot be interpreted as an integer\nno memory\n")
}

func TestTwoExtensions(t *testing.T) {
	s := session(t, samples(t)...)
	// A datum of the same name is another one in each, as in a dynamic library that was opened with RTLD_LOCAL.
	prints(t, s, "import second, sample\nprint(second.ninefold(2), second.state(), second.state(), sample.bump())",
		"18 (1, 1000) (1, 1001) 41\n")
}

// TestImportedOnce checks that a module that is imported again is loaded once only.
func TestImportedOnce(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, "import sys, sample\nsample.bump()\ndel sys.modules['sample']\nimport sample\nprint(sample.bump())", "42\n")
}

// TestInPackage imports an extension inside a package, relatively, and one of the stable ABI.
func TestInPackage(t *testing.T) {
	library := compile(t, "sample", "sample.c")
	s := session(t, wheelOf(t, "outer", map[string][]byte{
		"outer/__init__.py":    []byte("from .sample import add\nfrom . import sample\n"),
		"outer/sample.abi3.so": library,
	}))
	prints(t, s, "import outer; print(outer.add(1, 2), outer.sample.__name__)", "3 outer.sample\n")
}

// TestMemoryIsTheGuests checks that the data of an extension counts as the guest's memory.
func TestMemoryIsTheGuests(t *testing.T) {
	big := extension(t, "big", compile(t, "big", inlineModule("big", "static volatile char block[64 << 20];", "block[5] = 1; return Py_NewRef(Py_None);")))
	code := "try: import big\nexcept ImportError as e: print(str(e)[:17])\nelse: print('imported')"
	for limit, want := range map[int64]string{64 << 20: "not enough memory\n", 128 << 20: "imported\n"} {
		s, err := rt.NewSession(core.Config{Packages: []core.Package{big}, Limits: core.Limits{MaxMemoryBytes: limit}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		prints(t, s, code, want)
	}
	stillWorks(t)
}

// TestSeveralFiles has an extension of two files, whose data refer to each other: with the feature of WebAssembly that
// makes of such addresses constants, and without.
func TestSeveralFiles(t *testing.T) {
	first := inlineModule("several", "extern int counter; int other(int); extern const char *names[]; extern int (*table[])(int);",
		"counter += 2; return Py_BuildValue(\"(iisi)\", counter, other(5), names[1], table[0](3));")
	second := `second.c: int counter = 40;
int other(int x) { return x * counter; }
const char *names[] = {"a", "b"};
int (*table[])(int) = {other};
`
	for _, flag := range []string{"-mextended-const", "-mno-extended-const"} {
		s := session(t, extension(t, "several", compile(t, "several", first, second, flag)))
		prints(t, s, "import several; print(several.run(1), several.run(1))", "(42, 210, 'b', 126) (44, 220, 'b', 132)\n")
		fork, err := s.Fork()
		if err != nil {
			t.Fatal(err)
		}
		defer fork.Close()
		prints(t, fork, "print(several.run(1))", "(46, 230, 'b', 138)\n")
	}
}
