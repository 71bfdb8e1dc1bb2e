package secret

import (
	"bytes"
	"encoding/base64"
	"net"
	"strings"
)

// maxHead is the longest header block of a request, in bytes.
const maxHead = 256 << 10

// Requests rewrites what one connection sends: placeholders in header values of HTTP/1.x requests become real values.
// It holds back a header block until it is complete, at most 256 KiB of it; what is not HTTP passes at once.
type Requests struct {
	set     *Set
	target  Target
	raw     bool // not HTTP, or not any more: everything passes
	inBody  bool
	body    body
	held    []byte // the beginning of a header block
	refused error
	// replies is told of the requests, to find where their answers end; nil without redaction.
	replies *Replies
}

// Requests is the rewriter of one connection to target; nil for a nil Set.
func (s *Set) Requests(target Target) *Requests {
	if s == nil {
		return nil
	}
	return &Requests{set: s, target: target}
}

// Write takes what the guest sends and gives what is to be sent for it, which may be p itself. An error, a *Refusal
// mostly, is final: the connection must be closed.
func (r *Requests) Write(p []byte) ([]byte, error) {
	if r.refused != nil {
		return nil, r.refused
	}
	if r.raw {
		return p, nil
	}
	var out []byte
	for len(p) > 0 && r.refused == nil {
		switch {
		case r.raw:
			out, p = append(out, p...), nil
		case r.inBody:
			out, p = r.passBody(out, p)
		default:
			out, p = r.passHead(out, p)
		}
	}
	return out, r.refused
}

// passBody takes the next part of a body.
func (r *Requests) passBody(out, p []byte) (sent, rest []byte) {
	part, err := r.body.next(p)
	if err != nil { // where the next request begins is anybody's guess: nothing is replaced any more
		r.raw = true
		return out, p
	}
	r.inBody = !part.done
	return append(out, p[:part.n]...), p[part.n:]
}

// passHead takes the next part of a header block, and sends the block once it is complete.
func (r *Requests) passHead(out, p []byte) (sent, rest []byte) {
	if len(r.held) == 0 {
		for len(p) > 0 && (p[0] == '\r' || p[0] == '\n') { // allowed between requests
			out, p = append(out, p[0]), p[1:]
		}
		if len(p) == 0 {
			return out, nil
		}
	}
	before := len(r.held)
	r.held = append(r.held, p...)
	if !r.isRequest() {
		return r.giveUp(out), nil
	}
	if r.refused != nil {
		return out, nil
	}
	end := headEnd(r.held, before-2)
	if end > maxHead || end == 0 && len(r.held) > maxHead {
		r.refused = &Refusal{Reason: "the request's header block is longer than 256 KiB, which cannot be sent in a sandbox with secrets"}
		return out, nil
	}
	if end == 0 {
		return out, nil
	}
	block, rest := r.held[:end], p[end-before:]
	r.held = nil
	return r.sendHead(out, block), rest
}

// giveUp makes the connection one that is not HTTP.
func (r *Requests) giveUp(out []byte) []byte {
	out = append(out, r.held...)
	r.raw, r.held = true, nil
	if r.replies != nil {
		r.replies.giveUp()
	}
	return out
}

