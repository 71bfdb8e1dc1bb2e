package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// SourceDigest returns a sha256 over everything that decides the module: the shim's files, the compiler's flags,
// and the pins of libraries and tools. A test compares it with that of the build that made the artifacts.
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
	fmt.Fprintln(h, compileFlags, linkFlags, features, pins.Libraries, b.StackSize, StackReserve)
	files, err := filepath.Glob(filepath.Join(b.Shim, "*.[ch]"))
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	for _, file := range append(files, filepath.Join(b.Tree.Source, "package-lock.json"), filepath.Join(b.Tree.Source, "stackcheck.txt")) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
