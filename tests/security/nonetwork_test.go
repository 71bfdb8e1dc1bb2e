package security_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// canary is a server on loopback that no program may reach. It counts who does.
type canary struct {
	port    int
	reached atomic.Int64
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &canary{port: l.Addr().(*net.TCPAddr).Port}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.reached.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		if n := c.reached.Load(); n != 0 {
			t.Errorf("the server was reached %d times", n)
		}
	})
	return c
}

// detours are ways round the policy: each defines attempt(host, port), which connects if it can. What it must raise
// is in the last field, where that is not the refusal of the network.
var detours = []struct{ name, code, raises string }{
	{"socket", "import socket\ndef attempt(h, p): socket.create_connection((h, p))", ""},
	{"_socket", "import _socket\ndef attempt(h, p): _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect((h, p))", ""},
	{"_socket_by_number", "import _socket\ndef attempt(h, p): _socket.socket(1, 6, 6).connect((h, p))", ""},
	{"connect_of_the_type", "import _socket, socket\ndef attempt(h, p):\n    s = socket.socket()\n    _socket.socket.connect(s, (h, p))", ""},
	{"nonblocking", "import socket\ndef attempt(h, p):\n    s = socket.socket(); s.setblocking(False); s.connect((h, p))", ""},
	{"datagram", "import socket\ndef attempt(h, p): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (h, p))", ""},
	{"raw", "import socket\ndef attempt(h, p): socket.socket(socket.AF_INET, 3, 1)", "PermissionError or EPROTONOSUPPORT"},
	{"modules_deleted", "def attempt(h, p):\n    import sys\n    for n in [n for n in sys.modules if 'socket' in n or n == 'select']: del sys.modules[n]\n    import socket\n    socket.create_connection((h, p))", ""},
	{"reloaded", "def attempt(h, p):\n    import importlib, socket\n    importlib.reload(socket).create_connection((h, p))", ""},
	{"spec_of_the_library", "def attempt(h, p):\n    import importlib.util, sys\n    s = importlib.util.spec_from_file_location('mine', '/usr/lib/python3.14/socket.py')\n    m = importlib.util.module_from_spec(s); sys.modules['mine'] = m; s.loader.exec_module(m)\n    m.socket().connect((h, p))", ""},
	{"builtins_tampered", "def attempt(h, p):\n    import builtins\n    builtins.PermissionError = builtins.OSError = KeyError\n    import socket\n    socket.socket().connect((h, p))", ""},
	{"exec_with_fresh_globals", "def attempt(h, p): exec(f'import socket; socket.socket().connect(({h!r}, {p}))', {'__builtins__': __builtins__})", ""},
	{"__import__", "def attempt(h, p): __import__('socket').socket().connect((h, p))", ""},
	{"modules_scanned", "def attempt(h, p):\n    import sys\n    last = None\n    for m in list(sys.modules.values()):\n        for v in list(vars(m).values()) if hasattr(m, '__dict__') else []:\n            if isinstance(v, type) and hasattr(v, 'connect') and hasattr(v, 'recv'):\n                try: v().connect((h, p)); return\n                except OSError as e: last = e\n                except Exception: pass\n    raise last", ""},
	{"code_rewritten", "def attempt(h, p):\n    def f(): import os; return os\n    import types, socket\n    c = f.__code__.replace(co_names=tuple('socket' if n == 'os' else n for n in f.__code__.co_names))\n    types.FunctionType(c, {'__builtins__': __builtins__})().socket().connect((h, p))", ""},
	{"asyncio_loop", "def attempt(h, p):\n    import asyncio\n    asyncio.run(asyncio.open_connection(h, p))", ""},
	{"asyncio_sock_connect", "def attempt(h, p):\n    import asyncio, socket\n    async def f():\n        s = socket.socket(); s.setblocking(False)\n        await asyncio.get_running_loop().sock_connect(s, (h, p))\n    asyncio.run(f())", ""},
	{"asyncio_transport", "def attempt(h, p):\n    import asyncio, socket\n    async def f(): await asyncio.get_running_loop().create_connection(asyncio.Protocol, h, p)\n    asyncio.run(f())", ""},
	{"urllib", "def attempt(h, p):\n    import urllib.request, urllib.error\n    try: urllib.request.urlopen(f'http://{h}:{p}/')\n    except urllib.error.URLError as e: raise e.reason", ""},
	{"http_client", "def attempt(h, p):\n    import http.client\n    http.client.HTTPConnection(h, p).request('GET', '/')", ""},
	{"ftplib", "def attempt(h, p):\n    import ftplib\n    ftplib.FTP().connect(h, p)", ""},
	{"smtplib", "def attempt(h, p):\n    import smtplib\n    smtplib.SMTP(h, p)", ""},
	{"logging_handler", "def attempt(h, p):\n    import logging.handlers\n    logging.handlers.SocketHandler(h, p).makeSocket()", ""},
	{"host_function", "def attempt(h, p):\n    import _eryx\n    a, b = _eryx.net_pair()\n    import socket\n    socket.socket(fileno=a).connect((h, p))", "OSError"},
	{"a_descriptor_made_up", "def attempt(h, p):\n    import socket\n    for fd in range(3, 300):\n        try: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 6, fd).connect((h, p)); return\n        except OSError as e: last = e\n    raise last", "OSError"},
	{"dev_tcp", "def attempt(h, p): open(f'/dev/tcp/{h}/{p}', 'r+b')", "FileNotFoundError"},
	{"dev_udp", "def attempt(h, p): open(f'/dev/udp/{h}/{p}', 'r+b')", "FileNotFoundError"},
	{"ctypes", "def attempt(h, p):\n    import ctypes\n    ctypes.CDLL(None).socket(2, 1, 0)", "OSError"},
	{"subprocess", "def attempt(h, p):\n    import subprocess\n    subprocess.run(['curl', f'http://{h}:{p}'])", "OSError"},
	{"os_system", "def attempt(h, p):\n    import os\n    os.system(f'curl http://{h}:{p}')", "OSError"},
	{"wasi_module", "def attempt(h, p):\n    import importlib\n    importlib.import_module('wasi:sockets')", "ModuleNotFoundError"},
	{"os_functions", "def attempt(h, p):\n    import os\n    [getattr(os, n) for n in ('socket', 'socketpair', 'pipe', 'eventfd', 'fork')]", "AttributeError"},
	{"multiprocessing", "def attempt(h, p):\n    import multiprocessing.connection as c\n    c.Client((h, p))", "any refusal"},
	{"extensions", "def attempt(h, p):\n    import importlib.machinery as m\n    m.ExtensionFileLoader('_socket', '/usr/lib/python3.14/lib-dynload/_socket.so').create_module(m.ModuleSpec('_socket', None, origin='/usr/lib/python3.14/lib-dynload/_socket.so'))", "ImportError"},
	{"proc_net", "def attempt(h, p):\n    import _io, io\n    for n in ('/proc/net/tcp', '/etc/passwd'):\n        for o in (_io.open, io.open):\n            try: o(n); return\n            except FileNotFoundError as e: last = e\n    raise last", "FileNotFoundError"},
}

