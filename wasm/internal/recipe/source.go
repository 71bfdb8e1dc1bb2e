package recipe

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/printer"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// builders are the packages, as folders below wasm/internal, whose code decides what is built.
var builders = []string{"instrument", "linker", "recipe", "stackcheck", "wasmbin"}

// SourceDigest returns a sha256 over everything that decides the module: the shim's files, the compiler's flags,
// the pins of libraries and tools, and the code of this recipe without its comments. A test compares it with that
// of the build that made the artifacts.
func (b *Build) SourceDigest() (string, error) {
	pins, err := b.Tree.Pins()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range []string{"componentize-py", "ziglang"} {
		w, err := pins.Wheel(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, w.SHA256)
	}
	fmt.Fprintln(h, pins.Libraries, b.StackSize)
	files, err := filepath.Glob(filepath.Join(b.Shim, "*.[ch]"))
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	for _, name := range []string{"package-lock.json", "stackcheck.txt", "symbols.txt"} {
		files = append(files, filepath.Join(b.Tree.Source, name))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	for _, name := range builders {
		if err := hashPackage(h, filepath.Join(b.Tree.Source, "internal", name)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashPackage writes the Go files of a folder to w, without comments and tests.
func hashPackage(w io.Writer, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no Go files in %s", dir)
	}
	for _, file := range files { // Glob sorts
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		// No positions: where comments were, lines would otherwise stay apart.
		if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&text, token.NewFileSet(), tree); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s %d\n%s", filepath.Base(file), text.Len(), text.Bytes())
	}
	return nil
}
