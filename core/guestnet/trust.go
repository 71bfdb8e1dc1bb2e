package guestnet

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"sync"
)

// trust is whom a policy's TLS connections believe, and what they show of themselves.
type trust struct {
	added   []*x509.Certificate
	clients []clientCertificate

	once  sync.Once
	alone bool // without the system's roots
	pool  *x509.CertPool
}

type clientCertificate struct {
	tls.Certificate
	rules ClientCertificate
}

// newTrust reads the certificates of a Config.
func newTrust(c *Config) (*trust, error) {
	t := &trust{alone: c.NoSystemRoots}
	for i, text := range c.RootCertificates {
		certificates, err := ParseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("network: RootCertificates: number %d: %w", i+1, err)
		}
		t.added = append(t.added, certificates...)
	}
	for i, client := range c.ClientCertificates {
		pair, err := tls.X509KeyPair(client.Certificate, client.Key)
		if err != nil {
			return nil, fmt.Errorf("network: ClientCertificates: number %d: %w", i+1, err)
		}
		t.clients = append(t.clients, clientCertificate{pair, client})
	}
	return t, nil
}

// ParseCertificates reads one certificate in DER or at least one in PEM.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(text, []byte("-----BEGIN")) {
		certificate, err := x509.ParseCertificate(text)
		if err != nil {
			return nil, fmt.Errorf("it is neither a DER nor a PEM certificate: %w", err)
		}
		return []*x509.Certificate{certificate}, nil
	}
	var all []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a PEM block is no certificate: %w", err)
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no certificate in the PEM text")
	}
	return all, nil
}

// roots are the certificates that the host trusts: the system's, unless the caller does not want them, and the
// caller's.
func (t *trust) roots() *x509.CertPool {
	t.once.Do(func() {
		if !t.alone {
			if pool, err := x509.SystemCertPool(); err == nil {
				t.pool = pool
			}
		}
		if t.pool == nil {
			t.pool = x509.NewCertPool()
		}
		for _, certificate := range t.added {
			t.pool.AddCert(certificate)
		}
	})
	return t.pool
}

// client is the certificate that the caller gives for a host; nil for none.
func (t *trust) client(host string, port uint16) *tls.Certificate {
	for i := range t.clients {
		if t.clients[i].rules.Serves(host, port) {
			return &t.clients[i].Certificate
		}
	}
	return nil
}

// TLSConfig is how the host itself connects by TLS under the policy: verified by the host's roots.
func (p *Policy) TLSConfig() *tls.Config {
	return &tls.Config{RootCAs: p.trust.roots(), MinVersion: tls.VersionTLS12}
}

// ClientCertificate is what the caller gives for a server; nil for nothing.
func (p *Policy) ClientCertificate(host string, port uint16) *tls.Certificate {
	return p.trust.client(host, port)
}
