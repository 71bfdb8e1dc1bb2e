package core_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// The protocols beside HTTP, over TLS.

// secureLines is lineServer with TLS from the start.
func secureLines(t testing.TB, ca *testca.CA, serve func(r *bufio.Reader, w io.Writer, conn net.Conn)) int {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}}
	address := lineServer(t, "tcp", "127.0.0.1:0", func(_ *bufio.Reader, _ io.Writer, conn net.Conn) {
		secured := tls.Server(conn, config)
		defer secured.Close()
		serve(bufio.NewReader(secured), secured, secured)
	})
	return address.(*net.TCPAddr).Port
}

// mailLines is an SMTP server that offers STARTTLS, if config is there, and hands what it takes to got.
func mailLines(config *tls.Config, got chan<- string) func(r *bufio.Reader, w io.Writer, conn net.Conn) {
	return func(r *bufio.Reader, w io.Writer, conn net.Conn) {
		secure := config == nil
		fmt.Fprint(w, "220 test\r\n")
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch verb, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.ToUpper(verb) {
			case "EHLO":
				fmt.Fprint(w, "250-test\r\n250 STARTTLS\r\n")
			case "STARTTLS":
				fmt.Fprint(w, "220 go\r\n")
				secured := tls.Server(conn, config)
				r, w, conn, secure = bufio.NewReader(secured), secured, secured, true
			case "DATA":
				fmt.Fprint(w, "354 go\r\n")
				mail := ""
				for line != ".\r\n" {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
					mail += line
				}
				got <- fmt.Sprint(secure, " ", strings.Contains(mail, "Subject: hi\r\n"))
				fmt.Fprint(w, "250 taken\r\n")
			case "QUIT":
				fmt.Fprint(w, "221 bye\r\n")
				return
			default:
				fmt.Fprint(w, "250 fine\r\n")
			}
		}
	}
}

func TestSMTPOverTLS(t *testing.T) {
	ca := testca.New(t)
	got := make(chan string, 2)
	config := &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}}
	upgraded := lineServer(t, "tcp", "127.0.0.1:0", mailLines(config, got)).(*net.TCPAddr).Port
	whole := secureLines(t, ca, mailLines(nil, got))
	printed := runConfig(t, core.Config{Network: trusting(ca)}, fmt.Sprintf(`
import smtplib, ssl
mail = "Subject: hi\r\n\r\ntext"
with smtplib.SMTP("localhost", %d, timeout=20) as s:
    print(s.starttls()[0], s.sock.version(), s.sendmail("a@b", "c@d", mail))
with smtplib.SMTP_SSL("localhost", %d, timeout=20, context=ssl.create_default_context()) as s:
    print(s.sendmail("a@b", "c@d", mail))
`, upgraded, whole))
	if printed != "220 TLSv1.3 {}\n{}\n" {
		t.Errorf("printed %q", printed)
	}
	for range 2 {
		if mail := <-got; mail != "true true" {
			t.Errorf("mail %q", mail)
		}
	}
}

func TestFTPOverTLS(t *testing.T) {
	ca := testca.New(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}}
	stored := make(chan string, 1)
	address := lineServer(t, "tcp", "127.0.0.1:0", func(r *bufio.Reader, w io.Writer, conn net.Conn) { ftpsLines(config, stored, r, w, conn) })
	printed := runConfig(t, core.Config{Network: trusting(ca)}, fmt.Sprintf(`
import ftplib, io
f = ftplib.FTP_TLS(); f.connect("localhost", %d, timeout=20); f.login("u", "p"); f.prot_p()
got = io.BytesIO(); f.retrbinary("RETR x", got.write); print(len(got.getvalue()), got.getvalue()[:3])
f.storbinary("STOR y", io.BytesIO(b"upload" * 50000)); f.quit()
`, address.(*net.TCPAddr).Port))
	if printed != "100000 b'abc'\n" {
		t.Errorf("printed %q", printed)
	}
	if body := <-stored; body != strings.Repeat("upload", 50000) {
		t.Errorf("stored %d bytes", len(body))
	}
}

