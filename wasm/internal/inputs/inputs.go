// Package inputs gets what the guest is built from: two wheels and one npm package, all pinned by hash in
// wasm/inputs.json and wasm/package-lock.json, through the registries' ordinary clients.
package inputs

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Wheel is one pinned wheel of PyPI.
type Wheel struct {
	Name, Version, Platform, File, SHA256 string
}

// Pins is the contents of inputs.json: the wheels, and the libraries to take from the first one in the
// order in which the linker searches them.
type Pins struct {
	Wheels    []Wheel
	Libraries []string
}

// Tree knows where things are: Source is the wasm folder, Build the folder for everything generated.
type Tree struct {
	Source, Build string
}

// Pins reads inputs.json.
func (t Tree) Pins() (Pins, error) {
	var p Pins
	data, err := os.ReadFile(filepath.Join(t.Source, "inputs.json"))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("inputs.json: %w", err)
	}
	return p, nil
}

// Wheel returns the pin of that name.
func (p Pins) Wheel(name string) (Wheel, error) {
	for _, w := range p.Wheels {
		if w.Name == name {
			return w, nil
		}
	}
	return Wheel{}, fmt.Errorf("inputs.json: no wheel %q", name)
}

// Library returns the path of an extracted library.
func (t Tree) Library(name string) string { return filepath.Join(t.Build, "lib", name) }

// Stdlib returns the path of the extracted tar of the standard library.
func (t Tree) Stdlib() string { return filepath.Join(t.Build, "lib", "stdlib.tar") }

// Zig returns the path of the pinned zig executable.
func (t Tree) Zig() string { return filepath.Join(t.Build, "tools", "zig", "ziglang", "zig") }

// Binaryen returns the path of a tool of the pinned binaryen.
func (t Tree) Binaryen(tool string) string {
	return filepath.Join(t.Build, "npm", "node_modules", "binaryen", "bin", tool)
}

// Fetch makes sure that everything is there: what is present with the right hash is not fetched again.
func (t Tree) Fetch(ctx context.Context, progress func(string)) error {
	pins, err := t.Pins()
	if err != nil {
		return err
	}
	for _, w := range pins.Wheels {
		if err := t.fetchWheel(ctx, w, progress); err != nil {
			return fmt.Errorf("%s: %w", w.File, err)
		}
	}
	if err := t.extractZig(pins, progress); err != nil {
		return err
	}
	if err := t.extractLibraries(pins, progress); err != nil {
		return err
	}
	return t.installBinaryen(ctx, progress)
}

// FetchZig makes sure that the C compiler is there, which is all that compiling an extension needs.
func (t Tree) FetchZig(ctx context.Context, progress func(string)) error {
	pins, err := t.Pins()
	if err != nil {
		return err
	}
	w, err := pins.Wheel("ziglang")
	if err != nil || upToDate(t.zigDir(), w.SHA256) {
		return err
	}
	if err := t.fetchWheel(ctx, w, progress); err != nil {
		return fmt.Errorf("%s: %w", w.File, err)
	}
	return t.extractZig(pins, progress)
}

func (t Tree) zigDir() string { return filepath.Join(t.Build, "tools", "zig") }

func (t Tree) wheelPath(w Wheel) string { return filepath.Join(t.Build, "downloads", w.File) }

func (t Tree) fetchWheel(ctx context.Context, w Wheel, progress func(string)) error {
	if hash, err := hashFile(t.wheelPath(w)); err == nil && hash == w.SHA256 {
		return nil
	}
	progress("downloading " + w.File)
	dir := filepath.Join(t.Build, "downloads")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	requirements := filepath.Join(dir, w.Name+".txt")
	line := fmt.Sprintf("%s==%s --hash=sha256:%s\n", w.Name, w.Version, w.SHA256)
	if err := os.WriteFile(requirements, []byte(line), 0o644); err != nil {
		return err
	}
	err := run(ctx, dir, "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
		"--platform", w.Platform, "--require-hashes", "-r", requirements, "-d", dir)
	if err != nil {
		return err
	}
	hash, err := hashFile(t.wheelPath(w))
	if err == nil && hash != w.SHA256 {
		err = fmt.Errorf("sha256 is %s, want %s", hash, w.SHA256)
	}
	return err
}

func (t Tree) extractZig(pins Pins, progress func(string)) error {
	w, err := pins.Wheel("ziglang")
	if err != nil {
		return err
	}
	dir := t.zigDir()
	if upToDate(dir, w.SHA256) {
		return nil
	}
	progress("unpacking " + w.File)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := unzip(t.wheelPath(w), dir); err != nil {
		return err
	}
	if err := os.Chmod(t.Zig(), 0o755); err != nil {
		return err
	}
	return markUpToDate(dir, w.SHA256)
}

// installBinaryen runs `npm ci` on a copy of package.json and its lock file, which holds the hashes.
func (t Tree) installBinaryen(ctx context.Context, progress func(string)) error {
	dir := filepath.Join(t.Build, "npm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(t.Source, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	hash, err := hashFile(filepath.Join(dir, "package-lock.json"))
	if err != nil || upToDate(dir, hash) {
		return err
	}
	progress("installing binaryen")
	if err := run(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"); err != nil {
		return err
	}
	return markUpToDate(dir, hash)
}

const stamp = ".inputs-hash"

func upToDate(dir, hash string) bool {
	have, err := os.ReadFile(filepath.Join(dir, stamp))
	return err == nil && string(have) == hash
}

func markUpToDate(dir, hash string) error {
	return os.WriteFile(filepath.Join(dir, stamp), []byte(hash), 0o644)
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func unzip(path, dir string) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	return os.CopyFS(dir, z)
}
