package guestnet

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/tests/testca"
)

// newTLS is a table under a policy with ca as the only root.
func newTLS(t *testing.T, ca *testca.CA, insecure bool, filters FilterFunc) *TLSTable {
	t.Helper()
	policy, err := NewPolicy(Config{RootCertificates: [][]byte{ca.PEM()}, NoSystemRoots: true, AllowInsecureTLS: insecure})
	if err != nil {
		t.Fatal(err)
	}
	table := NewTLSTable(policy, filters)
	t.Cleanup(table.CloseAll)
	return table
}

// drive repeats an operation of handle, and carries ciphertext between it and wire, until it would not block.
func drive(t *testing.T, table *TLSTable, handle int32, wire net.Conn, op int32, in, out []byte) TLSStep {
	t.Helper()
	for {
		step, err := table.Step(handle, op, in, out)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 32<<10)
		for pending := step.Pending; pending > 0; {
			taken, err := table.Step(handle, TLSOpTake, nil, buffer)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := wire.Write(buffer[:taken.Produced]); err != nil {
				t.Fatal(err)
			}
			pending = taken.Pending
		}
		if step.Status != TLSWantRead {
			return step
		}
		n, err := wire.Read(buffer)
		if err != nil {
			if _, err := table.Step(handle, TLSOpFeedEnd, nil, nil); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for fed := 0; fed < n; {
			taken, err := table.Step(handle, TLSOpFeed, buffer[fed:n], nil)
			if err != nil || taken.Consumed == 0 {
				t.Fatal("cannot feed", err)
			}
			fed += taken.Consumed
		}
	}
}

// serve answers one TLS connection with what it sends, and then says goodbye.
func serve(t *testing.T, config *tls.Config) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		server := tls.Server(conn, config)
		defer server.Close()
		_, _ = io.Copy(server, server)
	}()
	wire, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wire.Close() })
	return wire
}

func client(hostname string) TLSOptions {
	return TLSOptions{Hostname: hostname, Verify: 2, CheckHostname: true}
}

func TestTLSEcho(t *testing.T) {
	ca := testca.New(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		wire := serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}, MaxVersion: version, NextProtos: []string{"http/1.1"}})
		table := newTLS(t, ca, false, nil)
		o := client("localhost")
		o.Protocols = []string{"h2", "http/1.1"}
		handle, err := table.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if step := drive(t, table, handle, wire, TLSOpHandshake, nil, nil); step.Status != TLSOK {
			failure, _ := table.Failure(handle)
			t.Fatal(step, failure)
		}
		info, err := table.Info(handle)
		if err != nil || info["version"] != versionName(version) || info["alpn"] != "http/1.1" || len(info["chain"].([]any)) != 1 || len(info["verified"].([]any)) != 2 || info["host_verified"] != true {
			t.Errorf("%v, %v", info, err)
		}
		sent := bytes.Repeat([]byte("0123456789"), 20_000)
		got, out := []byte(nil), make([]byte, 50_000)
		for rest := sent; len(rest) > 0; {
			step := drive(t, table, handle, wire, TLSOpWrite, rest, nil)
			if step.Status != TLSOK {
				t.Fatal(step)
			}
			for n := step.Consumed; n > 0; {
				read := drive(t, table, handle, wire, TLSOpRead, nil, out[:min(n, len(out))])
				if read.Status != TLSOK {
					t.Fatal(read)
				}
				got = append(got, out[:read.Produced]...)
				n -= read.Produced
			}
			rest = rest[step.Consumed:]
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("%d bytes came back, not %d", len(got), len(sent))
		}
		if step := drive(t, table, handle, wire, TLSOpShutdown, nil, nil); step.Status != TLSOK {
			t.Errorf("shutdown: %v", step)
		}
		if step := drive(t, table, handle, wire, TLSOpRead, nil, out); step.Status != TLSZeroReturn {
			t.Errorf("read after the goodbye: %v", step)
		}
	}
}

