package guestnet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
)

// alertReasons are OpenSSL's names of the alerts that a peer may send.
var alertReasons = map[tls.AlertError]string{
	10: "SSLV3_ALERT_UNEXPECTED_MESSAGE", 20: "SSLV3_ALERT_BAD_RECORD_MAC", 22: "TLSV1_ALERT_RECORD_OVERFLOW",
	40: "SSLV3_ALERT_HANDSHAKE_FAILURE", 42: "SSLV3_ALERT_BAD_CERTIFICATE", 43: "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
	44: "SSLV3_ALERT_CERTIFICATE_REVOKED", 45: "SSLV3_ALERT_CERTIFICATE_EXPIRED", 46: "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
	47: "SSLV3_ALERT_ILLEGAL_PARAMETER", 48: "TLSV1_ALERT_UNKNOWN_CA", 49: "TLSV1_ALERT_ACCESS_DENIED", 50: "TLSV1_ALERT_DECODE_ERROR",
	51: "TLSV1_ALERT_DECRYPT_ERROR", 70: "TLSV1_ALERT_PROTOCOL_VERSION", 71: "TLSV1_ALERT_INSUFFICIENT_SECURITY",
	80: "TLSV1_ALERT_INTERNAL_ERROR", 86: "TLSV1_ALERT_INAPPROPRIATE_FALLBACK", 90: "TLSV1_ALERT_USER_CANCELLED",
	109: "TLSV13_ALERT_MISSING_EXTENSION", 110: "TLSV1_UNSUPPORTED_EXTENSION", 112: "TLSV1_UNRECOGNIZED_NAME",
	116: "TLSV13_ALERT_CERTIFICATE_REQUIRED", 120: "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
}

// alertOf is the reason for crypto/tls's text of an alert.
func alertOf(text string) string {
	for alert, reason := range alertReasons {
		if strings.HasSuffix(text, alert.Error()) {
			return reason
		}
	}
	return ""
}

// reasons are OpenSSL's names of failures that crypto/tls describes in other words.
var reasons = []struct{ text, reason string }{
	{"unsupported protocol version", "UNSUPPORTED_PROTOCOL"},
	{"unsupported versions", "UNSUPPORTED_PROTOCOL"},
	{"no cipher suite supported by both", "NO_SHARED_CIPHER"},
	{"client didn't provide a certificate", "PEER_DID_NOT_RETURN_A_CERTIFICATE"},
	{"bad record MAC", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"},
	{"protocol is shutdown", "PROTOCOL_IS_SHUTDOWN"},
	{"oversized record", "RECORD_TOO_LARGE"},
}

// describeTLS is err as the guest is told of it.
func describeTLS(err error) *TLSFailure {
	var known *TLSFailure
	var header tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var refused interface{ Refused() string }
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused):
		return &TLSFailure{Kind: "permission", Text: refused.Refused()}
	case errors.As(err, &verification): // a client's certificate
		var chain []*x509.Certificate
		if chain = verification.UnverifiedCertificates; len(chain) > 0 {
			return verificationFailure(verification.Err, chain, "")
		}
	case errors.As(err, &header):
		if strings.HasPrefix(string(header.RecordHeader[:]), "HTTP/") {
			return &TLSFailure{Kind: "ssl", Reason: "WRONG_VERSION_NUMBER", Text: "wrong version number (the peer speaks HTTP without TLS)"}
		}
		return &TLSFailure{Kind: "ssl", Reason: "WRONG_VERSION_NUMBER", Text: "wrong version number"}
	}
	text := err.Error()
	if strings.HasPrefix(text, "remote error: ") {
		if reason := alertOf(text); reason != "" {
			return &TLSFailure{Kind: "ssl", Reason: reason, Text: strings.ToLower(strings.ReplaceAll(reason, "_", " "))}
		}
	}
	text = strings.TrimPrefix(text, "tls: ")
	for _, r := range reasons {
		if strings.Contains(text, r.text) {
			return &TLSFailure{Kind: "ssl", Reason: r.reason, Text: text}
		}
	}
	return &TLSFailure{Kind: "ssl", Reason: "SSLV3_ALERT_HANDSHAKE_FAILURE", Text: text}
}
