package recipe

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// The flags of the shim's compiler. -ffreestanding keeps it from turning loops into calls of themselves in
// functions that replace libc's; bulk memory and the like are what the libraries use too.
var compileFlags = []string{
	"-target", "wasm32-wasi", "-std=gnu23", "-fPIC", "-fvisibility=hidden", "-ffreestanding", "-fno-ident", "-g0", "-O2",
	"-nostdlib", "-mbulk-memory", "-mnontrapping-fptoint", "-msign-ext", "-mmutable-globals",
	"-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
}

var linkFlags = []string{
	"-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic", "--no-entry",
}

// compileShim compiles the shim's C files into one shared library.
func (b *Build) compileShim(ctx context.Context) (string, error) {
	sources, err := filepath.Glob(filepath.Join(b.Shim, "*.c"))
	if err != nil || len(sources) == 0 {
		return "", fmt.Errorf("no C files in %s: %v", b.Shim, err)
	}
	slices.Sort(sources)
	dir := filepath.Join(b.Work, "shim")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var objects []string
	for _, source := range sources {
		object := filepath.Join(dir, filepath.Base(source)+".o")
		args := slices.Concat([]string{"cc"}, compileFlags, []string{"-c", filepath.Base(source), "-o", object})
		if err := b.zig(ctx, filepath.Dir(source), args...); err != nil {
			return "", err
		}
		objects = append(objects, object)
	}
	library := filepath.Join(dir, "shim.so")
	return library, b.zig(ctx, dir, slices.Concat([]string{"wasm-ld"}, linkFlags, objects, []string{"-o", library})...)
}

func (b *Build) zig(ctx context.Context, dir string, args ...string) error {
	cache := filepath.Join(b.Tree.Build, "cache", "zig")
	return b.run(ctx, dir, []string{"ZIG_GLOBAL_CACHE_DIR=" + cache, "ZIG_LOCAL_CACHE_DIR=" + cache}, b.Tree.Zig(), args...)
}

func (b *Build) run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, out)
	}
	return nil
}
