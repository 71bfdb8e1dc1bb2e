package secret

import (
	"bytes"
	"testing"
)

// However requests are cut into writes, the same is sent; and nothing of a value goes to a host that it is not for.
func FuzzRequests(f *testing.F) {
	s := newTestSet(f, true)
	for _, text := range []string{
		"GET / HTTP/1.1\nX: {KEY}\n\n", "POST / HTTP/1.1\nAuthorization: Basic {BASIC}\nContent-Length: 3\n\nabcGET / HTTP/1.1\n\n",
		"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\nGET / HTTP/1.1\nX: {OTHER}\n\n", "PRI * HTTP/2.0\n\n",
	} {
		f.Add([]byte(fill(s, text)), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint8) {
		for _, target := range []Target{api, {Hosts: []string{"evil.test"}}} {
			whole := s.Requests(target)
			want, err := whole.Write(bytes.Clone(text))
			want = append(want, whole.End()...)
			if target.Hosts[0] == "evil.test" && (bytes.Contains(want, []byte("real-key-value")) || bytes.Contains(want, []byte("other-value"))) && !bytes.Contains(text, []byte("-value")) {
				t.Fatalf("%q was sent %q", text, want)
			}
			if err != nil {
				continue
			}
			r := s.Requests(target)
			got, err := send(r, string(text), len(text)/(int(n)+1)+1)
			if err != nil {
				continue // a line that is complete in one write may be incomplete in another
			}
			if got += string(r.End()); len(got) != len(want) && !bytes.Contains([]byte(got), []byte(Prefix)) {
				t.Fatalf("%q in pieces: %q, whole: %q", text, got, want)
			}
		}
	})
}

// A redactor keeps the length, and leaves no value, however the reply is cut.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nreal-key-value"), uint8(1))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nreal-\r\n9\r\nkey-value\r\n0\r\n\r\n"), uint8(4))
	f.Fuzz(func(t *testing.T, text []byte, n uint8) {
		_, p := echo(t, "GET", "GET")
		size := len(text)/(int(n)+1) + 1
		var out []byte
		for rest := text; len(rest) > 0; {
			piece := rest[:min(size, len(rest))]
			rest = rest[len(piece):]
			out = append(out, p.Read(bytes.Clone(piece))...)
		}
		out = append(out, p.End()...)
		if len(out) != len(text) {
			t.Fatalf("%d bytes became %d: %q, %q", len(text), len(out), text, out)
		}
	})
}

// Output is scrubbed the same, however it is cut.
func FuzzScrubber(f *testing.F) {
	s := newTestSet(f, false)
	f.Add([]byte("x"+s.Env()["KEY"]+"ERYX_"), uint8(5))
	f.Fuzz(func(t *testing.T, text []byte, n uint8) {
		want := s.Bytes(bytes.Clone(text))
		scrubber, got := s.Scrubber(), []byte(nil)
		size := len(text)/(int(n)+1) + 1
		for rest := text; len(rest) > 0; {
			piece := rest[:min(size, len(rest))]
			rest = rest[len(piece):]
			got = append(got, scrubber.Write(bytes.Clone(piece))...)
		}
		if got = append(got, scrubber.Flush()...); !bytes.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}
