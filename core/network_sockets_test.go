package core_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// conn has both ends of a connection inside the program, and the names of what f raises; EPIPE and ESHUTDOWN are one
// number in this build.
const conn = `
import socket, select, selectors, errno, os, asyncio
def conn(host="127.0.0.1", family=socket.AF_INET):
    s = socket.create_server((host, 0), family=family); c = socket.create_connection(s.getsockname()[:2], timeout=20)
    d, address = s.accept(); s.close()
    assert address == c.getsockname(), (address, c.getsockname())
    c.settimeout(None)
    return c, d
def error(f):
    try: return f()
    except OSError as e: return type(e).__name__, errno.errorcode.get(e.errno)
`

// socketPrograms are what a program may expect of sockets, with what they print.
var socketPrograms = []struct{ name, code, want string }{
	{"names", `
c, d = conn(); print(c.getpeername() == d.getsockname(), c.family.name, c.type.name, d.getpeername()[0])
c, d = conn("::1", socket.AF_INET6); print(c.getpeername()[:1], d.getsockname()[2:], c.family.name)
print(error(socket.socket().getpeername), socket.socket().getsockname())
`, "True AF_INET SOCK_STREAM 127.0.0.1\n('::1',) (0, 0) AF_INET6\n('OSError', 'ENOTCONN') ('0.0.0.0', 0)\n"},
	{"blocking", `
c, d = conn(); c.sendall(b"hello"); print(d.recv(3, socket.MSG_PEEK), d.recv(5))
d.setblocking(False); print(error(lambda: d.recv(1)), d.getblocking(), os.get_blocking(d.fileno()))
d.settimeout(0.01); print(error(lambda: d.recv(1)))
d.settimeout(None); print(d.getblocking(), os.get_blocking(d.fileno()))
os.set_blocking(d.fileno(), False); print(error(lambda: os.read(d.fileno(), 1)))
s = socket.create_server(("127.0.0.1", 0)); s.settimeout(0.01); print(error(s.accept))
s.setblocking(False); print(error(s.accept))
n = socket.socket(); n.setblocking(False); print(n.connect_ex(s.getsockname()) in (0, errno.EINPROGRESS))
print(select.select([], [n], [], 20)[1] == [n], n.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
`, "b'hel' b'hello'\n('BlockingIOError', 'EAGAIN') False False\n('TimeoutError', None)\nTrue True\n('BlockingIOError', 'EAGAIN')\n('TimeoutError', None)\n('BlockingIOError', 'EAGAIN')\nTrue\nTrue 0\n"},
	{"refused", `
s = socket.create_server(("127.0.0.1", 0)); gone = s.getsockname(); s.close()
print(error(lambda: socket.create_connection(gone)), socket.socket().connect_ex(gone) == errno.ECONNREFUSED)
n = socket.socket(); n.setblocking(False); n.connect_ex(gone); select.select([], [n], [], 20)
print(n.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED, n.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
print(error(lambda: asyncio.run(asyncio.open_connection(*gone))))
`, "('ConnectionRefusedError', 'ECONNREFUSED') True\nTrue 0\n('ConnectionRefusedError', 'ECONNREFUSED')\n"},
	{"ends", `
c, d = conn(); c.sendall(b"last"); c.shutdown(socket.SHUT_WR); print(d.recv(10), d.recv(10)); d.sendall(b"back"); print(c.recv(10))
print(error(lambda: c.send(b"x"))); d.close(); print(c.recv(1)); c.close(); print(error(lambda: c.recv(1)), c.fileno())
c, d = conn(); d.close()
def flood():
    while True: c.send(bytes(1000))
print(error(flood)[0] in ("BrokenPipeError", "ConnectionResetError"))
`, "b'last' b''\nb'back'\n('BrokenPipeError', 'ESHUTDOWN')\nb''\n('OSError', 'EBADF') -1\nTrue\n"},
	{"files", `
c, d = conn(); f, g = c.makefile("rwb"), d.makefile("r", newline="\n")
f.write(b"one\ntwo\n"); f.flush(); print(g.readline(), g.readline())
c2, d2 = conn(); open("/tmp/f", "wb").write(b"k" * 100_000); print(c2.sendfile(open("/tmp/f", "rb"))); c2.close(); print(len(d2.makefile("rb").read()))
os.write(c.fileno(), b"via os\n"); print(os.read(d.fileno(), 100)); e = d.dup(); d.close(); print(error(lambda: os.lseek(c.fileno(), 0, 0)))
c.sendall(b"dup"); print(e.recv(3), socket.fromfd(e.fileno(), e.family, e.type).getsockname() == e.getsockname(), os.fstat(e.fileno()).st_mode >> 12)
with socket.socket() as s: fd = s.fileno()
print(error(lambda: os.fstat(fd)))
`, "one\n two\n\n100000\n100000\nb'via os\\n'\n('OSError', 'ESPIPE')\nb'dup' True 12\n('OSError', 'EBADF')\n"},
	{"waiting", `
c, d = conn(); print(select.select([d], [c], [], 0)[:2] == ([], [c]))
c.send(b"x"); print(select.select([d], [], [], 20)[0] == [d])
p = select.poll(); p.register(d, select.POLLIN | select.POLLOUT); p.register(99, select.POLLIN); print(sorted(p.poll(20)) == [(d.fileno(), 3), (99, select.POLLNVAL)])
with selectors.DefaultSelector() as s: s.register(d, 1, "d"); s.register(c, 3, "c"); print(sorted((k.data, m) for k, m in s.select(20)))
f = open("/tmp/q", "w+"); print(select.select([f], [f], [], 0) == ([f], [f], []), select.select([], [], [], 0.001))
`, "True\nTrue\nTrue\n[('c', 2), ('d', 1)]\nTrue ([], [], [])\n"},
	{"pairs", `
a, b = socket.socketpair(); a.sendall(b"p"); print(b.recv(10)); b.close(); print(a.recv(1), error(lambda: a.send(b"x")))
a, b = socket.socketpair(); a.setblocking(False); n = 0
try:
    while True: n += a.send(bytes(65536))
except BlockingIOError: print(n > 65536)
print(select.select([b], [a], [], 0)[0] == [b], len(b.recv(n, socket.MSG_WAITALL)) == n, select.select([], [a], [], 0)[1] == [a])
`, "b'p'\nb'' ('BrokenPipeError', 'ESHUTDOWN')\nTrue\nTrue True True\n"},
	{"datagrams", `
s, c = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)); s.bind(("127.0.0.1", 0))
c.sendto(b"question", s.getsockname()); q, who = s.recvfrom(100); s.sendto(b"answer", who); print(q, c.recvfrom(100) == (b"answer", s.getsockname()))
c.connect(s.getsockname()); c.send(b"connected"); print(s.recv(4), c.getpeername() == s.getsockname())
c.send(b""); print(s.recvfrom(10)[0]); print(error(lambda: c.send(bytes(70_000)))); c.settimeout(0.01); print(error(lambda: c.recv(1)))
six = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]; six[0].bind(("::1", 0)); six[1].sendto(b"6", six[0].getsockname()); print(six[0].recv(5))
`, "b'question' True\nb'conn' True\nb''\n('OSError', 'EMSGSIZE')\n('TimeoutError', None)\nb'6'\n"},
	{"bound", `
s = socket.socket(); s.bind(("", 0)); port = s.getsockname()[1]; print(port > 0); s.listen(); print(s.getsockname()[1] == port)
c = socket.socket(); c.bind(("127.0.0.1", 0)); mine = c.getsockname(); c.connect(("127.0.0.1", port)); print(c.getsockname() == mine, s.accept()[1] == mine)
print(error(lambda: s.connect(("127.0.0.1", port))), error(lambda: c.listen()), error(lambda: socket.socket().bind(("127.0.0.1", port))))
print(socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.1", 0)).getpeername()[1] == port)
`, "True\nTrue\nTrue True\n('OSError', 'EINVAL') ('OSError', 'EINVAL') ('OSError', 'EADDRINUSE')\nTrue\n"},
	{"options", `
c, d = conn(); c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
print(c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), c.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), c.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM)
print(error(lambda: c.setsockopt(99, 99, 1)), error(lambda: c.getsockopt(99, 99)), error(lambda: socket.socket(socket.AF_INET, 3)))
`, "1 1 True\n('OSError', 'ENOPROTOOPT') ('OSError', 'ENOPROTOOPT') ('OSError', 'EPROTONOSUPPORT')\n"},
	{"names of hosts", `
g = lambda *a, **k: [(i[0].name, i[1].name, i[4]) for i in socket.getaddrinfo(*a, **k)]
print(g("localhost", 80, type=socket.SOCK_STREAM)); print(g("127.1", "http", type=socket.SOCK_STREAM)); print(g("::1", 5, socket.AF_INET6, socket.SOCK_DGRAM))
print(g(None, 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE), socket.getaddrinfo("localhost", 1, flags=socket.AI_CANONNAME)[0][3])
for f in (lambda: g("nowhere.example", 80), lambda: g("localhost", 80, flags=socket.AI_NUMERICHOST), lambda: g("localhost", "no-such-service"), lambda: g("localhost", 80, 99), lambda: g("a b", 80)):
    try: print(f())
    except socket.gaierror as e: print(e)
print(socket.gethostbyname("localhost"), socket.gethostbyname_ex("127.0.0.1"), socket.gethostbyaddr("127.0.0.1")[0], socket.getservbyname("https"), socket.getservbyport(22), socket.getprotobyname("udp"))
print(socket.getnameinfo(("127.0.0.1", 443), 0), socket.getnameinfo(("::1", 5, 0, 0), socket.NI_NUMERICSERV), socket.getfqdn("127.0.0.1"), socket.gethostname())
`, `[('AF_INET', 'SOCK_STREAM', ('127.0.0.1', 80)), ('AF_INET6', 'SOCK_STREAM', ('::1', 80, 0, 0))]
[('AF_INET', 'SOCK_STREAM', ('127.0.0.1', 80))]
[('AF_INET6', 'SOCK_DGRAM', ('::1', 5, 0, 0))]
[('AF_INET', 'SOCK_STREAM', ('0.0.0.0', 80))] localhost
[Errno -2] Name or service not known
[Errno -2] Name or service not known
[Errno -8] Servname not supported for ai_socktype
[Errno -6] ai_family not supported
[Errno -2] Name or service not known
127.0.0.1 ('127.0.0.1', [], ['127.0.0.1']) localhost 443 ssh 17
('127.0.0.1', 'https') ('::1', '5') localhost sandbox
`},
	{"loop", `
async def main():
    loop = asyncio.get_running_loop(); s = socket.create_server(("127.0.0.1", 0)); s.setblocking(False); c = socket.socket(); c.setblocking(False)
    async def serve():
        d, _ = await loop.sock_accept(s); data = await loop.sock_recv(d, 100); await loop.sock_sendall(d, data * 50_000); d.close()
    task = asyncio.create_task(serve()); await loop.sock_connect(c, s.getsockname()); await loop.sock_sendall(c, b"abcd"); n = 0
    while x := await loop.sock_recv(c, 65536): n += len(x)
    await task
    got = loop.create_future()
    class Server(asyncio.DatagramProtocol):
        def connection_made(self, t): self.t = t
        def datagram_received(self, d, a): self.t.sendto(b"re:" + d, a)
    class Client(asyncio.DatagramProtocol):
        def connection_made(self, t): t.sendto(b"hi")
        def datagram_received(self, d, a): got.set_result(d)
    t, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0)); u, _ = await loop.create_datagram_endpoint(Client, remote_addr=t.get_extra_info("sockname"))
    answer = await got; t.close(); u.close()
    async def handle(r, w): w.write(await r.read(3)); w.close()
    async with await asyncio.start_server(handle, "localhost", 0) as server:
        echoed = []
        for each in server.sockets:
            r, w = await asyncio.open_connection(*each.getsockname()[:2]); w.write(b"abc"); echoed.append(await r.read()); w.close()
    a, b = socket.socketpair(); r, w = await asyncio.open_connection(sock=a)
    try: await asyncio.wait_for(r.read(1), 0.01)
    except TimeoutError: late = "TimeoutError"
    b.sendall(b"at last"); return n, answer, echoed, late, await r.readexactly(7), [i[4] for i in await loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)]
print(await main()); print(asyncio.run(main()))
`, "(200000, b're:hi', [b'abc', b'abc'], 'TimeoutError', b'at last', [('127.0.0.1', 80), ('::1', 80, 0, 0)])\n" +
		"(200000, b're:hi', [b'abc', b'abc'], 'TimeoutError', b'at last', [('127.0.0.1', 80), ('::1', 80, 0, 0)])\n"},
}