// attemptOn calls attempt and prints what it raised, in one line.
const attemptOn = `
import builtins
kinds = {k: getattr(builtins, k) for k in ("PermissionError", "OSError", "FileNotFoundError", "AttributeError", "ImportError", "ModuleNotFoundError")}
try:
    attempt(%q, %d)
except BaseException as e:
    print(type(e).__name__, "|", " ".join(k for k, v in kinds.items() if isinstance(e, v)), "|", e)
else:
    print("CONNECTED")
`

const noNetworkText = "network access is not permitted in this sandbox; whoever made the sandbox can grant it with the option network"

func TestWithoutANetworkThereIsNoWayOut(t *testing.T) {
	for _, a := range detours {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			c := newCanary(t)
			result, err := run(t, core.Config{}, a.code+fmt.Sprintf(attemptOn, "127.0.0.1", c.port))
			if err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, string(result.Stdout), a.raises, noNetworkText)
		})
	}
}

func TestUnderAPolicyThereIsNoWayRoundIt(t *testing.T) {
	for _, a := range detours {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			c := newCanary(t)
			network := &core.NetConfig{UDP: true}
			result, err := run(t, core.Config{Network: network}, a.code+fmt.Sprintf(attemptOn, "127.0.0.1", c.port))
			if err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, string(result.Stdout), a.raises, "127.0.0.1:"+fmt.Sprint(c.port)+" leads to a network that the network policy blocks (blocked_networks)")
		})
	}
}

// wantRefusal asserts what attemptOn printed: a PermissionError with the text, or the exception that is asked for.
func wantRefusal(t *testing.T, printed, raises, text string) {
	t.Helper()
	switch {
	case strings.HasPrefix(printed, "CONNECTED"):
		t.Fatal("connected")
	case raises == "":
		if !strings.Contains(printed, "PermissionError") || !strings.Contains(printed, text) {
			t.Errorf("printed %q, want a PermissionError with %q", printed, text)
		}
	case raises == "PermissionError or EPROTONOSUPPORT":
		if !strings.Contains(printed, "PermissionError") && !strings.Contains(printed, "[Errno 66]") {
			t.Errorf("printed %q, want %s", printed, raises)
		}
	case raises == "any refusal":
		if !strings.Contains(printed, "PermissionError") && !strings.Contains(printed, "ImportError") {
			t.Errorf("printed %q, want a PermissionError or an ImportError", printed)
		}
	case !strings.Contains(printed, raises):
		t.Errorf("printed %q, want %s", printed, raises)
	}
}

func TestTheSocketModuleIsCPythonsOwn(t *testing.T) {
	result, err := run(t, core.Config{}, lines(
		"import socket, _socket, select",
		"print(socket.__file__, _socket.socket.__module__, socket.socket.__mro__[1] is _socket.socket, type(_socket.socket.connect).__name__)",
		"a, b = socket.socketpair(); a.sendall(b'inside'); print(b.recv(10))",
	))
	wantStdout(t, result, err, "/usr/lib/python3.14/socket.py _socket True method_descriptor\nb'inside'\n")
}

func TestWithoutANetworkNamesAreNotResolved(t *testing.T) {
	result, err := run(t, core.Config{}, lines(
		"import socket",
		"for f in (lambda: socket.getaddrinfo('example.com', 80), lambda: socket.gethostbyname('localhost')):",
		"    try: f(); print('resolved')",
		"    except PermissionError as e: print(e.strerror)",
		"print(socket.getaddrinfo('10.1.2.3', 80, type=socket.SOCK_STREAM)[0][4])",
	))
	wantStdout(t, result, err, noNetworkText+"\n"+noNetworkText+"\n('10.1.2.3', 80)\n")
}
