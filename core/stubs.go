package core

import (
	"encoding/json"
	"sort"
	"strings"
)

// stubFunction is a callback with its parameters.
type stubFunction struct {
	callback   *Callback
	parameters []parameter
}

// stubNode is a name of the guest: a function, a namespace of more names, or both.
type stubNode struct {
	function *stubFunction
	members  map[string]*stubNode
}

func (n *stubNode) names() []string {
	names := make([]string, 0, len(n.members))
	for name := range n.members {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// stubText is the .pyi text of functions: what they are for editors, type checkers and language models.
func stubText(functions []stubFunction) string {
	if len(functions) == 0 {
		return ""
	}
	root := &stubNode{members: map[string]*stubNode{}}
	for i := range functions {
		node := root
		for _, part := range strings.Split(functions[i].callback.Name, ".") {
			if node.members == nil {
				node.members = map[string]*stubNode{}
			}
			if node.members[part] == nil {
				node.members[part] = &stubNode{}
			}
			node = node.members[part]
		}
		node.function = &functions[i]
	}
	w := &stubWriter{}
	w.line(0, "from collections.abc import AsyncIterator")
	w.line(0, "from typing import Any")
	w.members(root, 0)
	return w.String()
}

type stubWriter struct{ strings.Builder }

func (w *stubWriter) line(depth int, text string) {
	if text != "" {
		w.WriteString(strings.Repeat("    ", depth) + text)
	}
	w.WriteByte('\n')
}

// members writes what node contains; at the top as functions, in a class as methods.
func (w *stubWriter) members(node *stubNode, depth int) {
	for i, name := range node.names() {
		member := node.members[name]
		if i > 0 || depth == 0 || node.function != nil {
			w.line(0, "")
		}
		if !identifier.MatchString(name) {
			w.line(depth, "# reached with invoke("+quote(name)+") or by ["+quote(name)+"] on its namespace:")
			name = safeName(name)
		}
		if member.members == nil {
			w.function(name, member.function, depth)
			continue
		}
		w.line(depth, "class _"+name+":")
		if member.function != nil {
			w.function("__call__", member.function, depth+1)
		}
		w.members(member, depth+1)
		w.line(0, "")
		w.line(depth, name+": _"+name)
	}
}

func (w *stubWriter) function(name string, f *stubFunction, depth int) {
	var parameters []string
	if depth > 0 {
		parameters = append(parameters, "self")
	}
	parameters = append(parameters, f.signature()...)
	head, result := "async def ", "Any"
	if f.callback.streaming() {
		head, result = "def ", "AsyncIterator[Any]"
	}
	head += name + "(" + strings.Join(parameters, ", ") + ") -> " + result + ":"
	doc := strings.TrimRight(docText(f.callback, f.parameters), "\n")
	if doc == "" {
		w.line(depth, head+" ...")
		return
	}
	w.line(depth, head)
	doc = strings.NewReplacer(`\`, `\\`, `"""`, `\"\"\"`).Replace(doc)
	lines := strings.Split(doc, "\n")
	if len(lines) == 1 {
		w.line(depth+1, `"""`+doc+`"""`)
		return
	}
	w.line(depth+1, `"""`+lines[0])
	for _, line := range lines[1:] {
		if strings.TrimSpace(line) == "" {
			line = ""
		}
		w.line(depth+1, line)
	}
	w.line(depth+1, `"""`)
}

// signature is the parameters with their types. As in the guest, those from the first optional one on need no value,
// so that a required one after it becomes keyword-only.
func (f *stubFunction) signature() []string {
	if f.callback.Schema == nil {
		return []string{"**kwargs: Any"}
	}
	var list []string
	optional, keyword := false, false
	for _, p := range f.parameters {
		name := p.Name
		if !identifier.MatchString(name) || reservedWord(name) {
			continue
		}
		text := name + ": " + p.Schema.pythonType()
		if p.Required {
			if optional && !keyword {
				keyword = true
				list = append(list, "*")
			}
			list = append(list, text)
			continue
		}
		optional = true
		list = append(list, text+" = "+defaultText(p.Schema.Default))
	}
	return list
}

// defaultText is a default value as Python would write it, "..." where it is long or unknown.
func defaultText(text json.RawMessage) string {
	switch string(text) {
	case "", "null":
		return "..."
	case "true":
		return "True"
	case "false":
		return "False"
	}
	if len(text) > 80 || strings.ContainsAny(string(text), "{[") {
		return "..."
	}
	return string(text)
}

func quote(name string) string {
	text, _ := json.Marshal(name)
	return string(text)
}

// safeName makes an identifier of name, so that the stub stays valid Python.
func safeName(name string) string {
	var b strings.Builder
	for i, r := range name {
		if identifier.MatchString(string(r)) || (i > 0 && r >= '0' && r <= '9') {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

func reservedWord(name string) bool {
	switch name {
	case "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
		"elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
		"not", "or", "pass", "raise", "return", "try", "while", "with", "yield":
		return true
	}
	return false
}

// TypeStubs is the .pyi text of the sandbox's callbacks and libraries; "" when there are none.
func (s *Sandbox) TypeStubs() string { return s.config.prepared.stubs }

// TypeStubs is the .pyi text of the session's callbacks and libraries; "" when there are none.
func (s *Session) TypeStubs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callbacks.stubs
}
