package main

import "testing"

func TestNextIndent(t *testing.T) {
	for source, want := range map[string]string{
		"":                           "",
		"x = (":                      "",
		"if x:":                      "    ",
		"if x:  # why":               "    ",
		"if x:\n    for y in z:":     "        ",
		"if x:\n    y":               "    ",
		"if x:\n    pass":            "",
		"def f():\n    return {1:2}": "",
		"if x:\n  y\n":               "",
		"if x:\n\tfor y in z:":       "\t    ",
	} {
		if got := nextIndent(source); got != want {
			t.Errorf("after %q: %q, want %q", source, got, want)
		}
	}
}
