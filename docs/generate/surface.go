package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// surface is what a binding offers: the members of its public types, by type and name, and all names without their type.
type surface struct {
	members map[string]map[string]bool // type -> its own members
	bases   map[string][]string
	names   map[string]bool
}

func newSurface() *surface {
	return &surface{members: map[string]map[string]bool{}, bases: map[string][]string{}, names: map[string]bool{}}
}

// add records a member of a type; an empty type is a function or a type itself.
func (s *surface) add(owner, name string) {
	if s.members[owner] == nil {
		s.members[owner] = map[string]bool{}
	}
	s.members[owner][name] = true
	s.names[name] = true
}

// has says whether there is Type.name, in the type or one of its bases, or a name that stands alone.
func (s *surface) has(symbol string) bool {
	owner, name, ok := strings.Cut(symbol, ".")
	if !ok {
		return s.names[symbol] || s.members[symbol] != nil
	}
	if s.members[owner][name] {
		return true
	}
	for _, base := range s.bases[owner] {
		if s.has(base + "." + name) {
			return true
		}
	}
	return false
}

// lines calls f with each line of each file that matches one of the patterns.
func lines(root string, patterns []string, f func(line string)) error {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(text)) {
				f(strings.TrimRight(line, "\n"))
			}
		}
	}
	return nil
}

var (
	pythonClass  = regexp.MustCompile(`^class (\w+)(?:\((.*)\))?:`)
	pythonMember = regexp.MustCompile(`^    (?:async )?(?:def )?([a-z]\w*)\s*[:(=]`)
	pythonName   = regexp.MustCompile(`^\s*(?:(?:async )?def )?([a-z]\w*)\s*[:(]`)
	nodeClass    = regexp.MustCompile(`^(?:export )?(?:abstract )?(?:class|interface) (\w+)(?:<.*?>)?(?: extends ([\w, ]+))?`)
	nodeMember   = regexp.MustCompile(`^  (?:(?:static|async|get|set|readonly|public|declare) |\*)*(\w+)(?:<.*>)?[?!]?\s*[(:;=]`)
	nodeFunction = regexp.MustCompile(`^export (?:async )?(?:function|const|type) (\w+)`)
	rustImpl     = regexp.MustCompile(`^(?:impl|pub struct|pub enum) (\w+)(?:<.*>)?\s*[{(;]`)
	rustMember   = regexp.MustCompile(`^\s*pub (?:const )?(?:async )?(?:fn )?(?:r#)?(\w+)`)
	rustVariant  = regexp.MustCompile(`^    ([A-Z]\w+)\s*[,({=]`)
)

func python(root string) (*surface, error) {
	s, class := newSurface(), ""
	err := lines(root, []string{"bindings/python/eryx/*.py"}, func(line string) {
		if match := pythonClass.FindStringSubmatch(line); match != nil {
			class = match[1]
			s.add("", class)
			for base := range strings.SplitSeq(match[2], ",") {
				s.bases[class] = append(s.bases[class], strings.TrimSpace(base))
			}
		} else if line != "" && line[0] != ' ' {
			class = ""
		}
		if match := pythonMember.FindStringSubmatch(line); match != nil && class != "" {
			s.add(class, match[1])
		} else if match := pythonName.FindStringSubmatch(line); match != nil {
			s.add("", match[1])
		}
	})
	return s, err
}

func node(root string) (*surface, error) {
	s, class := newSurface(), ""
	err := lines(root, []string{"bindings/node/src/*.ts"}, func(line string) {
		if match := nodeClass.FindStringSubmatch(line); match != nil {
			class = match[1]
			s.add("", class)
			for base := range strings.SplitSeq(match[2], ",") {
				s.bases[class] = append(s.bases[class], strings.TrimSpace(base))
			}
		} else if match := nodeFunction.FindStringSubmatch(line); match != nil {
			s.add("", match[1])
		} else if line == "}" {
			class = ""
		}
		if match := nodeMember.FindStringSubmatch(line); match != nil && class != "" {
			s.add(class, match[1])
		}
	})
	return s, err
}

func rust(root string) (*surface, error) {
	s, class := newSurface(), ""
	err := lines(root, []string{"bindings/rust/eryx/src/*.rs"}, func(line string) {
		if match := rustImpl.FindStringSubmatch(line); match != nil {
			class = match[1]
			s.add("", class)
		} else if line == "}" {
			class = ""
		}
		if match := rustMember.FindStringSubmatch(line); match != nil {
			s.add(class, match[1])
		} else if match := rustVariant.FindStringSubmatch(line); match != nil {
			s.add(class, match[1])
		}
	})
	return s, err
}

// goSurface is what core and its public packages export.
func goSurface(root string) (*surface, error) {
	s := newSurface()
	for _, folder := range []string{"core", "core/mcp", "core/guestfs", "core/guestnet", "core/secret", "core/wheel"} {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			for _, declaration := range file.Decls {
				s.declaration(declaration)
			}
		}
	}
	return s, nil
}

func (s *surface) declaration(declaration ast.Decl) {
	switch declaration := declaration.(type) {
	case *ast.FuncDecl:
		owner := ""
		if declaration.Recv != nil {
			owner = receiver(declaration.Recv.List[0].Type)
		}
		s.exported(owner, declaration.Name)
	case *ast.GenDecl:
		for _, spec := range declaration.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.exported("", spec.Name)
				s.fields(spec)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					s.exported("", name)
				}
			}
		}
	}
}

// fields adds the fields of a struct and the types that it embeds.
func (s *surface) fields(spec *ast.TypeSpec) {
	if selector, ok := spec.Type.(*ast.SelectorExpr); ok { // type X = other.X
		s.bases[spec.Name.Name] = append(s.bases[spec.Name.Name], selector.Sel.Name)
	}
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 {
			s.bases[spec.Name.Name] = append(s.bases[spec.Name.Name], receiver(field.Type))
		}
		for _, name := range field.Names {
			s.exported(spec.Name.Name, name)
		}
	}
}

func (s *surface) exported(owner string, name *ast.Ident) {
	if name.IsExported() {
		s.add(owner, name.Name)
	}
}

func receiver(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.StarExpr:
		return receiver(expression.X)
	case *ast.SelectorExpr:
		return expression.Sel.Name
	case *ast.Ident:
		return expression.Name
	}
	return ""
}
