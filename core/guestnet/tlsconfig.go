package guestnet

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
)

const (
	maxGuestRoots = 1000
	maxHostname   = 255
	maxRootBytes  = 32 << 10
	// maxKeyBytes is the longest private key of a guest's, in DER: RSA with 8192 bits. Checking a longer one takes long.
	maxKeyBytes = 5000
)

// config is the configuration of crypto/tls for what the guest asks, as far as the policy lets it. filtered says that
// the plain text must be HTTP/1.
func (e *engine) config(filtered bool) (*tls.Config, error) {
	o := &e.options
	if len(o.Hostname) > maxHostname || len(o.Roots) > maxGuestRoots || len(o.Protocols) > 100 {
		return nil, &TLSFailure{Kind: "ssl", Reason: "INVALID_ARGUMENT", Text: "an argument is too long"}
	}
	c := &tls.Config{
		ServerName: strings.TrimSuffix(o.Hostname, "."), InsecureSkipVerify: true, // VerifyConnection does it
		MinVersion: e.version(o.MinVersion, tls.VersionTLS12), MaxVersion: o.MaxVersion,
		NextProtos: slices.Clone(o.Protocols), CipherSuites: o.Ciphers, SessionTicketsDisabled: true,
	}
	if filtered && slices.Contains(c.NextProtos, "h2") {
		c.NextProtos = slices.DeleteFunc(c.NextProtos, func(p string) bool { return p == "h2" })
		if len(c.NextProtos) == 0 {
			return nil, &TLSFailure{Kind: "ssl", Reason: "NO_APPLICATION_PROTOCOL", Text: "HTTP/2 cannot be used in a sandbox with secrets: offer http/1.1"}
		}
	}
	if c.MaxVersion != 0 && c.MaxVersion < c.MinVersion {
		return nil, &TLSFailure{Kind: "ssl", Reason: "UNSUPPORTED_PROTOCOL", Text: "the maximum version is below TLS 1.2, which the network policy requires (allow_insecure_tls is off)"}
	}
	if len(o.Chain) > 0 {
		pair, err := keyPair(o.Chain, o.Key)
		if err != nil {
			return nil, &TLSFailure{Kind: "ssl", Reason: "PEM_LIB", Text: "PEM lib: " + err.Error()}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if o.Server {
		return c, e.serverConfig(c)
	}
	c.VerifyConnection = e.verifyServer
	if len(c.Certificates) == 0 {
		c.GetClientCertificate = e.hostCertificate
	}
	return c, nil
}

// version is the least version: below TLS 1.2 only where the policy allows it.
func (e *engine) version(asked, least uint16) uint16 {
	if asked == 0 || asked < least && !e.policy.config.AllowInsecureTLS {
		return least
	}
	return asked
}

func (e *engine) serverConfig(c *tls.Config) error {
	if len(c.Certificates) == 0 {
		return &TLSFailure{Kind: "ssl", Reason: "NO_CERTIFICATE_SET", Text: "no certificate set: a server's context needs load_cert_chain"}
	}
	switch e.options.Verify {
	case 1:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case 2:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	c.ClientCAs = e.guestRoots(x509.NewCertPool())
	if len(c.NextProtos) == 0 {
		return nil
	}
	// A client whose protocols are all unknown is served without one, as OpenSSL does; crypto/tls would refuse it.
	plain := c.Clone()
	plain.NextProtos = nil
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(e.options.Protocols, p) }) {
			return nil, nil
		}
		return plain, nil
	}
	return nil
}

// hostCertificate is the caller's certificate for the server, once that has proven who it is.
func (e *engine) hostCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if e.verified {
		if pair := e.policy.trust.client(e.options.Hostname, 0); pair != nil {
			return pair, nil
		}
	}
	return &tls.Certificate{}, nil
}

// guestRoots adds the guest's certificates to pool.
func (e *engine) guestRoots(pool *x509.CertPool) *x509.CertPool {
	for _, der := range e.options.Roots {
		if len(der) > maxRootBytes {
			continue
		}
		if certificate, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(certificate)
		}
	}
	return pool
}

// keyPair reads a certificate and a key of the guest's.
func keyPair(chain, key []byte) (tls.Certificate, error) {
	for rest := key; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") && len(block.Bytes) > maxKeyBytes {
			return tls.Certificate{}, errors.New("the private key is longer than RSA with 8192 bits")
		}
	}
	return tls.X509KeyPair(chain, key)
}

// CheckPair reports why a certificate and a key, both PEM, do not belong together; "" if they do.
func CheckPair(chain, key []byte) string {
	if _, err := keyPair(chain, key); err != nil {
		return strings.TrimPrefix(err.Error(), "tls: ")
	}
	return ""
}
