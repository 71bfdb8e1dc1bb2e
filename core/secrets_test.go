package core_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

const realValue = "real-value-of-the-secret"

// seen is what a server was sent.
type seen struct {
	mu       sync.Mutex
	requests []string
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, fmt.Sprintf("%s %s auth=%q x=%q body=%q", r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("X-Key"), body))
	s.mu.Unlock()
	fmt.Fprintf(w, "you sent %s", r.Header.Get("Authorization"))
}

func (s *seen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.requests, "\n")
}

// keyed is a configuration with the secret KEY for 127.0.0.1.
func keyed(network *core.NetConfig) core.Config {
	return core.Config{Network: network, Secrets: []core.Secret{{Name: "KEY", Value: realValue, AllowedHosts: []string{"127.0.0.1"}}}}
}

// runWith runs a program and returns its result, whatever it was.
func runWith(t *testing.T, config core.Config, code string) *core.Result {
	t.Helper()
	s, err := testRuntime(t).NewSandbox(config)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := s.Execute(context.Background(), code)
	if strings.Contains(string(r.Stdout)+string(r.Stderr), "PLACEHOLDER") {
		t.Errorf("a placeholder is in the output: %s %s", r.Stdout, r.Stderr)
	}
	return r
}

const clientProgram = `
import os, http.client, ssl, urllib.parse, base64
key = os.environ["KEY"]
def connect(url):
    u = urllib.parse.urlsplit(url)
    cls = http.client.HTTPSConnection if u.scheme == "https" else http.client.HTTPConnection
    return cls(u.hostname, u.port, timeout=10)
`

// Keep-alive, bodies by length and in chunks, Basic authentication; over plain connections and TLS.
func TestSecretsReachTheirHost(t *testing.T) {
	ca := testca.New(t)
	for _, scheme := range []string{"http", "https"} {
		var s seen
		server, network := serve(t, scheme, ca, &s)
		r := runWith(t, keyed(network), clientProgram+fmt.Sprintf(`
c = connect(%q)
for i in range(2):
    c.request("GET", f"/{i}?k={key}", headers={"Authorization": "Bearer " + key})
    answer = c.getresponse()
    print(answer.status, len(answer.read()) > 0)
    sock = c.sock
c.request("POST", "/p", body=b"body " + key.encode(), headers={"X-Key": key})
c.getresponse().read()
c.request("POST", "/c", body=iter([b"a", key.encode()]), headers={"X-Key": key, "Transfer-Encoding": "chunked"}, encode_chunked=True)
c.getresponse().read()
c.request("GET", "/b", headers={"Authorization": "Basic " + base64.b64encode(b"me:" + key.encode()).decode()})
c.getresponse().read()
assert c.sock is sock
print(key)
`, server.URL))
		if r.Err != nil {
			t.Fatal(scheme, r.Err)
		}
		if got := string(r.Stdout); got != "200 True\n200 True\n[REDACTED]\n" {
			t.Errorf("%s: stdout %q", scheme, got)
		}
		got := s.all()
		start := strings.Index(got, "ERYX_SECRET_PLACEHOLDER_")
		if start < 0 {
			t.Fatalf("%s: the placeholder is not where it stays: %s", scheme, got)
		}
		got = strings.ReplaceAll(got, got[start:start+56], "{KEY}")
		want := strings.ReplaceAll(`GET /0?k={KEY} auth="Bearer REAL" x="" body=""
GET /1?k={KEY} auth="Bearer REAL" x="" body=""
POST /p auth="" x="REAL" body="body {KEY}"
POST /c auth="" x="REAL" body="a{KEY}"
GET /b auth="Basic bWU6cmVhbC12YWx1ZS1vZi10aGUtc2VjcmV0" x="" body=""`, "REAL", realValue)
		if got != want {
			t.Errorf("%s: the server saw\n%s\nwant\n%s", scheme, got, want)
		}
	}
}

