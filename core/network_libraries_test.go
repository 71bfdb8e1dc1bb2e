package core_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// httpLibraries are programs that fetch from BASE, over plain connections and over TLS alike.
var httpLibraries = []struct{ name, wheels, code, want string }{
	{"urllib", "", `
import urllib.request, urllib.error, hashlib
def get(path, **kw): return urllib.request.urlopen(urllib.request.Request(BASE + path, **kw), timeout=20)
print(get("/json?a=1").read())
body = b"x" * 300_000
print(get("/echo", data=body, headers={"X-Test": "v"}).read().decode() == f"POST 300000 {hashlib.sha256(body).hexdigest()} v")
print(get("/redirect?n=3").read(), get("/chunked").read())
try: get("/status?n=404")
except urllib.error.HTTPError as e: print(e.code)
try: get("/cut").read()
except Exception as e: print(type(e).__name__)
try: urllib.request.urlopen(BASE + "/slow", timeout=0.2).read()
except TimeoutError as e: print("TimeoutError", "timed out" in str(e))
`, `b'{"query": "a=1", "n": [1, 2, 3]}'
True
b'arrived' b'part 0;part 1;part 2;part 3;part 4;'
404
IncompleteRead
TimeoutError True
`},
	{"http.client", "", `
import http.client, ssl, urllib.parse, hashlib
u = urllib.parse.urlsplit(BASE)
make = http.client.HTTPSConnection if u.scheme == "https" else http.client.HTTPConnection
c = make(u.hostname, u.port)
seen = set()
for i in range(5):
    c.request("GET", "/client"); seen.add(c.getresponse().read())
print("connections", len(seen))
def chunks():
    for i in range(100): yield bytes([i]) * 1000
c.request("PUT", "/echo", body=chunks(), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
want = hashlib.sha256(b"".join(chunks())).hexdigest()
print(c.getresponse().read().decode() == f"PUT 100000 {want} ")
c.request("GET", "/bytes?n=5000000"); r = c.getresponse(); n = 0
while d := r.read(65536): n += len(d)
print(n)
buf = bytearray(1000); c.request("GET", "/bytes?n=1000"); print(c.getresponse().readinto(buf), buf[:3])
c.request("HEAD", "/json"); r = c.getresponse(); print(r.status, r.read())
c.close()
`, "connections 1\nTrue\n5000000\n1000 bytearray(b'abc')\n200 b''\n"},
	{"requests", "requests idna certifi urllib3 charset_normalizer", `
import requests, io
s = requests.Session()
if CA: s.verify = CA
print(s.get(BASE + "/json", params={"q": "a b"}).json())
print(len({s.get(BASE + "/client").text for _ in range(4)}))
print(s.post(BASE + "/echo", data=io.BytesIO(b"y" * 70_000), headers={"X-Test": "t"}).text[:10])
r = s.get(BASE + "/redirect?n=2"); print(r.text, [h.status_code for h in r.history])
with s.get(BASE + "/bytes?n=3000000", stream=True) as r: print(sum(len(c) for c in r.iter_content(50_000)))
try: s.get(BASE + "/slow", timeout=0.2).text
except requests.exceptions.RequestException as e: print(type(e).__name__)
try: s.get(BASE + "/cut")
except requests.exceptions.ChunkedEncodingError as e: print(type(e).__name__)
`, "{'query': 'q=a+b', 'n': [1, 2, 3]}\n1\nPOST 70000\narrived [302, 302]\n3000000\nConnectionError\nChunkedEncodingError\n"},
	{"httpx", "httpx httpcore h11 anyio idna certifi typing_extensions", `
import httpx, ssl
ctx = ssl.create_default_context()
with httpx.Client(verify=ctx, timeout=20) as c:
    print(c.get(BASE + "/json", params={"q": 1}).json()["query"])
    print(len({c.get(BASE + "/client").text for _ in range(4)}))
    print(c.post(BASE + "/echo", content=b"z" * 200_000).text[:11])
    print(c.get(BASE + "/redirect?n=2", follow_redirects=True).text)
    try: c.get(BASE + "/slow", timeout=0.2)
    except httpx.ReadTimeout as e: print(type(e).__name__)
    try: c.get(BASE + "/cut")
    except httpx.RemoteProtocolError as e: print(type(e).__name__)
`, "q=1\n1\nPOST 200000\narrived\nReadTimeout\nRemoteProtocolError\n"},
	{"httpx async", "httpx httpcore h11 anyio idna certifi typing_extensions", `
import httpx, ssl, asyncio
ctx = ssl.create_default_context()
async with httpx.AsyncClient(verify=ctx, timeout=20) as c:
    rs = await asyncio.gather(*(c.get(BASE + f"/json?q={i}") for i in range(8)))
    print([r.json()["query"] for r in rs])
    print((await c.post(BASE + "/echo", content=b"z" * 200_000)).text[:11])
    async with c.stream("GET", BASE + "/bytes?n=2000000") as r:
        n = 0
        async for chunk in r.aiter_bytes(): n += len(chunk)
    print(n)
    try: await c.get(BASE + "/slow", timeout=0.2)
    except httpx.ReadTimeout as e: print(type(e).__name__)
`, "['q=0', 'q=1', 'q=2', 'q=3', 'q=4', 'q=5', 'q=6', 'q=7']\nPOST 200000\n2000000\nReadTimeout\n"},
	{"aiohttp", "aiohttp multidict yarl frozenlist propcache aiosignal attrs aiohappyeyeballs idna typing_extensions", `
import aiohttp, asyncio
async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as s:
    async def get(i):
        async with s.get(BASE + f"/json?q={i}") as r: return (await r.json())["query"]
    print(await asyncio.gather(*(get(i) for i in range(8))))
    async with s.post(BASE + "/echo", data=b"w" * 150_000) as r: print((await r.text())[:11])
    async with s.get(BASE + "/redirect?n=2") as r: print(await r.text())
    async with s.get(BASE + "/bytes?n=2000000") as r:
        n = 0
        async for chunk in r.content.iter_chunked(65536): n += len(chunk)
    print(n)
    try:
        async with s.get(BASE + "/slow", timeout=aiohttp.ClientTimeout(total=0.2)) as r: await r.read()
    except asyncio.TimeoutError as e: print("TimeoutError")
    try:
        async with s.get(BASE + "/cut") as r: await r.read()
    except aiohttp.ClientPayloadError as e: print(type(e).__name__)
`, "['q=0', 'q=1', 'q=2', 'q=3', 'q=4', 'q=5', 'q=6', 'q=7']\nPOST 150000\narrived\n2000000\nTimeoutError\nClientPayloadError\n"},
}

func TestHTTPOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: webHandler()}}
	server.Start()
	defer server.Close()
	for _, c := range httpLibraries[:3] {
		t.Run(c.name, func(t *testing.T) {
			config := core.Config{Network: loopback(), Limits: core.Limits{ExecutionTimeout: time.Minute}}
			if c.wheels != "" {
				config.Packages = wheels(t, strings.Fields(c.wheels)...)
			}
			if got := runConfig(t, config, fmt.Sprintf("BASE, CA = %q, ''\n", server.URL)+c.code); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// Uploads and downloads that are much larger than any buffer, at once.
func TestLargeTransfers(t *testing.T) {
	server := httptest.NewServer(webHandler())
	defer server.Close()
	got := runConfig(t, core.Config{Network: loopback(), Limits: core.Limits{ExecutionTimeout: time.Minute}}, fmt.Sprintf(`
import http.client, hashlib, urllib.parse, asyncio
u = urllib.parse.urlsplit(%q); SIZE = 30_000_000
def pieces():
    for i in range(SIZE // 100_000): yield bytes([i %% 256]) * 100_000
want = hashlib.sha256()
for p in pieces(): want.update(p)
c = http.client.HTTPConnection(u.hostname, u.port); c.request("POST", "/echo", body=pieces(), headers={"Content-Length": str(SIZE)})
print(c.getresponse().read().decode() == f"POST {SIZE} {want.hexdigest()} ")
async def download():
    r, w = await asyncio.open_connection(u.hostname, u.port)
    w.write(f"GET /bytes?n={SIZE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()); await r.readuntil(b"\r\n\r\n"); n = 0
    while d := await r.read(200_000): n += len(d)
    return n
async def upload():
    r, w = await asyncio.open_connection(u.hostname, u.port)
    w.write(f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n".encode())
    for p in pieces(): w.write(p); await w.drain()
    return (await r.read()).endswith(f"POST {SIZE} {want.hexdigest()} ".encode())
print(await asyncio.gather(download(), upload(), download()))
`, server.URL))
	if want := "True\n[30000000, True, 30000000]\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestHTTPLibraries(t *testing.T) {
	ca := testca.New(t)
	plain := httptest.NewServer(webHandler())
	secure := tlsServer(t, ca, webHandler().ServeHTTP)
	t.Cleanup(plain.Close)
	for _, c := range httpLibraries {
		for scheme, base := range map[string]string{"http": plain.URL, "https": strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)} {
			t.Run(c.name+"/"+scheme, func(t *testing.T) {
				head := fmt.Sprintf("BASE = %q\nCA = ''\n", base)
				if scheme == "https" {
					head += fmt.Sprintf("CA = '/tmp/ca.pem'\nopen(CA, 'w').write(%q)\n", ca.PEM())
				}
				config := core.Config{Network: trusting(ca), Limits: core.Limits{ExecutionTimeout: 2 * time.Minute}}
				if c.wheels != "" {
					config.Packages = wheels(t, strings.Fields(c.wheels)...)
				}
				got := runConfig(t, config, head+c.code)
				if got != c.want {
					t.Errorf("got\n%swant\n%s", got, c.want)
				}
			})
		}
	}
}

// runConfig runs a program in a session of its own, and returns what it printed.
func runConfig(t testing.TB, config core.Config, code string) string {
	t.Helper()
	s := newSession(t, config)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	r, err := s.Execute(ctx, code)
	if err != nil {
		t.Fatalf("%v\n%s\n%s%s", err, tracebackOf(err), r.Stdout, r.Stderr)
	}
	return string(r.Stdout)
}

func TestSMTP(t *testing.T) {
	got := make(chan string, 1)
	address := smtpServer(t, got)
	printed := runConfig(t, core.Config{Network: loopback()}, fmt.Sprintf(`
import smtplib
from email.message import EmailMessage
m = EmailMessage(); m["From"] = "a@example.org"; m["To"] = "b@example.org"; m["Subject"] = "hi"; m.set_content("line\n.dot\n")
with smtplib.SMTP("127.0.0.1", %d, timeout=20) as s:
    print(s.ehlo()[0], s.send_message(m))
`, address.(*net.TCPAddr).Port))
	if printed != "250 {}\n" {
		t.Errorf("printed %q", printed)
	}
	if mail := <-got; !strings.Contains(mail, "Subject: hi\r\n") || !strings.HasSuffix(mail, "line\r\n..dot\r\n") {
		t.Errorf("mail %q", mail)
	}
}

func TestFTP(t *testing.T) {
	stored := make(chan string, 1)
	address := ftpServer(t, stored)
	printed := runConfig(t, core.Config{Network: loopback()}, fmt.Sprintf(`
import ftplib, io
f = ftplib.FTP(); f.connect("127.0.0.1", %d, timeout=20); f.login("u", "p")
got = io.BytesIO(); f.retrbinary("RETR x", got.write); print(len(got.getvalue()), got.getvalue()[:3])
print(f.nlst()); f.storbinary("STOR y", io.BytesIO(b"upload")); f.quit()
`, address.(*net.TCPAddr).Port))
	if want := "100000 b'abc'\n['one', 'two']\n"; printed != want {
		t.Errorf("printed %q, want %q", printed, want)
	}
	if body := <-stored; body != "upload" {
		t.Errorf("stored %q", body)
	}
}

// listening is loopback, where the program may listen as well.
func listening() *core.NetConfig {
	c := loopback()
	c.Listen = []string{"localhost"}
	c.MaxConnections = 64
	return c
}

func TestWebsockets(t *testing.T) {
	printed := runConfig(t, core.Config{Network: listening(), Packages: wheels(t, "websockets")}, `
import asyncio, websockets
from websockets.asyncio.server import serve
from websockets.asyncio.client import connect
async def echo(ws):
    async for m in ws: await ws.send(m.upper() if isinstance(m, str) else m[::-1])
async with serve(echo, "127.0.0.1", 0) as server:
    port = server.sockets[0].getsockname()[1]
    async with connect(f"ws://127.0.0.1:{port}") as ws:
        for m in ("hello", b"abc", "x" * 200_000):
            await ws.send(m); r = await ws.recv(); print(len(r), r[:5])
        await ws.ping()
    async def client(i):
        async with connect(f"ws://127.0.0.1:{port}") as ws:
            await ws.send(str(i)); return await ws.recv()
    print(await asyncio.gather(*(client(i) for i in range(10))))
`)
	want := "5 HELLO\n3 b'cba'\n200000 XXXXX\n['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']\n"
	if printed != want {
		t.Errorf("printed %q, want %q", printed, want)
	}
}

// Servers of the program's own, which the host talks to.
func TestSocketserver(t *testing.T) {
	events := make(chan core.NetEvent, 100)
	network := listening()
	network.OnEvent = func(e core.NetEvent) { events <- e }
	s := newSession(t, core.Config{Network: network})
	type outcome struct {
		r   *core.Result
		err error
	}
	done := make(chan outcome, 1)
	s.Start(context.Background(), `
import socketserver
class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(line.upper())
with socketserver.TCPServer(("127.0.0.1", 0), Upper) as server:
    server.timeout = 20
    for _ in range(2): server.handle_request()
print("served")
`, func(r *core.Result, err error) { done <- outcome{r, err} })
	address := listensOn(t, events)
	for i := range 2 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "line %d\n", i)
		_ = conn.(*net.TCPConn).CloseWrite()
		got, err := io.ReadAll(conn)
		if want := fmt.Sprintf("LINE %d\n", i); string(got) != want || err != nil {
			t.Errorf("got %q %v, want %q", got, err, want)
		}
		conn.Close()
	}
	if o := <-done; o.err != nil || string(o.r.Stdout) != "served\n" {
		t.Errorf("%v %q", o.err, o.r.Stdout)
	}
}

