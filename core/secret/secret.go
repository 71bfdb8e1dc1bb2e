// Package secret lets a guest use values that it must not see. The guest knows a placeholder; the host puts the real
// value in, only into header values of HTTP requests, and only on connections to hosts that the secret is for.
package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Prefix begins every placeholder; 32 hexadecimal digits follow.
const Prefix = "ERYX_SECRET_PLACEHOLDER_"

// PlaceholderBytes is the length of a placeholder, whatever the secret.
const PlaceholderBytes = len(Prefix) + 32

const maxValueBytes = 64 << 10

// Secret is a value that the guest may use without seeing it.
type Secret struct {
	// Name is the environment variable that holds the placeholder.
	Name string
	// Value is what is sent in its place. It stays on the host.
	Value string
	// AllowedHosts are patterns of the hosts that may be sent it; none: Options.DefaultHosts.
	AllowedHosts []string
}

// Rule reports whether a host's name or address, with the port that is dialled, fits a pattern.
type Rule func(host string, port uint16) bool

// Options of a Set.
type Options struct {
	// Rule reads a pattern of AllowedHosts.
	Rule func(text string) (Rule, error)
	// DefaultHosts stand in for empty AllowedHosts. If they are empty as well, a secret may go to any host.
	DefaultHosts []string
	// Redact hides the real values in what comes back from hosts that were sent one.
	Redact bool
}

// Set is the secrets of one sandbox, with placeholders of its own. It is not changed after NewSet and may be used by
// many goroutines. A nil Set has no secrets.
type Set struct {
	items   []*item
	options Options
	scrub   *matcher
}

type item struct {
	Secret
	placeholder []byte
	rules       []Rule // of AllowedHosts
}

// NewSet checks secrets and draws their placeholders. No secrets give a nil Set.
func NewSet(secrets []Secret, options Options) (*Set, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	s := &Set{options: options, scrub: &matcher{replace: func([]byte) []byte { return []byte(Redacted) }}}
	for _, secret := range secrets {
		if err := secret.validate(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(s.items, func(i *item) bool { return i.Name == secret.Name }) {
			return nil, fmt.Errorf("secret %q is given twice", secret.Name)
		}
		i, err := newItem(secret, options)
		if err != nil {
			return nil, err
		}
		s.items = append(s.items, i)
		s.scrub.add(i.placeholder)
	}
	return s, nil
}

func newItem(secret Secret, options Options) (*item, error) {
	secret.AllowedHosts = slices.Clone(secret.AllowedHosts)
	if len(secret.AllowedHosts) == 0 {
		secret.AllowedHosts = slices.Clone(options.DefaultHosts)
	}
	var random [16]byte
	rand.Read(random[:])
	i := &item{Secret: secret, placeholder: append([]byte(Prefix), hex.EncodeToString(random[:])...)}
	for _, text := range secret.AllowedHosts {
		rule, err := options.Rule(text)
		if err != nil {
			return nil, fmt.Errorf("secret %q: %w", secret.Name, err)
		}
		i.rules = append(i.rules, rule)
	}
	return i, nil
}

func (s Secret) validate() error {
	if !isName(s.Name) {
		return fmt.Errorf("secret %q: its name must be that of an environment variable: letters, digits and _, not beginning with a digit", s.Name)
	}
	if s.Value == "" {
		return fmt.Errorf("secret %q has no value", s.Name)
	}
	if len(s.Value) > maxValueBytes {
		return fmt.Errorf("secret %q is longer than %d bytes", s.Name, maxValueBytes)
	}
	for i := range len(s.Value) {
		if c := s.Value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("secret %q contains a control character (a line break at its end?), which cannot be sent in a header", s.Name)
		}
	}
	if strings.Contains(s.Value, Prefix) {
		return fmt.Errorf("secret %q looks like a placeholder", s.Name)
	}
	if slices.Contains(s.AllowedHosts, "") {
		return fmt.Errorf("secret %q: an allowed host is empty", s.Name)
	}
	return nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Env is the guest's environment: the name of each secret with its placeholder.
func (s *Set) Env() map[string]string {
	env := map[string]string{}
	if s != nil {
		for _, i := range s.items {
			env[i.Name] = string(i.placeholder)
		}
	}
	return env
}

// Concerns reports whether any secret may be sent to target, now or if it were verified.
func (s *Set) Concerns(target Target) bool {
	return s != nil && slices.ContainsFunc(s.items, func(i *item) bool { return i.permits(target, target.Hosts) })
}

// Target is whom a connection leads to, as the host knows it: not what the guest says.
type Target struct {
	// Hosts are the names and addresses that the peer was dialled by or has proven to have.
	Hosts []string
	// Port is the one that was dialled.
	Port uint16
	// Denied is why no secret may be sent on this connection whatever its hosts; "" if they may.
	Denied string
}

// permits reports whether one of hosts may be sent i.
func (i *item) permits(target Target, hosts []string) bool {
	if len(i.rules) == 0 {
		return true
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return slices.ContainsFunc(i.rules, func(rule Rule) bool { return rule(host, target.Port) })
	})
}

// Refusal is the error of a request with a placeholder that must not be replaced. The connection is to be closed.
type Refusal struct {
	Name   string // the secret, "" if it is not about one of them
	Reason string
}

// Refused is Error, for those who tell refusals from failures without knowing this package.
func (e *Refusal) Refused() string { return e.Error() }

func (e *Refusal) Error() string {
	if e.Name == "" {
		return e.Reason
	}
	return "secret " + e.Name + ": " + e.Reason
}

// check reports why i must not be sent to target in a request whose Host header is named; nil if it may.
func (i *item) check(target Target, named string) error {
	if !i.permits(target, target.Hosts) {
		return &Refusal{i.Name, fmt.Sprintf("it must not be sent to %s (allowed_hosts: %s)", orUnknown(target.Hosts), strings.Join(i.AllowedHosts, ", "))}
	}
	if target.Denied != "" {
		return &Refusal{i.Name, target.Denied}
	}
	// A server that serves many names would pass the request on to another of them.
	if named != "" && !slices.ContainsFunc(target.Hosts, func(h string) bool { return strings.EqualFold(h, named) }) && !i.permits(target, []string{named}) {
		return &Refusal{i.Name, fmt.Sprintf("the request's Host header names %q, which it must not be sent to", named)}
	}
	return nil
}

func orUnknown(hosts []string) string {
	if len(hosts) == 0 {
		return "an unknown host"
	}
	return strings.Join(hosts, ", ")
}

// substitute replaces the placeholders in value, if each may go to target.
func (s *Set) substitute(value []byte, target Target, named string) ([]byte, error) {
	for _, i := range s.items {
		if !bytes.Contains(value, i.placeholder) {
			continue
		}
		if err := i.check(target, named); err != nil {
			return nil, err
		}
		value = bytes.ReplaceAll(value, i.placeholder, []byte(i.Value))
	}
	return value, nil
}