func TestSockets(t *testing.T) {
	for _, c := range socketPrograms {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			network := listening()
			network.UDP = true
			network.Resolver = func(context.Context, string) ([]netip.Addr, error) { return nil, nil }
			if got := runConfig(t, core.Config{Network: network, Limits: core.Limits{ExecutionTimeout: time.Minute}}, conn+c.code); got != c.want {
				t.Errorf("printed\n%swant\n%s", got, c.want)
			}
		})
	}
}

// An address that does not answer holds up neither create_connection nor asyncio: the next is tried beside it.
func TestHappyEyeballs(t *testing.T) {
	port, _ := echoServer(t)
	network := loopback()
	network.ConnectTimeout = time.Hour
	network.Resolver = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	network.OnConnect = func(ctx context.Context, a core.NetAttempt) error {
		if a.Address.Addr().String() == "127.0.0.3" {
			<-ctx.Done()
		}
		return ctx.Err()
	}
	got := runConfig(t, core.Config{Network: network}, fmt.Sprintf(`
import socket, asyncio
print(socket.create_connection(("two.example", %d)).getpeername()[0], socket.create_connection(("two.example", %d), timeout=20).gettimeout())
r, w = await asyncio.open_connection("two.example", %d)
print(w.get_extra_info("peername")[0])
`, port, port, port))
	if want := "127.0.0.1 20.0\n127.0.0.1\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// While the host resolves for one task, the loop goes on with the others.
func TestResolvingHoldsUpNoOtherTask(t *testing.T) {
	port, _ := echoServer(t)
	resolve := make(chan struct{})
	network := loopback()
	network.Resolver = func(ctx context.Context, _ string) ([]netip.Addr, error) {
		select {
		case <-resolve:
		case <-ctx.Done():
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, ctx.Err()
	}
	release := core.Callback{Name: "release", Func: func(context.Context, map[string]any) (any, error) {
		close(resolve)
		return nil, nil
	}}
	got := runConfig(t, core.Config{Network: network, Callbacks: []core.Callback{release}}, fmt.Sprintf(`
import asyncio
async def other():
    await asyncio.sleep(0.01); print("others go on"); await release()
task = asyncio.create_task(other())
r, w = await asyncio.open_connection("slow.example", %d)
print("connected"); await task
`, port))
	if want := "others go on\nconnected\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
