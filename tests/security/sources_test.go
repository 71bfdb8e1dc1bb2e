package security_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestBadSourcesAreRefused(t *testing.T) {
	for name, source := range map[string]string{
		"nul":       "print(1)\x00",
		"nul_first": "\x00",
		"latin_1":   "print('\xe9')",
		"surrogate": "print('\xed\xa0\x80')",
		"overlong":  "print('\xc0\x80')",
		"cut_off":   "print('\xf0\x9f\x98')",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, core.Config{}, source)
			wantCode(t, err, core.CodeInvalid, "")
		})
	}
}

func TestAHugeSourceEndsInAnError(t *testing.T) {
	for name, source := range map[string]string{
		"lines":     strings.Repeat("x = 1\n", 100<<20/6),
		"one_line":  "x = '" + strings.Repeat("a", 100<<20) + "'",
		"sum":       strings.Repeat("1+", 50<<20) + "1",
		"brackets":  strings.Repeat("[", 100<<20),
		"backslash": strings.Repeat("\\\n", 50<<20),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, core.Config{}, source)
			if err == nil {
				t.Fatal("ended well")
			}
			if err.Code != core.CodeLimit && err.Code != core.CodePython {
				t.Fatalf("ended with %q: %s", err.Code, clip(err.Message))
			}
			if len(err.Error()) > 4<<20 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestTextThatIsNotUnicodeReachesTheHostAsText(t *testing.T) {
	program := lines(
		"import sys, os",
		"print('\\ud800', 'é')",
		"print('\\udcff', file=sys.stderr)",
		"sys.stdout.flush()",
		"os.write(1, b'\\xff\\xfe\\n')",
		"result = ['\\ud800', 'é']")
	result, err := run(t, core.Config{}, program)
	wantStdout(t, result, err, "\\ud800 é\n\xff\xfe\n")
	if got := string(result.Stderr); got != "\\udcff\n" {
		t.Errorf("stderr is %q", got)
	}
	if !json.Valid(result.JSON) || string(result.JSON) != `["\ud800", "\u00e9"]` {
		t.Errorf("the result is %s", result.JSON)
	}
	for _, program := range []string{
		"raise ValueError('\\ud800')",
		"class A(Exception): pass\nA.__qualname__ = A.__name__ = '\\udfff'\nraise A()",
		"exec(compile('1 / 0', '\\ud800', 'exec'))",
		"e = ValueError('x')\ne.add_note('\\ud800')\nraise e",
	} {
		_, err := run(t, core.Config{}, program)
		if err == nil || err.Code != core.CodePython {
			t.Fatalf("%q ended with %v", program, err)
		}
		if text := err.Error(); strings.ToValidUTF8(text, "") != text {
			t.Errorf("the error of %q is not UTF-8: %q", program, text)
		}
	}
}