// serve starts a server of http or https, and gives the network that reaches it.
func serve(t *testing.T, scheme string, ca *testca.CA, handler http.Handler) (*httptest.Server, *core.NetConfig) {
	t.Helper()
	server, network := httptest.NewServer(handler), loopback()
	if scheme == "https" {
		server.Close()
		server, network = tlsServer(t, ca, handler.ServeHTTP), trusting(ca)
	}
	t.Cleanup(server.Close)
	return server, network
}

// A host that the secret is not for is sent nothing, and the program is told why.
func TestSecretsStayFromOthers(t *testing.T) {
	ca := testca.New(t)
	for _, scheme := range []string{"http", "https"} {
		var s seen
		server, network := serve(t, scheme, ca, &s)
		config := keyed(network)
		config.Secrets[0].AllowedHosts = []string{"api.example.com"}
		r := runWith(t, config, clientProgram+fmt.Sprintf(`
c = connect(%q)
try:
    c.request("GET", "/", headers={"Authorization": key, "Host": "api.example.com"})
    print(c.getresponse().read())
except OSError as e:
    print(type(e).__name__, e)
`, server.URL))
		want := "PermissionError [Errno 2] secret KEY: it must not be sent to 127.0.0.1 (allowed_hosts: api.example.com)\n"
		if got := string(r.Stdout); r.Err != nil || !strings.HasPrefix(got, "PermissionError") || !strings.Contains(got, want[len("PermissionError [Errno 2] "):]) {
			t.Errorf("%s: %q, %v", scheme, got, r.Err)
		}
		if got := s.all(); got != "" {
			t.Errorf("%s: the server saw %s", scheme, got)
		}
	}
}

// A server that sends back what it is sent does not tell the value, where that is asked for.
func TestSecretsRedactedInResponses(t *testing.T) {
	ca := testca.New(t)
	for _, scheme := range []string{"http", "https"} {
		var s seen
		server, network := serve(t, scheme, ca, &s)
		config := keyed(network)
		program := clientProgram + fmt.Sprintf(`
c = connect(%q)
c.request("GET", "/", headers={"Authorization": key, "Accept-Encoding": "gzip"})
print(c.getresponse().read().decode())
`, server.URL)
		if got := string(runWith(t, config, program).Stdout); got != "you sent "+realValue+"\n" {
			t.Errorf("%s: %q", scheme, got)
		}
		config.RedactResponses = true
		if got := string(runWith(t, config, program).Stdout); got != "you sent [REDACTED]**************\n" {
			t.Errorf("%s: %q", scheme, got)
		}
	}
}

// Output, errors, traces, files and, on request, results have no placeholder, however it is cut.
func TestSecretsScrubbed(t *testing.T) {
	config := keyed(nil)
	config.Trace = true
	var streamed []byte
	config.OnStdout = func(p []byte) {
		streamed = append(streamed, p...)
		if strings.Contains(string(streamed), "ERYX_SECRET_PLACEHOLDER_") {
			t.Errorf("streamed: %q", streamed)
		}
	}
	config.Callbacks = []core.Callback{{Name: "cb", Func: func(_ context.Context, args map[string]any) (any, error) { return args["v"], nil }}}
	r := runWith(t, config, `
import os, sys
key = os.environ["KEY"]
for c in key: print(c, end="", flush=True)
print("!")
sys.stderr.write("e" + key); sys.stderr.flush(); os.write(2, key.encode())
print(await cb(v="x" + key))
with open("/data/f", "w") as f: f.write("<" + key + ">")
with open("/data/g", "wb", buffering=0) as f:
    for c in key.encode(): f.write(bytes([c]))
    f.write(b"|")
print(open("/data/f").read(), open("/data/g").read())
try: raise KeyError(key)
except KeyError: pass
result = [key]
def f(k): raise ValueError("no " + k)
f(key)
`)
	if want := "[REDACTED]!\nx[REDACTED]\n<[REDACTED]" + strings.Repeat("*", 46) + "> [REDACTED]" + strings.Repeat("*", 46) + "|"; !strings.HasPrefix(string(r.Stdout), want) {
		t.Errorf("stdout %q", r.Stdout)
	}
	if string(streamed) != string(r.Stdout) || string(r.Stderr) != "e[REDACTED][REDACTED]" {
		t.Errorf("streamed %q, stderr %q", streamed, r.Stderr)
	}
	e, ok := r.Err.(*core.Error)
	if !ok || e.Python == nil || e.Python.Message != "no [REDACTED]" || !strings.Contains(e.Error(), "no [REDACTED]") {
		t.Fatalf("%v", r.Err)
	}
	if all := fmt.Sprintf("%+v %+v %+v", e, *e.Python, r.Trace); strings.Contains(all, "PLACEHOLDER") || !strings.Contains(all, "KeyError: '[REDACTED]'") {
		t.Error("the error or the trace has a placeholder")
	}
}

