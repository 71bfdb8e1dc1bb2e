package core_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/tests/testca"
)

// A read over TLS that waits for a silent peer ends with the execution, in a finally block's good time.
func TestTLSReadIsInterrupted(t *testing.T) {
	ca := testca.New(t)
	port := secureLines(t, ca, func(r *bufio.Reader, _ io.Writer, _ net.Conn) { _, _ = r.ReadString('\n') })
	for _, timeout := range []string{"None", "60"} {
		s := newSession(t, core.Config{Network: trusting(ca)})
		r, err := s.Execute(context.Background(), fmt.Sprintf(`
import socket, ssl
s = ssl.create_default_context().wrap_socket(socket.create_connection(("localhost", %d)), server_hostname="localhost")
s.settimeout(%s)
print("waits", flush=True)
try: s.recv(1)
finally: print("finally")
`, port, timeout), core.WithTimeout(500*time.Millisecond))
		if core.ErrorCode(err) != core.CodeTimeout || string(r.Stdout) != "waits\nfinally\n" {
			t.Errorf("timeout %s: %v, %q", timeout, err, r.Stdout)
		}
		if r := execute(t, s, "print('lives')"); string(r.Stdout) != "lives\n" {
			t.Errorf("timeout %s: afterwards %q", timeout, r.Stdout)
		}
	}
}
