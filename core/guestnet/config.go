package guestnet

import (
	"context"
	"net/netip"
	"time"
)

// Unlimited in a numeric field of Config switches that limit off.
const Unlimited = -1

// Config grants a guest the network, and says how much of it. The zero value lets it connect by TCP to every host
// whose address is public, and nothing else.
//
// A rule for hosts is "[protocol://]host[:ports]": protocol is tcp or udp, both if it is missing; host is a name in
// which * stands for any characters ("*.example.com"), an address ("203.0.113.7", "[2001:db8::1]"), or a range of
// them ("10.0.0.0/8"); ports is one ("443") or a range ("8000-8999"), all if they are missing. Names are compared
// without regard to case and to a dot at the end; an address never matches a name with letters in it. A rule for
// networks is the same with an address or a range.
type Config struct {
	// MaxConnections is how many connections may be open at once, listeners and those that still send what they were
	// given included; 0 is 10, Unlimited is 1024.
	MaxConnections int
	// ConnectTimeout is how long one connect may take; 0 is 30 s.
	ConnectTimeout time.Duration
	// IOTimeout is how long one read or write may wait for the peer, whatever timeout the guest asks for; 0 is 60 s.
	IOTimeout time.Duration

	// AllowedHosts restricts the guest to hosts that match a rule; empty allows all.
	AllowedHosts []string
	// BlockedHosts are refused, whatever else is allowed.
	BlockedHosts []string
	// BlockedNetworks are addresses that are refused, whatever name led to them. nil is NonPublicNetworks; an empty
	// slice blocks none.
	BlockedNetworks []string
	// AllowedNetworks are exempt from BlockedNetworks.
	AllowedNetworks []string
	// InternalHosts are names that may resolve into BlockedNetworks: only list names whose DNS you control. Where
	// AllowedHosts restricts, they are allowed as well.
	InternalHosts []string
	// AllowedPorts restricts the guest to ports or ranges of them; empty allows all.
	AllowedPorts []string
	// BlockedPorts are refused.
	BlockedPorts []string

	// Listen is where the guest may listen: rules for addresses, where "localhost" is 127.0.0.1 and ::1. Empty allows
	// none. The guest may always connect to what it listens on itself.
	Listen []string
	// UDP allows datagrams, under the same rules.
	UDP bool

	// RootCertificates are trusted for TLS beside the system's, each DER or PEM (of one or more certificates).
	RootCertificates [][]byte
	// NoSystemRoots trusts RootCertificates only.
	NoSystemRoots bool
	// ClientCertificates are presented to the servers they are for.
	ClientCertificates []ClientCertificate
	// AllowInsecureTLS lets the guest switch off the verification of certificates.
	AllowInsecureTLS bool

	// MaxBytesUp and MaxBytesDown bound what a guest may send and receive in its life, in bytes; 0 is no limit.
	MaxBytesUp, MaxBytesDown int64
	// DNSCacheTime is how long an answer of the resolver is used again; 0 is 30 s, Unlimited for the guest's life.
	DNSCacheTime time.Duration
	// Resolver looks names up; nil asks the system. Its answers are subject to the rules.
	Resolver func(ctx context.Context, host string) ([]netip.Addr, error)

	// Fetch gives the program the function fetch, which makes HTTP requests on the host, under the same rules.
	Fetch bool
	// NoSockets refuses sockets, so that the program can use fetch only.
	NoSockets bool

	// OnConnect decides about an attempt that the rules allow; an error refuses it, and the guest sees its text. It
	// is called on a goroutine of its own and may take its time, within ConnectTimeout.
	OnConnect func(ctx context.Context, attempt Attempt) error
	// OnEvent is told of every attempt, refused ones included, and of every connection that ends. It is called from
	// any goroutine and must be quick.
	OnEvent func(Event)
}

// ClientCertificate is what the guest's TLS connections show to certain servers. The guest never sees the key.
type ClientCertificate struct {
	// Certificate and Key are PEM; Certificate may be a chain.
	Certificate, Key []byte
	// Hosts are rules for the servers that it is for; empty is all.
	Hosts []string
}

// Attempt is one connection that a guest wants to make or to accept, or one datagram to a new destination.
type Attempt struct {
	// Protocol is "tcp" or "udp".
	Protocol string
	// Host is the name that the guest resolved to Address last, the address itself when there was none.
	Host string
	// Address is what will be dialled, or the peer of an accepted connection.
	Address netip.AddrPort
	// Listen says that the guest wants to listen on Address, or accepts a connection from there.
	Listen bool
}

// The kinds of an Event.
const (
	EventResolve = "resolve" // a name was looked up
	EventConnect = "connect" // a connection was made, or refused
	EventListen  = "listen"  // the guest listens, or was refused to
	EventAccept  = "accept"  // a connection was accepted
	EventClose   = "close"   // a connection has ended
)

// Event tells of one step of a guest's on the network, for an audit.
type Event struct {
	Kind string
	Attempt
	Time time.Time
	// Refused is why the rules or OnConnect refused it, "" when they did not.
	Refused string
	// Error is why it failed otherwise, "" when it did not.
	Error string
	// BytesUp and BytesDown are what the guest sent and received on the connection; EventClose only.
	BytesUp, BytesDown int64
	// Duration is how long it took; of EventClose, how long the connection lasted.
	Duration time.Duration
}

const (
	defaultConnections    = 10
	defaultConnectTimeout = 30 * time.Second
	defaultIOTimeout      = 60 * time.Second
	defaultDNSCacheTime   = 30 * time.Second

	permissiveConnections = 100
)

// Permissive is a Config that reaches everything, the host's own services included. Listening, UDP and insecure TLS
// stay off.
func Permissive() Config {
	return Config{MaxConnections: permissiveConnections, BlockedNetworks: []string{}}
}

// AllowHost adds a rule to AllowedHosts and returns the result; the receiver stays as it was. So do the others.
func (c Config) AllowHost(rule string) Config {
	c.AllowedHosts = appended(c.AllowedHosts, rule)
	return c
}

// BlockHost adds a rule to BlockedHosts.
func (c Config) BlockHost(rule string) Config {
	c.BlockedHosts = appended(c.BlockedHosts, rule)
	return c
}

// AllowNetwork adds a rule to AllowedNetworks.
func (c Config) AllowNetwork(rule string) Config {
	c.AllowedNetworks = appended(c.AllowedNetworks, rule)
	return c
}

// AllowInternalHost adds a rule to InternalHosts.
func (c Config) AllowInternalHost(rule string) Config {
	c.InternalHosts = appended(c.InternalHosts, rule)
	return c
}

// AllowLocalhost exempts the loopback addresses from BlockedNetworks; where AllowedHosts restricts, it allows them.
func (c Config) AllowLocalhost() Config {
	if len(c.AllowedHosts) > 0 {
		c.AllowedHosts = appended(c.AllowedHosts, "localhost", "*.localhost", "127.0.0.0/8", "::1")
	}
	c.AllowedNetworks = appended(c.AllowedNetworks, "127.0.0.0/8", "::1")
	return c
}

// WithRootCert adds a certificate, DER or PEM, to RootCertificates.
func (c Config) WithRootCert(certificate []byte) Config {
	c.RootCertificates = append(c.RootCertificates[:len(c.RootCertificates):len(c.RootCertificates)], certificate)
	return c
}

// appended is a copy of list with more at its end.
func appended(list []string, more ...string) []string {
	return append(list[:len(list):len(list)], more...)
}
