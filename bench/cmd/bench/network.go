package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eryx-go/eryx/core"
)

// portVariable tells measure.py where the web server is that the peer's programs talk to.
const portVariable = "ERYX_BENCH_PORT"

// startServers starts the servers that the programs of bench/net talk to, on loopback, for as long as the process
// lives, and tells children of the first by an environment variable.
var startServers = sync.OnceValues(func() (ports [2]int, err error) {
	for i, serve := range []func(net.Listener){serveWeb, serveEcho} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports, err
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		go serve(l)
	}
	return ports, os.Setenv(portVariable, strconv.Itoa(ports[0]))
})

func serveWeb(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		_, _ = io.CopyN(w, zeros{}, n) // a client that goes away fails its own figure
	})
	_ = http.Serve(l, mux)
}

func serveEcho(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// network runs a program of bench/net, which prints how long it took.
func (e *engine) network(name string) func(int) ([]float64, error) {
	return func(count int) ([]float64, error) {
		ports, err := startServers()
		if err != nil {
			return nil, err
		}
		source, err := os.ReadFile(filepath.Join(e.options.root, "bench/net", name+".py"))
		if err != nil {
			return nil, err
		}
		program := strings.NewReplacer("ECHO_PORT", strconv.Itoa(ports[1]), "PORT", strconv.Itoa(ports[0])).Replace(string(source))
		network := core.NetConfig{MaxConnections: 200}.AllowLocalhost()
		var samples []float64
		for range count {
			sandbox, err := e.rt.NewSandbox(core.Config{Network: &network, Limits: core.Limits{ExecutionTimeout: time.Minute}})
			if err != nil {
				return samples, err
			}
			result, err := sandbox.Execute(e.ctx, program)
			if err != nil {
				return samples, err
			}
			seconds, err := strconv.ParseFloat(strings.TrimSpace(string(result.Stdout)), 64)
			if err != nil {
				return samples, fmt.Errorf("printed %q", result.Stdout)
			}
			samples = append(samples, seconds)
		}
		return samples, nil
	}
}

func (e *engine) networkMetrics() []metric {
	return []metric{
		{name: "network/keepalive", what: "1,000 keep-alive GETs by http.client to a loopback server", unit: "s", count: 2, peer: "network/keepalive", take: e.network("keepalive")},
		{name: "network/download", what: "100 MB by http.client from a loopback server", unit: "s", count: 5, peer: "network/download", take: e.network("download")},
		{name: "network/streams", what: "200 asyncio connections at once, 10 lines to and fro on each", unit: "s", count: 2, take: e.network("streams")},
	}
}
