//go:build documents

// Package documents runs what the documents show: every block of every document, and the quick start in five languages.
// `make test-documents` runs it, because it needs what `make` installs: Python's and Node's dependencies, the library.
package documents

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// block is a fenced block of a document.
type block struct {
	language, text string
	included       string // the file that it is a copy of
}

var fence = regexp.MustCompile("(?ms)^(?:<!-- include: (\\S+) -->\n)?```(\\w*)\n(.*?)^```$")

func blocks(t *testing.T, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	for _, match := range fence.FindAllStringSubmatch(string(text), -1) {
		found = append(found, block{included: match[1], language: match[2], text: match[3]})
	}
	return found
}

// documents are all that git knows.
func documents(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestBlocks runs every block of every document.
func TestBlocks(t *testing.T) {
	count := 0
	for _, document := range documents(t) {
		if isOneProgram(t, document) {
			count++
			t.Run(document, func(t *testing.T) { checkOneProgram(t, document) })
			continue
		}
		for i, b := range blocks(t, filepath.Join(root, document)) {
			count++
			t.Run(document+" "+b.language+" "+string(rune('a'+i)), func(t *testing.T) { check(t, document, b) })
		}
	}
	if count < 25 {
		t.Errorf("%d blocks were found: is the pattern right?", count)
	}
}

// check runs a block in the way of its language.
func check(t *testing.T, document string, b block) {
	if b.included != "" {
		checkIncluded(t, b)
		return
	}
	switch b.language {
	case "", "text", "json", "toml", "yaml", "dockerfile":
		// No program.
	case "python":
		program(t, "", ".venv/bin/python", file(t, "main.py", b.text)) // a file: programs may look at their own source
	case "js":
		program(t, b.text, "node", "--input-type=module", "-")
	case "go":
		program(t, "", "go", "run", file(t, "main.go", b.text))
	case "rust":
		checkDoctest(t, document)
	case "console":
		checkConsole(t, b.text)
	case "sh":
		for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
			checkCommand(t, document, line)
		}
	default:
		t.Errorf("no test runs blocks of %q", b.language)
	}
}

var emptyLines = regexp.MustCompile(`\n\n+`)

// isOneProgram says whether the document declares its Python blocks to be one program.
func isOneProgram(t *testing.T, document string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "one after the other, and print what stands below them.")
}

// checkOneProgram runs the Python blocks of a document as one program, which must print the blocks of text below them.
func checkOneProgram(t *testing.T, document string) {
	var source, expected strings.Builder
	previous := ""
	for _, b := range blocks(t, filepath.Join(root, document)) {
		switch {
		case b.language == "python":
			source.WriteString(b.text)
		case b.language == "text" && previous == "python":
			expected.WriteString(b.text)
		default:
			check(t, document, b)
		}
		previous = b.language
	}
	out := program(t, "", ".venv/bin/python", file(t, "main.py", source.String()))
	out = emptyLines.ReplaceAllString(out, "\n") // documents leave them out
	if out != expected.String() {
		t.Errorf("it prints\n%s\nand not\n%s", out, expected.String())
	}
}

// file writes a program to a file of that name.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// environment finds the bindings of this repository.
func environment(t *testing.T) []string {
	t.Helper()
	full, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(),
		"ERYX_LIBRARY="+filepath.Join(full, "build/liberyx.so"),
		"LD_LIBRARY_PATH="+filepath.Join(full, "build/lib"),
		"PYTHONPATH="+filepath.Join(full, "bindings/python"))
}

// program runs a command in the root with input, and gives what it prints.
func program(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if name == "node" {
		dir = filepath.Join(dir, "examples/quickstart/node") // where the package is found
	}
	if strings.Contains(name, "/") {
		name = filepath.Join(dir, name)
	}
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir, command.Env, command.Stdin = dir, environment(t), strings.NewReader(input)
	var failure strings.Builder
	command.Stderr = &failure
	out, err := command.Output()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, failure.String())
	}
	return string(out)
}

// checkIncluded makes sure that the block is the file, which TestQuickStart runs. docs/generate copies it.
func checkIncluded(t *testing.T, b block) {
	text, err := os.ReadFile(filepath.Join(root, b.included))
	if err != nil {
		t.Fatal(err)
	}
	if b.text != string(text) {
		t.Errorf("the block differs from %s: run `make docs`", b.included)
	}
	for _, language := range quickStarts {
		if language.file == b.included {
			return
		}
	}
	t.Errorf("%s is not run by TestQuickStart", b.included)
}

// checkDoctest makes sure that rustdoc runs the document's blocks: `make test-rust`.
func checkDoctest(t *testing.T, document string) {
	source := filepath.Join(root, filepath.Dir(document), "src/lib.rs")
	text, err := os.ReadFile(source)
	if err != nil || !strings.Contains(string(text), `#![doc = include_str!("../README.md")]`) {
		t.Errorf("no documentation test runs the Rust blocks of %s (%v)", document, err)
	}
}
