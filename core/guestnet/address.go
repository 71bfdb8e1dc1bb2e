package guestnet

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// AddressBytes is the size of an address as guest and host pass it: family (2 bytes), port (2), address (16, an IPv4
// address in the first four), zone (4); numbers are little endian. See wasm/guest/shim/net.c.
const AddressBytes = 24

// Families, as the guest's libc numbers them.
const (
	FamilyAny  = 0
	FamilyIPv4 = 1
	FamilyIPv6 = 2

	FamilyNumeric = 0x100 // of Resolve
)

// Types of sockets, as the guest's libc numbers them.
const (
	TypeDatagram = 5
	TypeStream   = 6
)

const (
	protocolTCP = 6
	protocolUDP = 17
)

// familyOf is the family of an address.
func familyOf(a netip.Addr) int32 {
	if a.Is4() {
		return FamilyIPv4
	}
	return FamilyIPv6
}

// DecodeAddress reads an address of the guest's. It may be anything.
func DecodeAddress(b []byte) (netip.AddrPort, Errno) {
	if len(b) < AddressBytes {
		return netip.AddrPort{}, EFAULT
	}
	port := binary.LittleEndian.Uint16(b[2:])
	switch binary.LittleEndian.Uint16(b) {
	case FamilyIPv4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port), OK
	case FamilyIPv6:
		// Zones name interfaces of the host, which are none of the guest's business.
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[4:20])), port), OK
	}
	return netip.AddrPort{}, EAFNOSUPPORT
}

// EncodeAddress writes an address for the guest into b, which holds AddressBytes.
func EncodeAddress(b []byte, a netip.AddrPort) {
	clear(b[:AddressBytes])
	binary.LittleEndian.PutUint16(b[2:], a.Port())
	if addr := a.Addr(); addr.Is4() {
		binary.LittleEndian.PutUint16(b, FamilyIPv4)
		v4 := addr.As4()
		copy(b[4:], v4[:])
	} else if addr.Is6() {
		binary.LittleEndian.PutUint16(b, FamilyIPv6)
		v6 := addr.As16()
		copy(b[4:], v6[:])
	}
}

// inFamily is a as an address of the family: IPv4 ones are mapped for IPv6 sockets.
func inFamily(a netip.AddrPort, family int32) netip.AddrPort {
	addr := a.Addr().WithZone("")
	switch {
	case family == FamilyIPv6 && addr.Is4():
		addr = netip.AddrFrom16(addr.As16())
	case family == FamilyIPv4:
		addr = addr.Unmap()
	}
	return netip.AddrPortFrom(addr, a.Port())
}

// unspecified is the family's address for "any", without a port.
func unspecified(family int32) netip.AddrPort {
	if family == FamilyIPv6 {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
}

// addrPortOf is the address of one end of a host's connection, the zero value where it has none.
func addrPortOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return clean(a.AddrPort())
	case *net.UDPAddr:
		return clean(a.AddrPort())
	}
	return netip.AddrPort{}
}

func clean(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone("").Unmap(), a.Port())
}

// literal reads the spellings of an address that C libraries know: those of inet_aton (decimal, octal, hexadecimal,
// fewer than four parts) and IPv6.
func literal(host string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.WithZone(""), true
	}
	return classful(host)
}

// classful reads what inet_aton does beside dotted quads.
func classful(host string) (netip.Addr, bool) {
	var parts []uint64
	for rest := host; ; {
		part, tail, more := cutDot(rest)
		n, ok := number(part)
		if !ok || len(parts) == 4 {
			return netip.Addr{}, false
		}
		parts = append(parts, n)
		if !more {
			break
		}
		rest = tail
	}
	var value uint64
	last := len(parts) - 1
	for i, n := range parts[:last] {
		if n > 255 {
			return netip.Addr{}, false
		}
		value |= n << (24 - 8*i)
	}
	if parts[last] >= 1<<(8*(4-last)) {
		return netip.Addr{}, false
	}
	value |= parts[last]
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func cutDot(s string) (part, rest string, more bool) {
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// number reads a number in C's notations; at most 32 bits.
func number(s string) (uint64, bool) {
	base := uint64(10)
	switch {
	case len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	var n uint64
	for _, c := range []byte(s) {
		digit := uint64(99)
		switch {
		case c >= '0' && c <= '9':
			digit = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			digit = uint64(c-'a') + 10
		case c >= 'A' && c <= 'F':
			digit = uint64(c-'A') + 10
		}
		if digit >= base {
			return 0, false
		}
		if n = n*base + digit; n > 0xffffffff {
			return 0, false
		}
	}
	return n, s != ""
}
