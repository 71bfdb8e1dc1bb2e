package core_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// tlsServer serves handler with a certificate of ca for localhost.
func tlsServer(t *testing.T, ca *testca.CA, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// trusting is loopback, with ca as the only authority that the host trusts.
func trusting(ca *testca.CA) *core.NetConfig {
	c := loopback().WithRootCert(ca.PEM())
	c.NoSystemRoots = true
	return &c
}

func TestTLSURLLib(t *testing.T) {
	ca := testca.New(t)
	server := tlsServer(t, ca, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.URL.Path) })
	got := runNet(t, trusting(ca), fmt.Sprintf(`
import urllib.request
with urllib.request.urlopen(%q + "/a") as r:
    print(r.status, r.read())
`, server.URL))
	if want := "200 b'hello /a'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Two ends in memory: MemoryBIO and SSLObject, without any socket.
func TestTLSMemory(t *testing.T) {
	ca := testca.New(t)
	pair := ca.Localhost()
	got := runNet(t, trusting(ca), fmt.Sprintf(`
import ssl
with open("/tmp/c.pem", "w") as f:
    f.write(%q)
server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
server.load_cert_chain("/tmp/c.pem")
client = ssl.create_default_context()
a_in, a_out, b_in, b_out = (ssl.MemoryBIO() for _ in range(4))
a = client.wrap_bio(a_in, a_out, server_hostname="localhost")
b = server.wrap_bio(b_in, b_out, server_side=True)
def move():
    b_in.write(a_out.read())
    a_in.write(b_out.read())
def until(f, *args):
    for _ in range(10):
        try:
            return f(*args)
        except ssl.SSLWantReadError:
            move()
            for other in (a, b):
                try: other.do_handshake()
                except ssl.SSLWantReadError: pass
            move()
until(a.do_handshake); until(b.do_handshake)
print(a.version(), a.cipher(), b.server_side, a.server_hostname)
a.write(b"x" * 100); move()
print(b.read(40), b.pending(), b.read(100))
try: b.read(10)
except ssl.SSLWantReadError as e: print(repr(e))
cert = a.getpeercert()
print(cert["subject"], cert["subjectAltName"], cert["version"], cert["issuer"])
print(len(a.getpeercert(True)) > 100, b.getpeercert(), len(a.get_verified_chain()), len(a.get_unverified_chain()))
try: a.unwrap()
except ssl.SSLWantReadError: move()
try: print(b.read(10))
except ssl.SSLZeroReturnError as e: print(repr(e))
b.unwrap(); move(); a.unwrap()
a_in.write_eof()
print(ssl.OPENSSL_VERSION.split()[0], ssl.HAS_TLSv1_3, client.verify_mode, client.minimum_version)
`, string(pair.Certificate)+string(pair.Key)))
	want := `TLSv1.3 ('TLS_AES_128_GCM_SHA256', 'TLSv1.3', 128) True localhost
b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' 60 b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
SSLWantReadError(2, 'The operation did not complete (read)')
((('commonName', 'localhost'),),) (('DNS', 'localhost'), ('IP Address', '127.0.0.1'), ('IP Address', '0:0:0:0:0:0:0:1')) 3 ((('organizationName', 'Eryx'),), (('commonName', 'Eryx test CA'),))
True None 2 1
b''
OpenSSL True 2 -2
`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
