package abi

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func openELF(t *testing.T) *elf.File {
	t.Helper()
	file, err := elf.Open(libraryPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// TestOnlyOurSymbols: the library exports the functions of eryx.h, in the version ERYX_0, and nothing of Go's.
func TestOnlyOurSymbols(t *testing.T) {
	symbols, err := openELF(t).DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var exported []string
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF || s.Name == "ERYX_0" {
			continue
		}
		if s.Version != "ERYX_0" {
			t.Errorf("%s has the version %q", s.Name, s.Version)
		}
		exported = append(exported, s.Name)
	}
	slices.Sort(exported)
	if want := slices.Sorted(maps.Keys(functions)); !slices.Equal(exported, want) {
		t.Errorf("exported: %v\nwant: %v", exported, want)
	}
}

// TestNameAndNeeds: programs ask for the ABI's name, and nothing is needed but libc.
func TestNameAndNeeds(t *testing.T) {
	file := openELF(t)
	name, err := file.DynString(elf.DT_SONAME)
	if err != nil || !slices.Equal(name, []string{"liberyx.so.0"}) {
		t.Errorf("SONAME %v, %v", name, err)
	}
	needed, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range needed {
		if library != "libc.so.6" && library != "libpthread.so.0" && !strings.HasPrefix(library, "ld-linux") {
			t.Errorf("needs %s", library)
		}
	}
	if path, _ := file.DynString(elf.DT_RUNPATH); len(path) != 0 {
		t.Errorf("looks for libraries in %v", path)
	}
}

// TestNoExecutableStack: the library does not make its host's stack executable.
func TestNoExecutableStack(t *testing.T) {
	for _, segment := range openELF(t).Progs {
		if segment.Type == elf.PT_GNU_STACK {
			if segment.Flags&elf.PF_X != 0 {
				t.Error("the stack is executable")
			}
			return
		}
	}
	t.Error("no PT_GNU_STACK: the stack is executable")
}

// TestReproducible: the same sources in two folders give the same bytes, and none of them names a folder. What Go's
// build cache holds of packages without C is the same for both by construction (-trimpath); the C part and the link are
// done twice.
func TestReproducible(t *testing.T) {
	folders := [2]string{filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "another", "folder")}
	files := sources(t)
	copyFiles(t, files, root, folders[0])
	copyFiles(t, files, folders[0], folders[1]) // whoever edits the repository meanwhile
	var libraries [2][]byte
	for i, folder := range folders {
		output := filepath.Join(folder, "output", "liberyx.so")
		if err := build(folder, output); err != nil {
			t.Fatal(err)
		}
		libraries[i] = read(t, output)
	}
	if sha256.Sum256(libraries[0]) != sha256.Sum256(libraries[1]) {
		t.Errorf("%d bytes and %d bytes differ", len(libraries[0]), len(libraries[1]))
	}
	for _, folder := range []string{root, folders[0], folders[1]} {
		if bytes.Contains(libraries[1], []byte(folder)) {
			t.Errorf("the library holds the name %s", folder)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sources are the files that the library is built from, as Go lists them, relative to the repository.
func sources(t *testing.T) []string {
	t.Helper()
	const list = `{{if .Module}}{{if .Module.Main}}{{$d := .Dir}}` +
		`{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .CgoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}` +
		`{{range .CFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .HFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}` +
		`{{range .SFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`
	command := exec.Command("go", "list", "-deps", "-f", list, "./capi")
	command.Dir = root
	text, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"go.mod", "go.sum", "include/eryx.h", "capi/build.sh", "capi/symbols.map"}
	for _, file := range strings.Fields(string(text)) {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func copyFiles(t *testing.T, names []string, from, to string) {
	t.Helper()
	for _, name := range names {
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, read(t, filepath.Join(from, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
