//go:build documents

package documents

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkConsole runs each line after "$ " and compares what it prints. `eryx` is the command of this repository.
func checkConsole(t *testing.T, text string) {
	binaries := t.TempDir()
	program(t, "", "go", "build", "-o", filepath.Join(binaries, "eryx"), "./cmd/eryx")
	dir := t.TempDir()
	for _, example := range strings.Split(text, "$ ")[1:] {
		line, want, _ := strings.Cut(example, "\n")
		shell := exec.CommandContext(t.Context(), "sh", "-c", line)
		shell.Dir = dir
		shell.Env = append(environment(t), "PATH="+binaries+string(os.PathListSeparator)+os.Getenv("PATH"))
		got, err := shell.CombinedOutput()
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", line, err, got, want)
		}
	}
}

// slow are commands that a reader runs and a test of documents does not; each of them is run by something else, or takes
// minutes. That they exist is checked.
var slow = []string{
	"make ", "cmake ", "ctest ", "go run ./bench", "go run ./wasm", "npm ", "pip ", "cargo ", "git clone", "docker ", "gh ",
}

// checkCommand runs a line of shell in the root, or checks that what it names exists.
func checkCommand(t *testing.T, document, line string) {
	line, _, _ = strings.Cut(line, " #")
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return
	}
	for _, prefix := range slow {
		if strings.HasPrefix(line, prefix) {
			checkNames(t, line)
			return
		}
	}
	if document == "capi/README.md" || strings.HasPrefix(line, "capi/build.sh") {
		checkNames(t, line)
		return
	}
	program(t, "", "sh", "-ec", line)
}

// checkNames checks the targets of make, the packages of Go and the scripts that a line names.
func checkNames(t *testing.T, line string) {
	for _, command := range strings.Split(line, "&&") {
		words := strings.Fields(command)
		switch {
		case len(words) == 0:
		case words[0] == "make":
			for _, word := range words[1:] {
				if !strings.Contains(word, "=") {
					program(t, "", "make", "--dry-run", "--silent", word)
				}
			}
		case strings.HasPrefix(command, "go run ./"):
			if _, err := os.Stat(filepath.Join(root, words[2])); err != nil {
				t.Error(err)
			}
		case strings.Contains(words[0], "/"):
			if _, err := os.Stat(filepath.Join(root, words[0])); err != nil {
				t.Error(err)
			}
		}
	}
}
