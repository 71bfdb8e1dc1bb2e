package main

import (
	"regexp"
	"strings"
	"testing"
)

var screenTexts = map[string]string{
	"plain\r\n\ttext\a\b":                    "plain\r\n\ttext\a\b",
	"é 漢 🙂":                                  "é 漢 🙂",
	"\x1b[1;31mred\x1b[0m\x1b[m\x1b[38:5:1m": "\x1b[1;31mred\x1b[0m\x1b[m\x1b[38:5:1m",
	"\x1b[2J\x1b[H\x1b[3;4H\x1b[K":           "\x1b[2J\x1b[H\x1b[3;4H\x1b[K",
	"\x1b[?25l\x1b[?25h\x1b[?1049h":          "\x1b[?25l\x1b[?25h\x1b[?1049h",
	"\x1b]52;c;AAAA\a":                       "␛]52;c;AAAA\a", // writes the clipboard
	"\x1b]0;title\x1b\\":                     "␛]0;title␛\\",
	"\x1b[6n\x1b[c\x1b[>c\x1b[21t\x1b[5n":    "␛[6n␛[c␛[>c␛[21t␛[5n", // have the terminal type
	"\x1bP$q\"p\x1b\\\x1b_x\x1b^y\x1bc":      "␛P$q\"p␛\\␛_x␛^y␛c",
	"\x1b[?2004h\x1b[?1000h\x1b[20h":         "␛[?2004h␛[?1000h␛[20h",
	"\x1b[!p\x1b[\"q\x1b[?J":                 "␛[!p␛[\"q␛[?J",
	"\x1b\x1b[m":                             "␛\x1b[m",
	"\u009b6n\u009d52":                       "\ufffd6n\ufffd52", // in eight bits
	"\x9b6n\xff\x00\x0e":                     "\ufffd6n\ufffd\ufffd\ufffd",
	"\x1b[" + strings.Repeat("1;", 40) + "m": "␛[" + strings.Repeat("1;", 40) + "m",
}

func TestScreen(t *testing.T) {
	for text, want := range screenTexts {
		var out strings.Builder
		s := screen{to: &out}
		if n, err := s.Write([]byte(text)); n != len(text) || err != nil || out.String() != want {
			t.Errorf("%q becomes %q, %d, %v, want %q", text, out.String(), n, err, want)
		}
	}
}

// It is the same however the text is cut into writes.
func TestScreenInParts(t *testing.T) {
	for text, want := range screenTexts {
		for size := 1; size < 4; size++ {
			var out strings.Builder
			s := screen{to: &out}
			for i := 0; i < len(text); i += size {
				if _, err := s.Write([]byte(text[i:min(i+size, len(text))])); err != nil {
					t.Fatal(err)
				}
			}
			if out.String() != want {
				t.Errorf("%q in parts of %d becomes %q, want %q", text, size, out.String(), want)
			}
		}
	}
}

// What is held back until it is complete is bounded.
func TestScreenHoldsLittle(t *testing.T) {
	var out strings.Builder
	s := screen{to: &out}
	for range 1000 {
		if _, err := s.Write([]byte("\x1b[0;")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("0000000000000000000000000000000000000000")); err != nil {
			t.Fatal(err)
		}
		if len(s.held) > maxParameters {
			t.Fatalf("%d bytes are held", len(s.held))
		}
	}
}

// FuzzScreen: nothing that begins a sequence passes except in a sequence of the harmless form.
func FuzzScreen(f *testing.F) {
	for text := range screenTexts {
		f.Add([]byte(text), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		var out strings.Builder
		s := screen{to: &out}
		size = max(1, size)
		for i := 0; i < len(text); i += size {
			_, _ = s.Write(text[i:min(i+size, len(text))])
			if size > len(text) {
				break
			}
		}
		for i, r := range out.String() {
			if r >= 0x80 && r < 0xa0 {
				t.Fatalf("%q passes %U", text, r)
			}
			if r == escape && !harmlessSequence.MatchString(out.String()[i:]) {
				t.Fatalf("%q passes %q", text, out.String()[i:])
			}
		}
	})
}

var harmlessSequence = regexp.MustCompile("^\x1b\\[([0-9;:]*[A-HJKLMPSTXZ@`adefmsu]|\\?(7|25|1049)[hl])")
