package secret

import (
	"math/big"
	"strings"
)

// Redacted stands in output where a placeholder was.
const Redacted = "[REDACTED]"

// Scrubber replaces placeholders in a stream of output, however it is cut into writes. It holds back what may be the
// beginning of one: at most PlaceholderBytes-1 bytes.
type Scrubber struct{ stream stream }

// Scrubber is a scrubber for one stream; nil for a nil Set.
func (s *Set) Scrubber() *Scrubber {
	if s == nil {
		return nil
	}
	return &Scrubber{stream{m: s.scrub}}
}

// Write gives what may be shown so far of all that was written. The result may be p itself.
func (s *Scrubber) Write(p []byte) []byte { return s.stream.write(p) }

// Flush gives what was held back, at the end of the stream.
func (s *Scrubber) Flush() []byte { return s.stream.flush() }

// Text is text without placeholders.
func (s *Set) Text(text string) string {
	if s == nil || !strings.Contains(text, Prefix) {
		return text
	}
	return string(s.scrub.all([]byte(text)))
}

// Bytes is p without placeholders: p itself if it has none.
func (s *Set) Bytes(p []byte) []byte {
	if s == nil {
		return p
	}
	return s.scrub.all(p)
}

// Mask overwrites the placeholders in p with as many other bytes, so that nothing moves.
func (s *Set) Mask(p []byte) (changed bool) {
	if s == nil {
		return false
	}
	for {
		start, end := s.scrub.find(p)
		if start < 0 {
			return changed
		}
		mask(p[start:end])
		p, changed = p[end:], true
	}
}

// mask makes p the text Redacted, padded with * or, where there is no room, just those.
func mask(p []byte) {
	n := 0
	if len(p) >= len(Redacted) {
		n = copy(p, Redacted)
	}
	for i := n; i < len(p); i++ {
		p[i] = '*'
	}
}

// Value is a value of a message (see core/wire) without placeholders in its texts, bytes and keys. Lists and maps are
// changed in place.
func (s *Set) Value(v any) any {
	if s == nil {
		return v
	}
	switch v := v.(type) {
	case string:
		return s.Text(v)
	case []byte:
		return s.Bytes(v)
	case []any:
		for i := range v {
			v[i] = s.Value(v[i])
		}
	case map[string]any:
		for key, item := range v {
			item = s.Value(item)
			if clean := s.Text(key); clean != key {
				delete(v, key)
				key = clean
			}
			v[key] = item
		}
	case *big.Int:
		return v
	}
	return v
}