// ftpsLines is an FTP server whose control and data connections become TLS.
func ftpsLines(config *tls.Config, stored chan<- string, r *bufio.Reader, w io.Writer, conn net.Conn) {
	fmt.Fprint(w, "220 test\r\n")
	var data net.Listener
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "AUTH":
			fmt.Fprint(w, "234 go\r\n")
			secured := tls.Server(conn, config)
			r, w, conn = bufio.NewReader(secured), secured, secured
		case "USER":
			fmt.Fprint(w, "331 password\r\n")
		case "EPSV":
			if data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return
			}
			fmt.Fprintf(w, "229 entering (|||%d|)\r\n", data.Addr().(*net.TCPAddr).Port)
		case "PASV":
			if data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return
			}
			port := data.Addr().(*net.TCPAddr).Port
			fmt.Fprintf(w, "227 entering (127,0,0,1,%d,%d)\r\n", port/256, port%256)
		case "RETR", "STOR":
			fmt.Fprint(w, "150 here\r\n")
			plain, err := data.Accept()
			if err != nil {
				return
			}
			secured := tls.Server(plain, config)
			if verb == "RETR" {
				_, _ = io.CopyN(secured, pattern{}, 100_000)
			} else {
				body, _ := io.ReadAll(secured)
				stored <- string(body)
			}
			_ = secured.CloseWrite()
			secured.Close()
			data.Close()
			fmt.Fprint(w, "226 done\r\n")
		case "QUIT":
			fmt.Fprint(w, "221 bye\r\n")
			return
		default:
			fmt.Fprint(w, "200 fine\r\n")
		}
	}
}

// withCertificate begins a program that has a certificate for localhost in /tmp/pair.pem, and that of its authority.
func withCertificate(ca *testca.CA) string {
	pair := ca.Localhost()
	return fmt.Sprintf("open('/tmp/pair.pem', 'w').write(%q)\nopen('/tmp/ca.pem', 'w').write(%q)\n", string(pair.Certificate)+string(pair.Key), ca.PEM())
}

// asyncio's own TLS: streams, start_tls on both sides, many connections at once, and servers inside.
func TestAsyncioTLS(t *testing.T) {
	ca := testca.New(t)
	network := trusting(ca)
	network.Listen, network.MaxConnections = []string{"localhost"}, 600
	config := core.Config{Network: network, Limits: core.Limits{MaxOpenFiles: 1000, MaxMemoryBytes: 256 << 20, ExecutionTimeout: time.Minute}}
	printed := runConfig(t, config, withCertificate(ca)+`
import asyncio, socket, ssl
server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
server_context.load_cert_chain("/tmp/pair.pem")
server_context.set_alpn_protocols(["echo", "other"])
client_context = ssl.create_default_context()
client_context.set_alpn_protocols(["echo"])

async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()

async def upgrade(reader, writer):
    print(await reader.readline())
    writer.write(b"go\n")
    await writer.start_tls(server_context)
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()

async with await asyncio.start_server(echo, "localhost", 0, family=socket.AF_INET, ssl=server_context) as server:
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port, ssl=client_context)
    s = writer.get_extra_info("ssl_object")
    print(s.version(), s.selected_alpn_protocol(), writer.get_extra_info("peercert")["subject"], writer.get_extra_info("cipher")[0])
    body = bytes(range(256)) * 4000
    async def send():
        writer.write(body); await writer.drain()
    sending = asyncio.create_task(send())
    print(await reader.readexactly(len(body)) == body)
    await sending
    writer.close(); await writer.wait_closed()
    async def one(i):
        reader, writer = await asyncio.open_connection("localhost", port, ssl=client_context)
        writer.write(b"%d\n" % i)
        line = await reader.readline()
        await asyncio.sleep(0.2)
        writer.close()
        return int(line)
    print(sum(await asyncio.gather(*(one(i) for i in range(100)))))
    try: await asyncio.open_connection("127.0.0.1", port, ssl=client_context, server_hostname="wrong.test")
    except ssl.SSLCertVerificationError as e: print(e.verify_code, e.reason, e)

async with await asyncio.start_server(upgrade, "localhost", 0, family=socket.AF_INET) as server:
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(b"upgrade\n"); print(await reader.readline())
    await writer.start_tls(client_context, server_hostname="localhost")
    writer.write(b"secret\n"); print(await reader.readline())
    writer.close()
`)
	want := `TLSv1.3 echo ((('commonName', 'localhost'),),) TLS_AES_128_GCM_SHA256
True
4950
62 CERTIFICATE_VERIFY_FAILED [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'wrong.test'.
b'upgrade\n'
b'go\n'
b'secret\n'
`
	if printed != want {
		t.Errorf("printed %s\nwant %s", printed, want)
	}
}

