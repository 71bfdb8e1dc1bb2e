package guestnet

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Policy is a checked Config. It is immutable and may serve any number of guests.
type Policy struct {
	config Config

	allowed, blocked, internal ruleList
	blockedNets, allowedNets   ruleList
	listen                     ruleList
	allowedPorts, blockedPorts []ports
	trust                      *trust
}

// Refusal is why a guest may not do something. The text is for the guest's programmer: it names the option that
// would change it.
type Refusal struct{ Reason string }

// Error implements error.
func (r *Refusal) Error() string { return r.Reason }

func refuse(format string, args ...any) *Refusal { return &Refusal{fmt.Sprintf(format, args...)} }

// NewPolicy checks a Config. The error is a [*RuleError], or says which number makes no sense.
func NewPolicy(c Config) (*Policy, error) {
	if c.BlockedNetworks == nil {
		c.BlockedNetworks = nonPublic
	}
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	p := &Policy{config: c}
	var err error
	parse := func(into *ruleList, f func(string, []string) (ruleList, error), field string, texts []string) {
		if err == nil {
			*into, err = f(field, texts)
		}
	}
	parse(&p.allowed, parseRules, "AllowedHosts", c.AllowedHosts)
	parse(&p.blocked, parseRules, "BlockedHosts", c.BlockedHosts)
	parse(&p.internal, parseRules, "InternalHosts", c.InternalHosts)
	parse(&p.blockedNets, parseNetworks, "BlockedNetworks", c.BlockedNetworks)
	parse(&p.allowedNets, parseNetworks, "AllowedNetworks", c.AllowedNetworks)
	parse(&p.listen, parseNetworks, "Listen", expandLocalhost(c.Listen))
	for _, cert := range c.ClientCertificates {
		var unused ruleList
		parse(&unused, parseRules, "ClientCertificates", cert.Hosts)
	}
	if err == nil {
		p.allowedPorts, err = parsePortList("AllowedPorts", c.AllowedPorts)
	}
	if err == nil {
		p.blockedPorts, err = parsePortList("BlockedPorts", c.BlockedPorts)
	}
	if err == nil {
		p.trust, err = newTrust(&c)
	}
	return p, err
}

