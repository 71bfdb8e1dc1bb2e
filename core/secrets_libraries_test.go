package core_test

import (
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/tests/testca"
)

// secretLibraries are programs that send the secret KEY to BASE, with what they use.
var secretLibraries = []struct{ name, wheels, code string }{
	{"urllib", "", `
import urllib.request
for i in range(3): print(urllib.request.urlopen(urllib.request.Request(BASE, headers={"Authorization": KEY}), timeout=20).read())
`},
	{"requests", "requests idna certifi urllib3 charset_normalizer", `
import requests
s = requests.Session()
for i in range(2): print(s.get(BASE, headers={"Authorization": KEY}, timeout=20).content)
print(s.post(BASE, data=iter([b"a" * 100_000, b"b"]), headers={"Authorization": KEY}, timeout=20).content)
`},
	{"httpx async", "httpx httpcore h11 anyio idna certifi typing_extensions", `
import asyncio, httpx, ssl
async with httpx.AsyncClient(verify=ssl.create_default_context(), timeout=20, headers={"Authorization": KEY}) as c:
    for r in await asyncio.gather(*(c.post(BASE, content=b"x" * 100_000) for i in range(3))): print(r.content)
`},
	{"aiohttp", "aiohttp multidict yarl frozenlist propcache aiosignal attrs aiohappyeyeballs idna typing_extensions", `
import aiohttp
async with aiohttp.ClientSession(headers={"Authorization": KEY}) as s:
    for i in range(3):
        async with s.get(BASE) as r: print(await r.read())
`},
}

// Libraries send secrets as they send anything else, over plain connections and TLS, and what comes back is redacted.
func TestSecretsInLibraries(t *testing.T) {
	ca := testca.New(t)
	for _, c := range secretLibraries {
		for _, scheme := range []string{"http", "https"} {
			t.Run(c.name+"/"+scheme, func(t *testing.T) {
				var s seen
				server := httptest.NewServer(&s)
				if scheme == "https" {
					server.Close()
					server = tlsServer(t, ca, s.ServeHTTP)
				}
				defer server.Close()
				config := keyed(trusting(ca))
				config.Secrets[0].AllowedHosts = []string{"localhost"}
				config.RedactResponses, config.Limits.ExecutionTimeout = true, 2*time.Minute
				if c.wheels != "" {
					config.Packages = wheels(t, strings.Fields(c.wheels)...)
				}
				base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
				got := runConfig(t, config, fmt.Sprintf("import os\nBASE, KEY = %q, os.environ['KEY']\n", base)+c.code)
				if want := strings.Repeat("b'you sent [REDACTED]**************'\n", 3); got != want {
					t.Errorf("printed %s", got)
				}
				if n := strings.Count(s.all(), fmt.Sprintf("auth=%q", realValue)); n != 3 {
					t.Errorf("%d of 3 requests had the value", n)
				}
			})
		}
	}
}

// What is not HTTP goes on as before in a sandbox that has secrets and redacts.
func TestSecretsLetOtherProtocolsPass(t *testing.T) {
	got := make(chan string, 1)
	address := smtpServer(t, got)
	config := keyed(listening())
	config.RedactResponses, config.Packages = true, wheels(t, "websockets")
	config.Secrets[0].AllowedHosts = nil // any host
	printed := runConfig(t, config, fmt.Sprintf(`
import asyncio, os, smtplib, socket
with smtplib.SMTP("127.0.0.1", %d, timeout=20) as s:
    print(s.ehlo()[0], s.sendmail("a@b", "c@d", "Subject: " + os.environ["KEY"] + "\r\n\r\ntext"))
from websockets.asyncio.server import serve
from websockets.asyncio.client import connect
async def echo(ws):
    async for m in ws: await ws.send(m)
async with serve(echo, "127.0.0.1", 0) as server:
    async with connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}") as ws:
        for m in ("r", "real", "real-value-of-the-secre", b"x" * 100_000, "GET "):
            await ws.send(m); print(len(await ws.recv()), end=" ")
async def lines(reader, writer):
    while line := await reader.read(100):
        writer.write(line); await writer.drain()
    writer.close()
async with await asyncio.start_server(lines, "127.0.0.1", 0) as server:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    for m in (b"PING", b"r", b"real", b"GET /", b"\x00\x01"):
        writer.write(m); print(await asyncio.wait_for(reader.read(100), 20), end=" ")
    writer.close()
`, address.(*net.TCPAddr).Port))
	want := "250 {}\n1 4 23 100000 4 b'PING' b'r' b'real' b'GET /' b'\\x00\\x01' "
	if printed != want {
		t.Errorf("printed %q\nwant %q", printed, want)
	}
	if mail := <-got; strings.Contains(mail, realValue) || !strings.Contains(mail, "ERYX_SECRET_PLACEHOLDER_") {
		t.Errorf("mail %q", mail)
	}
}
