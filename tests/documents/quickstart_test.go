//go:build documents

package documents

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// want is what the quick start prints in every language.
var want = regexp.MustCompile(`^ACME 12.5, INITECH 7.25
the session remembers: 19.75
timeout: [^\n]+
and lives on: 12.5
restored: 19.75
$`)

// quickStarts are the five programs and how they are run.
var quickStarts = []struct {
	file string
	run  func(t *testing.T) string
}{
	{"examples/quickstart/go/main.go", func(t *testing.T) string { return program(t, "", "go", "run", "./examples/quickstart/go") }},
	{"examples/quickstart/python/quickstart.py", func(t *testing.T) string {
		return program(t, "", ".venv/bin/python", "examples/quickstart/python/quickstart.py")
	}},
	{"examples/quickstart/node/quickstart.mjs", func(t *testing.T) string { return program(t, "", "node", "quickstart.mjs") }},
	{"examples/quickstart/rust/src/main.rs", rust},
	{"examples/quickstart/c/main.c", c},
}

func rust(t *testing.T) string {
	return program(t, "", "cargo", "run", "--locked", "--quiet", "--manifest-path", "bindings/rust/Cargo.toml", "-p", "eryx-quickstart")
}

// c compiles the program against the header and the library, as docs/quick-start.md says.
func c(t *testing.T) string {
	full, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(full, "build/lib")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"liberyx.so", "liberyx.so.0"} {
		_ = os.Symlink("../liberyx.so", filepath.Join(lib, name)) // it may be there
	}
	binary := filepath.Join(t.TempDir(), "quickstart")
	program(t, "", "gcc", "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Iinclude", "-Iexamples/c",
		"examples/quickstart/c/main.c", "examples/c/mp.c", "-L"+lib, "-leryx", "-Wl,-rpath,"+lib, "-o", binary)
	command := exec.CommandContext(t.Context(), binary)
	out, err := command.Output()
	if err != nil {
		t.Error(err)
	}
	return string(out)
}

// TestQuickStart runs the five programs: they print the same. Cargo is no package of a registry: where there is none, Rust's is
// left out, as `make test-rust` leaves out the crates.
func TestQuickStart(t *testing.T) {
	_, noCargo := exec.LookPath("cargo")
	for _, language := range quickStarts {
		if noCargo != nil && strings.HasSuffix(language.file, ".rs") {
			t.Logf("%s is left out: no cargo here", language.file)
			continue
		}
		t.Run(language.file, func(t *testing.T) {
			if got := language.run(t); !want.MatchString(got) {
				t.Errorf("it printed\n%s", got)
			}
		})
	}
}
