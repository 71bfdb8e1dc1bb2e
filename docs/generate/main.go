// Command generate makes the parts of the documents that come from the code: programs that a document shows are copied
// from their files, and docs/parity.md is made of the operations and the public surfaces of the bindings.
//
//	go run ./docs/generate           # in the root of the repository; fails when a cell of the parity table is missing
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run rewrites all generated text of the repository at root.
func run(root string) error {
	outputs, err := generate(root)
	for path, text := range outputs {
		old, readErr := os.ReadFile(path)
		if readErr == nil && string(old) == text {
			continue
		}
		err = errors.Join(err, os.WriteFile(path, []byte(text), 0o644))
	}
	return err
}

// generate gives the text of each generated file by its path.
func generate(root string) (map[string]string, error) {
	outputs := map[string]string{}
	documents, err := markdown(root)
	if err != nil {
		return nil, err
	}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		included, err := include(root, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if included != string(text) {
			outputs[path] = included
		}
	}
	table, err := parity(root)
	outputs[filepath.Join(root, "docs", "parity.md")] = table
	return outputs, err
}

// markdown is every document that people read: of the root, of docs and of examples.
func markdown(root string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	})
	return found, err
}

const marker = "<!-- include: "

// include replaces each block after a line "<!-- include: path -->" by the file.
func include(root, text string) (string, error) {
	lines := strings.Split(text, "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		path, ok := strings.CutPrefix(lines[i], marker)
		if !ok {
			continue
		}
		path = strings.TrimSuffix(path, " -->")
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return "", err
		}
		if i+1 >= len(lines) || !strings.HasPrefix(lines[i+1], "```") {
			return "", fmt.Errorf("no block follows %s", lines[i])
		}
		out = append(out, lines[i+1], strings.TrimSuffix(string(content), "\n"), "```")
		for i += 2; i < len(lines) && lines[i] != "```"; i++ { // the old content
		}
		if i == len(lines) {
			return "", fmt.Errorf("the block after %s%s has no end", marker, path)
		}
	}
	return strings.Join(out, "\n"), nil
}