func TestWebsocketsOverTLS(t *testing.T) {
	ca := testca.New(t)
	network := trusting(ca)
	network.Listen = []string{"localhost"}
	printed := runConfig(t, core.Config{Network: network, Packages: wheels(t, "websockets")}, withCertificate(ca)+`
import asyncio, socket, ssl
from websockets.asyncio.server import serve
from websockets.asyncio.client import connect
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("/tmp/pair.pem")
async def echo(ws):
    async for m in ws: await ws.send(m)
async with serve(echo, "127.0.0.1", 0, ssl=context) as server:
    port = server.sockets[0].getsockname()[1]
    async with connect(f"wss://localhost:{port}") as ws:
        for m in ("hello", b"abc" * 100_000):
            await ws.send(m); r = await ws.recv(); print(len(r), r[:3])
`)
	if want := "5 hel\n300000 b'abc'\n"; printed != want {
		t.Errorf("printed %q", printed)
	}
}

// SSLSocket: blocking and non-blocking, timeouts, a server inside, client certificates, makefile, unwrap.
func TestSSLSocket(t *testing.T) {
	ca := testca.New(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.Localhost().TLS(t)}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"lines"}}
	address := lineServer(t, "tcp", "127.0.0.1:0", func(_ *bufio.Reader, _ io.Writer, conn net.Conn) {
		secured := tls.Server(conn, config)
		defer secured.Close()
		r := bufio.NewReader(secured)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch line {
			case "who\n":
				fmt.Fprintf(secured, "%d\n", len(secured.ConnectionState().PeerCertificates))
			case "silence\n":
			case "abort\n":
				conn.Close()
				return
			default:
				fmt.Fprint(secured, strings.ToUpper(line))
			}
		}
	})
	printed := runConfig(t, core.Config{Network: trusting(ca)}, withCertificate(ca)+fmt.Sprintf(`
import socket, ssl, select
PORT = %d
context = ssl.create_default_context()
context.set_alpn_protocols(["lines"])
def connect(context=context, **options):
    return context.wrap_socket(socket.create_connection(("localhost", PORT), timeout=20), server_hostname="localhost", **options)
with connect() as s:
    print(s.version(), s.selected_alpn_protocol(), s.cipher()[1:], s.getpeercert()["subjectAltName"][0], s.server_hostname)
    s.sendall(b"who\n"); print(s.recv(10))
    f = s.makefile("rw"); f.write("hello\n"); f.flush(); print(f.readline())
    s.sendall(b"0123456789\n"); print(s.recv(4), s.pending(), select.select([s], [], [], 0)[0] == [], s.recv(100))
    s.settimeout(0.1); s.sendall(b"silence\n")
    try: s.recv(1)
    except TimeoutError as e: print(type(e).__name__, e)
    s.setblocking(False)
    try: s.recv(1)
    except ssl.SSLWantReadError as e: print(type(e).__name__, e.errno)
    s.settimeout(20); s.sendall(b"again\n"); buffer = bytearray(20); print(s.recv_into(buffer), buffer[:6])
    plain = s.unwrap(); print(type(plain).__name__)
with connect() as s:
    s.sendall(b"abort\n"); print(s.recv(10))
with connect(suppress_ragged_eofs=False) as s:
    s.sendall(b"abort\n")
    try: s.recv(10)
    except ssl.SSLEOFError as e: print(type(e).__name__, e.errno, e)
mine = ssl.create_default_context(); mine.load_cert_chain("/tmp/pair.pem")
with connect(mine) as s:
    s.sendall(b"who\n"); print(s.recv(10))
s = connect(do_handshake_on_connect=False); s.setblocking(False)
while True:
    try: s.do_handshake(); break
    except ssl.SSLWantReadError: select.select([s], [], [], 20)
print(s.version()); s.close()
old = ssl.create_default_context(); old.maximum_version = ssl.TLSVersion.TLSv1_2
with connect(old) as s: print(s.version(), s.cipher()[0][:5], len(s.get_channel_binding() or b""))
try: context.wrap_socket(socket.socketpair()[0])
except ValueError as e: print(e)
for action in (lambda: context.load_cert_chain("/tmp/none"), lambda: context.load_cert_chain("/tmp/ca.pem"), lambda: context.load_verify_locations(cadata="x"),
               lambda: context.set_ciphers("nonsense"), lambda: setattr(context, "verify_mode", ssl.CERT_NONE), lambda: ssl.SSLContext(99)):
    try: print(action())
    except (OSError, ValueError) as e: print(type(e).__name__, str(e)[:70])
print(len(context.get_ca_certs()), context.cert_store_stats()); context.load_verify_locations("/tmp/ca.pem"); print(context.cert_store_stats(), context.get_ca_certs()[0]["subject"][1])
import hashlib, hmac; print(hashlib.sha256(b"x").hexdigest()[:8], hmac.new(b"k", b"m", "md5").hexdigest()[:8])
`, address.(*net.TCPAddr).Port))
	want := `TLSv1.3 lines ('TLSv1.3', 128) ('DNS', 'localhost') localhost
b'0\n'
HELLO

b'0123' 7 True b'456789\n'
TimeoutError The read operation timed out
SSLWantReadError 2
6 bytearray(b'AGAIN\n')
SSLSocket
b''
SSLEOFError 8 [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol
b'1\n'
TLSv1.3
TLSv1.2 ECDHE 12
check_hostname requires server_hostname
FileNotFoundError [Errno 44] No such file or directory: '/tmp/none'
SSLError [SSL: PEM_LIB] PEM lib: found a certificate rather than a key in the P
SSLError [SSL: NO_START_LINE] no certificate was found: cadata does not contain
SSLError No cipher can be selected.
ValueError Cannot set verify_mode to CERT_NONE when check_hostname is enabled.
ValueError invalid or unsupported protocol version
0 {'x509': 0, 'crl': 0, 'x509_ca': 0}
{'x509': 1, 'crl': 0, 'x509_ca': 1} (('commonName', 'Eryx test CA'),)
2d711642 ed7e724d
`
	if printed != want {
		t.Errorf("printed %s\nwant %s", printed, want)
	}
}

// A snapshot does not carry TLS along, and says so.
func TestTLSAfterFork(t *testing.T) {
	ca := testca.New(t)
	port := secureLines(t, ca, func(r *bufio.Reader, w io.Writer, _ net.Conn) {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(w, line)
		}
	})
	s := newSession(t, core.Config{Network: trusting(ca)})
	if _, err := s.Execute(context.Background(), fmt.Sprintf(`
import socket, ssl
s = ssl.create_default_context().wrap_socket(socket.create_connection(("localhost", %d)), server_hostname="localhost")
`, port)); err != nil {
		t.Fatal(err)
	}
	fork, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	r, _ := fork.Execute(context.Background(), "try: s.send(b'x')\nexcept OSError as e: print(type(e).__name__)")
	if string(r.Stdout) != "SSLError\n" && string(r.Stdout) != "OSError\n" {
		t.Errorf("in the fork: %q", r.Stdout)
	}
	r, err = s.Execute(context.Background(), "s.send(b'x\\n'); print(s.recv(10))")
	if err != nil || string(r.Stdout) != "b'x\\n'\n" {
		t.Errorf("the original: %q, %v", r.Stdout, err)
	}
}