// What the verification says, in OpenSSL's numbers.
func TestTLSVerification(t *testing.T) {
	ca, other := testca.New(t), testca.New(t)
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	early := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }
	otherRoot := other.Issue([]string{"localhost"}, nil)
	selfSigned := testca.Pair{Certificate: append(otherRoot.Certificate, other.PEM()...), Key: otherRoot.Key}
	for _, test := range []struct {
		name     string
		pair     testca.Pair
		hostname string
		code     int
		text     string
	}{
		{"unknown authority", otherRoot, "localhost", 20, "certificate verify failed: unable to get local issuer certificate"},
		{"unknown root that is sent", selfSigned, "localhost", 19, "certificate verify failed: self-signed certificate in certificate chain"},
		{"another name", ca.Localhost(), "example.test", 62, "certificate verify failed: Hostname mismatch, certificate is not valid for 'example.test'."},
		{"another address", ca.Localhost(), "127.0.0.2", 64, "certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.2'."},
		{"expired", ca.Issue([]string{"localhost"}, expired), "localhost", 10, "certificate verify failed: certificate has expired"},
		{"too early", ca.Issue([]string{"localhost"}, early), "localhost", 9, "certificate verify failed: certificate is not yet valid"},
	} {
		wire := serve(t, &tls.Config{Certificates: []tls.Certificate{test.pair.TLS(t)}})
		table := newTLS(t, ca, false, nil)
		handle, err := table.Open(client(test.hostname))
		if err != nil {
			t.Fatal(err)
		}
		if step := drive(t, table, handle, wire, TLSOpHandshake, nil, nil); step.Status != TLSError {
			t.Errorf("%s: %v", test.name, step)
		}
		if failure, _ := table.Failure(handle); failure.Kind != "verify" || failure.Code != test.code || failure.Text != test.text {
			t.Errorf("%s: %+v", test.name, failure)
		}
	}
}

// The guest weakens the verification only where the policy lets it.
func TestTLSPolicy(t *testing.T) {
	ca, other := testca.New(t), testca.New(t)
	pair := other.Issue([]string{"localhost"}, nil)
	own := [][]byte{other.DER()}
	for _, test := range []struct {
		name     string
		insecure bool
		options  TLSOptions
		want     string // "" for success
		verified bool
	}{
		{"no verification, strict", false, TLSOptions{Hostname: "localhost"}, "allow_insecure_tls is off", false},
		{"own authority, strict", false, TLSOptions{Hostname: "localhost", Verify: 2, CheckHostname: true, Roots: own, OwnRoots: true}, "allow_insecure_tls is off", false},
		{"no name, strict", false, TLSOptions{Verify: 2}, "server_hostname is needed", false},
		{"no verification, lenient", true, TLSOptions{Hostname: "localhost"}, "", false},
		{"own authority, lenient", true, TLSOptions{Hostname: "localhost", Verify: 2, CheckHostname: true, Roots: own}, "", false},
		{"own authority, lenient, another name", true, TLSOptions{Hostname: "x.test", Verify: 2, CheckHostname: true, Roots: own}, "Hostname mismatch", false},
		{"own authority, lenient, names unchecked", true, TLSOptions{Hostname: "x.test", Verify: 2, Roots: own}, "", false},
		{"no name, lenient", true, TLSOptions{}, "", false},
	} {
		wire := serve(t, &tls.Config{Certificates: []tls.Certificate{pair.TLS(t)}})
		var seen []Channel
		table := newTLS(t, ca, test.insecure, func(c Channel) Filter { seen = append(seen, c); return nil })
		handle, err := table.Open(test.options)
		if err != nil {
			t.Fatal(err)
		}
		step := drive(t, table, handle, wire, TLSOpHandshake, nil, nil)
		failure, _ := table.Failure(handle)
		switch {
		case test.want == "" && (step.Status != TLSOK || len(seen) == 0 || seen[0].Verified):
			t.Errorf("%s: %v, %v, %v", test.name, step, failure, seen)
		case test.want != "" && (step.Status != TLSError || !strings.Contains(failure.Text, test.want)):
			t.Errorf("%s: %v, %v", test.name, step, failure)
		}
	}
}

