package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/tests/testca"
)

func TestNetwork(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "key ", r.Header.Get("X-Key")) }))
	defer server.Close()
	t.Setenv("MY_KEY", "the value")
	host := strings.TrimPrefix(server.URL, "http://")
	get := fmt.Sprintf(`import os, urllib.request as u; print(u.urlopen(u.Request(%q, headers={"X-Key": os.environ.get("KEY", "-")})).read().decode())`, server.URL)
	for _, c := range []struct {
		arguments, stdout, stderr string
		code                      int
	}{
		{"", "", "...option network...", exitFailed},
		{"--net", "", "...blocked_networks...", exitFailed},
		{"--allow-host example.com", "", "...allowed_hosts...", exitFailed},
		{"--allow-host 127.0.0.*", "", "...blocked_networks...", exitFailed},
		{"--allow-host localhost --allow-host 127.0.0.1:1", "", "...allowed_hosts...", exitFailed},
		{"--allow-host " + host, "key -\n", "", 0},
		{"--allow-host 127.0.0.0/8", "key -\n", "", 0},
		{"--allow-host example.com --allow-host 127.0.0.1", "key -\n", "", 0},
		{"--allow-host 127.0.0.1 --secret KEY=MY_KEY@127.0.0.1", "key the value\n", "", 0},
		{"--allow-host 127.0.0.1 --secret KEY=MY_KEY@example.com,other.test", "", "...secret KEY: it must not be sent to 127.0.0.1...", exitFailed},
		{"--secret KEY=MY_KEY@127.0.0.1", "", "...--secret and --root-cert want --net or --allow-host...", exitUsage},
		{"--net --secret KEY", "", "...want NAME[=VARIABLE]@HOST...", exitUsage},
		{"--net --secret NOT_SET_ANYWHERE@x", "", "...the environment variable NOT_SET_ANYWHERE is not set...", exitUsage},
		{"--allow-host tcp//x", "", "...cannot be part of a host's name...", exitUsage},
		{"--net --root-cert /none", "", "...read the root certificate...", exitUsage},
	} {
		t.Log(c.arguments)
		eryx(t, "", append(strings.Fields(c.arguments), "-c", get)...).check(t, c.code, c.stdout, c.stderr)
	}
}

func TestRootCertificate(t *testing.T) {
	ca := testca.New(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "secure") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}}
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	get := fmt.Sprintf("import urllib.request; print(urllib.request.urlopen(%q).read())", server.URL)
	eryx(t, "", "--allow-host", "127.0.0.1", "-c", get).check(t, exitFailed, "", "...certificate verify failed...")
	eryx(t, "", "--allow-host", "127.0.0.1", "--root-cert", file, "-c", get).check(t, 0, "b'secure'\n", "")
}
