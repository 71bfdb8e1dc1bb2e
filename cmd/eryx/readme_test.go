//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The examples of the README print what it says.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	examples := 0
	for _, block := range strings.Split(string(text), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, example := range strings.Split(block, "$ ")[1:] {
			line, want, _ := strings.Cut(example, "\n")
			examples++
			shell := exec.CommandContext(t.Context(), "sh", "-c", line)
			shell.Dir = dir
			got, err := shell.CombinedOutput()
			if err != nil || string(got) != want {
				t.Errorf("%s: %v\n%s\nwant\n%s", line, err, got, want)
			}
		}
	}
	if examples != 18 {
		t.Errorf("%d examples were found, not 18", examples)
	}
}
