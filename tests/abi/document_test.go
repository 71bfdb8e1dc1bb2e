package abi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core/ops"
)

// set is a set of names.
type set = map[string]bool

// TestDocument compares docs/abi.md with the source of core/ops, in both directions: operations and the fields that
// each of them reads and gives, events, the error record and its codes, the configuration of eryx_init.
func TestDocument(t *testing.T) {
	page := readPage(t)
	source := parseSource(t, "core/ops")
	for _, op := range ops.Names() {
		section := page["`"+op+"`"]
		if section == nil {
			t.Errorf("operation %s is missing", op)
			continue
		}
		compare(t, op, source.fieldsOf(op), page.rows("`"+op+"`", set{}))
	}
	for title := range page {
		if name := strings.Trim(title, "`"); name != title && !slices.Contains(ops.Names(), name) {
			t.Errorf("there is no operation %s", name)
		}
	}
	compare(t, "events", source.events, page.rows("Events", set{}))
	compare(t, "error record", source.reachable([]string{"errorRecord"}), union(page["error record"].rows, page["python"].rows))
	compare(t, "codes", constants(t, "core/errors.go", "Code"), page["codes"].rows)
	settings := parseSource(t, "capi").literals("readSettings", "applySettings")
	compare(t, "eryx_init", settings, page["eryx_init"].rows)
}

func compare(t *testing.T, what string, found, documented set) {
	t.Helper()
	if len(found) == 0 && what != "runtime.init" {
		t.Errorf("%s: nothing was found in the source", what)
	}
	for name := range found {
		if !documented[name] {
			t.Errorf("%s: `%s` is missing in docs/abi.md", what, name)
		}
	}
	for name := range documented {
		if !found[name] {
			t.Errorf("%s: docs/abi.md has `%s`, which is not in the source", what, name)
		}
	}
}

func union(a, b set) set {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// section is the part of the page under one heading: the names in the first column of its tables, and its links.
type section struct {
	rows  set
	links []string
}

type page map[string]*section

var (
	rowPattern  = regexp.MustCompile("(?m)^\\| `(\\w+)` \\|")
	linkPattern = regexp.MustCompile(`\]\(#([\w-]+)\)`)
)

func readPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "abi.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{}
	for _, part := range regexp.MustCompile(`(?m)^##+ `).Split(string(text), -1)[1:] {
		title, body, _ := strings.Cut(part, "\n")
		s := &section{rows: set{}}
		for _, row := range rowPattern.FindAllStringSubmatch(body, -1) {
			s.rows[row[1]] = true
		}
		for _, link := range linkPattern.FindAllStringSubmatch(body, -1) {
			s.links = append(s.links, strings.ReplaceAll(link[1], "-", " "))
		}
		if p[title] != nil {
			t.Errorf("two sections %q", title)
		}
		p[title] = s
	}
	return p
}

// rows are the names of a section and of the sections that it links to.
func (p page) rows(title string, seen set) set {
	s := p[title]
	if s == nil || seen[title] {
		return set{}
	}
	seen[title] = true
	all := maps.Clone(s.rows)
	for _, link := range s.links {
		maps.Copy(all, p.rows(link, seen))
	}
	return all
}

// source is a package: for each function, which others it names and which fields of messages it reads or writes.
type source struct {
	functions set                 // by name, "." before a method's
	uses      map[string][]string // the names in a function, "." before a selected one
	fields    map[string]set      // of messages, in a function
	texts     map[string]set      // all string literals of a function
	table     map[string][]string // the names in an operation's entry of the table
	events    set
	consts    map[string]string
}

func parseSource(t *testing.T, folder string) *source {
	t.Helper()
	s := &source{
		functions: set{}, uses: map[string][]string{}, fields: map[string]set{}, texts: map[string]set{},
		table: map[string][]string{}, events: set{}, consts: map[string]string{},
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
		s.declare(file)
	}
	for _, file := range parsed {
		s.read(file)
	}
	return s
}

// key is a function's name among both functions and methods.
func key(f *ast.FuncDecl) string {
	if f.Recv != nil {
		return "." + f.Name.Name
	}
	return f.Name.Name
}

func (s *source) declare(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.functions[key(d)] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && len(v.Values) == 1 {
					if text, ok := literal(v.Values[0]); ok {
						s.consts[v.Names[0].Name] = text
					}
				}
			}
		}
	}
}

func (s *source) read(file *ast.File) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			name := key(f)
			if s.fields[name] == nil {
				s.fields[name], s.texts[name] = set{}, set{}
			}
			ast.Inspect(f.Body, func(n ast.Node) bool { s.node(name, n); return true })
		}
	}
}

// literal is the text of a constant expression of string literals.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, ok2 := literal(e.Y)
		return left + right, ok && ok2
	}
	return "", false
}

