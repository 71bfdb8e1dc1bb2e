package extensions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestDocument compiles the example of docs/native-extensions.md as the page says and runs it.
func TestDocument(t *testing.T) {
	page, err := os.ReadFile("../../docs/native-extensions.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```text\n(#include <Python.h>.*?)```").FindSubmatch(page)
	program := regexp.MustCompile(`session\.execute\("(.*?)"\)`).FindSubmatch(page)
	if block == nil || program == nil {
		t.Fatal("the page has no example")
	}
	source, out := filepath.Join(t.TempDir(), "spam.c"), filepath.Join(t.TempDir(), "spam"+suffix)
	if err := os.WriteFile(source, block[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(compiler, "-headers", "include", "-o", out, source, "--", "-Isrc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	library, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	wheel := wheelFor(t, "spam-1.0-cp314-cp314-wasi_0_0_0_wasm32.whl", map[string][]byte{"spam" + suffix: library})
	prints(t, session(t, wheel), string(program[1]), "12.566370614359172\n")
}
