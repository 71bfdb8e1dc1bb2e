package recipe

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
)

// tree copies what SourceDigest reads into a folder that the test may change.
func tree(t *testing.T) *Build {
	t.Helper()
	source := t.TempDir()
	for _, name := range append([]string{"inputs.json", "package-lock.json", "stackcheck.txt", "symbols.txt"}, builders...) {
		from, to := filepath.Join("..", "..", name), filepath.Join(source, name)
		if !strings.Contains(name, ".") {
			from, to = filepath.Join("..", name), filepath.Join(source, "internal", name)
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, text)
	}
	shim := filepath.Join(source, "shim")
	if err := os.Mkdir(shim, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(shim, "a.c"), []byte("int a;"))
	return &Build{Tree: inputs.Tree{Source: source}, Shim: shim, StackSize: StackSize}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func digest(t *testing.T, b *Build) string {
	t.Helper()
	d, err := b.SourceDigest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSourceDigest(t *testing.T) {
	b := tree(t)
	before := digest(t, b)
	code := filepath.Join(b.Tree.Source, "internal", "linker", "linker.go")
	text, err := os.ReadFile(code)
	if err != nil {
		t.Fatal(err)
	}
	write(t, code, bytes.Replace(text, []byte("\nconst pageSize"), []byte("\n// a new\n// comment\n\nconst pageSize"), 1))
	write(t, filepath.Join(b.Shim, "README.md"), []byte("not compiled"))
	write(t, filepath.Join(b.Tree.Source, "internal", "linker", "new_test.go"), []byte("package linker"))
	if digest(t, b) != before {
		t.Error("comments, tests and other files change the digest")
	}
	for name, change := range map[string]func(*Build){
		"code":       func(*Build) { write(t, code, bytes.Replace(text, []byte("65536"), []byte("65537"), 1)) },
		"shim":       func(b *Build) { write(t, filepath.Join(b.Shim, "a.c"), []byte("int b;")) },
		"new header": func(b *Build) { write(t, filepath.Join(b.Shim, "b.h"), nil) },
		"stack size": func(b *Build) { b.StackSize *= 2 },
		"symbols":    func(b *Build) { write(t, filepath.Join(b.Tree.Source, "symbols.txt"), []byte("Py*")) },
		"checks":     func(b *Build) { write(t, filepath.Join(b.Tree.Source, "stackcheck.txt"), nil) },
	} {
		was := digest(t, b)
		if change(b); digest(t, b) == was {
			t.Errorf("%s: the digest did not change", name)
		}
	}
	if err := os.Remove(filepath.Join(b.Tree.Source, "package-lock.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SourceDigest(); err == nil {
		t.Error("a missing lock file went unnoticed")
	}
}

func TestCompileNeedsSources(t *testing.T) {
	b := &Build{Shim: t.TempDir(), Work: t.TempDir()}
	if _, err := b.compileShim(context.Background()); err == nil || !strings.Contains(err.Error(), "no C files") {
		t.Errorf("an empty folder: %v", err)
	}
}
