package secret

import (
	"encoding/base64"
	"errors"
	"net"
	"path"
	"strings"
	"testing"
)

// newTestSet has the secrets KEY (for api.test, and anything below it) and OTHER (for other.test).
func newTestSet(t testing.TB, redact bool) *Set {
	t.Helper()
	s, err := NewSet([]Secret{
		{Name: "KEY", Value: "real-key-value", AllowedHosts: []string{"api.test", "*.api.test"}},
		{Name: "OTHER", Value: "other-value", AllowedHosts: []string{"other.test"}},
	}, Options{Redact: redact, Rule: globRule})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func globRule(text string) (Rule, error) {
	return func(host string, _ uint16) bool { ok, err := path.Match(text, host); return ok && err == nil }, nil
}

// fill replaces {KEY}, {OTHER} and {BASIC} in text by placeholders.
func fill(s *Set, text string) string {
	env := s.Env()
	text = strings.ReplaceAll(text, "{BASIC}", base64.StdEncoding.EncodeToString([]byte("user:"+env["KEY"])))
	return strings.NewReplacer("{KEY}", env["KEY"], "{OTHER}", env["OTHER"], "\n", "\r\n").Replace(text)
}

// want is text with the real values.
func want(text string) string {
	basic := base64.StdEncoding.EncodeToString([]byte("user:real-key-value"))
	return strings.NewReplacer("{KEY}", "real-key-value", "{OTHER}", "other-value", "{BASIC}", basic, "\n", "\r\n").Replace(text)
}

// send writes text in pieces of n bytes.
func send(r *Requests, text string, n int) (string, error) {
	var out []byte
	for len(text) > 0 {
		piece := text[:min(n, len(text))]
		text = text[len(piece):]
		sent, err := r.Write([]byte(piece))
		out = append(out, sent...)
		if err != nil {
			return string(out), err
		}
	}
	return string(out), nil
}

var api = Target{Hosts: []string{"api.test", "192.0.2.1"}, Port: 443}

func TestRequests(t *testing.T) {
	const get = "GET / HTTP/1.1\nHost: api.test\nAuthorization: Bearer {KEY}\n\n"
	const wanted = get
	tests := []struct{ name, sent, want string }{
		{"a header", get, wanted},
		{"keep-alive and pipelining", get + get + get, wanted + wanted + wanted},
		{"a body by length", "POST / HTTP/1.1\nX: {KEY}\nContent-Length: 5\n\nabcde" + get, "POST / HTTP/1.1\nX: {KEY}\nContent-Length: 5\n\nabcde" + wanted},
		{"chunks", "POST / HTTP/1.1\nX: {KEY}\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\n\n" + get, "POST / HTTP/1.1\nX: {KEY}\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\n\n" + wanted},
		{"trailers", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\nX: y\n\n" + get, "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\nX: y\n\n" + wanted},
		{"two in one value, white space", "GET / HTTP/1.0\nX:\t{KEY},{KEY} \nY:z\n\n", "GET / HTTP/1.0\nX: {KEY},{KEY}\nY:z\n\n"},
		{"Basic", "GET / HTTP/1.1\nAuthorization: Basic {BASIC}\n\n", "GET / HTTP/1.1\nAuthorization: Basic {BASIC}\n\n"},
		{"a colon in the path", "GET /a:b HTTP/1.1\nX: {KEY}\n\n", "GET /a:b HTTP/1.1\nX: {KEY}\n\n"},
		{"an unusual method", "PROPFIND / HTTP/1.1\nX: {KEY}\n\n", "PROPFIND / HTTP/1.1\nX: {KEY}\n\n"},
		{"no length at all", "GET / HTTP/1.1\n\n" + get, "GET / HTTP/1.1\n\n" + wanted},
		{"line breaks between requests", "GET / HTTP/1.1\n\n\n\n" + get, "GET / HTTP/1.1\n\n\n\n" + wanted},
	}
	for _, test := range tests {
		for _, n := range []int{1, 3, 7, 1 << 20} {
			s := newTestSet(t, false)
			got, err := send(s.Requests(api), fill(s, test.sent), n)
			if w := want(test.want); err != nil || got != w {
				// An unusual method is recognised only when its line comes whole.
				if test.name == "an unusual method" && n < len("PROPFIND / HTTP/1.1\r\n") {
					continue
				}
				t.Errorf("%s, in pieces of %d: %q, %v\nwant %q", test.name, n, got, err, w)
			}
		}
	}
}

// What is no header value keeps its placeholder, byte for byte.
func TestRequestsLeaveAlone(t *testing.T) {
	for name, text := range map[string]string{
		"the path":              "GET /{KEY} HTTP/1.1\nHost: api.test\n\n",
		"the path with a colon": "GET /a:{KEY} HTTP/1.1\nHost: api.test\n\n",
		"a body":                "POST / HTTP/1.1\nContent-Length: 56\n\n{KEY}",
		"a chunk":               "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n38\n{KEY}\n0\n\n",
		"a trailer":             "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\nX: {KEY}\n\n",
		"a header's name":       "GET / HTTP/1.1\n{KEY}: x\n\n",
		"after CONNECT":         "CONNECT evil.test:443 HTTP/1.1\n\nGET / HTTP/1.1\nX: {KEY}\n\n",
		"after an upgrade":      "GET / HTTP/1.1\nUpgrade: websocket\n\nGET / HTTP/1.1\nX: {KEY}\n\n",
		"after unclear framing": "GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\nGET / HTTP/1.1\nX: {KEY}\n\n",
		"after a broken chunk":  "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\nx\nGET / HTTP/1.1\nX: {KEY}\n\n",
		"the Host header":       "GET / HTTP/1.1\nHost: {KEY}\n\n",
		"SMTP":                  "EHLO {KEY}\nDATA\nX: {KEY}\n\n",
		"TLS":                   "\x16\x03\x01\x02\x00 {KEY}",
		"a file transfer":       "USER {KEY}\nGET / HTTP/1.1\nX: {KEY}\n\n",
		"memcached":             "get {KEY}\n",
	} {
		for _, n := range []int{1, 5, 1 << 20} {
			s := newTestSet(t, false)
			r := s.Requests(api)
			sent := fill(s, text)
			got, err := send(r, sent, n)
			got += string(r.End())
			if err != nil || got != sent {
				t.Errorf("%s, in pieces of %d: %q, %v\nwant %q", name, n, got, err, sent)
			}
		}
	}
}

func TestRequestsRefuse(t *testing.T) {
	tests := []struct {
		name, text string
		target     Target
		want       string
	}{
		{"another host", "GET / HTTP/1.1\nX: {KEY}\n\n", Target{Hosts: []string{"evil.test"}}, "secret KEY: it must not be sent to evil.test"},
		{"another host says it is ours", "GET / HTTP/1.1\nHost: api.test\nX: {KEY}\n\n", Target{Hosts: []string{"evil.test"}}, "secret KEY: it must not be sent to evil.test"},
		{"another secret's host", "GET / HTTP/1.1\nX: {OTHER}\n\n", api, "secret OTHER: it must not be sent to api.test"},
		{"Basic", "GET / HTTP/1.1\nAuthorization: basic {BASIC}\n\n", Target{Hosts: []string{"evil.test"}}, "secret KEY"},
		{"a verified host is wanted", "GET / HTTP/1.1\nX: {KEY}\n\n", Target{Hosts: []string{"api.test"}, Denied: "not verified"}, "secret KEY: not verified"},
		{"the Host header leads elsewhere", "GET / HTTP/1.1\nHost: evil.test:80\nX: {KEY}\n\n", api, "the request's Host header names \"evil.test\""},
		{"the address leads elsewhere", "GET http://u@evil.test/ HTTP/1.1\nHost: api.test\nX: {KEY}\n\n", api, "names \"evil.test\""},
		{"a look-alike", "GET / HTTP/1.1\nX: {KEY}\n\n", Target{Hosts: []string{"api.test.evil.test"}}, "must not be sent"},
		{"a continued line", "GET / HTTP/1.1\nX: a\n {KEY}\n\n", api, "strict HTTP/1.1"},
		{"two lengths", "POST / HTTP/1.1\nX: {KEY}\nContent-Length: 1\nContent-Length: 2\n\n", api, "strict HTTP/1.1"},
		{"length and chunks", "POST / HTTP/1.1\nX: {KEY}\nContent-Length: 1\nTransfer-Encoding: chunked\n\n", api, "strict HTTP/1.1"},
		{"two hosts", "GET / HTTP/1.1\nX: {KEY}\nHost: api.test\nHost: evil.test\n\n", api, "strict HTTP/1.1"},
		{"HTTP/2", "PRI * HTTP/2.0\n\nSM\n\n", api, "HTTP/2 cannot be used"},
		{"an endless header", "GET / HTTP/1.1\nX: " + strings.Repeat("x", maxHead), api, "longer than 256 KiB"},
	}
	for _, test := range tests {
		for _, n := range []int{1, 1 << 20} {
			if n == 1 && len(test.text) > 1000 {
				n = 1000
			}
			s := newTestSet(t, false)
			r := s.Requests(test.target)
			got, err := send(r, fill(s, test.text), n)
			var refusal *Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want) || got != "" {
				t.Errorf("%s, in pieces of %d: sent %q, %v", test.name, n, got, err)
			}
			if sent, again := r.Write([]byte("x")); again != err || len(sent) > 0 {
				t.Errorf("%s: goes on after the refusal: %q, %v", test.name, sent, again)
			}
			if end := r.End(); len(end) > 0 {
				t.Errorf("%s: the end gives %q", test.name, end)
			}
		}
	}
}

// A bare line feed, a NUL or a bare carriage return would let the server see another request than we do.
func TestRequestsAmbiguous(t *testing.T) {
	for _, text := range []string{
		"GET / HTTP/1.1\r\nA: b\nX: {KEY}\r\n\r\n", "GET / HTTP/1.1\nX: {KEY}\n\n", "GET / HTTP/1.1\r\nX: {KEY}\x00\r\n\r\n",
		"GET / HTTP/1.1\r\nX: {KEY}\rY: z\r\n\r\n", "GET / HTTP/1.1\r\nX : {KEY}\r\n\r\n", "GET / HTTP/1.1\r\nX\r\nY: {KEY}\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\nY: {KEY}\r\n\r\n",
	} {
		s := newTestSet(t, false)
		text = strings.ReplaceAll(text, "{KEY}", s.Env()["KEY"])
		got, err := s.Requests(api).Write([]byte(text))
		if err == nil || len(got) > 0 {
			t.Errorf("%q: sent %q", text, got)
		}
	}
}

// Another protocol must not wait for a line break that never comes.
func TestRequestsDoNotStall(t *testing.T) {
	s := newTestSet(t, false)
	for _, text := range []string{"PING", "hello", "\x00\x01", "{\"id\":1}"} {
		if got, err := s.Requests(api).Write([]byte(text)); err != nil || string(got) != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	r := s.Requests(api)
	if got, _ := r.Write([]byte("GET key")); len(got) != 0 {
		t.Errorf("may be a request, and is sent: %q", got)
	}
	if got := r.Reading(); string(got) != "GET key" {
		t.Errorf("before an answer is read: %q", got)
	}
	if got, _ := r.Write([]byte("GET / HTTP/1.1\r\n")); string(got) != "GET / HTTP/1.1\r\n" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestNoSecrets(t *testing.T) {
	s, err := NewSet(nil, Options{})
	if s != nil || err != nil || s.Requests(api) != nil || s.Scrubber() != nil || len(s.Env()) != 0 || s.Text("x") != "x" {
		t.Error("a set without secrets does something")
	}
}

func TestValidation(t *testing.T) {
	for _, test := range []struct {
		secrets []Secret
		want    string
	}{
		{[]Secret{{Name: "1X", Value: "v"}}, "its name must be"},
		{[]Secret{{Name: "", Value: "v"}}, "its name must be"},
		{[]Secret{{Name: "A-B", Value: "v"}}, "its name must be"},
		{[]Secret{{Name: "A"}}, "has no value"},
		{[]Secret{{Name: "A", Value: "v\n"}}, "control character"},
		{[]Secret{{Name: "A", Value: "v"}, {Name: "A", Value: "w"}}, "given twice"},
		{[]Secret{{Name: "A", Value: "v", AllowedHosts: []string{""}}}, "an allowed host is empty"},
		{[]Secret{{Name: "A", Value: Prefix + "x"}}, "looks like a placeholder"},
		{[]Secret{{Name: "A", Value: strings.Repeat("x", maxValueBytes+1)}}, "longer than"},
	} {
		if _, err := NewSet(test.secrets, Options{Rule: globRule}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v", test.secrets, err)
		}
	}
	if _, err := NewSet([]Secret{{Name: "A", Value: "v", AllowedHosts: []string{"x"}}}, Options{Rule: func(string) (Rule, error) { return nil, net.ErrClosed }}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a bad rule: %v", err)
	}
}

// The placeholder says nothing about the value, and every set has its own.
func TestPlaceholders(t *testing.T) {
	seen := map[string]bool{}
	for _, value := range []string{"x", strings.Repeat("x", 1000), "x", "x"} {
		s, err := NewSet([]Secret{{Name: "A", Value: value}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := s.Env()["A"]
		if len(p) != PlaceholderBytes || !strings.HasPrefix(p, Prefix) || seen[p] {
			t.Errorf("placeholder %q", p)
		}
		seen[p] = true
	}
}
