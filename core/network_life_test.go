package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// echoServer sends back what it gets; open counts its connections.
func echoServer(t testing.TB) (port int, open *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open = &atomic.Int64{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Add(-1)
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port, open
}

// open200 is 200 connections of which each sends and receives while all are open. PORT is the server's.
const open200 = `
import asyncio
async def one(i):
    r, w = await asyncio.open_connection("127.0.0.1", PORT)
    total = 0
    for k in range(5):
        w.write(b"%d:%d\n" % (i, k)); await w.drain()
        line = await r.readline()
        assert line == b"%d:%d\n" % (i, k), line
        total += len(line)
        await barrier.wait()  # all are open at once
    w.close(); await w.wait_closed()
    return total
barrier = asyncio.Barrier(200)
print(len(await asyncio.gather(*(one(i) for i in range(200)))))
`

func TestTwoHundredConnectionsAtOnce(t *testing.T) {
	port, open := echoServer(t)
	network := loopback()
	network.MaxConnections = 200
	code := strings.ReplaceAll(open200, "PORT", fmt.Sprint(port))
	got := runConfig(t, core.Config{Network: network}, code)
	if got != "200\n" {
		t.Errorf("printed %q", got)
	}
	eventually(t, "the end of the connections", func() bool { return open.Load() == 0 })
}

// A program that awaits sockets holds no goroutine that drives it: there are only those that read connections.
func TestAwaitingASocketHoldsNoGuestStack(t *testing.T) {
	port, open := echoServer(t)
	done := make(chan string, 10)
	s := newSession(t, core.Config{Network: loopback()})
	s.Start(context.Background(), fmt.Sprintf(`
import asyncio
r, w = await asyncio.open_connection("127.0.0.1", %d)
w.write(b"go\n"); print(await r.readline())
print(await r.readline())
`, port), func(r *core.Result, err error) { done <- fmt.Sprint(string(r.Stdout), err) })
	eventually(t, "the connection", func() bool { return open.Load() == 1 })
	driven := func() bool {
		stacks := make([]byte, 1<<20)
		return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*execution).pump(")
	}
	eventually(t, "a program at rest", func() bool { return !driven() })
	for range 20 {
		time.Sleep(time.Millisecond)
		if driven() {
			t.Fatal("the program is driven though it waits")
		}
	}
	_ = s.Close()
	if got := <-done; !strings.HasPrefix(got, "b'go\\n'\n") {
		t.Errorf("got %q", got)
	}
	eventually(t, "the end of the connection", func() bool { return open.Load() == 0 })
}

func TestSocketsDieWithTheirSandbox(t *testing.T) {
	port, open := echoServer(t)
	connect := fmt.Sprintf("import socket\nkept = [socket.create_connection(('127.0.0.1', %d)) for _ in range(5)]\nkept[0].sendall(b'x'); kept[0].recv(1)\n", port)
	for name, f := range map[string]func(){
		"a sandbox's end": func() { runNet(t, loopback(), connect) },
		"Close": func() {
			s := newSession(t, core.Config{Network: loopback()})
			execute(t, s, connect)
			_ = s.Close()
		},
		"Reset": func() {
			s := newSession(t, core.Config{Network: loopback()})
			execute(t, s, connect)
			if err := s.Reset(); err != nil {
				t.Error(err)
			}
		},
		"a kill": func() {
			s := newSession(t, core.Config{Network: loopback(), Limits: core.Limits{ExecutionTimeout: 100 * time.Millisecond, GracePeriod: time.Millisecond}})
			_, err := s.Execute(context.Background(), connect+"while True:\n    try:\n        while True: pass\n    except BaseException: pass")
			if core.ErrorCode(err) != core.CodeTimeout {
				t.Errorf("ended with %v", err)
			}
			_ = s.Close()
		},
	} {
		f()
		eventually(t, name, func() bool { return open.Load() == 0 })
	}
}

func TestSocketsLiveOnBetweenExecutions(t *testing.T) {
	port, _ := echoServer(t)
	s := newSession(t, core.Config{Network: loopback()})
	execute(t, s, fmt.Sprintf("import socket\ns = socket.create_connection(('127.0.0.1', %d))\ns.sendall(b'one')", port))
	if got := string(execute(t, s, "print(s.recv(3)); s.sendall(b'two'); print(s.recv(3))").Stdout); got != "b'one'\nb'two'\n" {
		t.Errorf("printed %q", got)
	}
}

// What lives on from an image has no sockets: their numbers are closed, and stay in use until the program closes them.
func TestImagesCarryNoSocket(t *testing.T) {
	port, open := echoServer(t)
	const use = `
import errno, os
for f in (lambda: s.recv(1), lambda: s.send(b"x"), lambda: s.getpeername(), lambda: os.fstat(fd)):
    try: f(); print("works")
    except OSError as e: print(errno.errorcode[e.errno])
import select
p = select.poll(); p.register(fd, 1); print(p.poll(0) == [(fd, select.POLLNVAL)])
other = open("/tmp/x", "w"); print(other.fileno() != fd)
s.close(); again = open("/tmp/y", "w"); print(again.fileno() == fd)
`
	const want = "EBADF\nEBADF\nEBADF\nEBADF\nTrue\nTrue\nTrue\n"
	s := newSession(t, core.Config{Network: loopback()})
	execute(t, s, fmt.Sprintf("import socket\ns = socket.create_connection(('127.0.0.1', %d)); s.settimeout(5)\nfd = s.fileno()\ns.sendall(b'x'); s.recv(1)", port))
	fork, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	if got := string(execute(t, fork, use).Stdout); got != want {
		t.Errorf("the fork printed %q", got)
	}
	image, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other, err := testRuntime(t).NewSessionFrom(image, core.Config{Network: loopback()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if got := string(execute(t, other, use).Stdout); got != want {
		t.Errorf("the restored session printed %q", got)
	}
	if n := open.Load(); n != 1 {
		t.Errorf("%d connections are open, want the first session's", n)
	}
	if got := string(execute(t, s, "s.sendall(b'y'); print(s.recv(1))").Stdout); got != "b'y'\n" {
		t.Errorf("the first session printed %q", got)
	}
}

// A task that waited for a socket when an image was taken learns that the socket is gone.
func TestTasksOfAnImageLearnThatTheirSocketIsGone(t *testing.T) {
	port, _ := echoServer(t)
	s := newSession(t, core.Config{Network: loopback(), KeepTasks: true})
	execute(t, s, fmt.Sprintf(`
import asyncio
async def wait():
    r, w = await asyncio.open_connection("127.0.0.1", %d)
    ready.set()
    try: print("read", await r.read(1))
    except OSError as e: print(type(e).__name__)
ready = asyncio.Event()
task = asyncio.create_task(wait())
await ready.wait()
`, port))
	fork, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	// A new connection beside it is none of its business.
	use := fmt.Sprintf("r, w = await asyncio.open_connection('127.0.0.1', %d)\nw.write(b'new')\nprint(await r.read(3))\nawait asyncio.wait_for(task, 20)", port)
	if got := string(execute(t, fork, use).Stdout); got != "OSError\nb'new'\n" && got != "b'new'\nOSError\n" {
		t.Errorf("printed %q", got)
	}
}

func TestPoolsStartWithoutSockets(t *testing.T) {
	port, open := echoServer(t)
	pool, err := testRuntime(t).NewPool(core.PoolConfig{Config: core.Config{Network: loopback()}, MaxSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 3 {
		lease, err := pool.Acquire(context.Background(), core.LeaseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := lease.Execute(context.Background(), fmt.Sprintf("import socket\ns = socket.create_connection(('127.0.0.1', %d)); s.sendall(b'x'); print(s.recv(1), s.fileno())", port))
		if err != nil || string(r.Stdout) != "b'x' 4\n" {
			t.Errorf("%v %q", err, r.Stdout)
		}
		lease.Release()
		eventually(t, "the end of the lease's connection", func() bool { return open.Load() == 0 })
	}
}

// What a program has sent before it ended arrives.
func TestWhatWasSentArrives(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan int, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		time.Sleep(50 * time.Millisecond) // more than the system's buffers hold is still under way
		n, _ := io.Copy(io.Discard, conn)
		got <- int(n)
	}()
	runNet(t, loopback(), fmt.Sprintf("import socket\ns = socket.create_connection(('127.0.0.1', %d)); s.sendall(bytes(4_000_000)); s.close()", l.Addr().(*net.TCPAddr).Port))
	if n := <-got; n != 4_000_000 {
		t.Errorf("%d bytes arrived", n)
	}
}

func TestConnectHookAndEvents(t *testing.T) {
	port, _ := echoServer(t)
	events := make(chan core.NetEvent, 100)
	network := loopback()
	network.OnEvent = func(e core.NetEvent) { events <- e }
	network.OnConnect = func(_ context.Context, a core.NetAttempt) error {
		if a.Host == "localhost" {
			return errors.New("not by that name")
		}
		return nil
	}
	got := runNet(t, network, fmt.Sprintf(`
import socket
s = socket.create_connection(("127.0.0.1", %d)); s.sendall(b"abc"); print(s.recv(3)); s.close()
try: socket.create_connection(("localhost", %d))
except PermissionError as e: print(e.strerror)
try: socket.create_connection(("10.0.0.1", 80))
except PermissionError: print("refused")
`, port, port))
	if want := "b'abc'\nthe host refused the connection to localhost: not by that name\nrefused\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	var lines []string
	for len(lines) < 6 {
		select {
		case e := <-events:
			refused, _, _ := strings.Cut(e.Refused, ";")
			address := strings.Replace(e.Address.String(), fmt.Sprint(port), "PORT", 1)
			lines = append(lines, fmt.Sprintf("%s %s %s %s up=%d down=%d %s", e.Kind, e.Protocol, e.Host, address, e.BytesUp, e.BytesDown, refused))
		case <-time.After(20 * time.Second):
			t.Fatalf("only %q", lines)
		}
	}
	all := strings.Join(lines, "\n")
	for _, want := range []string{
		"connect tcp 127.0.0.1 127.0.0.1:PORT up=0 down=0 ",
		"close tcp 127.0.0.1 127.0.0.1:PORT up=3 down=3 ",
		"resolve  localhost invalid AddrPort up=0 down=0 ",
		"connect tcp localhost 127.0.0.1:PORT up=0 down=0 the host refused the connection to localhost: not by that name",
		"connect tcp localhost [::1]:PORT up=0 down=0 the host refused the connection to localhost: not by that name",
		"connect tcp 10.0.0.1 10.0.0.1:80 up=0 down=0 10.0.0.1:80 leads to a network that the network policy blocks (blocked_networks)",
	} {
		if !strings.Contains(all+"\n", want+"\n") {
			t.Errorf("no event %q in\n%s", want, all)
		}
	}
}

// A session with a connection is not moved to disk: it would come back without it.
func TestStoresKeepConnectedSessions(t *testing.T) {
	port, _ := echoServer(t)
	store, directory := newStore(t, core.StoreConfig{MaxResident: 1})
	connected := newSession(t, core.Config{Network: loopback(), Store: store})
	execute(t, connected, fmt.Sprintf("import socket\ns = socket.create_connection(('127.0.0.1', %d))\ns.settimeout(5)", port))
	for range 3 {
		other := newSession(t, core.Config{Store: store})
		execute(t, other, "x = 1")
	}
	if n := len(storedFiles(t, directory)); n == 0 {
		t.Error("no session was moved")
	}
	if got := string(execute(t, connected, "s.sendall(b'y'); print(s.recv(1))").Stdout); got != "b'y'\n" {
		t.Errorf("printed %q", got)
	}
}
