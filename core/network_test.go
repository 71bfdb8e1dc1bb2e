package core_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// loopback is a network that reaches loopback and nothing else of the host's, where the tests' servers are.
func loopback() *core.NetConfig {
	c := core.NetConfig{}.AllowLocalhost()
	return &c
}

// runNet runs a program in a sandbox with a network, and returns what it printed.
func runNet(t *testing.T, network *core.NetConfig, code string) string {
	t.Helper()
	s, err := testRuntime(t).NewSandbox(core.Config{Network: network})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(context.Background(), code)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, r.Stdout, r.Stderr)
	}
	return string(r.Stdout)
}

func TestURLLib(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s", r.URL.Path)
	}))
	defer server.Close()
	got := runNet(t, loopback(), fmt.Sprintf(`
import urllib.request
with urllib.request.urlopen(%q + "/a") as r:
    print(r.status, r.read())
`, server.URL))
	if want := "200 b'hello /a'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
