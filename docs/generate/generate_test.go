package main

import (
	"os"
	"testing"
)

// TestUpToDate: the documents are what the code makes of them, and no cell of the parity table is missing.
func TestUpToDate(t *testing.T) {
	outputs, err := generate("../..")
	if err != nil {
		t.Error(err)
	}
	for path, text := range outputs {
		if old, _ := os.ReadFile(path); string(old) != text {
			t.Errorf("%s is not up to date: run `make docs`", path)
		}
	}
}

func TestSpelled(t *testing.T) {
	for _, c := range []struct{ language, name, want string }{
		{"Go", "execution_timeout_ms", "ExecutionTimeout"},
		{"Go", "result_json", "ResultJSON"},
		{"Node", "execution_timeout_ms", "executionTimeoutMs"},
		{"Python", "execution_timeout_ms", "execution_timeout_ms"},
	} {
		if got := spelled(c.language, c.name); got != c.want {
			t.Errorf("%s in %s is %s, not %s", c.name, c.language, got, c.want)
		}
	}
}

func TestInclude(t *testing.T) {
	text := "<!-- include: main.go -->\n```go\nold\n```\nafter\n"
	got, err := include(".", text)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile("main.go")
	if want := "<!-- include: main.go -->\n```go\n" + string(content) + "```\nafter\n"; got != want {
		t.Errorf("got %.200s", got)
	}
	for _, bad := range []string{"<!-- include: none.go -->\n```go\n```\n", "<!-- include: main.go -->\ntext\n", "<!-- include: main.go -->\n```go\n"} {
		if _, err := include(".", bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}