// The guest can be a server, and ask for a client's certificate.
func TestTLSServer(t *testing.T) {
	ca := testca.New(t)
	pair := ca.Localhost()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	for _, with := range []bool{true, false} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			config := &tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"unknown"}}
			if with {
				config.Certificates = []tls.Certificate{pair.TLS(t)}
			}
			conn, err := tls.Dial("tcp", listener.Addr().String(), config)
			if err == nil {
				_, _ = conn.Write([]byte("hello"))
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}
		}()
		wire, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		table := newTLS(t, ca, false, func(Channel) Filter { t.Error("a server's replies are no requests"); return nil })
		handle, err := table.Open(TLSOptions{Server: true, Chain: pair.Certificate, Key: pair.Key, Verify: 2, Roots: [][]byte{ca.DER()}, Protocols: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		out := make([]byte, 100)
		step := drive(t, table, handle, wire, TLSOpRead, nil, out)
		failure, _ := table.Failure(handle)
		if with && string(out[:step.Produced]) != "hello" {
			t.Errorf("%v, %v", step, failure)
		}
		if !with && (step.Status != TLSError || failure.Reason != "PEER_DID_NOT_RETURN_A_CERTIFICATE") {
			t.Errorf("%v, %v", step, failure)
		}
		wire.Close()
		listener.Close()
	}
	table := newTLS(t, ca, false, nil)
	var failure *TLSFailure
	if _, err := table.Open(TLSOptions{Server: true}); !errors.As(err, &failure) || failure.Reason != "NO_CERTIFICATE_SET" {
		t.Errorf("a server without a certificate: %v", err)
	}
}

// The caller's certificate goes to the servers that it is for, once they have proven who they are.
func TestTLSClientCertificate(t *testing.T) {
	ca := testca.New(t)
	pair := ca.Localhost()
	mine := ca.Issue([]string{"me"}, nil)
	for _, hosts := range [][]string{{"localhost"}, {"other.test"}} {
		seen := make(chan string, 1)
		config := &tls.Config{Certificates: []tls.Certificate{pair.TLS(t)}, ClientAuth: tls.RequestClientCert}
		config.VerifyConnection = func(s tls.ConnectionState) error {
			name := ""
			if len(s.PeerCertificates) > 0 {
				name = s.PeerCertificates[0].Subject.CommonName
			}
			seen <- name
			return nil
		}
		wire := serve(t, config)
		policy, err := NewPolicy(Config{RootCertificates: [][]byte{ca.DER()}, NoSystemRoots: true, ClientCertificates: []ClientCertificate{{mine.Certificate, mine.Key, hosts}}})
		if err != nil {
			t.Fatal(err)
		}
		table := NewTLSTable(policy, nil)
		handle, err := table.Open(client("localhost"))
		if err != nil {
			t.Fatal(err)
		}
		if step := drive(t, table, handle, wire, TLSOpHandshake, nil, nil); step.Status != TLSOK {
			t.Fatal(step)
		}
		want := "me"
		if hosts[0] != "localhost" {
			want = ""
		}
		if got := <-seen; got != want {
			t.Errorf("for %v: %q", hosts, got)
		}
		table.CloseAll()
	}
}

// Where plain text is filtered it must be HTTP/1: HTTP/2 is not offered.
func TestTLSFilteredOffersNoHTTP2(t *testing.T) {
	ca := testca.New(t)
	wire := serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}, NextProtos: []string{"h2", "http/1.1"}})
	table := newTLS(t, ca, false, func(Channel) Filter { return nil })
	o := client("localhost")
	o.Protocols = []string{"h2", "http/1.1"}
	handle, err := table.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	drive(t, table, handle, wire, TLSOpHandshake, nil, nil)
	if info, err := table.Info(handle); err != nil || info["alpn"] != "http/1.1" {
		t.Errorf("%v, %v", info["alpn"], err)
	}
	o.Protocols = []string{"h2"}
	var failure *TLSFailure
	if _, err := table.Open(o); !errors.As(err, &failure) || !strings.Contains(failure.Text, "HTTP/2 cannot be used in a sandbox with secrets") {
		t.Errorf("%v", err)
	}
}

