package guestnet

import "net/netip"

// HostRule is one rule for hosts, as in Config.AllowedHosts.
type HostRule struct{ rule rule }

// ParseHostRule reads a rule. The error is a [*RuleError], which names the field.
func ParseHostRule(field, text string) (HostRule, error) {
	r, err := parseRule(field, text)
	return HostRule{r}, err
}

// MatchesHost is Matches for any port.
func (h HostRule) MatchesHost(host string) bool {
	any := h
	any.rule.ports = allPorts
	return any.Matches(host, 0)
}

// Matches reports that the rule is for a TCP connection to a host, by its name or address.
func (h HostRule) Matches(host string, port uint16) bool {
	t := &target{protocol: "tcp", port: port}
	if a, err := netip.ParseAddr(host); err == nil {
		t.address = a.WithZone("").Unmap()
	} else {
		t.names = []string{Normalize(host)}
	}
	return h.rule.matches(t)
}