// listensOn waits until the program listens.
func listensOn(t testing.TB, events <-chan core.NetEvent) string {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-events:
			if e.Kind == "listen" && e.Refused == "" && e.Error == "" {
				return e.Address.String()
			}
		case <-timeout:
			t.Fatal("the program does not listen")
		}
	}
}

func TestHTTPServerInside(t *testing.T) {
	events := make(chan core.NetEvent, 1000)
	network := listening()
	network.OnEvent = func(e core.NetEvent) { events <- e }
	s := newSession(t, core.Config{Network: network})
	done := make(chan error, 1)
	s.Start(context.Background(), `
import http.server
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = self.path.encode(); self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
server = http.server.HTTPServer(("", 0), H)
server.handle_request()
`, func(_ *core.Result, err error) { done <- err })
	address := listensOn(t, events)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for i := range 20 {
		fmt.Fprintf(conn, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
		body := readResponse(t, reader)
		if want := fmt.Sprintf("/%d", i); body != want {
			t.Fatalf("got %q, want %q", body, want)
		}
	}
	conn.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// readResponse reads one response with a Content-Length, and returns its body.
func readResponse(t testing.TB, r *bufio.Reader) string {
	t.Helper()
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
		if _, err := fmt.Sscanf(line, "Content-Length: %d", &length); err == nil {
			continue
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return string(body)
}
