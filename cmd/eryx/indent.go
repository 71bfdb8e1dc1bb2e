package main

import (
	"regexp"
	"strings"

	"github.com/reeflective/readline"
)

// indent is one level.
const indent = "    "

var (
	leadingSpace = regexp.MustCompile(`^[ \t]*`)
	opensBlock   = regexp.MustCompile(`:\s*(#.*)?$`)
	leavesBlock  = regexp.MustCompile(`^\s*(return|pass|break|continue|raise)\b`)
)

// nextIndent is what the line after source begins with.
func nextIndent(source string) string {
	line := source[strings.LastIndexByte(source, '\n')+1:]
	space := leadingSpace.FindString(line)
	switch {
	case opensBlock.MatchString(line):
		return space + indent
	case leavesBlock.MatchString(line):
		return strings.TrimSuffix(space, indent)
	}
	return space
}

// withoutBlankEnd is source with an empty last line in the place of one of spaces only, which editing leaves.
func withoutBlankEnd(source string) string {
	start := strings.LastIndexByte(source, '\n') + 1
	if strings.TrimSpace(source[start:]) == "" {
		return source[:start]
	}
	return source
}

// indentLines makes Enter, Tab and Backspace of the shell indent as Python wants it.
func indentLines(shell *readline.Shell, complete func(source string) bool) {
	commands := shell.Keymap.Commands()
	accept, backspace := commands["accept-line"], commands["backward-delete-char"]
	before := func() string { return string((*shell.Line())[:shell.Cursor().Pos()]) }
	shell.Keymap.Register(map[string]func(){
		"insert-indent": func() { shell.Cursor().InsertAt([]rune(indent)...) },
		"accept-line": func() {
			atEnd := shell.Cursor().Pos() == shell.Line().Len()
			// More keys that wait were pasted, with indentation of their own.
			if !atEnd || !shell.Keys.Empty() || complete(string(*shell.Line())) {
				accept()
				return
			}
			shell.Cursor().InsertAt([]rune("\n" + nextIndent(before()))...)
		},
		"backward-delete-char": func() {
			line := before()
			line = line[strings.LastIndexByte(line, '\n')+1:]
			count := 1
			if line != "" && strings.Trim(line, " ") == "" {
				count = (len(line)-1)%len(indent) + 1
			}
			for range count {
				backspace()
			}
		},
	})
	for _, keymap := range []string{"emacs", "vi-insert"} {
		_ = shell.Config.Bind(keymap, "\t", "insert-indent", false)
	}
}
