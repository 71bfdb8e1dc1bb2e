package guestnet

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// nonPublic is every range that is not globally reachable, after IANA's registries of special-purpose addresses, and
// what of IPv6 is not assigned to anybody.
var nonPublic = []string{
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local: the metadata services of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	"::/16",           // unspecified, loopback, IPv4-compatible and -mapped
	"64:ff9b:1::/48",  // NAT64 of a site
	"100::/8",         // discard
	"200::/7",         // reserved, as the next three
	"400::/6",         //
	"800::/5",         //
	"1000::/4",        //
	"2001::/23",       // protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32",   // documentation
	"3fff::/20",       // documentation
	"4000::/2",        // reserved, segment routing
	"8000::/1",        // reserved; fc00::/7 private, fe80::/10 link-local, fec0::/10 site-local, ff00::/8 multicast
}

// NonPublicNetworks is what Config.BlockedNetworks is when it is nil: every range of addresses that is not public.
func NonPublicNetworks() []string { return slices.Clone(nonPublic) }

// Prefixes of IPv6 addresses that lead to an IPv4 address.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Site  = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	compatible = netip.MustParsePrefix("::/96")
)

// embedded is the IPv4 address that a gateway would take out of a; ok is false when there is none. The rules hold for
// it as well.
func embedded(a netip.Addr) (v4 netip.Addr, ok bool) {
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	at := func(i int) (netip.Addr, bool) { return netip.AddrFrom4([4]byte(b[i : i+4])), true }
	isatap := binary.BigEndian.Uint32(b[8:])&^0x02000000 == 0x00005efe
	switch {
	case nat64.Contains(a), nat64Site.Contains(a), isatap:
		return at(12)
	case compatible.Contains(a) && binary.BigEndian.Uint32(b[12:]) > 1:
		return at(12)
	case sixToFour.Contains(a):
		return at(2)
	case teredo.Contains(a):
		for i := 12; i < 16; i++ {
			b[i] = ^b[i]
		}
		return at(12)
	}
	return netip.Addr{}, false
}
