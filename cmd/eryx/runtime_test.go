package main

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// emptyCache makes the tests' runs start as on a new machine.
func emptyCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir) // Linux
	t.Setenv("HOME", dir)           // macOS
	t.Setenv("LocalAppData", dir)   // Windows
	return dir
}

// Two first starts at once both work, and say why they take long; the next start is silent. A cache that is
// damaged is made anew, with a warning.
func TestFirstStart(t *testing.T) {
	dir := emptyCache(t)
	var both sync.WaitGroup
	var outcomes [2]outcome
	for i := range outcomes {
		both.Go(func() { outcomes[i] = eryx(t, "", "-c", "print(1)") })
	}
	both.Wait()
	for _, o := range outcomes {
		o.check(t, 0, "1\n", "eryx: compiling the Python runtime for this machine (once) ...\n")
	}
	eryx(t, "", "-c", "print(2)").check(t, 0, "2\n", "")
	damage(t, dir)
	eryx(t, "", "-c", "print(3)").check(t, 0, "3\n", "eryx: warning: ...")
	eryx(t, "", "-c", "print(4)").check(t, 0, "4\n", "")
}

// damage cuts every file below dir in half.
func damage(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()/2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Without a place for the cache it works, slowly, with a warning.
func TestNoPlaceForTheCache(t *testing.T) {
	dir := emptyCache(t)
	file := filepath.Join(dir, "file")
	writeFile(t, file, "")
	t.Setenv("XDG_CACHE_HOME", file)
	t.Setenv("HOME", file)
	t.Setenv("LocalAppData", file)
	eryx(t, "", "-c", "print(1)").check(t, 0, "1\n", "...eryx: warning: the compiled code cannot be kept in ...")
}
