package wasip1

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sys"
	reference "github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// TestSignatures compares the module with wazero's: the same functions of the
// same types, but for proc_raise, which preview1 has dropped, and the two that
// only wasi-libc's adapter has.
func TestSignatures(t *testing.T) {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = rt.Close(ctx) })
	compiled, err := reference.NewBuilder(rt).Compile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	theirs := compiled.ExportedFunctions()
	delete(theirs, "proc_raise")
	ours := sharedRuntime().Module(ModuleName).ExportedFunctionDefinitions()
	for name, want := range theirs {
		got := ours[name]
		if got == nil {
			t.Errorf("%s is missing", name)
		} else if !sameType(got, want) {
			t.Errorf("%s: %v -> %v, want %v -> %v", name, got.ParamTypes(), got.ResultTypes(), want.ParamTypes(), want.ResultTypes())
		}
	}
	for name := range ours {
		if theirs[name] == nil && !strings.HasPrefix(name, "adapter_") {
			t.Errorf("%s is not of preview1", name)
		}
	}
}

func sameType(a, b api.FunctionDefinition) bool {
	return slices.Equal(a.ParamTypes(), b.ParamTypes()) && slices.Equal(a.ResultTypes(), b.ResultTypes())
}

// wasiPrograms is wazero's folder of test programs, built with four toolchains.
func wasiPrograms(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "imports", "wasi_snapshot_preview1", "testdata")
}

// TestPrograms runs real programs against the module: the libc of zig-cc is
// wasi-libc, cargo-wasi's is Rust's standard library on top of it.
func TestPrograms(t *testing.T) {
	testdata := wasiPrograms(t)
	for _, test := range []struct {
		toolchain, args string
		want            string // sorted lines
	}{
		{"zig-cc", "ls .", "./.\n./..\n./file\n./sub"},
		{"zig-cc", "ls ./sub", "./.\n./..\n./empty"},
		{"zig-cc", "ls ./file", "ENOTDIR"},
		{"zig-cc", "ls . repeat", "./.\n./.\n./..\n./..\n./file\n./file\n./sub\n./sub"},
		{"zig-cc", "stat", "/ isatty: false\nstderr isatty: false\nstdin isatty: false\nstdout isatty: false"},
		{"zig-cc", "poll", "STDIN"},
		{"zig-cc", "sleepmillis 2", "OK"},
		{"zig-cc", "open-rdonly", "OK"},
		{"zig-cc", "open-wronly", "OK"},
		{"cargo-wasi", "ls .", "./file\n./sub"},
		{"cargo-wasi", "ls ./file", "ENOTDIR"},
		{"cargo-wasi", "stat", "/ isatty: false\nstderr isatty: false\nstdin isatty: false\nstdout isatty: false"},
		{"zig", "ls .", "./file\n./sub"},
		{"zig", "preopen", "0: stdin\n1: stdout\n2: stderr\n3: /"},
		{"tinygo", "ls .", "./file\n./sub"},
	} {
		program, err := os.ReadFile(filepath.Join(testdata, test.toolchain, "wasi.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(runProgram(t, program, test.args)), "\n")
		slices.Sort(lines)
		if got := strings.Join(lines, "\n"); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.toolchain, test.args, got, test.want)
		}
	}
}

// runProgram runs a program to its end and returns what it printed.
func runProgram(t *testing.T, program []byte, args string) string {
	t.Helper()
	var out bytes.Buffer
	g := newGuest(t, Config{
		Args:   append([]string{"wasi"}, strings.Fields(args)...),
		Output: func(_ int32, p []byte) sys.Errno { out.Write(p); return 0 },
	})
	g.hostFile("file", "")
	g.hostFile("sub/empty", "")
	mod, err := sharedRuntime().InstantiateWithConfig(g.ctx, program, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	defer mod.Close(g.ctx)
	if _, err := mod.ExportedFunction("_start").Call(g.ctx); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatalf("wasi %s: %v; printed %q", args, err, out.String())
	}
	return out.String()
}
