package security_test

import (
	"fmt"
	"strings"
	"testing"
)

// Claim: the value of a secret is put into header values and nowhere else, and what is not a header value passes byte
// for byte. (69, 70, 71, and 119 of the list in the issue.)
func TestSecretOnlyInHeaderValues(t *testing.T) {
	ours := newCollector(t, "127.0.0.1:0", nil)
	result, err := run(t, withSecrets(), secretProgram+fmt.Sprintf(`
port = %s
body = bytes(range(256)) + key.encode() + b"\r\n\r\nX-Key: " + key.encode()
print(raw("127.0.0.1", port, "POST /a:b?k=" + key + " HTTP/1.1\r\nX-Key: " + key + "\r\nContent-Length: %%d\r\n\r\n" %% len(body), body))
print(raw("127.0.0.1", port, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"%%x\r\n" %% len(body), body, b"\r\n0\r\nX-Key: " + key.encode() + b"\r\n\r\n"))
print(raw("127.0.0.1", port, "GET / HTTP/1.1\r\n" + key + ": x\r\n\r\n"))
print(raw("127.0.0.1", port, b"\x00\x01" + key.encode() + b"GET / HTTP/1.1\r\nX-Key: " + key.encode() + b"\r\n\r\n"))
print(raw("127.0.0.1", port, "HELO " + key + "\r\nX-Key: " + key + "\r\n\r\n"))
c = http.client.HTTPConnection("127.0.0.1", port)
for i in range(3):
    c.request("POST", "/", body=b"x" * i, headers={"X-Key": key}); r = c.getresponse(); r.read(); print(r.status, r.headers["X-Echo"])
`, ours.port()))
	ok := "HTTP/1.1 200 OK\n"
	wantStdout(t, result, err, ok+ok+ok+"\n\n"+strings.Repeat("200 "+secretValue+"\n", 3))
	got := ours.got()
	if n := strings.Count(got, secretValue); n != 4 {
		t.Errorf("the value was sent %d times, want 4: one header, and three of http.client", n)
	}
	start := strings.Index(got, marker)
	if start < 0 {
		t.Fatal("no placeholder was sent")
	}
	got = strings.ReplaceAll(got, got[start:start+56], "{KEY}")
	var all strings.Builder
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	body := all.String() + "{KEY}\r\n\r\nX-Key: {KEY}"
	for _, want := range []string{
		fmt.Sprintf("POST /a:b?k={KEY} HTTP/1.1\r\nX-Key: %s\r\nContent-Length: %d\r\n\r\n%s", secretValue, len(body)+2*(56-5), body),
		fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX-Key: {KEY}\r\n\r\n", len(body)+2*(56-5), body),
		"\r\n{KEY}: x\r\n", "\x00\x01{KEY}GET / HTTP/1.1\r\nX-Key: {KEY}\r\n\r\n", "HELO {KEY}\r\nX-Key: {KEY}\r\n\r\n",
		"X-Key: " + secretValue + "\r\n\r\nxx",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the server did not get %q", want)
		}
	}
}

// A server that echoes what it is sent tells nothing, where responses are redacted: not in one piece, not in two.
func TestSecretEchoed(t *testing.T) {
	ours := newCollector(t, "127.0.0.1:0", nil)
	config := withSecrets()
	config.RedactResponses = true
	result, err := run(t, config, secretProgram+fmt.Sprintf(`
c = http.client.HTTPConnection("127.0.0.1", %s)
c.request("GET", "/", headers={"X-Key": key}); print(c.getresponse().headers["X-Echo"])
s = socket.create_connection(("127.0.0.1", %s))
s.sendall(b"GET / HTTP/1.1\r\nX-Key: Bearer " + key.encode() + b"\r\n\r\n")
got = b""
while not got.endswith(b"ok"): got += s.recv(1)
print(got)
`, ours.port(), ours.port()))
	wantStdout(t, result, err, "[REDACTED]*********\nb'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nX-Echo: Bearer [REDACTED]*********\\r\\n\\r\\nok'\n")
}
