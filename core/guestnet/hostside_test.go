package guestnet

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestDialHostTriesAllAddresses(t *testing.T) {
	a := outside(t, func(conn net.Conn) { conn.Close() })
	c := localConfig()
	c.ConnectTimeout = 20 * time.Second
	// The first does not answer, the second refuses.
	c.Resolver = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("::1"), a.Addr()}, nil
	}
	c.OnConnect = func(ctx context.Context, at Attempt) error {
		if at.Address.Addr() == netip.MustParseAddr("127.0.0.3") {
			<-ctx.Done()
		}
		return ctx.Err()
	}
	s := newStack(t, c)
	conn, peer, err := s.DialHost(context.Background(), "many.example", a.Port())
	if err != nil || peer.Address != a || peer.Host() != "many.example" {
		t.Fatal(err, peer)
	}
	conn.Close()
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != 0 {
		t.Errorf("%d connections are counted", s.open)
	}
}

func TestAnswersAreRememberedWithinBounds(t *testing.T) {
	asked := 0
	var mu sync.Mutex
	c := localConfig()
	c.Resolver = func(_ context.Context, host string) ([]netip.Addr, error) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		if host == "none.example" {
			return nil, &net.DNSError{IsNotFound: true}
		}
		return []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("::ffff:8.8.8.8"), netip.MustParseAddr("2606:4700::1")}, nil
	}
	s := newStack(t, c)
	for range 3 {
		found, gai, errno := s.Resolve("A.example.", FamilyAny)
		if len(found) != 2 || gai != 0 || errno != OK {
			t.Fatal(found, gai, errno)
		}
		if _, gai, _ := s.Resolve("none.example", FamilyAny); gai != GAINoName {
			t.Fatal(gai)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	for i := range maxAnswers + 100 {
		if _, gai, errno := s.Resolve(fmt.Sprintf("n%d.example", i), FamilyIPv4); gai != 0 || errno != OK {
			t.Fatal(gai, errno)
		}
	}
	if n := len(s.answers.byName); n > maxAnswers {
		t.Errorf("%d answers are remembered", n)
	}
	if n := len(s.names(netip.MustParseAddr("8.8.8.8"))); n != maxNames {
		t.Errorf("%d names of one address are remembered", n)
	}
	for _, name := range []string{"", ".", "a b", "a/b", "a\x00b", "ü", string(bytes.Repeat([]byte("a"), 300))} {
		if _, gai, errno := s.Resolve(name, FamilyAny); gai != GAINoName || errno != OK {
			t.Errorf("%q: %d %d", name, gai, errno)
		}
	}
}

func TestUnlimitedConnectionsAreBoundedToo(t *testing.T) {
	c := localConfig()
	c.MaxConnections = Unlimited
	s := newStack(t, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for s.acquire() == nil {
		if count++; count > mostConnections {
			t.Fatal("no bound")
		}
	}
	if count != mostConnections {
		t.Errorf("%d connections, want %d", count, mostConnections)
	}
}

// What the guest listens on is within its reach, and nothing else: not the same port of another protocol or address,
// nor the port once it has closed.
func TestOnlyOwnListenersAreWithinReach(t *testing.T) {
	s := newStack(t, Config{UDP: true, Listen: []string{"localhost"}})
	u := must(t)(s.Open(FamilyIPv4, TypeDatagram, 0))
	check(t, u.Bind(addr("127.0.0.1:0")))
	l := must(t)(s.Open(FamilyIPv4, TypeStream, 0))
	check(t, l.Bind(addr("127.0.0.1:0")))
	check(t, l.Listen(1))
	datagram, _ := u.Names()
	stream, _ := l.Names()
	for _, c := range []struct {
		protocol string
		address  netip.AddrPort
		want     bool
	}{
		{"udp", datagram, true}, {"tcp", stream, true}, {"tcp", datagram, false}, {"udp", stream, false},
		{"tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), stream.Port()), false},
		{"tcp", netip.AddrPortFrom(netip.IPv6Loopback(), stream.Port()), false},
		{"tcp", netip.AddrPortFrom(stream.Addr(), stream.Port()^1), false},
	} {
		if got := s.check(c.protocol, nil, c.address) == nil; got != c.want {
			t.Errorf("%s %v: %v", c.protocol, c.address, got)
		}
	}
	l.Close()
	u.Close()
	if s.check("tcp", nil, stream) == nil || s.check("udp", nil, datagram) == nil || len(s.own) != 0 {
		t.Errorf("closed, and within reach: %v", s.own)
	}
}