func TestSecretsScrubbingIsAChoice(t *testing.T) {
	config := keyed(nil)
	config.Scrub = core.Scrubbing{KeepStdout: true, KeepStderr: true, KeepFiles: true, Result: true}
	s, err := testRuntime(t).NewSandbox(config)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(context.Background(), `
import os, sys
key = os.environ["KEY"]
print(key); print(key, file=sys.stderr)
open("/data/f", "w").write(key)
print(open("/data/f").read() == key)
result = {key: [key]}
`)
	if err != nil || !strings.HasPrefix(string(r.Stdout), "ERYX_SECRET_PLACEHOLDER_") || !strings.HasPrefix(string(r.Stderr), "ERYX_SECRET_PLACEHOLDER_") || !strings.HasSuffix(string(r.Stdout), "\nTrue\n") {
		t.Errorf("%q, %q, %v", r.Stdout, r.Stderr, err)
	}
	if string(r.JSON) != `{"[REDACTED]": ["[REDACTED]"]}` {
		t.Errorf("result %s", r.JSON)
	}
	config.Scrub = core.Scrubbing{}
	if r := runWith(t, config, "import os\nresult = os.environ['KEY']"); !strings.HasPrefix(string(r.JSON), `"ERYX_SECRET_PLACEHOLDER_`) {
		t.Errorf("results are scrubbed by themselves: %s", r.JSON)
	}
}

// A restored image knows the placeholders of its new session.
func TestSecretsAfterRestore(t *testing.T) {
	var s seen
	server := httptest.NewServer(&s)
	defer server.Close()
	rt := testRuntime(t)
	first, err := rt.NewSession(keyed(loopback()))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := first.Execute(context.Background(), "x = 1"); err != nil {
		t.Fatal(err)
	}
	image, err := first.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	fork, err := first.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	second, err := rt.NewSessionFrom(image, keyed(loopback()))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for _, session := range []*core.Session{first, fork, second} {
		r, err := session.Execute(context.Background(), clientProgram+fmt.Sprintf("c = connect(%q)\nc.request('GET', '/', headers={'Authorization': key})\nc.getresponse().read()", server.URL))
		if err != nil {
			t.Fatal(err, string(r.Stderr))
		}
	}
	if got := strings.Count(s.all(), realValue); got != 3 {
		t.Errorf("%d of 3 requests had the value: %s", got, s.all())
	}
}

func TestSecretsConfigErrors(t *testing.T) {
	for _, test := range []struct {
		config core.Config
		want   string
	}{
		{core.Config{Secrets: []core.Secret{{Name: "A", Value: ""}}}, `secret "A" has no value`},
		{core.Config{Secrets: []core.Secret{{Name: "A", Value: "x"}}, Env: map[string]string{"A": "y"}}, "given twice"},
		{core.Config{Secrets: []core.Secret{{Name: "A", Value: "x", AllowedHosts: []string{"http://x"}}}}, "neither tcp nor udp"},
	} {
		if _, err := testRuntime(t).NewSandbox(test.config); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v", err)
		}
	}
}
