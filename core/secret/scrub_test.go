package secret

import (
	"reflect"
	"strings"
	"testing"
)

func TestScrubber(t *testing.T) {
	s := newTestSet(t, false)
	for _, test := range []struct{ text, want string }{
		{"a {KEY} b", "a [REDACTED] b"},
		{"{KEY}{OTHER}{KEY}", "[REDACTED][REDACTED][REDACTED]"},
		{"ERYX_SECRET_PLACEHOLDER_{KEY}", "ERYX_SECRET_PLACEHOLDER_[REDACTED]"},
		{"ERYX_ERYX_SECRET_ {KEY}E", "ERYX_ERYX_SECRET_ [REDACTED]E"},
		{"\x00{KEY}\x00", "\x00[REDACTED]\x00"},
		{"", ""},
		{"ERYX_SECRET_PLACEHOLDER_0", "ERYX_SECRET_PLACEHOLDER_0"},
	} {
		text := strings.NewReplacer("{KEY}", s.Env()["KEY"], "{OTHER}", s.Env()["OTHER"]).Replace(test.text)
		for _, n := range []int{1, 10, 55, 1 << 20} {
			scrubber, got, rest := s.Scrubber(), "", text
			for len(rest) > 0 {
				piece := rest[:min(n, len(rest))]
				rest = rest[len(piece):]
				got += string(scrubber.Write([]byte(piece)))
				if len(scrubber.stream.held) >= PlaceholderBytes {
					t.Errorf("%d bytes are held back", len(scrubber.stream.held))
				}
			}
			if got += string(scrubber.Flush()); got != test.want {
				t.Errorf("%q in pieces of %d: %q", test.text, n, got)
			}
		}
		if got := s.Text(text); got != test.want {
			t.Errorf("Text(%q): %q", test.text, got)
		}
	}
}

func TestMask(t *testing.T) {
	s := newTestSet(t, false)
	p := []byte("a" + s.Env()["KEY"] + s.Env()["OTHER"] + "b")
	before := len(p)
	if !s.Mask(p) || len(p) != before || strings.Contains(string(p), Prefix) || p[0] != 'a' || p[before-1] != 'b' {
		t.Errorf("%q", p)
	}
	if s.Mask(p) {
		t.Error("changes what is clean")
	}
}

func TestValue(t *testing.T) {
	s := newTestSet(t, false)
	key := s.Env()["KEY"]
	got := s.Value(map[string]any{"a": []any{key, int64(1), nil, []byte("x" + key)}, key: 1.5})
	want := map[string]any{"a": []any{"[REDACTED]", int64(1), nil, []byte("x[REDACTED]")}, "[REDACTED]": 1.5}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}