// isRequest reports whether what is held is, or may become, an HTTP/1.x request. HTTP/2 is refused.
func (r *Requests) isRequest() bool {
	line, _, complete := bytes.Cut(r.held, []byte("\n"))
	if !complete {
		return mayBeRequest(line)
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if string(line) == "PRI * HTTP/2.0" {
		r.refused = &Refusal{Reason: "HTTP/2 cannot be used in a sandbox with secrets: use HTTP/1.1"}
		return true
	}
	_, ok := requestLine(line)
	return ok
}

// sendHead sends a complete header block, with the real values in it.
func (r *Requests) sendHead(out, block []byte) []byte {
	h, err := parseHead(block)
	var b body
	if err == nil {
		b, err = h.framing()
	}
	if err == nil && len(h.values("Host")) > 1 {
		err = errHead
	}
	if err != nil {
		if _, fields, _ := bytes.Cut(block, []byte("\n")); r.set.mentions(fields) {
			r.refused = &Refusal{Reason: "a request with a secret must be strict HTTP/1.1: " + err.Error()}
			return out
		}
		r.held = block
		return r.giveUp(out)
	}
	changed, err := r.rewrite(h)
	if err != nil {
		r.refused = err
		return out
	}
	method, _ := requestLine(h.first)
	if r.replies != nil {
		r.replies.expect(method)
	}
	if method == "CONNECT" || h.has("Upgrade") { // another protocol may follow, to another peer perhaps
		r.raw = true
	}
	r.body, r.inBody = b, b.kind != bodyNone
	if !changed {
		return append(out, block...)
	}
	return h.append(out)
}

// append writes the block.
func (h head) append(out []byte) []byte {
	out = append(append(out, h.first...), "\r\n"...)
	for _, f := range h.fields {
		out = append(append(out, f.line...), "\r\n"...)
	}
	return append(out, "\r\n"...)
}

// framingFields are those that no secret belongs into.
var framingFields = map[string]bool{
	"host": true, "content-length": true, "transfer-encoding": true, "connection": true, "upgrade": true, "te": true, "trailer": true, "expect": true,
}

// rewrite puts the real values into h.
func (r *Requests) rewrite(h head) (changed bool, err error) {
	named := h.host()
	for i, f := range h.fields {
		name := strings.ToLower(string(f.name))
		if framingFields[name] {
			continue
		}
		value, err := r.set.substitute(f.value, r.target, named)
		if err == nil && (name == "authorization" || name == "proxy-authorization") {
			var plain []byte
			if value, plain, err = r.set.basic(value, r.target, named); plain != nil && r.replies != nil {
				r.replies.hide(plain)
			}
		}
		if err != nil {
			return false, err
		}
		if name == "accept-encoding" && r.replies != nil {
			value = []byte("identity") // a compressed echo could not be redacted
		}
		if !bytes.Equal(value, f.value) {
			h.fields[i].line, changed = append(append(bytes.Clone(f.name), ": "...), value...), true
		}
	}
	return changed, nil
}

// basic replaces a placeholder inside of "Basic <base64>"; plain is then what was encoded.
func (s *Set) basic(value []byte, target Target, named string) (changed, plain []byte, err error) {
	scheme, encoded, ok := bytes.Cut(value, []byte(" "))
	if !ok || !strings.EqualFold(string(scheme), "basic") {
		return value, nil, nil
	}
	plain, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(encoded)))
	if err != nil || !bytes.Contains(plain, []byte(Prefix)) {
		return value, nil, nil
	}
	real, err := s.substitute(plain, target, named)
	if err != nil || bytes.Equal(real, plain) {
		return value, nil, err
	}
	return base64.StdEncoding.AppendEncode(append(bytes.Clone(scheme), ' '), real), real, nil
}

// host is the host that the request asks for: in its target, if that is an address, else in its Host header.
func (h head) host() string {
	_, target, _ := bytes.Cut(h.first, []byte(" "))
	if scheme, rest, ok := bytes.Cut(target, []byte("://")); ok && isToken(scheme) {
		authority := rest[:bytes.IndexAny(append(bytes.Clone(rest), ' '), "/?# ")]
		return hostOnly(string(authority[bytes.LastIndexByte(authority, '@')+1:]))
	}
	if hosts := h.values("Host"); len(hosts) > 0 {
		return hostOnly(string(hosts[0]))
	}
	return ""
}

// hostOnly is a Host header without its port.
func hostOnly(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// mentions reports whether a placeholder is in p, as it is or in Basic authentication.
func (s *Set) mentions(p []byte) bool {
	if bytes.Contains(p, []byte(Prefix)) {
		return true
	}
	for _, word := range bytes.Fields(p) {
		if plain, err := base64.StdEncoding.DecodeString(string(word)); err == nil && bytes.Contains(plain, []byte(Prefix)) {
			return true
		}
	}
	return false
}

// Reading says that the guest waits for an answer: what is held back and is no request yet is to be sent, as the
// protocol is not HTTP.
func (r *Requests) Reading() []byte {
	if r.raw || len(r.held) == 0 || r.refused != nil || bytes.IndexByte(r.held, '\n') >= 0 {
		return nil
	}
	return r.giveUp(nil)
}

// End says that nothing follows, and gives what is held back.
func (r *Requests) End() []byte {
	if r.refused != nil {
		return nil
	}
	return r.giveUp(nil)
}
