package guestnet

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"strings"
	"time"
)

// Info describes a connection after its handshake, as the guest's ssl module tells of it. All values can be encoded
// by core/wire.
func (t *TLSTable) Info(handle int32) (map[string]any, error) {
	e := t.engines[handle]
	if e == nil {
		return nil, ErrTLSHandle
	}
	if !e.started || e.handshake() != TLSOK {
		return map[string]any{}, nil
	}
	state := e.conn.ConnectionState()
	chain := []any{}
	for _, certificate := range state.PeerCertificates {
		chain = append(chain, certificate.Raw)
	}
	verified := []any{}
	for _, der := range e.chains {
		verified = append(verified, der)
	}
	if len(verified) == 0 && len(state.VerifiedChains) > 0 {
		for _, certificate := range state.VerifiedChains[0] {
			verified = append(verified, certificate.Raw)
		}
	}
	name, bits := cipherName(state.CipherSuite)
	return map[string]any{
		"version": versionName(state.Version), "cipher": name, "bits": int64(bits), "alpn": state.NegotiatedProtocol,
		"chain": chain, "verified": verified, "unique": state.TLSUnique, "host_verified": e.verified,
	}, nil
}

// versionName is OpenSSL's name of a version: TLSv1.3.
func versionName(version uint16) string {
	return strings.Replace(strings.Replace(tls.VersionName(version), "TLS ", "TLSv", 1), "v1.0", "v1", 1)
}

// cipherName is OpenSSL's name of a cipher suite, and the length of its key in bits.
func cipherName(suite uint16) (name string, bits int) {
	name = tls.CipherSuiteName(suite)
	bits = 128
	if strings.Contains(name, "256_CBC") || strings.Contains(name, "AES_256") || strings.Contains(name, "CHACHA20") {
		bits = 256
	}
	exchange, cipher, old := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	if !old {
		return name, bits // of TLS 1.3, where both names are the same
	}
	cipher = strings.NewReplacer("AES_128_CBC", "AES128", "AES_256_CBC", "AES256", "AES_128_GCM", "AES128-GCM", "AES_256_GCM", "AES256-GCM",
		"CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "3DES_EDE_CBC", "DES-CBC3", "RC4_128", "RC4", "_", "-").Replace(cipher)
	if exchange == "RSA" {
		return cipher, bits
	}
	return strings.ReplaceAll(exchange, "_", "-") + "-" + cipher, bits
}

// CipherSuites lists the cipher suites as [OpenSSL's name, number, bits, version].
func CipherSuites() []any {
	all := []any{}
	for _, suite := range tls.CipherSuites() {
		name, bits := cipherName(suite.ID)
		version := "TLSv1.2"
		if suite.SupportedVersions[0] == tls.VersionTLS13 {
			version = "TLSv1.3"
		}
		all = append(all, []any{name, int64(suite.ID), int64(bits), version})
	}
	return all
}

// attributeNames are OpenSSL's long names.
var attributeNames = map[string]string{
	"2.5.4.3": "commonName", "2.5.4.4": "surname", "2.5.4.5": "serialNumber", "2.5.4.6": "countryName", "2.5.4.7": "localityName",
	"2.5.4.8": "stateOrProvinceName", "2.5.4.9": "streetAddress", "2.5.4.10": "organizationName", "2.5.4.11": "organizationalUnitName",
	"2.5.4.12": "title", "2.5.4.42": "givenName", "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode",
	"1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "domainComponent", "0.9.2342.19200300.100.1.1": "userId",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionLocalityName", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionStateOrProvinceName",
	"1.3.6.1.4.1.311.60.2.1.3": "jurisdictionCountryName",
}

// DescribeCertificate is what getpeercert() tells of a certificate in DER.
func DescribeCertificate(der []byte) (map[string]any, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	serial := strings.ToUpper(c.SerialNumber.Text(16))
	if len(serial)%2 == 1 {
		serial = "0" + serial
	}
	m := map[string]any{
		"subject": distinguishedName(c.RawSubject), "issuer": distinguishedName(c.RawIssuer), "version": int64(c.Version), "serialNumber": serial,
		"notBefore": certificateTime(c.NotBefore), "notAfter": certificateTime(c.NotAfter), "ca": c.IsCA,
	}
	for key, list := range map[string][]string{"OCSP": c.OCSPServer, "caIssuers": c.IssuingCertificateURL, "crlDistributionPoints": c.CRLDistributionPoints} {
		if len(list) > 0 {
			m[key] = texts(list)
		}
	}
	if names := alternativeNames(c); len(names) > 0 {
		m["subjectAltName"] = names
	}
	return m, nil
}

func texts(list []string) []any {
	out := []any{}
	for _, text := range list {
		out = append(out, strings.ToValidUTF8(text, "?"))
	}
	return out
}

func certificateTime(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006") + " GMT" }

// distinguishedName is a name as a list of lists of pairs.
func distinguishedName(raw []byte) []any {
	var sequence pkix.RDNSequence
	out := []any{}
	if _, err := asn1.Unmarshal(raw, &sequence); err != nil {
		return out
	}
	for _, set := range sequence {
		pairs := []any{}
		for _, attribute := range set {
			name := attribute.Type.String()
			if known, ok := attributeNames[name]; ok {
				name = known
			}
			pairs = append(pairs, []any{name, strings.ToValidUTF8(fmt.Sprint(attribute.Value), "?")})
		}
		out = append(out, pairs)
	}
	return out
}

func alternativeNames(c *x509.Certificate) []any {
	out := []any{}
	add := func(kind, value string) { out = append(out, []any{kind, strings.ToValidUTF8(value, "?")}) }
	for _, name := range c.DNSNames {
		add("DNS", name)
	}
	for _, name := range c.EmailAddresses {
		add("email", name)
	}
	for _, address := range c.IPAddresses {
		add("IP Address", addressText(address))
	}
	for _, uri := range c.URIs {
		add("URI", uri.String())
	}
	return out
}

// addressText is an address as OpenSSL prints it: IPv6 in full, in capital letters.
func addressText(address net.IP) string {
	if v4 := address.To4(); v4 != nil {
		return v4.String()
	}
	var groups []string
	for i := 0; i+1 < len(address); i += 2 {
		groups = append(groups, fmt.Sprintf("%X", int(address[i])<<8|int(address[i+1])))
	}
	return strings.Join(groups, ":")
}
