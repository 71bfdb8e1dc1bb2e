package security_test

import (
	"fmt"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// connects tries hosts in turn, and prints for each whether it was reached or what refused it.
func connects(port int, hosts string) string {
	return fmt.Sprintf(`
import socket
for host in %q.split():
    try: socket.create_connection((host, %d), timeout=20).close(); print(host, "reached")
    except PermissionError as e: print(host, "refused:", "allowed_hosts" if "allowed_hosts" in e.strerror else "blocked_hosts" if "blocked_hosts" in e.strerror else e.strerror)
`, hosts, port)
}

// homely are names of this host.
func homely(more ...string) map[string][]string {
	known := map[string][]string{}
	for _, n := range append(more, "api.example.com", "www.example.com", "example.com", "api.example.com.evil.net", "notapi.example.com", "other.net") {
		known[n] = []string{"127.0.0.1"}
	}
	return known
}

func TestAllowedHostsRestrict(t *testing.T) {
	port := openPort(t)
	network := core.NetConfig{Resolver: names(homely())}.AllowNetwork("127.0.0.1").AllowHost("api.example.com").AllowHost("*.Example.org")
	result, err := run(t, core.Config{Network: &network},
		connects(port, "api.example.com API.EXAMPLE.com api.example.com. www.example.com example.com api.example.com.evil.net notapi.example.com other.net"))
	wantStdout(t, result, err, lines(
		"api.example.com reached", "API.EXAMPLE.com reached", "api.example.com. reached", "www.example.com refused: allowed_hosts",
		"example.com refused: allowed_hosts", "api.example.com.evil.net refused: allowed_hosts", "notapi.example.com refused: allowed_hosts",
		"other.net refused: allowed_hosts"))
}

func TestAnAddressNeverMatchesAName(t *testing.T) {
	port := openPort(t)
	network := core.NetConfig{AllowedHosts: []string{"*.example.com", "localhost", "127*a"}}.AllowNetwork("127.0.0.0/8")
	result, err := run(t, core.Config{Network: &network}, connects(port, "127.0.0.1 127.1 localhost"))
	wantStdout(t, result, err, "127.0.0.1 refused: allowed_hosts\n127.1 refused: allowed_hosts\nlocalhost reached\n")
}

func TestBlockedHostsWin(t *testing.T) {
	port := openPort(t)
	network := core.NetConfig{Resolver: names(homely())}.AllowNetwork("127.0.0.1").AllowHost("*.example.com").BlockHost("WWW.example.com")
	result, err := run(t, core.Config{Network: &network}, connects(port, "api.example.com www.example.com www.EXAMPLE.com."))
	wantStdout(t, result, err, "api.example.com reached\nwww.example.com refused: blocked_hosts\nwww.EXAMPLE.com. refused: blocked_hosts\n")
}

func TestInternalHostsOpenNetworksForThemselvesOnly(t *testing.T) {
	port := openPort(t)
	network := core.NetConfig{Resolver: names(homely("db.internal"))}.AllowInternalHost("db.internal")
	result, err := run(t, core.Config{Network: &network}, fmt.Sprintf(`
import socket
socket.create_connection(("db.internal", %d), timeout=20).close(); print("reached")
for host in ("other.net", "localhost"):
    try: socket.create_connection((host, %d)); print("reached", host)
    except PermissionError as e: print("blocked_networks" in e.strerror)
`, port, port))
	wantStdout(t, result, err, "reached\nTrue\nTrue\n")
}

func TestOnlyGrantsReachLocalhost(t *testing.T) {
	port := openPort(t)
	permissive, local := core.PermissiveNet(), core.NetConfig{}.AllowLocalhost()
	for name, c := range map[string]struct {
		network *core.NetConfig
		want    string
	}{
		"default":    {&core.NetConfig{}, "PermissionError\n"},
		"allow_host": {with(core.NetConfig{}.AllowHost("localhost")), "PermissionError\n"},
		"localhost":  {&local, "reached\n"},
		"permissive": {&permissive, "reached\n"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := run(t, core.Config{Network: c.network}, fmt.Sprintf(`
import socket
try: socket.create_connection(("localhost", %d), timeout=20).close(); print("reached")
except OSError as e: print(type(e).__name__)
`, port))
			wantStdout(t, result, err, c.want)
		})
	}
}

func with(c core.NetConfig) *core.NetConfig { return &c }

func TestListeningNeedsAGrant(t *testing.T) {
	result, err := run(t, core.Config{Network: &core.NetConfig{}}, lines(
		"import socket, asyncio, socketserver",
		"for f in (lambda: socket.create_server(('127.0.0.1', 0)), lambda: socket.create_server(('', 8080)), lambda: socket.socket().listen(),",
		"          lambda: asyncio.run(asyncio.start_server(lambda r, w: None, '127.0.0.1', 0)), lambda: socketserver.TCPServer(('127.0.0.1', 0), None)):",
		"    try: f(); print('listens')",
		"    except PermissionError as e: print('its option listen is empty' in str(e))"))
	wantStdout(t, result, err, "True\nTrue\nTrue\nTrue\nTrue\n")
}

func TestListeningStaysOnLoopbackWhereThatIsGranted(t *testing.T) {
	network := &core.NetConfig{Listen: []string{"localhost"}}
	result, err := run(t, core.Config{Network: network}, lines(
		"import socket",
		"for host in ('127.0.0.1', '', '0.0.0.0', '192.0.2.1'):",
		"    try: print(socket.create_server((host, 0)).getsockname()[0])",
		"    except PermissionError as e: print('listen does not have it' in str(e))",
		"print(socket.create_server(('::', 0), family=socket.AF_INET6).getsockname()[0])",
		"s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); print(s.accept()[1] == c.getsockname())"))
	wantStdout(t, result, err, "127.0.0.1\n127.0.0.1\n127.0.0.1\nTrue\n::1\nTrue\n")
}

func TestDatagramsNeedAGrant(t *testing.T) {
	result, err := run(t, core.Config{Network: &core.NetConfig{}}, lines(
		"import socket",
		"try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
		"except PermissionError as e: print(e.strerror)"))
	wantStdout(t, result, err, "datagrams are not allowed by the network policy (its option udp is off)\n")
}
