package secret

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
)

// Replies hides real values in what one connection receives, in as many bytes, so that framing and offsets stay. It
// follows the framing of HTTP/1.x, so that nothing is held back which nothing follows. It and its Requests may be used
// by two goroutines.
type Replies struct {
	mu      sync.Mutex
	m       matcher
	content content
	methods []string // of the requests that wait for their reply
	raw     bool     // not HTTP
	off     bool     // never was HTTP: no secret can have been sent
	// expected says that there was a request.
	expected bool
	inBody   bool
	body     body
	held     []byte // the beginning of a header block
}

// Least lengths of values that are hidden: shorter ones occur by chance.
const (
	minHidden  = 4
	minEncoded = 8
	// leastHeld is how much of a value must have come before the end of what was received is held back, where nothing may
	// follow: less is shown, and only the rest hidden if it comes.
	leastHeld  = 4
	maxPending = 1000
)

// Replies is the redactor of the connection that r writes to; nil if the set does not redact, or has nothing for r's
// target. Requests of r that are compressed on request are not any more.
func (r *Requests) Replies() *Replies {
	if r == nil || !r.set.options.Redact || !r.set.Concerns(r.target) {
		return nil
	}
	p := &Replies{m: matcher{replace: func(match []byte) []byte {
		masked := make([]byte, len(match))
		mask(masked)
		return masked
	}}}
	p.content.m = &p.m
	for _, i := range r.set.items {
		if i.permits(r.target, r.target.Hosts) {
			p.hide([]byte(i.Value))
		}
	}
	r.replies = p
	return p
}

// hide adds a value, and its usual encodings.
func (p *Replies) hide(value []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(value) < minHidden {
		return
	}
	p.hidePattern(value)
	if len(value) < minEncoded {
		return
	}
	p.hidePattern([]byte(url.QueryEscape(string(value))))
	p.hidePattern([]byte(url.PathEscape(string(value))))
	for offset := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			p.hidePattern(base64Inside(encoding, value, offset))
		}
	}
}

// base64Inside is what base64 makes of value when it begins offset bytes after a group of three: only the characters
// that do not depend on what is around it.
func base64Inside(encoding *base64.Encoding, value []byte, offset int) []byte {
	encoded := encoding.EncodeToString(append(make([]byte, offset), value...))
	first := []int{0, 2, 3}[offset]
	last := (offset + len(value)) * 8 / 6
	return []byte(encoded[first:last])
}

func (p *Replies) hidePattern(pattern []byte) {
	for _, known := range p.m.patterns {
		if bytes.Equal(known, pattern) {
			return
		}
	}
	if len(p.m.patterns) < maxPending {
		p.m.add(pattern)
	}
}

// expect notes a request.
func (p *Replies) expect(method string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = true
	if len(p.methods) < maxPending {
		p.methods = append(p.methods, method)
	}
}

// giveUp says that the requests are not HTTP.
func (p *Replies) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.methods = nil
	p.off = p.off || !p.expected
}

// Read takes what has been received and gives what the guest may see of it so far.
func (p *Replies) Read(data []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		return append(p.rest(), data...)
	}
	var out []byte
	for len(data) > 0 {
		switch {
		case p.raw:
			out, data = append(out, p.content.write(data, true)...), nil
		case p.inBody:
			out, data = p.passBody(out, data)
		default:
			out, data = p.passHead(out, data)
		}
	}
	return append(out, p.content.sofar()...)
}

// End gives what was held back: nothing follows.
func (p *Replies) End() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rest()
}

func (p *Replies) rest() []byte {
	out := append(p.m.all(p.held), p.content.end()...)
	p.held = nil
	return out
}

func (p *Replies) passBody(out, data []byte) (shown, rest []byte) {
	part, err := p.body.next(data)
	if err != nil {
		p.raw, p.content.least = true, leastHeld
		return append(out, p.content.end()...), data
	}
	out = append(out, p.content.write(data[:part.n], part.data)...)
	if part.done {
		out = append(out, p.content.end()...)
	}
	p.inBody = !part.done
	return out, data[part.n:]
}

func (p *Replies) passHead(out, data []byte) (shown, rest []byte) {
	before := len(p.held)
	p.held = append(p.held, data...)
	if !mayBeReply(p.held) || len(p.held)-len(data) > maxHead {
		return p.notHTTP(out), nil
	}
	end := headEnd(p.held, before-2)
	if end == 0 {
		return out, nil
	}
	block, rest := p.held[:end], data[end-before:]
	p.held = nil
	h, err := parseHead(block)
	if err == nil {
		p.body, err = p.framing(h)
	}
	if err != nil {
		p.held = block
		return p.notHTTP(out), rest
	}
	p.inBody = p.body.kind != bodyNone
	p.content.least = leastHeld
	if p.body.kind == bodyLength { // the rest is sure to come
		p.content.least = 1
	}
	return append(out, p.m.all(block)...), rest
}

func (p *Replies) notHTTP(out []byte) []byte {
	p.raw, p.content.least = true, leastHeld
	held := p.held
	p.held = nil
	return append(out, p.content.write(held, true)...)
}

// mayBeReply reports whether p is the beginning of an HTTP/1.x reply.
func mayBeReply(p []byte) bool {
	const version = "HTTP/1."
	n := min(len(p), len(version))
	return string(p[:n]) == version[:n]
}

// framing is the body of a reply.
func (p *Replies) framing(h head) (body, error) {
	status := ""
	if words := strings.Fields(string(h.first)); len(words) > 1 {
		status = words[1]
	}
	if strings.HasPrefix(status, "1") && status != "101" {
		return body{}, nil // the real reply follows
	}
	method := ""
	if len(p.methods) > 0 {
		method, p.methods = p.methods[0], p.methods[1:]
	}
	switch {
	case status == "101", method == "CONNECT" && strings.HasPrefix(status, "2"):
		return body{kind: bodyEndless}, nil
	case method == "HEAD", status == "204", status == "304":
		return body{}, nil
	}
	b, err := h.framing()
	if err == nil && b.kind == bodyNone && !h.has("Content-Length") {
		b.kind = bodyEndless
	}
	return b, err
}
