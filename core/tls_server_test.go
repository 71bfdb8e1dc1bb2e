package core_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// A server of the program's own on a wrapped listening socket, which the host talks to.
func TestSSLServerInside(t *testing.T) {
	ca := testca.New(t)
	events := make(chan core.NetEvent, 100)
	network := trusting(ca)
	network.Listen = []string{"localhost"}
	network.OnEvent = func(e core.NetEvent) { events <- e }
	s := newSession(t, core.Config{Network: network})
	done := make(chan string, 1)
	s.Start(context.Background(), withCertificate(ca)+`
import http.server, ssl
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(self.connection.version(), self.connection.getpeercert()["subject"])
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body[::-1])
    def log_message(self, *a): pass
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile="/tmp/ca.pem")
context.verify_mode = ssl.CERT_REQUIRED
context.load_cert_chain("/tmp/pair.pem")
with http.server.HTTPServer(("127.0.0.1", 0), H) as server:
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_request()
`, func(r *core.Result, err error) { done <- fmt.Sprintf("%s%v", r.Stdout, err) })
	address := listensOn(t, events)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{ca.Issue([]string{"client"}, nil).TLS(t)}}}}
	body := make([]byte, 300_000)
	for i := range body {
		body[i] = byte(i)
	}
	answer, err := client.Post("https://"+address, "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || len(got) != len(body) || got[0] != body[len(body)-1] {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	if printed := <-done; printed != "TLSv1.3 ((('commonName', 'client'),),)\n<nil>" {
		t.Errorf("%q", printed)
	}
}

// Sockets that are wrapped before they connect, non-blocking writes, folders of certificates, and what the context says.
func TestSSLSocketVariants(t *testing.T) {
	ca := testca.New(t)
	server := tlsServer(t, ca, webHandler().ServeHTTP)
	network := trusting(ca)
	network.AllowInsecureTLS = true
	printed := runConfig(t, core.Config{Network: network}, withCertificate(ca)+fmt.Sprintf(`
import hashlib, os, select, socket, ssl, urllib.parse
u = urllib.parse.urlsplit(%q)
address = (u.hostname, u.port)
os.makedirs("/tmp/authorities"); os.rename("/tmp/ca.pem", "/tmp/authorities/a.pem")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(capath="/tmp/authorities")
print(context.cert_store_stats()["x509"], context.protocol.name, context.options & ssl.OP_NO_SSLv3 != 0)
s = context.wrap_socket(socket.socket(), server_hostname="localhost")
s.connect(address); print(s.version())
body = b"n" * 3_000_000
s.setblocking(False)
data = memoryview(b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %%d\r\n\r\n" %% len(body) + body)
waits = 0
while data:
    try: data = data[s.send(data):]
    except ssl.SSLWantWriteError: waits += 1; select.select([], [s], [], 20)
got = b""
while True:
    try:
        part = s.recv(4096)
        if not part: break
        got += part
    except ssl.SSLWantReadError: select.select([s], [], [], 20)
print(hashlib.sha256(body).hexdigest().encode() in got, f"POST {len(body)}".encode() in got)
s.close()
none = ssl.create_default_context(); none.check_hostname = False; none.verify_mode = ssl.CERT_NONE
with none.wrap_socket(socket.create_connection(address)) as s: print(s.getpeercert(), len(s.getpeercert(True)) > 100)
class Mine(ssl.SSLSocket): pass
context.sslsocket_class = Mine
with context.wrap_socket(socket.create_connection(address), server_hostname="localhost") as s: print(type(s).__name__, s.session_reused)
for name in ("SSLError", "SSLCertVerificationError", "SSLZeroReturnError"): print(getattr(ssl, name).__mro__[1].__name__, end=" ")
print(ssl.get_default_verify_paths().openssl_cafile_env, ssl.RAND_status(), len(ssl.RAND_bytes(5)), ssl.Purpose.SERVER_AUTH.nid)
pem = ssl.get_server_certificate(address); print(pem[:27])
bio = ssl.MemoryBIO(); print(bio.write(b"abc"), bio.pending, bio.read(2), bio.eof, bio.write_eof(), bio.read(), bio.eof)
try: bio.write(b"x")
except ssl.SSLError as e: print(e)
`, server.URL))
	want := `1 PROTOCOL_TLS_CLIENT True
TLSv1.3
True True
{} True
Mine False
OSError SSLError SSLError SSL_CERT_FILE True 5 129
-----BEGIN CERTIFICATE-----
3 3 b'ab' False None b'c' True
cannot write() after write_eof()
`
	if printed != want {
		t.Errorf("printed %s\nwant %s", printed, want)
	}
}
