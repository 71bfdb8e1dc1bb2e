package core_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// fetching is network with fetch and without sockets.
func fetching(network *core.NetConfig) *core.NetConfig {
	network.Fetch, network.NoSockets = true, true
	return network
}

func TestFetch(t *testing.T) {
	ca := testca.New(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain; charset=latin-1")
		w.Header().Add("X-Two", "1")
		w.Header().Add("X-Two", "2")
		w.WriteHeader(201)
		fmt.Fprintf(w, "%s %s %s %s \xe9", r.Method, r.Header.Get("X-A"), r.Header.Get("Content-Type"), body)
	})
	mux.HandleFunc("/client", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"a": [1]}`) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 80<<20)) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for _, scheme := range []string{"http", "https"} {
		server := httptest.NewServer(mux)
		if scheme == "https" {
			server.Close()
			server = tlsServer(t, ca, mux.ServeHTTP)
		}
		defer server.Close()
		got := runNet(t, fetching(trusting(ca)), fmt.Sprintf(`
import asyncio, socket
url = %q
r = await fetch(url + "/echo", method="POST", headers={"X-A": "b"}, body="text")
print(r.status, r.ok, r.reason, r.text, r.headers["x-two"], r.headers.get_list("X-TWO"))
r = await fetch(url + "/echo", method="PUT", json={"k": 1})
print(r.body)
r = await fetch(url + "/redirect")
print(r.status, r.url == url + "/echo")
r = await fetch(url + "/redirect", redirects=0)
print(r.status, r.headers["Location"])
print((await fetch(url + "/json")).json(), (await fetch(url + "/none")).status)
for f in (lambda: fetch(url + "/loop"), lambda: fetch(url + "/big"), lambda: fetch("http://example.invalid:1/"),
          lambda: fetch("file:///etc/passwd"), lambda: fetch(url, method="B D"), lambda: fetch(url, headers={"A\nB": "c"}),
          lambda: fetch("http://10.0.0.1/"), lambda: fetch(url + "/slow", timeout=0.05), lambda: fetch(url, body=b"", json=1)):
    try: print(await f())
    except Exception as e: print(type(e).__name__, str(e)[:60])
try: socket.socket()
except OSError as e: print(e)
print("connections", len({(await fetch(url + "/client")).text for i in range(5)}))
many = await asyncio.gather(*[fetch(url + "/json") for i in range(5)])
print([m.status for m in many])
try: (await fetch(url + "/none")).raise_for_status()
except OSError as e: print(str(e)[:13])
`, server.URL))
		got = strings.ReplaceAll(got, server.URL, "URL")
		want := "201 True Created POST b  text é 1, 2 ['1', '2']\nb'PUT  application/json {\"k\": 1} \\xe9'\n201 True\n302 /echo\n{'a': [1]} 404\n"
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s\nwant %s", scheme, got, want)
		}
		for _, line := range []string{
			"OSError more than 10 redirects", "OSError the response is longer than", "ValueError fetch(): \"file:///etc/passwd\" is no URL",
			"ValueError fetch(): net/http: invalid method", "PermissionError [Errno 2] 10.0.0.1:80 leads to a network", "TimeoutError the request took too long",
			"TypeError fetch() takes body or json, not both", "no_sockets is on", "connections 1\n", "[200, 200, 200, 200, 200]", "404 Not Found\n",
		} {
			if !strings.Contains(got, line) {
				t.Errorf("%s: no %q in\n%s", scheme, line, got)
			}
		}
	}
}

// fetch is there only where it is granted, and sends secrets where they may go, also after a redirect.
func TestFetchSecrets(t *testing.T) {
	if got := runNet(t, loopback(), "try: fetch\nexcept NameError: print('none')"); got != "none\n" {
		t.Errorf("%q", got)
	}
	ca := testca.New(t)
	var s seen
	server := tlsServer(t, ca, s.ServeHTTP)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r)
	}))
	defer elsewhere.Close()
	away := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away, http.StatusTemporaryRedirect) }))
	defer redirect.Close()
	config := keyed(fetching(trusting(ca)))
	config.RedactResponses = true
	r := runWith(t, config, fmt.Sprintf(`
import os, base64
key = os.environ["KEY"]
r = await fetch(%q, headers={"Authorization": key})
print(r.text)
r = await fetch(%q, method="POST", body=key, headers={"Authorization": "Basic " + base64.b64encode(b":" + key.encode()).decode()})
for url in %q, %q:
    try: print(await fetch(url, headers={"X-Key": key}))
    except Exception as e: print(type(e).__name__, e)
`, server.URL, server.URL, away, redirect.URL))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	refused := "PermissionError [Errno 2] secret KEY: it must not be sent to localhost (allowed_hosts: 127.0.0.1)\n"
	if want := "you sent [REDACTED]**************\n" + refused + refused; string(r.Stdout) != want {
		t.Errorf("%s", r.Stdout)
	}
	got := s.all()
	if strings.Count(got, realValue) != 1 || !strings.Contains(got, "Basic OnJlYWwtdmFsdWUtb2YtdGhlLXNlY3JldA==") || strings.Count(got, "PLACEHOLDER") != 1 {
		t.Errorf("the servers saw %s", got)
	}
}

// The rules and counts of the network are fetch's as well.
func TestFetchEvents(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer server.Close()
	network := fetching(loopback())
	network.ConnectTimeout = time.Second
	r := runWith(t, core.Config{Network: network}, fmt.Sprintf("await fetch(%q)", server.URL))
	if r.Err != nil || len(r.Network) == 0 || r.Network[0].Kind != "connect" || r.Network[0].Address.String() != server.Listener.Addr().String() {
		t.Errorf("%v %v", r.Network, r.Err)
	}
}
