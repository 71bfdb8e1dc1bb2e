package secret

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// echo makes the requests' redactor, after requests with these methods.
func echo(t testing.TB, methods ...string) (*Set, *Replies) {
	t.Helper()
	s := newTestSet(t, true)
	r := s.Requests(api)
	p := r.Replies()
	for _, m := range methods {
		if _, err := r.Write([]byte(m + " / HTTP/1.1\r\nHost: api.test\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	return s, p
}

const masked = "[REDACTED]****" // as long as "real-key-value"

func TestReplies(t *testing.T) {
	chunks := func(parts ...string) string {
		text := ""
		for _, part := range parts {
			text += fmt.Sprintf("%x\r\n%s\r\n", len(part), part)
		}
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + text + "0\r\n\r\n"
	}
	length := func(text string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
	tests := []struct{ name, methods, got, want string }{
		{"a header", "GET", "HTTP/1.1 200 OK\r\nX: real-key-value\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + masked + "\r\nContent-Length: 0\r\n\r\n"},
		{"a body", "GET", length("<real-key-value>"), length("<" + masked + ">")},
		{"the end looks like a beginning", "GET GET", length("real-key") + length("real-key-value"), length("real-key") + length(masked)},
		{"chunks", "GET", chunks("real-key-value", "x"), chunks(masked, "x")},
		{"over two chunks", "GET", chunks("a real-key", "-value b"), chunks("a [REDACTED]"[:10], "CTED]"[:0]+masked[8:]+" b")},
		{"over many chunks", "GET", chunks(strings.Split("real-key-value", "")...), chunks(strings.Split(masked, "")...)},
		{"no answer to HEAD has a body", "HEAD GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + length("real-key-value"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + length(masked)},
		{"an interim answer", "GET", "HTTP/1.1 100 Continue\r\n\r\n" + length("real-key-value"), "HTTP/1.1 100 Continue\r\n\r\n" + length(masked)},
		{"until the end", "GET", "HTTP/1.0 200 OK\r\n\r\nreal-key-value real-", "HTTP/1.0 200 OK\r\n\r\n" + masked + " real-"},
		{"not HTTP", "", "220 real-key-value\r\n", "220 " + masked + "\r\n"},
		{"another secret's value is not ours to hide", "GET", length("other-value"), length("other-value")},
	}
	for _, test := range tests {
		for _, n := range []int{1, 2, 5, 1 << 20} {
			_, p := echo(t, strings.Fields(test.methods)...)
			text, got := test.got, ""
			for len(text) > 0 {
				piece := text[:min(n, len(text))]
				text = text[len(piece):]
				got += string(p.Read([]byte(piece)))
			}
			if strings.HasPrefix(test.got, "HTTP/1.1") && len(got) != len(test.want) {
				t.Errorf("%s, in pieces of %d: before the end %q\nwant %q", test.name, n, got, test.want)
			}
			if got += string(p.End()); !hidden(test.got, got, test.want, n) {
				t.Errorf("%s, in pieces of %d: %q\nwant %q", test.name, n, got, test.want)
			}
		}
	}
}

// hidden reports whether got is want. Where it came in pieces and nobody knew whether more would follow, the first few
// bytes of a value may be shown.
func hidden(original, got, want string, piece int) bool {
	if len(got) != len(want) {
		return false
	}
	shown := 0
	for i := range got {
		if got[i] == want[i] {
			continue
		}
		if shown++; got[i] != original[i] {
			return false
		}
	}
	return shown == 0 || shown < leastHeld && piece < len(original) && !strings.Contains(original, "Content-Length")
}

// Nothing waits for what may never come: a value's first bytes are shown at the end of what was received.
func TestRepliesDoNotStall(t *testing.T) {
	_, p := echo(t, "GET")
	for _, step := range [][2]string{
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabre", ""}, {"\r\n4\r\nal-k\r\n", "\r\n4\r\n"},
		{"3\r\nxyz\r\n", "al-k\r\n3\r\nxyz\r\n"},
	} {
		want := step[1]
		if want == "" {
			want = step[0]
		}
		if got := string(p.Read([]byte(step[0]))); got != want {
			t.Errorf("%q: %q", step[0], got)
		}
	}
	r := newTestSet(t, true).Requests(api)
	p = r.Replies()
	if _, err := r.Write([]byte("\x16\x03\x01")); err != nil {
		t.Fatal(err)
	}
	if got := string(p.Read([]byte("HTTP real-key-value real"))); got != "HTTP real-key-value real" {
		t.Errorf("not HTTP, and changed: %q", got)
	}
}

// Usual encodings are hidden as well, wherever in the text they stand.
func TestRepliesEncoded(t *testing.T) {
	for prefix := range 4 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", prefix) + "real-key-value!"))
		_, p := echo(t, "GET")
		text := fmt.Sprintf("HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 0\r\n\r\n", encoded)
		got := string(p.Read([]byte(text)))
		value := strings.TrimSuffix(strings.Split(got, "X: ")[1], "\r\nContent-Length: 0\r\n\r\n")
		if len(value) != len(encoded) || !strings.Contains(value, "[REDACTED]") {
			t.Errorf("base64 at %d: %q of %q", prefix, value, encoded)
		}
		if plain, err := base64.StdEncoding.DecodeString(value); err == nil && strings.Contains(string(plain), "key") {
			t.Errorf("base64 at %d leaves %q", prefix, plain)
		}
	}
}

// The server is not asked for what could not be redacted.
func TestRepliesUncompressed(t *testing.T) {
	s := newTestSet(t, true)
	r := s.Requests(api)
	r.Replies()
	got, err := r.Write([]byte("GET / HTTP/1.1\r\nAccept-Encoding: gzip, br\r\n\r\n"))
	if err != nil || string(got) != "GET / HTTP/1.1\r\nAccept-Encoding: identity\r\n\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	if newTestSet(t, false).Requests(api).Replies() != nil || s.Requests(Target{Hosts: []string{"x.test"}}).Replies() != nil {
		t.Error("redacts what there is nothing to redact in")
	}
}