// setDefaults replaces what is zero and refuses what makes no sense.
func (c *Config) setDefaults() error {
	for _, n := range []struct {
		name  string
		value *int64
	}{{"MaxBytesUp", &c.MaxBytesUp}, {"MaxBytesDown", &c.MaxBytesDown}} {
		if *n.value < Unlimited {
			return fmt.Errorf("network: %s is %d: use a positive number of bytes, or 0 for no limit", n.name, *n.value)
		}
	}
	if c.MaxConnections < Unlimited {
		return fmt.Errorf("network: MaxConnections is %d: use a positive number, 0 for the default or Unlimited", c.MaxConnections)
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultConnections
	}
	for _, d := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"ConnectTimeout", &c.ConnectTimeout, defaultConnectTimeout},
		{"IOTimeout", &c.IOTimeout, defaultIOTimeout},
		{"DNSCacheTime", &c.DNSCacheTime, defaultDNSCacheTime},
	} {
		if *d.value < Unlimited {
			return fmt.Errorf("network: %s is %v: use a positive duration, 0 for the default or Unlimited", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	return nil
}

// expandLocalhost replaces "localhost" by its addresses in rules for listening.
func expandLocalhost(texts []string) []string {
	var out []string
	for _, text := range texts {
		rest, protocol := text, ""
		if p, after, ok := strings.Cut(text, "://"); ok {
			protocol, rest = p+"://", after
		}
		if tail, ok := strings.CutPrefix(rest, "localhost"); ok && (tail == "" || tail[0] == ':') {
			out = append(out, protocol+"127.0.0.1"+tail, protocol+"[::1]"+tail)
			continue
		}
		out = append(out, text)
	}
	return out
}

func parsePortList(field string, texts []string) ([]ports, error) {
	list := make([]ports, 0, len(texts))
	for _, text := range texts {
		p, err := parsePorts(strings.TrimSpace(text))
		if err != nil {
			return nil, &RuleError{field, text, err.Error()}
		}
		list = append(list, p)
	}
	return list, nil
}

// Config is what the policy was made of, with its defaults filled in.
func (p *Policy) Config() Config { return p.config }

// Normalize is a name as rules see it: lower case, without a dot at the end.
func Normalize(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Name decides whether a guest may look name up; nil when it may. What the name leads to is decided by Dial.
func (p *Policy) Name(name string) *Refusal {
	name = Normalize(name)
	for i := range p.blocked {
		if r := &p.blocked[i]; r.protocol == "" && r.ports == allPorts && r.matchesName(name) {
			return refuse("the host %q is blocked by the network policy (blocked_hosts has %q)", name, r.text)
		}
	}
	if len(p.allowed) > 0 && p.allowed.findName(name) == nil && p.internal.findName(name) == nil {
		return refuse("the host %q is not allowed by the network policy (allowed_hosts does not have it)", name)
	}
	return nil
}

// Dial decides about a connection, or a datagram, to address by a guest that resolved names to it; nil when it may.
// This is the decision that counts: address is what will be dialled.
func (p *Policy) Dial(protocol string, names []string, address netip.AddrPort) *Refusal {
	if protocol == "udp" && !p.config.UDP {
		return refuse("datagrams are not allowed by the network policy (its option udp is off)")
	}
	t := &target{protocol: protocol, address: address.Addr().WithZone("").Unmap(), port: address.Port()}
	for _, name := range names {
		t.names = append(t.names, Normalize(name))
	}
	if r := p.ports(t); r != nil {
		return r
	}
	if r := p.hosts(t); r != nil {
		return r
	}
	return p.networks(t)
}

// ports holds t against the rules for ports.
func (p *Policy) ports(t *target) *Refusal {
	for _, r := range p.blockedPorts {
		if r.contains(t.port) {
			return refuse("port %d is blocked by the network policy (blocked_ports)", t.port)
		}
	}
	if len(p.allowedPorts) == 0 {
		return nil
	}
	for _, r := range p.allowedPorts {
		if r.contains(t.port) {
			return nil
		}
	}
	return refuse("port %d is not allowed by the network policy (allowed_ports does not have it)", t.port)
}

// hosts holds t against the rules for hosts.
func (p *Policy) hosts(t *target) *Refusal {
	rule := p.blocked.find(t)
	if v4, ok := embedded(t.address); ok && rule == nil {
		inner := *t
		inner.address = v4
		rule = p.blocked.find(&inner)
	}
	if rule != nil {
		return refuse("the host %s is blocked by the network policy (blocked_hosts has %q)", t.describe(), rule.text)
	}
	if len(p.allowed) == 0 || p.allowed.find(t) != nil || p.internalName(t) {
		return nil
	}
	return refuse("the host %s is not allowed by the network policy (allowed_hosts does not have it)", t.describe())
}

// internalName reports that one of t's names may lead to any address.
func (p *Policy) internalName(t *target) bool {
	for i := range p.internal {
		r := &p.internal[i]
		if !r.applies(t) {
			continue
		}
		if r.name == "" && r.matchesAddress(t.address) {
			return true
		}
		for _, name := range t.names {
			if r.matchesName(name) {
				return true
			}
		}
	}
	return false
}

// networks holds the address of t, and what it leads to, against the rules for networks.
func (p *Policy) networks(t *target) *Refusal {
	if p.internalName(t) {
		return nil
	}
	addresses := []netip.Addr{t.address}
	if v4, ok := embedded(t.address); ok {
		addresses = append(addresses, v4)
	}
	for _, a := range addresses {
		inner := *t
		inner.address = a
		if p.blockedNets.find(&inner) != nil && p.allowedNets.find(&inner) == nil {
			return refuse("%s leads to a network that the network policy blocks (blocked_networks); allowed_networks or internal_hosts would exempt it", t.describe())
		}
	}
	return nil
}

// describe is t as its programmer knows it: by name if there is one.
func (t *target) describe() string {
	if len(t.names) > 0 {
		return fmt.Sprintf("%q, port %d", t.names[len(t.names)-1], t.port)
	}
	return netip.AddrPortFrom(t.address, t.port).String()
}

// Listening decides whether a guest may listen on address; nil when it may. Port 0, any that is free, is within every
// rule that does not name ports.
func (p *Policy) Listening(protocol string, address netip.AddrPort) *Refusal {
	t := &target{protocol: protocol, address: address.Addr().WithZone("").Unmap(), port: address.Port()}
	if p.listen.find(t) != nil {
		return nil
	}
	if len(p.listen) == 0 {
		return refuse("listening is not allowed by the network policy (its option listen is empty)")
	}
	return refuse("listening on %s is not allowed by the network policy (listen does not have it)", address)
}

// Serves reports that a client certificate is for the host.
func (c *ClientCertificate) Serves(host string, port uint16) bool {
	if len(c.Hosts) == 0 {
		return true
	}
	rules, err := parseRules("Hosts", c.Hosts)
	if err != nil {
		return false
	}
	t := &target{protocol: "tcp", port: port}
	if a, err := netip.ParseAddr(host); err == nil {
		t.address = a.WithZone("").Unmap()
	} else {
		t.names = []string{Normalize(host)}
	}
	return rules.find(t) != nil
}

// Answer decides whether a guest that looks name up is told of address; nil when it is. It is not where decisions are
// made: an address that is told may still be refused by Dial, for its port or protocol.
func (p *Policy) Answer(name string, address netip.Addr) *Refusal {
	if address.IsLoopback() && len(p.listen) > 0 {
		return nil
	}
	for i := range p.internal {
		if p.internal[i].matchesName(name) {
			return nil
		}
	}
	addresses := []netip.Addr{address}
	if v4, ok := embedded(address); ok {
		addresses = append(addresses, v4)
	}
	for _, a := range addresses {
		whole := func(r *rule) bool { return r.protocol == "" && r.ports == allPorts && r.matchesAddress(a) }
		some := func(r *rule) bool { return r.matchesAddress(a) }
		if p.blockedNets.has(whole) && !p.allowedNets.has(some) && !p.internal.has(some) {
			return refuse("the host %q leads to a network that the network policy blocks (blocked_networks); allowed_networks or internal_hosts would exempt it", name)
		}
	}
	return nil
}
