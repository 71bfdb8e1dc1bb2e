package guestnet

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// ports is a range of ports, both ends included.
type ports struct{ low, high uint16 }

var allPorts = ports{0, 65535}

func (p ports) contains(port uint16) bool { return p.low <= port && port <= p.high }

// rule is one entry of a list of hosts or networks: a name or a prefix, never both.
type rule struct {
	text     string
	protocol string // "" is every one
	ports    ports
	name     string       // a pattern in lower case
	address  string       // a pattern of digits, dots and stars for an IPv4 address
	prefix   netip.Prefix // where it is valid
}

// RuleError says which part of a Config makes no sense, and why.
type RuleError struct {
	Field  string // the name of Config's field
	Rule   string // as it was given
	Reason string
}

// Error implements error.
func (e *RuleError) Error() string {
	return fmt.Sprintf("network: %s: %q: %s", e.Field, e.Rule, e.Reason)
}

// parseRule reads "[protocol://]host[:ports]".
func parseRule(field, text string) (rule, error) {
	r := rule{text: text, ports: allPorts}
	fail := func(reason string) (rule, error) { return rule{}, &RuleError{field, text, reason} }
	rest := strings.TrimSpace(text)
	if protocol, after, ok := strings.Cut(rest, "://"); ok {
		if protocol != "tcp" && protocol != "udp" {
			return fail("its protocol is neither tcp nor udp")
		}
		r.protocol, rest = protocol, after
	}
	host, portText, err := splitPorts(rest)
	if err != nil {
		return fail(err.Error())
	}
	if portText != "" {
		if r.ports, err = parsePorts(portText); err != nil {
			return fail(err.Error())
		}
	}
	if err := r.setHost(host); err != nil {
		return fail(err.Error())
	}
	return r, nil
}

// splitPorts takes the ports from the end of a rule. An IPv6 address needs brackets for them.
func splitPorts(text string) (host, portText string, err error) {
	if after, ok := strings.CutPrefix(text, "["); ok {
		host, rest, ok := strings.Cut(after, "]")
		if !ok {
			return "", "", fmt.Errorf("a bracket is missing")
		}
		if bits, tail, ok := strings.Cut(rest, ":"); ok {
			return host + bits, tail, nil
		}
		return host + rest, "", nil
	}
	if strings.Count(text, ":") != 1 {
		return text, "", nil
	}
	host, portText, _ = strings.Cut(text, ":")
	if portText == "" {
		return "", "", fmt.Errorf("its port is missing")
	}
	return host, portText, nil
}

// parsePorts reads "443", "8000-8999" or "*".
func parsePorts(text string) (ports, error) {
	if text == "*" {
		return allPorts, nil
	}
	lowText, highText, isRange := strings.Cut(text, "-")
	low, err := strconv.ParseUint(lowText, 10, 16)
	high := low
	if err == nil && isRange {
		high, err = strconv.ParseUint(highText, 10, 16)
	}
	if err != nil || high < low {
		return ports{}, fmt.Errorf("%q is no port and no range of ports", text)
	}
	return ports{uint16(low), uint16(high)}, nil
}

// setHost reads the middle of a rule.
func (r *rule) setHost(host string) error {
	if prefix, ok := parsePrefix(host); ok {
		r.prefix = prefix
		return nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return fmt.Errorf("it names no host")
	}
	for _, c := range host {
		if c > 127 {
			return fmt.Errorf("names with other letters than ASCII's must be in their encoded form, which begins with xn--")
		}
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.*", c) {
			return fmt.Errorf("%q cannot be part of a host's name", c)
		}
	}
	if strings.Trim(host, "0123456789.*") == "" && host != "*" && strings.ContainsAny(host, "0123456789") {
		r.address = host
		return nil
	}
	r.name = host
	return nil
}

// parsePrefix reads an address or a range of them, in the forms that mean the same everywhere. A range of
// IPv4-mapped addresses is one of IPv4.
func parsePrefix(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// target is what rules are held against.
type target struct {
	protocol string
	names    []string   // that led to the address, normalised
	address  netip.Addr // unmapped, without zone
	port     uint16
}

func (r *rule) applies(t *target) bool {
	return (r.protocol == "" || r.protocol == t.protocol) && r.ports.contains(t.port)
}

// matches reports that the rule is one for t.
func (r *rule) matches(t *target) bool {
	if !r.applies(t) {
		return false
	}
	if r.matchesAddress(t.address) {
		return true
	}
	for _, name := range t.names {
		if r.matchesName(name) {
			return true
		}
	}
	return false
}

func (r *rule) matchesAddress(a netip.Addr) bool {
	switch {
	case !a.IsValid():
		return false
	case r.prefix.IsValid():
		return r.prefix.Contains(a)
	case r.address != "":
		ok, err := path.Match(r.address, a.String())
		return ok && err == nil
	}
	return r.name == "*"
}

func (r *rule) matchesName(name string) bool {
	ok, err := path.Match(r.name, name)
	return ok && err == nil && r.name != ""
}

// ruleList is the rules of one field.
type ruleList []rule

func parseRules(field string, texts []string) (ruleList, error) {
	list := make(ruleList, 0, len(texts))
	for _, text := range texts {
		r, err := parseRule(field, text)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// parseNetworks is parseRules for a field that takes addresses only.
func parseNetworks(field string, texts []string) (ruleList, error) {
	list, err := parseRules(field, texts)
	for i := range list {
		if !list[i].prefix.IsValid() {
			return nil, &RuleError{field, list[i].text, "it is no address and no range of addresses such as 10.0.0.0/8"}
		}
	}
	return list, err
}

// find is the first rule that matches t, nil if none does.
func (l ruleList) find(t *target) *rule {
	for i := range l {
		if l[i].matches(t) {
			return &l[i]
		}
	}
	return nil
}

// findName is the first rule that some port of a host called name could match.
func (l ruleList) findName(name string) *rule {
	for i := range l {
		if l[i].matchesName(name) {
			return &l[i]
		}
	}
	return nil
}

// has reports that f is true of some rule.
func (l ruleList) has(f func(*rule) bool) bool {
	for i := range l {
		if f(&l[i]) {
			return true
		}
	}
	return false
}
