//go:build unix

package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
)

func TestPackageDirectory(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "mod.py"), "def f(): return 'imported'")
	eryx(t, "", "-p", dir, "-c", "import mod; print(mod.f())").check(t, 0, "imported\n", "")
	eryx(t, "", "--package", filepath.Join(dir, "none.whl"), "-c", "1").check(t, exitFailed, "", "eryx: open a package: ...no such file or directory\n")
}

// makeWheel writes the package demo, version 1.0.
func makeWheel(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "eryx_cli_demo-1.0-py3-none-any.whl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	for _, member := range [][2]string{
		{"eryx_cli_demo.py", "def f(): return 'from a wheel'\n"},
		{"eryx_cli_demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: eryx-cli-demo\nVersion: 1.0\n"},
		{"eryx_cli_demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"eryx_cli_demo-1.0.dist-info/RECORD", ""},
	} {
		w, err := archive.Create(member[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(member[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

const useDemo = "import eryx_cli_demo; print(eryx_cli_demo.f())"

func TestPackageWheel(t *testing.T) {
	eryx(t, "", "-p", makeWheel(t, t.TempDir()), "-c", useDemo).check(t, 0, "from a wheel\n", "")
}

// pip is told to look into a folder only: no test leaves the machine.
func TestRequirement(t *testing.T) {
	shareCode(t)
	dir := t.TempDir()
	makeWheel(t, dir)
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", dir)
	eryx(t, "", "-w", "eryx-cli-demo>=1", "-c", useDemo).check(t, 0, "from a wheel\n", "...")
	eryx(t, "", "--with", "eryx-cli-demo>=2", "-c", useDemo).check(t, exitFailed, "", "...fetch the requirements: ...")
	eryx(t, "", "--with", "https://example.org/x.whl", "-c", "1").check(t, exitFailed, "", "...not a requirement such as...")
}

// shareCode gives the test a cache of its own in which the interpreter's machine code is, but no packages.
func shareCode(t *testing.T) {
	t.Helper()
	eryx(t, "", "-c", "1").check(t, 0, "", "...") // fills the user's cache
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := emptyCache(t)
	own, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(own, "eryx"), 0o700); err != nil {
		t.Fatal(err, dir)
	}
	entries, err := os.ReadDir(filepath.Join(user, "eryx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "packages" {
			if err := os.Symlink(filepath.Join(user, "eryx", entry.Name()), filepath.Join(own, "eryx", entry.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
}
