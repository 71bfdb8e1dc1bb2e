package security_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// tcpServer serves each connection by f, on loopback.
func tcpServer(t *testing.T, f func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn)
			}()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// openPort is a server that reads what comes and says nothing.
func openPort(t *testing.T) int {
	return tcpServer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

func local() *core.NetConfig { return with(core.NetConfig{}.AllowLocalhost()) }

func TestRefusedConnectionsAndTimeoutsAreExceptions(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).Port
	l.Close()
	network := local()
	network.OnConnect = func(ctx context.Context, a core.NetAttempt) error { // stands for a host that does not answer
		if int(a.Address.Port()) == closed {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	network.ConnectTimeout = 50 * time.Millisecond
	result, failed := run(t, core.Config{Network: network}, fmt.Sprintf(`
import socket, asyncio
def kind(f):
    try: f()
    except OSError as e: return type(e).__name__
print(kind(lambda: socket.create_connection(("127.0.0.1", %d))), kind(lambda: asyncio.run(asyncio.open_connection("127.0.0.1", %d))))
print(kind(lambda: socket.create_connection(("127.0.0.1", 1))), kind(lambda: socket.socket().connect(("127.0.0.1", 1))))
print(kind(lambda: socket.create_connection(("127.0.0.1", 1), timeout=0.01)), kind(lambda: asyncio.run(asyncio.open_connection("127.0.0.1", 1))))
`, closed, closed))
	wantStdout(t, result, failed, "ConnectionRefusedError ConnectionRefusedError\nTimeoutError TimeoutError\nTimeoutError TimeoutError\n")
}

func TestTheGuestsTimeoutIsHonouredButNotAboveTheCeiling(t *testing.T) {
	port := openPort(t)
	network := local()
	network.IOTimeout = 100 * time.Millisecond
	result, err := run(t, core.Config{Network: network}, fmt.Sprintf(`
import socket, asyncio, select
for timeout in (0.01, 3600, None):
    s = socket.create_connection(("127.0.0.1", %d)); s.settimeout(timeout)
    try: print(s.recv(1))
    except TimeoutError as e: print("TimeoutError")
s = socket.create_connection(("127.0.0.1", %d)); s.setblocking(False)
print(select.select([s], [], [], 3600))
r, w = await asyncio.open_connection("127.0.0.1", %d)
try: print(await r.read(1))
except TimeoutError: print("TimeoutError")
`, port, port, port))
	wantStdout(t, result, err, "TimeoutError\nTimeoutError\nTimeoutError\n([], [], [])\nTimeoutError\n")
}

func TestTheExecutionTimeoutEndsEveryWait(t *testing.T) {
	for name, program := range map[string]string{
		"recv":     "s.recv(1)",
		"select":   "import select\nselect.select([s], [], [])",
		"poll":     "import select\np = select.poll(); p.register(s, 1); p.poll()",
		"accept":   "l = socket.create_server(('127.0.0.1', 0)); l.accept()",
		"sendall":  "while True: s.sendall(bytes(10**6))",
		"asyncio":  "import asyncio\nr, w = await asyncio.open_connection(sock=s)\nawait r.read(1)",
		"nested":   "import asyncio\nasync def f():\n    r, w = await asyncio.open_connection(sock=s)\n    await r.read(1)\nasyncio.run(f())",
		"connect":  "socket.create_connection(('127.0.0.1', 1))",
		"resolve":  "socket.getaddrinfo('slow.example', 80)",
		"aresolve": "import asyncio\nawait asyncio.open_connection('slow.example', 80)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := tcpServer(t, func(conn net.Conn) { time.Sleep(20 * time.Second) })
			network := local()
			network.Listen = []string{"localhost"}
			network.OnConnect = func(ctx context.Context, a core.NetAttempt) error {
				if a.Address.Port() == 1 {
					<-ctx.Done()
				}
				return ctx.Err()
			}
			network.Resolver = slowResolver
			s, err := rt.NewSession(core.Config{Network: network})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, err = s.Execute(context.Background(), fmt.Sprintf("import socket\ns = socket.create_connection(('127.0.0.1', %d))\n%s", port, program), core.WithTimeout(300*time.Millisecond))
			var e *core.Error
			if !errors.As(err, &e) || e.Code != core.CodeTimeout || e.Killed {
				t.Fatalf("ended with %v, want a timeout that the program took notice of", err)
			}
			if r, err := s.Execute(context.Background(), "print('lives')"); err != nil || string(r.Stdout) != "lives\n" {
				t.Errorf("the session is broken: %v", err)
			}
		})
	}
}

func TestOversizedReadsSizeNoBuffer(t *testing.T) {
	port := tcpServer(t, func(conn net.Conn) { _, _ = conn.Write([]byte("hello")) })
	result, err := run(t, core.Config{Network: local(), Limits: core.Limits{MaxMemoryBytes: 64 << 20}}, fmt.Sprintf(`
import socket
s = socket.create_connection(("127.0.0.1", %d))
for n in (2**31 - 100, 2**30):
    try: print(s.recv(n))
    except MemoryError: print("MemoryError")
for n in (2**31, 2**32 - 1, 2**40, -1):
    try: print(s.recv(n))
    except (OverflowError, ValueError) as e: print(type(e).__name__)
print(s.recv(100))
`, port))
	wantStdout(t, result, err, "MemoryError\nMemoryError\nOverflowError\nOverflowError\nOverflowError\nValueError\nb'hello'\n")
}

func TestConnectionsAreBounded(t *testing.T) {
	port := openPort(t)
	network := local()
	network.MaxConnections = 3
	result, err := run(t, core.Config{Network: network}, fmt.Sprintf(`
import socket
kept = []
try:
    for _ in range(100): kept.append(socket.create_connection(("127.0.0.1", %d)))
except OSError as e: print(len(kept), e.strerror)
kept.pop().close()
import time
for _ in range(100):
    try: kept.append(socket.create_connection(("127.0.0.1", %d))); break
    except OSError: time.sleep(0.01)
print(len(kept))
`, port, port))
	wantStdout(t, result, err, "3 the network policy allows 3 connections at once (max_connections), and all are in use; close some first\n3\n")
}

func TestBytesAreBounded(t *testing.T) {
	port := tcpServer(t, func(conn net.Conn) {
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		_, _ = io.Copy(conn, strings.NewReader(strings.Repeat("x", 1<<20)))
	})
	network := local()
	network.MaxBytesUp, network.MaxBytesDown = 100_000, 50_000
	result, err := run(t, core.Config{Network: network}, fmt.Sprintf(`
import socket
s = socket.create_connection(("127.0.0.1", %d)); n = 0
try:
    while d := s.recv(10_000): n += len(d)
except OSError as e: print(n, e.strerror)
n = 0
try:
    while True: n += s.send(bytes(10_000))
except OSError as e: print(n, e.strerror)
try: socket.create_connection(("127.0.0.1", %d)).sendall(b"x")
except OSError as e: print(e.strerror)
`, port, port))
	up := "the network policy's limit of bytes to send is used up (max_bytes_up)\n"
	wantStdout(t, result, err, "50000 the network policy's limit of bytes to receive is used up (max_bytes_down)\n100000 "+up+up)
}

// slowResolver never answers.
func slowResolver(ctx context.Context, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
