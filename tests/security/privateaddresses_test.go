package security_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// Every way to write an address of this host, or of another network that is not public.
var spellings = []string{
	"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "017700000001",
	"127.8.9.10", "0", "0.0.0.0", "0.0.0.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:127.0.0.1",
	"::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "fe80::1", "fe80::1%lo", "fc00::1", "fd12:3456::1", "ff02::1",
	"10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "169.254.169.254", "0xa9fea9fe", "2852039166",
	"100.64.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "203.0.113.1",
	"localhost", "LOCALHOST", "localhost.", "LocalHost.", "a.localhost", "x.y.localhost.",
}

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	c := newCanary(t)
	program := fmt.Sprintf(`
import socket, asyncio
refused = {}
for host in %#v.split():
    outcomes = set()
    def note(f):
        try:
            f()
            outcomes.add("CONNECTED")
        except OSError as e:
            outcomes.add(type(e).__name__)
    note(lambda: socket.create_connection((host, %d), timeout=5))
    note(lambda: asyncio.run(asyncio.open_connection(host, %d)))
    for family in (socket.AF_INET, socket.AF_INET6):
        try: infos = socket.getaddrinfo(host, %d, family, socket.SOCK_STREAM)
        except OSError: continue
        for info in infos:
            s = socket.socket(family, socket.SOCK_STREAM)
            note(lambda: s.connect(info[4])); s.close()
    refused.setdefault(" ".join(sorted(outcomes)), []).append(host)
print(refused)
`, strings.Join(spellings, " "), c.port, c.port, c.port)
	result, err := run(t, core.Config{Network: &core.NetConfig{}}, program)
	var all []string
	for _, s := range spellings {
		all = append(all, "'"+s+"'")
	}
	wantStdout(t, result, err, "{'PermissionError': ["+strings.Join(all, ", ")+"]}\n")
}

// names is a resolver that knows these names only.
func names(known map[string][]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) (found []netip.Addr, err error) {
		for _, text := range known[host] {
			found = append(found, netip.MustParseAddr(text))
		}
		return found, nil
	}
}

func TestPublicNamesOfPrivateAddressesAreRefused(t *testing.T) {
	c := newCanary(t)
	network := &core.NetConfig{Resolver: names(map[string][]string{
		"loop.example": {"127.0.0.1"}, "meta.example": {"169.254.169.254"}, "mapped.example": {"::ffff:127.0.0.1"}, "six.example": {"::1", "fd00::1"},
	})}
	result, err := run(t, core.Config{Network: network}, fmt.Sprintf(`
import socket
for host in ("loop.example", "LOOP.example.", "meta.example", "mapped.example", "six.example"):
    for f in (lambda: socket.create_connection((host, %d)), lambda: socket.getaddrinfo(host, 80)):
        try: f(); print("reached", host)
        except PermissionError as e: print(e.strerror.split(";")[0])
`, c.port))
	line := func(host string) string {
		return strings.Repeat(fmt.Sprintf("the host %q leads to a network that the network policy blocks (blocked_networks)\n", host), 2)
	}
	wantStdout(t, result, err, line("loop.example")+line("loop.example")+line("meta.example")+line("mapped.example")+line("six.example"))
}

func TestPrivateAddressesAmongPublicOnesAreLeftOut(t *testing.T) {
	network := &core.NetConfig{Resolver: names(map[string][]string{"mixed.example": {"10.0.0.1", "93.184.215.14", "::1"}})}
	result, err := run(t, core.Config{Network: network}, lines(
		"import socket", "print([i[4][0] for i in socket.getaddrinfo('mixed.example', 80, type=socket.SOCK_STREAM)])"))
	wantStdout(t, result, err, "['93.184.215.14']\n")
}

// A name that is public when it is looked up, and private afterwards: what counts is the address that is dialled, which
// the guest has from the first answer.
func TestRebindingIsRefused(t *testing.T) {
	c := newCanary(t)
	count := 0
	network := &core.NetConfig{
		DNSCacheTime: time.Nanosecond, ConnectTimeout: time.Millisecond,
		Resolver: func(context.Context, string) ([]netip.Addr, error) {
			if count++; count == 1 {
				return []netip.Addr{netip.MustParseAddr("203.0.114.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
		OnConnect: func(_ context.Context, a core.NetAttempt) error { // nothing leaves this host
			return fmt.Errorf("dialling %s", a.Address)
		},
	}
	result, err := run(t, core.Config{Network: network}, fmt.Sprintf(`
import socket
first = socket.getaddrinfo("turns.example", %d, type=socket.SOCK_STREAM)[0][4]
print(first[0])
try: socket.getaddrinfo("turns.example", 80)
except PermissionError as e: print(e.strerror.split(";")[0])
for address in (first, ("127.0.0.1", %d)):
    try: socket.socket().connect(address); print("reached")
    except PermissionError as e: print(e.strerror.split(";")[0])
`, c.port, c.port))
	wantStdout(t, result, err, fmt.Sprintf("203.0.114.1\n"+
		"the host \"turns.example\" leads to a network that the network policy blocks (blocked_networks)\n"+
		"the host refused the connection to turns.example: dialling 203.0.114.1:%d\n"+
		"\"turns.example\", port %d leads to a network that the network policy blocks (blocked_networks)\n", c.port, c.port))
}
