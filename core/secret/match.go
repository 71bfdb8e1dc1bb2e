package secret

import "bytes"

// matcher replaces fixed patterns in text that may come in parts.
type matcher struct {
	patterns [][]byte
	longest  int
	replace  func(match []byte) []byte
}

func (m *matcher) add(pattern []byte) {
	m.patterns = append(m.patterns, pattern)
	m.longest = max(m.longest, len(pattern))
}

// find is the first match in p, the longest of those that begin there; -1 for none.
func (m *matcher) find(p []byte) (start, end int) {
	start = -1
	for _, pattern := range m.patterns {
		window := p
		if start >= 0 {
			window = p[:min(len(p), start+len(pattern))]
		}
		i := bytes.Index(window, pattern)
		if i >= 0 && (start < 0 || i < start || i == start && i+len(pattern) > end) {
			start, end = i, i+len(pattern)
		}
	}
	return start, end
}

// all replaces every match in p; p itself if there is none.
func (m *matcher) all(p []byte) []byte {
	start, end := m.find(p)
	if start < 0 {
		return p
	}
	var out []byte
	for start >= 0 {
		out = append(append(out, p[:start]...), m.replace(p[start:end])...)
		p = p[end:]
		start, end = m.find(p)
	}
	return append(out, p...)
}

// tail is how many bytes at the end of p may be the beginning of a match.
func (m *matcher) tail(p []byte) int {
	for i := max(0, len(p)-m.longest+1); i < len(p); i++ {
		for _, pattern := range m.patterns {
			if len(p)-i < len(pattern) && pattern[0] == p[i] && bytes.HasPrefix(pattern, p[i:]) {
				return len(p) - i
			}
		}
	}
	return 0
}

// stream replaces matches in text that comes in parts. It holds back less than one match.
type stream struct {
	m    *matcher
	held []byte
}

// write gives what of the text so far is decided.
func (s *stream) write(p []byte) []byte {
	if len(s.held) > 0 {
		p = append(s.held, p...)
		s.held = nil
	}
	// Replaced from the left, so that the tail is looked for behind the last match only.
	var out []byte
	start, end := s.m.find(p)
	for start >= 0 {
		out = append(append(out, p[:start]...), s.m.replace(p[start:end])...)
		p = p[end:]
		start, end = s.m.find(p)
	}
	if n := s.m.tail(p); n > 0 {
		s.held = bytes.Clone(p[len(p)-n:])
		p = p[:len(p)-n]
	}
	if out == nil {
		return p
	}
	return append(out, p...)
}

// flush gives what was held back: nothing follows that would complete a match.
func (s *stream) flush() []byte {
	held := s.held
	s.held = nil
	return held
}