func (s *source) node(name string, n ast.Node) {
	switch n := n.(type) {
	case *ast.BasicLit:
		if text, ok := literal(n); ok {
			s.texts[name][text] = true
		}
	case *ast.Ident:
		s.uses[name] = append(s.uses[name], n.Name)
	case *ast.SelectorExpr:
		s.uses[name] = append(s.uses[name], "."+n.Sel.Name)
	case *ast.CallExpr:
		s.call(name, n)
	case *ast.IndexExpr: // f.m["field"]
		if x, ok := n.X.(*ast.SelectorExpr); ok && x.Sel.Name == "m" {
			s.field(name, n.Index)
		}
	case *ast.CompositeLit:
		s.composite(name, n)
	}
}

// field notes one field, where it is a literal.
func (s *source) field(name string, e ast.Expr) {
	if text, ok := literal(e); ok {
		s.fields[name][text] = true
	}
}

// list notes several fields, in one text with spaces.
func (s *source) list(name string, e ast.Expr) {
	text, ok := literal(e)
	if id, isName := e.(*ast.Ident); isName {
		text, ok = s.consts[id.Name], true
	}
	if ok {
		for _, field := range strings.Fields(text) {
			s.fields[name][field] = true
		}
	}
}

// readers are the methods of fields that read one.
var readers = []string{"text", "flag", "integer", "list", "mapping", "milliseconds", "texts", "textMap", "id", "pathname", "positive"}

func (s *source) call(name string, c *ast.CallExpr) {
	f := c.Fun
	if generic, ok := f.(*ast.IndexExpr); ok {
		f = generic.X
	}
	switch f := f.(type) {
	case *ast.Ident:
		if f.Name == "get" && len(c.Args) == 3 {
			s.field(name, c.Args[1])
		}
		if f.Name == "add" && len(c.Args) == 3 {
			s.field(name, c.Args[0])
		}
	case *ast.SelectorExpr:
		switch {
		case slices.Contains(readers, f.Sel.Name) && len(c.Args) == 1:
			s.field(name, c.Args[0])
		case f.Sel.Name == "only" && len(c.Args) == 2:
			s.list(name, c.Args[1])
		case f.Sel.Name == "each" && len(c.Args) == 3:
			s.field(name, c.Args[0])
			s.list(name, c.Args[1])
		case f.Sel.Name == "emit":
			s.event(c.Args[0])
		}
	}
}

func (s *source) event(e ast.Expr) {
	if text, ok := literal(e); ok {
		s.events[text] = true
	}
}

// composite reads map[string]any{"field": ...}, {Key: "field"}, lists of names, events and the table of operations.
func (s *source) composite(name string, c *ast.CompositeLit) {
	switch t := c.Type.(type) {
	case *ast.MapType:
		value, _ := t.Value.(*ast.Ident)
		if value == nil || value.Name != "any" && value.Name != "operation" {
			return
		}
		for _, e := range c.Elts {
			pair := e.(*ast.KeyValueExpr)
			if value.Name == "any" {
				s.field(name, pair.Key)
			} else if op, ok := literal(pair.Key); ok {
				ast.Inspect(pair.Value, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok {
						s.table[op] = append(s.table[op], id.Name)
					}
					return true
				})
			}
		}
	case *ast.ArrayType:
		element, _ := t.Elt.(*ast.Ident)
		for i, e := range c.Elts {
			switch {
			case element != nil && element.Name == "string":
				s.field(name, e)
			case element != nil && element.Name == "any" && i == 0 && name == ".done":
				s.event(e)
			}
		}
	default:
		for _, e := range c.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				if k, ok := pair.Key.(*ast.Ident); ok && k.Name == "Key" {
					s.field(name, pair.Value)
				}
			}
		}
	}
}

// fieldsOf are the fields that an operation reads or gives.
func (s *source) fieldsOf(op string) set { return s.reachable(s.table[op]) }

// reachable are the fields of functions and of all that they name, but not of how a request ends, which is the same for
// all.
func (s *source) reachable(from []string) set {
	fields, seen := set{}, set{".finish": true, ".emit": true, ".done": true}
	for len(from) > 0 {
		name := from[len(from)-1]
		from = from[:len(from)-1]
		if seen[name] || !s.functions[name] {
			continue
		}
		seen[name] = true
		maps.Copy(fields, s.fields[name])
		from = append(from, s.uses[name]...)
	}
	return fields
}

// literals are the texts in functions that look like names of fields.
func (s *source) literals(names ...string) set {
	found := set{}
	for _, name := range names {
		for text := range s.texts[name] {
			if regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`).MatchString(text) {
				found[text] = true
			}
		}
	}
	return found
}

// constants are the values of a file's constants whose type has a name.
func constants(t *testing.T, path, typeName string) set {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := set{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == typeName {
				text, _ := literal(v.Values[0])
				found[text] = true
			}
		}
		return true
	})
	return found
}
