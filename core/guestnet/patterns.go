package guestnet

import (
	"fmt"
	"net/netip"
	"strings"
)

// hostPattern is a pattern for hosts, and the networks that those hosts are in: localhost and the names below it are the
// loopback's (RFC 6761).
type hostPattern struct {
	text     string
	networks []netip.Prefix
}

// privateHosts are patterns for the hosts that are nobody else's business: this machine and its neighbours.
var privateHosts = func() []hostPattern {
	one := func(text string, networks ...string) hostPattern {
		p := hostPattern{text: text}
		for _, network := range networks {
			p.networks = append(p.networks, netip.MustParsePrefix(network))
		}
		return p
	}
	list := []hostPattern{
		one("localhost", "127.0.0.0/8", "::1/128"), one("*.localhost", "127.0.0.0/8", "::1/128"),
		one("127.*", "127.0.0.0/8"), one("10.*", "10.0.0.0/8"),
	}
	for i := 16; i < 32; i++ {
		list = append(list, one(fmt.Sprintf("172.%d.*", i), fmt.Sprintf("172.%d.0.0/16", i)))
	}
	return append(list, one("192.168.*", "192.168.0.0/16"), one("169.254.*", "169.254.0.0/16"), one("[::1]", "::1/128"))
}()

// PrivateHosts are patterns for hosts that BlockedNetworks refuses altogether, which no rule exempts even in part: a
// short way of saying what is blocked beside BlockedHosts. With the default networks it has every private IPv4 network
// and the loopback.
func (p *Policy) PrivateHosts() []string {
	texts := []string{}
	for _, pattern := range privateHosts {
		if p.refuses(pattern) {
			texts = append(texts, pattern.text)
		}
	}
	return texts
}

func (p *Policy) refuses(pattern hostPattern) bool {
	for _, network := range pattern.networks {
		covers := func(r *rule) bool {
			return r.protocol == "" && r.ports == allPorts && r.prefix.Bits() <= network.Bits() && r.prefix.Overlaps(network)
		}
		overlaps := func(r *rule) bool { return r.prefix.IsValid() && r.prefix.Overlaps(network) }
		if !p.blockedNets.has(covers) || p.allowedNets.has(overlaps) || p.internal.has(overlaps) {
			return false
		}
	}
	return !p.internal.has(pattern.exempted)
}

// exempted reports that r may exempt some of the pattern's hosts, by their names or addresses.
func (h hostPattern) exempted(r *rule) bool {
	if r.name == "*" || r.address != "" && h.meets(r.address) {
		return true
	}
	switch h.text {
	case "localhost":
		return r.matchesName("localhost")
	case "*.localhost":
		return r.matchesName("x.localhost") || strings.HasSuffix(r.name, ".localhost")
	}
	return false
}

// meets reports that a pattern of digits, dots and stars may match an address of the pattern's: what both have before
// their first star does not tell them apart.
func (h hostPattern) meets(address string) bool {
	own := strings.TrimSuffix(h.text, "*")
	if strings.HasSuffix(h.text, "localhost") {
		own = "127."
	}
	other, _, _ := strings.Cut(address, "*")
	return strings.HasPrefix(own, other) || strings.HasPrefix(other, own)
}
