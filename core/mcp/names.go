package mcp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/eryx-go/eryx/core"
)

// maxName is the longest name of a server or of a tool, in bytes: "mcp." and both, with their dot, are a callback's name.
const maxName = 120

var (
	usableName = regexp.MustCompile(`^[^\s.\x00]+(\.[^\s.\x00]+)*$`)
	identifier = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)
)

// checkName says what is wrong with the name of a server or of a tool.
func checkName(what, name string) error {
	if len(name) > maxName || !usableName.MatchString(name) {
		return invalid("%s %.200q: use 1 to %d characters without spaces, and no empty part between dots", what, name, maxName)
	}
	return nil
}

// withoutSpaces is a name as others write it, made usable: "My Server" becomes "My_Server".
func withoutSpaces(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == 0 {
			return '_'
		}
		return r
	}, name)
}

// callbackName is the name of a tool's host function.
func callbackName(server, tool string) string { return "mcp." + server + "." + tool }

// Expression is how a program writes the name of a host function: parts that are no identifiers in brackets, as in
// mcp["my-server"].search.
func Expression(name string) string {
	var b strings.Builder
	for i, part := range strings.Split(name, ".") {
		switch {
		case !identifier.MatchString(part):
			b.WriteString("[" + quoted(part) + "]")
		case i == 0:
			b.WriteString(part)
		default:
			b.WriteString("." + part)
		}
	}
	return b.String()
}

// quoted is text as a Python string literal.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(text) + `"`
}

// fail is an error of Eryx's kinds.
func fail(code core.Code, format string, values ...any) error {
	err := fmt.Errorf(format, values...)
	return &core.Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

func invalid(format string, values ...any) error { return fail(core.CodeInvalid, format, values...) }