// Garbage, a peer without TLS and a sudden end are failures with names.
func TestTLSBrokenPeers(t *testing.T) {
	ca := testca.New(t)
	for _, test := range []struct {
		sent   string
		status TLSStatus
		reason string
	}{
		{"HTTP/1.1 400 Bad Request\r\n\r\n", TLSError, "WRONG_VERSION_NUMBER"},
		{"\x15\x03\x03\x00\x02\x02\x28", TLSError, "SSLV3_ALERT_HANDSHAKE_FAILURE"},
		{"\x15\x03\x03\x00\x02\x02\x46", TLSError, "TLSV1_ALERT_PROTOCOL_VERSION"},
		{"", TLSEOF, ""},
		{"\x16\x03\x03\x10\x00", TLSEOF, ""},
		{"\x16\x03\x03\x00\x04\xff\xff\xff\xff", TLSError, "SSLV3_ALERT_HANDSHAKE_FAILURE"},
	} {
		table := newTLS(t, ca, false, nil)
		handle, err := table.Open(client("localhost"))
		if err != nil {
			t.Fatal(err)
		}
		if step, _ := table.Step(handle, TLSOpHandshake, nil, nil); step.Status != TLSWantRead || step.Pending == 0 {
			t.Fatal(step)
		}
		_, _ = table.Step(handle, TLSOpFeed, []byte(test.sent), nil)
		_, _ = table.Step(handle, TLSOpFeedEnd, nil, nil)
		step, _ := table.Step(handle, TLSOpHandshake, nil, nil)
		failure, _ := table.Failure(handle)
		if step.Status != test.status || step.Status == TLSError && failure.Reason != test.reason {
			t.Errorf("%q: %v, %+v", test.sent, step, failure)
		}
	}
}

// Handles, sizes and operations are the guest's, and may be anything.
func TestTLSHostile(t *testing.T) {
	ca := testca.New(t)
	table := newTLS(t, ca, false, nil)
	for _, handle := range []int32{0, -1, 1, 1 << 30} {
		for op := int32(-2); op < 12; op++ {
			if _, err := table.Step(handle, op, nil, nil); !errors.Is(err, ErrTLSHandle) {
				t.Errorf("handle %d: %v", handle, err)
			}
		}
		table.Close(handle)
	}
	count := 0
	for ; ; count++ {
		if _, err := table.Open(client("localhost")); err != nil {
			if !errors.Is(err, ErrTLSCount) {
				t.Fatal(err)
			}
			break
		}
	}
	if want := table.maxEngines(); count != want {
		t.Errorf("%d connections, not %d", count, want)
	}
	// The wire's buffer is bounded.
	total := 0
	for {
		step, err := table.Step(1, TLSOpFeed, make([]byte, 1<<20), nil)
		if err != nil || step.Consumed == 0 {
			break
		}
		total += step.Consumed
	}
	if total > maxWireIn {
		t.Errorf("%d bytes are held", total)
	}
	if _, err := table.Step(1, 99, nil, nil); err == nil {
		t.Error("operation 99 exists")
	}
}

func TestTLSConfigErrors(t *testing.T) {
	for _, config := range []Config{
		{RootCertificates: [][]byte{[]byte("nonsense")}},
		{RootCertificates: [][]byte{[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}},
		{RootCertificates: [][]byte{[]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}},
		{ClientCertificates: []ClientCertificate{{Certificate: []byte("x"), Key: []byte("y")}}},
	} {
		if _, err := NewPolicy(config); err == nil {
			t.Errorf("%v is accepted", config)
		}
	}
}
