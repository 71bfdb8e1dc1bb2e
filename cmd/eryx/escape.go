package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// screen passes text on to a terminal without what a script that is not trusted must not tell it. Escape
// sequences that move the cursor, erase and colour pass; others, which write the clipboard, set the title,
// ask the terminal to type an answer, are shown instead of obeyed.
type screen struct {
	to   io.Writer
	held []byte // the beginning of a character or a sequence, not written yet
}

const (
	escape        = 0x1b
	shownEscape   = "␛"
	maxParameters = 32
	// Final letters of the control sequences that pass: cursor, erase, scroll, colour.
	harmless = "ABCDEFGHJKLMPSTXZ@`adefmsu"
)

// Private modes that a script may set: line wrap, cursor, alternate screen.
var harmlessModes = []string{"?7", "?25", "?1049"}

// Write implements io.Writer. All of text counts as written when there is no error.
func (s *screen) Write(text []byte) (int, error) {
	var out strings.Builder
	rest := text
	if len(s.held) > 0 {
		rest = append(s.held, text...)
		s.held = nil
	}
	for len(rest) > 0 {
		n := next(&out, rest)
		if n == 0 {
			s.held = append([]byte(nil), rest...)
			break
		}
		rest = rest[n:]
	}
	if _, err := io.WriteString(s.to, out.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// next writes what the beginning of text may show, and returns its length; 0 when more is needed to know.
func next(out *strings.Builder, text []byte) int {
	if text[0] == escape {
		return sequence(out, text)
	}
	r, n := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && n == 1:
		if !utf8.FullRune(text) {
			return 0
		}
		out.WriteRune(utf8.RuneError)
	case r < ' ' && !strings.ContainsRune("\a\b\t\n\v\f\r", r), r >= 0x80 && r < 0xa0:
		out.WriteRune(utf8.RuneError) // control characters, those that begin sequences in eight bits too
	default:
		out.Write(text[:n])
	}
	return n
}

// sequence is next for text that begins with Escape.
func sequence(out *strings.Builder, text []byte) int {
	if len(text) == 1 {
		return 0
	}
	end := 2
	for text[1] == '[' && end < len(text) && end < maxParameters && text[end] >= 0x20 && text[end] < 0x40 {
		end++
	}
	if text[1] == '[' && end == len(text) && end < maxParameters {
		return 0
	}
	if text[1] == '[' && end < len(text) && passes(string(text[2:end]), text[end]) {
		out.Write(text[:end+1])
		return end + 1
	}
	out.WriteString(shownEscape)
	return 1
}

// passes says whether the control sequence with these parameters and final letter is harmless.
func passes(parameters string, final byte) bool {
	if final == 'h' || final == 'l' {
		for _, mode := range harmlessModes {
			if parameters == mode {
				return true
			}
		}
		return false
	}
	return strings.IndexByte(harmless, final) >= 0 && strings.Trim(parameters, "0123456789;:") == ""
}
