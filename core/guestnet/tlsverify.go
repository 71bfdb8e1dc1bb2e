package guestnet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// TLSFailure is why a TLS connection failed, in OpenSSL's words as far as there are some.
type TLSFailure struct {
	// Kind is "verify" (SSLCertVerificationError), "ssl" (SSLError) or "permission" (PermissionError).
	Kind string
	// Reason is OpenSSL's name of the failure, such as WRONG_VERSION_NUMBER; "" for none.
	Reason string
	Text   string
	// Code is OpenSSL's number of a failed verification, and Detail its text.
	Code   int
	Detail string
}

// Error implements error.
func (f *TLSFailure) Error() string { return f.Text }

// verifyServer decides about a server's certificate. What the host's roots do not vouch for is accepted only where
// the policy lets the guest decide, and the guest does.
func (e *engine) verifyServer(state tls.ConnectionState) error {
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return unverified(0, "no certificate was sent")
	}
	name := strings.TrimSuffix(e.options.Hostname, ".")
	lenient := e.policy.config.AllowInsecureTLS
	if name == "" && !lenient {
		return &TLSFailure{Kind: "ssl", Text: "server_hostname is needed: the network policy requires the server's name to be verified (allow_insecure_tls is off)"}
	}
	err := e.verify(chain, name, e.policy.trust.roots())
	if err == nil && name != "" {
		e.verified = true
		return nil
	}
	if !lenient {
		if e.options.Verify != 2 || !e.options.CheckHostname || e.options.OwnRoots {
			err.Text += " (verification by the host's roots is required by the network policy: allow_insecure_tls is off)"
		}
		return err
	}
	if e.options.Verify == 0 {
		return nil
	}
	if !e.options.CheckHostname {
		name = ""
	}
	if err := e.verify(chain, name, e.guestRoots(e.policy.trust.roots().Clone())); err != nil {
		return err
	}
	return nil
}

// verify checks a chain, and the name if it is not "".
func (e *engine) verify(chain []*x509.Certificate, name string, roots *x509.CertPool) *TLSFailure {
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, certificate := range chain[1:] {
		options.Intermediates.AddCert(certificate)
	}
	chains, err := chain[0].Verify(options)
	if err == nil && name != "" {
		err = chain[0].VerifyHostname(hostnameFor(name))
	}
	if err != nil {
		return verificationFailure(err, chain, name)
	}
	e.chains = nil
	for _, certificate := range chains[0] {
		e.chains = append(e.chains, certificate.Raw)
	}
	return nil
}

// hostnameFor is a name in the form that x509 takes for an address, if it is one.
func hostnameFor(name string) string {
	if net.ParseIP(name) != nil {
		return "[" + name + "]"
	}
	return name
}

func unverified(code int, detail string) *TLSFailure {
	return &TLSFailure{Kind: "verify", Reason: "CERTIFICATE_VERIFY_FAILED", Text: "certificate verify failed: " + detail, Code: code, Detail: detail}
}

// Numbers of failed verifications, X509_V_ERR_... in OpenSSL.
const (
	verifyNoIssuer       = 20
	verifyNotYetValid    = 9
	verifyExpired        = 10
	verifySelfSigned     = 18
	verifySelfSignedRoot = 19
	verifyPathLength     = 25
	verifyPurpose        = 26
	verifyPermitted      = 47
	verifyHostname       = 62
	verifyIPAddress      = 64
	verifyInvalidCA      = 79
	verifyUnspecified    = 1
)

// verificationFailure is err in OpenSSL's words.
func verificationFailure(err error, chain []*x509.Certificate, name string) *TLSFailure {
	var hostname x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &hostname) && net.ParseIP(name) != nil:
		return unverified(verifyIPAddress, fmt.Sprintf("IP address mismatch, certificate is not valid for '%s'.", name))
	case errors.As(err, &hostname):
		return unverified(verifyHostname, fmt.Sprintf("Hostname mismatch, certificate is not valid for '%s'.", name))
	case errors.As(err, &invalid):
		return invalidCertificate(invalid)
	case errors.As(err, &unknown):
		last := chain[len(chain)-1]
		switch {
		case string(last.RawIssuer) != string(last.RawSubject):
			return unverified(verifyNoIssuer, "unable to get local issuer certificate")
		case len(chain) == 1:
			return unverified(verifySelfSigned, "self-signed certificate")
		}
		return unverified(verifySelfSignedRoot, "self-signed certificate in certificate chain")
	}
	return unverified(verifyUnspecified, err.Error())
}

func invalidCertificate(err x509.CertificateInvalidError) *TLSFailure {
	switch err.Reason {
	case x509.Expired:
		if err.Cert != nil && time.Now().Before(err.Cert.NotBefore) {
			return unverified(verifyNotYetValid, "certificate is not yet valid")
		}
		return unverified(verifyExpired, "certificate has expired")
	case x509.NotAuthorizedToSign:
		return unverified(verifyInvalidCA, "invalid CA certificate")
	case x509.TooManyIntermediates:
		return unverified(verifyPathLength, "path length constraint exceeded")
	case x509.IncompatibleUsage:
		return unverified(verifyPurpose, "unsuitable certificate purpose")
	case x509.CANotAuthorizedForThisName, x509.CANotAuthorizedForExtKeyUsage:
		return unverified(verifyPermitted, "permitted subtree violation")
	}
	return unverified(verifyUnspecified, err.Error())
}
