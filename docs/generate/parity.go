package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/core/ops"
)

// languages are the columns beside C, whose messages have everything that there is.
var languages = []string{"Go", "Python", "Node", "Rust"}

// no is a cell without a symbol: its reason is what the table shows.
const no = "no: "

// row is a feature and its name in each language.
type row struct {
	feature string
	cells   map[string]string
}

// sections are the parts of docs/abi.md whose fields are settings or figures of every language.
var sections = []string{
	"config", "limits", "callback", "library", "volume", "package", "network", "secret", "scrub", "execution options", "result", "network event",
	"journal", "error record", "python",
}

// parity is the text of docs/parity.md, and an error that names each missing cell.
func parity(root string) (string, error) {
	surfaces := map[string]*surface{}
	for language, read := range map[string]func(string) (*surface, error){"Go": goSurface, "Python": python, "Node": node, "Rust": rust} {
		found, err := read(root)
		if err != nil {
			return "", err
		}
		surfaces[language] = found
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "abi.md"))
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString(introduction)
	var problems error
	problems = errors.Join(problems, write(&text, "Operations", "operation", operations(), surfaces))
	for _, section := range sections {
		if rows := fields(string(page), section); len(rows) > 0 {
			title := strings.ToUpper(section[:1]) + section[1:]
			problems = errors.Join(problems, write(&text, title, "field", rows, surfaces))
		}
	}
	return text.String(), problems
}

const introduction = `# What each language has

Made by ` + "`go run ./docs/generate`" + ` (` + "`make docs`" + `) from the operations of the core and the public names of the bindings: every feature, and its
name in each language. In C everything is a message: its names are those of [abi.md](abi.md), the first column. A cell that says
why there is nothing is on purpose; a missing one fails ` + "`make check`" + `.
`

// write adds a table, and checks that each cell's symbol exists.
func write(text *strings.Builder, title, kind string, rows []row, surfaces map[string]*surface) error {
	fmt.Fprintf(text, "\n## %s\n\n| %s (C) | Go | Python | Node | Rust |\n|---|---|---|---|---|\n", title, kind)
	var problems error
	for _, row := range rows {
		fmt.Fprintf(text, "| `%s` |", row.feature)
		for _, language := range languages {
			cell := row.cells[language]
			reason, without := strings.CutPrefix(cell, no)
			symbol, _, _ := strings.Cut(strings.ReplaceAll(cell, "::", "."), "(")
			switch {
			case without:
				fmt.Fprintf(text, " *%s* |", reason)
			case symbol == "" || !surfaces[language].has(symbol):
				problems = errors.Join(problems, fmt.Errorf("parity: %s: %s has no %q", row.feature, language, cell))
				fmt.Fprintf(text, " |")
			default:
				fmt.Fprintf(text, " `%s` |", cell)
			}
		}
		text.WriteString("\n")
	}
	return problems
}

// operations are the rows of the operations.
func operations() []row {
	var rows []row
	for _, op := range ops.Names() {
		rows = append(rows, row{op, named(op, func(language string) string { return method(language, op) })})
	}
	return rows
}

// named fills the cells by a rule, but for the exceptions.
func named(feature string, rule func(language string) string) map[string]string {
	cells := map[string]string{}
	for _, language := range languages {
		if exception, ok := exceptions[feature][language]; ok {
			cells[language] = exception
		} else if exception, ok := exceptions[feature]["all"]; ok {
			cells[language] = exception
		} else {
			cells[language] = rule(language)
		}
	}
	return cells
}

// classes are the types behind the first words of operations.
var classes = map[string]map[string]string{
	"sandbox": {"all": "Sandbox"}, "session": {"all": "Session"},
	"factory": {"Go": "Factory", "all": "SandboxFactory"}, "pool": {"Go": "Pool", "all": "SandboxPool"},
	"store": {"all": "SessionStore"}, "vfs": {"Go": "VfsStorage", "all": "VfsStorage"}, "mcp": {"Go": "Manager", "all": "MCPManager", "Rust": "McpManager"},
}

// method is the name that an operation has by the rule: Session.SnapshotState, Session.snapshot_state, Session.snapshotState,
// Session::snapshot_state.
func method(language, op string) string {
	kind, name, _ := strings.Cut(op, ".")
	class := classes[kind][language]
	if class == "" {
		class = classes[kind]["all"]
	}
	if name == "new" {
		return class
	}
	if language == "Rust" {
		return class + "::" + name
	}
	return class + "." + spelled(language, name)
}

// spelled is a name in the manner of a language.
func spelled(language, name string) string {
	switch language {
	case "Go":
		name = strings.TrimSuffix(name, "_ms")
		return camel(name, true)
	case "Node":
		return camel(name, false)
	}
	return name
}

var initials = map[string]string{"Json": "JSON", "Vfs": "VFS", "Id": "ID", "Dns": "DNS", "Udp": "UDP", "Tls": "TLS", "Mcp": "MCP"}

func camel(name string, exported bool) string {
	var text strings.Builder
	for i, word := range strings.Split(name, "_") {
		if word == "" {
			continue
		}
		if i > 0 || exported {
			word = strings.ToUpper(word[:1]) + word[1:]
			if special, ok := initials[word]; ok && exported {
				word = special
			}
		}
		text.WriteString(word)
	}
	return text.String()
}

var fieldRow = regexp.MustCompile("(?m)^\\| `(\\w+)` \\|")

// fields are the rows of a table of docs/abi.md.
func fields(page, section string) []row {
	_, rest, ok := strings.Cut(page, "\n### "+section+"\n")
	if !ok {
		return nil
	}
	body, _, _ := strings.Cut(rest, "\n##")
	var rows []row
	for _, match := range fieldRow.FindAllStringSubmatch(body, -1) {
		feature := match[1]
		rows = append(rows, row{feature, named(section+"."+feature, func(language string) string { return field(language, feature) })})
	}
	return rows
}

// field is the name that a field has by the rule. In Rust durations need no unit, and settings begin with with_.
func field(language, feature string) string {
	if language == "Rust" {
		name := strings.TrimSuffix(feature, "_ms")
		if slices.Contains(rustSettings, feature) {
			return "with_" + name
		}
		return name
	}
	return spelled(language, feature)
}
