package security_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

const (
	secretValue = "the-real-value-9f3c"
	otherValue  = "another-real-value-77"
	marker      = "ERYX_SECRET_PLACEHOLDER_"
)

// collector is a server that keeps every byte that it is sent, and answers each HTTP request.
type collector struct {
	address string
	mu      sync.Mutex
	bytes   []byte
	wait    sync.WaitGroup
}

// newCollector listens on an address of loopback; with a certificate it speaks TLS.
func newCollector(t *testing.T, address string, pair *tls.Certificate) *collector {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{address: listener.Addr().String()}
	c.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.wait.Go(func() { c.serve(conn, pair) })
		}
	})
	t.Cleanup(func() { listener.Close(); c.wait.Wait() })
	return c
}

func (c *collector) serve(conn net.Conn, pair *tls.Certificate) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if pair != nil {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*pair}})
	}
	r := bufio.NewReader(io.TeeReader(conn, c))
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			_, _ = io.Copy(io.Discard, r) // not HTTP: keep it
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		echo := request.Header.Get("X-Key")
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Echo: "+echo+"\r\n\r\nok")
	}
}

// Write keeps what is read.
func (c *collector) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes = append(c.bytes, p...)
	return len(p), nil
}

// got is all that has been received so far.
func (c *collector) got() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.bytes)
}

// port is the collector's.
func (c *collector) port() string {
	_, port, _ := net.SplitHostPort(c.address)
	return port
}

// withSecrets is a configuration with KEY for localhost and OTHER for 127.0.0.2; the network reaches loopback.
func withSecrets() core.Config {
	network := core.NetConfig{}.AllowNetwork("127.0.0.0/8").AllowNetwork("::1")
	return core.Config{Network: &network, Secrets: []core.Secret{
		{Name: "KEY", Value: secretValue, AllowedHosts: []string{"127.0.0.1"}},
		{Name: "OTHER", Value: otherValue, AllowedHosts: []string{"127.0.0.2"}},
	}}
}

// trusted is withSecrets, where the host trusts ca alone.
func trusted(ca *testca.CA) core.Config {
	config := withSecrets()
	network := config.Network.WithRootCert(ca.DER())
	network.NoSystemRoots = true
	config.Network = &network
	return config
}

// noValue asserts that nothing of the values of secrets is in a text.
func noValue(t *testing.T, what, text string) {
	t.Helper()
	for _, value := range []string{secretValue, otherValue} {
		if strings.Contains(text, value) {
			t.Errorf("%s has the value of a secret: %q", what, clip(text))
		}
	}
}

// secretProgram begins a program: raw connections, and what came of a request.
const secretProgram = `
import base64, http.client, os, socket, ssl
key, other = os.environ["KEY"], os.environ["OTHER"]
def raw(host, port, *pieces, context=None, name=None):
    """Send pieces, end sending, and tell what comes back."""
    try:
        with socket.create_connection((host, port), timeout=20) as s:
            if context is not None: s = context.wrap_socket(s, server_hostname=name or host)
            for piece in pieces: s.sendall(piece.encode("latin-1") if isinstance(piece, str) else piece)
            s.settimeout(20)
            if context is None: s.shutdown(socket.SHUT_WR)
            got = b""
            while not got.endswith(b"ok") and (data := s.recv(65536)): got += data
            return got[:15].decode()
    except OSError as e:
        return f"{type(e).__name__}: {e}"
`
