package secret

import (
	"net/http"
	"strings"
)

// Header is h with real values, as Requests would send them: for requests that the host makes itself. named is the host
// that the request asks for. A *Refusal if a secret must not be sent to target.
func (s *Set) Header(h http.Header, target Target, named string) (http.Header, error) {
	if s == nil {
		return h, nil
	}
	real := make(http.Header, len(h))
	for name, values := range h {
		lower := strings.ToLower(name)
		for _, value := range values {
			if framingFields[lower] {
				real[name] = append(real[name], value)
				continue
			}
			changed, err := s.substitute([]byte(value), target, named)
			if err == nil && (lower == "authorization" || lower == "proxy-authorization") {
				changed, _, err = s.basic(changed, target, named)
			}
			if err != nil {
				return nil, err
			}
			real[name] = append(real[name], string(changed))
		}
	}
	return real, nil
}

// Redacts reports whether what comes from target is redacted.
func (s *Set) Redacts(target Target) bool { return s != nil && s.options.Redact && s.Concerns(target) }

// RedactBytes hides real values in what has come from target, in as many bytes.
func (s *Set) RedactBytes(p []byte, target Target) []byte {
	if !s.Redacts(target) {
		return p
	}
	return s.Requests(target).Replies().m.all(p)
}
