package guestnet

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func mustPolicy(t *testing.T, c Config) *Policy {
	t.Helper()
	p, err := NewPolicy(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func addr(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// notPublic is at least one address of every range that the default refuses, the edges of the important ones, and
// every way to write an IPv4 address of them into an IPv6 one.
var notPublic = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
	"169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
	"192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
	"239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:0",
	"64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::169.254.169.254", "64:ff9b:1::1",
	"100::1", "2001::1", "2001:0:53aa:64c:0:0:80ff:fffe", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::1",
	"2002:a9fe:a9fe::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00::1", "fdff:ffff::1", "fe80::1", "febf::1",
	"fec0::1", "ff02::1", "ff0e::1", "2607:f8b0::5efe:127.0.0.1", "2607:f8b0::200:5efe:10.0.0.1",
}

var public = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	"198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
	"2002:808:808::1",
}

func TestDefaultRefusesWhatIsNotPublic(t *testing.T) {
	p := mustPolicy(t, Config{})
	for _, text := range notPublic {
		a := netip.AddrPortFrom(netip.MustParseAddr(text), 80)
		r := p.Dial("tcp", nil, a)
		if r == nil || !strings.Contains(r.Reason, "blocked_networks") {
			t.Errorf("%s: %v, want a refusal that names blocked_networks", text, r)
		}
		if p.Dial("tcp", []string{"public.example"}, a) == nil {
			t.Errorf("%s was reached by way of a name", text)
		}
		if p.Answer("public.example", a.Addr().Unmap()) == nil {
			t.Errorf("%s was told as an answer of the resolver's", text)
		}
	}
	for _, text := range public {
		if r := p.Dial("tcp", nil, netip.AddrPortFrom(netip.MustParseAddr(text), 80)); r != nil {
			t.Errorf("%s: refused: %v", text, r)
		}
	}
}

func TestZonesMakeNoDifference(t *testing.T) {
	p := mustPolicy(t, Config{})
	a := netip.AddrPortFrom(netip.MustParseAddr("fe80::1%eth0"), 80)
	if p.Dial("tcp", nil, a) == nil {
		t.Error("an address with a zone was reached")
	}
}

// decision is one question and its answer.
type decision struct {
	names   string // separated by spaces
	address string
	want    string // what the refusal says, "" for none
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name      string
		config    Config
		decisions []decision
	}{
		{"allowed hosts restrict", Config{AllowedHosts: []string{"api.example.com", "*.example.org:443"}}, []decision{
			{"api.example.com", "1.1.1.1:80", ""},
			{"API.Example.COM.", "1.1.1.1:80", ""},
			{"www.example.org", "1.1.1.1:443", ""},
			{"www.example.org", "1.1.1.1:80", "allowed_hosts"},
			{"example.org", "1.1.1.1:443", "allowed_hosts"},
			{"api.example.com.evil.net", "1.1.1.1:80", "allowed_hosts"},
			{"notapi.example.com", "1.1.1.1:80", "allowed_hosts"},
			{"evil-example.org", "1.1.1.1:443", "allowed_hosts"},
			{"", "1.1.1.1:80", "allowed_hosts"},
			{"other.net api.example.com", "1.1.1.1:80", ""},
		}},
		{"an allowed name does not open networks", Config{AllowedHosts: []string{"db.example.com"}}, []decision{
			{"db.example.com", "10.0.0.5:5432", "blocked_networks"},
		}},
		{"internal hosts open networks for their names", Config{InternalHosts: []string{"db.internal"}}, []decision{
			{"db.internal", "10.0.0.5:5432", ""},
			{"", "10.0.0.5:5432", "blocked_networks"},
			{"evil.example", "10.0.0.5:5432", "blocked_networks"},
			{"db.internal", "169.254.169.254:80", ""},
		}},
		{"internal hosts are allowed hosts", Config{AllowedHosts: []string{"a.example"}, InternalHosts: []string{"b.internal:80"}}, []decision{
			{"b.internal", "10.0.0.5:80", ""},
			{"b.internal", "10.0.0.5:81", "allowed_hosts"},
		}},
		{"blocked hosts win", Config{AllowedHosts: []string{"*"}, BlockedHosts: []string{"bad.example", "*.bad.example", "8.8.8.0/24", "9.9.*"}}, []decision{
			{"bad.example", "1.1.1.1:80", "blocked_hosts"},
			{"x.bad.example", "1.1.1.1:80", "blocked_hosts"},
			{"good.example", "8.8.8.8:80", "blocked_hosts"},
			{"good.example", "9.9.9.9:80", "blocked_hosts"},
			{"good.example", "[::ffff:8.8.8.8]:80", "blocked_hosts"},
			{"good.example", "[64:ff9b::808:808]:80", "blocked_hosts"},
			{"good.example", "1.1.1.1:80", ""},
		}},
		{"an address never matches a name", Config{AllowedHosts: []string{"*.example.com", "*1"}}, []decision{
			{"", "1.1.1.1:80", ""}, // "*1" is made of digits and stars: it is for addresses
			{"", "1.1.1.2:80", "allowed_hosts"},
		}},
		{"a name never matches an address", Config{AllowedHosts: []string{"a*"}}, []decision{
			{"", "[a000::1]:80", "allowed_hosts"},
			{"abc", "1.1.1.1:80", ""},
		}},
		{"addresses and ranges are hosts too", Config{AllowedHosts: []string{"1.1.1.1", "[2606:4700::]/32:443", "8.8.8.0/24:53"}}, []decision{
			{"", "1.1.1.1:80", ""},
			{"", "[::ffff:1.1.1.1]:80", ""},
			{"", "[2606:4700::1111]:443", ""},
			{"", "[2606:4700::1111]:80", "allowed_hosts"},
			{"", "8.8.8.8:53", ""},
			{"", "8.8.8.8:54", "allowed_hosts"},
		}},
		{"networks with ports", Config{AllowedNetworks: []string{"127.0.0.1:8000-8002", "[::1]:9000"}}, []decision{
			{"", "127.0.0.1:8001", ""},
			{"", "127.0.0.1:8003", "blocked_networks"},
			{"", "127.0.0.2:8001", "blocked_networks"},
			{"", "[::1]:9000", ""},
			{"", "[::1]:8001", "blocked_networks"},
			{"", "[::ffff:127.0.0.1]:8001", ""},
		}},
		{"ports", Config{AllowedPorts: []string{"443", "8000-8999"}, BlockedPorts: []string{"8080"}}, []decision{
			{"", "1.1.1.1:443", ""}, {"", "1.1.1.1:8999", ""}, {"", "1.1.1.1:80", "allowed_ports"}, {"", "1.1.1.1:8080", "blocked_ports"},
		}},
		{"protocols", Config{AllowedHosts: []string{"udp://1.1.1.1:53"}, UDP: true}, []decision{
			{"", "1.1.1.1:53", "allowed_hosts"},
		}},
		{"permissive", Permissive(), []decision{
			{"", "127.0.0.1:80", ""}, {"", "[::1]:80", ""}, {"", "169.254.169.254:80", ""}, {"", "10.0.0.1:80", ""},
		}},
		{"localhost", Config{}.AllowLocalhost(), []decision{
			{"localhost", "127.0.0.1:80", ""}, {"", "[::1]:80", ""}, {"", "127.8.8.8:80", ""}, {"", "10.0.0.1:80", "blocked_networks"},
			{"", "8.8.8.8:80", ""},
		}},
		{"localhost beside allowed hosts", Config{}.AllowHost("a.example").AllowLocalhost(), []decision{
			{"localhost", "127.0.0.1:80", ""}, {"", "127.0.0.1:80", ""}, {"", "8.8.8.8:80", "allowed_hosts"},
		}},
		{"AllowHost restricts", Config{}.AllowHost("a.example"), []decision{
			{"a.example", "8.8.8.8:80", ""}, {"b.example", "8.8.8.8:80", "allowed_hosts"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPolicy(t, c.config)
			for _, d := range c.decisions {
				r := p.Dial("tcp", strings.Fields(d.names), addr(d.address))
				if (r == nil) != (d.want == "") || r != nil && !strings.Contains(r.Reason, d.want) {
					t.Errorf("%q at %s: %v, want %q", d.names, d.address, r, d.want)
				}
			}
		})
	}
}

func TestDatagramsNeedPermission(t *testing.T) {
	if r := mustPolicy(t, Config{}).Dial("udp", nil, addr("8.8.8.8:53")); r == nil || !strings.Contains(r.Reason, "udp") {
		t.Errorf("without: %v", r)
	}
	p := mustPolicy(t, Config{UDP: true, AllowedHosts: []string{"udp://8.8.8.8:53", "tcp://9.9.9.9"}})
	if r := p.Dial("udp", nil, addr("8.8.8.8:53")); r != nil {
		t.Error(r)
	}
	if p.Dial("udp", nil, addr("9.9.9.9:53")) == nil {
		t.Error("a rule for tcp let a datagram through")
	}
	if p.Dial("udp", nil, addr("127.0.0.1:53")) == nil {
		t.Error("a datagram reached loopback")
	}
}

func TestListening(t *testing.T) {
	for _, c := range []struct {
		listen  []string
		address string
		want    bool
	}{
		{nil, "127.0.0.1:0", false},
		{[]string{"localhost"}, "127.0.0.1:0", true},
		{[]string{"localhost"}, "[::1]:8080", true},
		{[]string{"localhost"}, "0.0.0.0:8080", false},
		{[]string{"localhost:8000-8010"}, "127.0.0.1:8005", true},
		{[]string{"localhost:8000-8010"}, "127.0.0.1:0", false},
		{[]string{"0.0.0.0/0"}, "10.0.0.1:80", true},
		{[]string{"tcp://127.0.0.1"}, "127.0.0.1:80", true},
		{[]string{"udp://127.0.0.1"}, "127.0.0.1:80", false},
	} {
		r := mustPolicy(t, Config{Listen: c.listen}).Listening("tcp", addr(c.address))
		if (r == nil) != c.want {
			t.Errorf("%v: %s: %v", c.listen, c.address, r)
		}
	}
}

func TestNames(t *testing.T) {
	p := mustPolicy(t, Config{AllowedHosts: []string{"*.example.com:443"}, BlockedHosts: []string{"secret.example.com", "half.example.com:80"}})
	for name, want := range map[string]bool{
		"a.example.com": true, "A.EXAMPLE.com.": true, "secret.example.com": false, "half.example.com": true, "example.net": false,
		"a.example.com.net": false,
	} {
		if got := p.Name(name) == nil; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestBadRules(t *testing.T) {
	for _, c := range []struct {
		config Config
		field  string
	}{
		{Config{AllowedHosts: []string{""}}, "AllowedHosts"},
		{Config{AllowedHosts: []string{"exa mple.com"}}, "AllowedHosts"},
		{Config{BlockedHosts: []string{"http://example.com"}}, "BlockedHosts"},
		{Config{BlockedHosts: []string{"bücher.example"}}, "BlockedHosts"},
		{Config{BlockedHosts: []string{"a.example:"}}, "BlockedHosts"},
		{Config{BlockedHosts: []string{"a.example:99999"}}, "BlockedHosts"},
		{Config{BlockedHosts: []string{"a.example:20-10"}}, "BlockedHosts"},
		{Config{InternalHosts: []string{"[::1"}}, "InternalHosts"},
		{Config{BlockedNetworks: []string{"10.0.0.0/33"}}, "BlockedNetworks"},
		{Config{AllowedNetworks: []string{"example.com"}}, "AllowedNetworks"},
		{Config{AllowedNetworks: []string{"10.*"}}, "AllowedNetworks"},
		{Config{Listen: []string{"example.com"}}, "Listen"},
		{Config{AllowedPorts: []string{"http"}}, "AllowedPorts"},
		{Config{BlockedPorts: []string{"-1"}}, "BlockedPorts"},
		{Config{ClientCertificates: []ClientCertificate{{Hosts: []string{"a b"}}}}, "ClientCertificates"},
	} {
		_, err := NewPolicy(c.config)
		var rule *RuleError
		if !errors.As(err, &rule) || rule.Field != c.field {
			t.Errorf("%+v: %v, want an error of field %s", c.config, err, c.field)
		}
	}
	for _, c := range []Config{{MaxConnections: -2}, {ConnectTimeout: -2}, {IOTimeout: -5}, {MaxBytesUp: -2}} {
		if _, err := NewPolicy(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestDefaults(t *testing.T) {
	c := mustPolicy(t, Config{}).Config()
	if c.MaxConnections != 10 || c.ConnectTimeout.Seconds() != 30 || c.IOTimeout.Seconds() != 60 {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.BlockedNetworks, NonPublicNetworks()) {
		t.Error("the default of BlockedNetworks is not NonPublicNetworks")
	}
	if p := Permissive(); p.MaxConnections != 100 || p.UDP || p.AllowInsecureTLS || p.Listen != nil {
		t.Errorf("%+v", p)
	}
}

func TestConfigMethodsLeaveTheReceiver(t *testing.T) {
	base := Config{AllowedHosts: make([]string, 0, 4)}
	a, b := base.AllowHost("a.example"), base.AllowHost("b.example")
	if a.AllowedHosts[0] != "a.example" || b.AllowedHosts[0] != "b.example" || len(base.AllowedHosts) != 0 {
		t.Errorf("%v %v %v", base.AllowedHosts, a.AllowedHosts, b.AllowedHosts)
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1", "127.1": "127.0.0.1", "127.0.1": "127.0.0.1", "2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1",
		"0x7f.0.0.1": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "017700000001": "127.0.0.1", "0x7F.1": "127.0.0.1", "0": "0.0.0.0",
		"127.0.0.0x1": "127.0.0.1", "::1": "::1", "::ffff:127.0.0.1": "::ffff:127.0.0.1", "fe80::1%eth0": "fe80::1",
		"256.0.0.1": "", "1.2.3.4.5": "", "0x": "", "08.0.0.1": "", "1..2": "", "": "", "4294967296": "", "1.16777216": "",
		"a.b": "", "127.0.0.1.": "", "0x7f.": "", " 1": "", "1e3": "",
	} {
		a, ok := literal(text)
		if ok != (want != "") || ok && a.String() != want {
			t.Errorf("%q: %v %v, want %q", text, a, ok, want)
		}
	}
}

// FuzzRule reads rules from anywhere: an error or a rule that can be used, never a panic.
func FuzzRule(f *testing.F) {
	for _, s := range []string{"a.example:443", "udp://[::1]:80", "10.0.0.0/8:1-2", "*", "[", "a:b:c", "::ffff:1.2.3.4/100", "9.9.*"} {
		f.Add(s, "a.example", uint16(443))
	}
	f.Fuzz(func(t *testing.T, text, name string, port uint16) {
		r, err := parseRule("F", text)
		if err != nil {
			return
		}
		if r.name == "" && r.address == "" && !r.prefix.IsValid() {
			t.Fatalf("%q is a rule for nothing", text)
		}
		a, _ := literal(name)
		r.matches(&target{protocol: "tcp", names: []string{name}, address: a.Unmap(), port: port})
	})
}

// FuzzLiteral: what an address is spelled as never makes the default reach what is not public.
func FuzzLiteral(f *testing.F) {
	for _, s := range append(slices.Clone(notPublic), "0x7f.1", "2130706433", "017700000001") {
		f.Add(s)
	}
	p, err := NewPolicy(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := literal(text)
		if !ok || p.Dial("tcp", nil, netip.AddrPortFrom(a, 80)) != nil {
			return
		}
		u := a.Unmap()
		if u.IsPrivate() || u.IsLoopback() || u.IsLinkLocalUnicast() || u.IsMulticast() || u.IsUnspecified() || !u.IsGlobalUnicast() {
			t.Fatalf("%q is %v, which is not public", text, a)
		}
	})
}
