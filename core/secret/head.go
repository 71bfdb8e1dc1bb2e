package secret

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// head is the part of an HTTP/1.1 message before its body, as it was received.
type head struct {
	first  []byte // the request or status line, without its line break
	fields []field
}

// field is one header line, as it came and in its parts; the value is without white space around it.
type field struct{ line, name, value []byte }

var errHead = errors.New("the header block is not strict HTTP/1.1")

// headEnd is the length of the header block at the start of p, empty line included; 0 if it is not complete. Servers
// take a lone line feed for the end of a line, so it is one here too; parseHead then refuses it.
func headEnd(p []byte, from int) int {
	for i := max(0, from); ; {
		n := bytes.IndexByte(p[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n + 1
		if i < len(p) && p[i] == '\n' {
			return i + 1
		}
		if i+1 < len(p) && p[i] == '\r' && p[i+1] == '\n' {
			return i + 2
		}
	}
}

// parseHead reads a complete header block. What some servers would read in another way is an error: bare line feeds,
// continued lines, white space in names, control characters.
func parseHead(block []byte) (head, error) {
	text, ok := bytes.CutSuffix(block, []byte("\r\n\r\n"))
	if !ok {
		return head{}, errHead
	}
	lines := bytes.Split(text, []byte("\r\n"))
	h := head{first: lines[0], fields: make([]field, 0, len(lines)-1)}
	for i, line := range lines {
		if bytes.ContainsAny(line, "\r\n\x00") {
			return head{}, errHead
		}
		if i == 0 {
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !isToken(name) {
			return head{}, errHead
		}
		h.fields = append(h.fields, field{line, name, bytes.Trim(value, " \t")})
	}
	return h, nil
}

// isToken reports whether p is a name in the sense of HTTP.
func isToken(p []byte) bool {
	for _, c := range p {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(p) > 0
}

// values are those of all fields called name.
func (h head) values(name string) [][]byte {
	var all [][]byte
	for _, f := range h.fields {
		if strings.EqualFold(string(f.name), name) {
			all = append(all, f.value)
		}
	}
	return all
}

func (h head) has(name string) bool { return len(h.values(name)) > 0 }

// framing is the body that follows by what the header says; bodyNone if it says nothing.
func (h head) framing() (body, error) {
	lengths, codings := h.values("Content-Length"), h.values("Transfer-Encoding")
	switch {
	case len(lengths) > 0 && len(codings) > 0, len(lengths) > 1, len(codings) > 1:
		return body{}, errFraming
	case len(codings) == 1:
		if !strings.EqualFold(string(codings[0]), "chunked") {
			return body{}, errFraming
		}
		return body{kind: bodyChunked}, nil
	case len(lengths) == 1:
		n, err := strconv.ParseUint(string(lengths[0]), 10, 63)
		if err != nil || lengths[0][0] == '+' {
			return body{}, errFraming
		}
		if n == 0 {
			return body{}, nil
		}
		return body{kind: bodyLength, left: n}, nil
	}
	return body{}, nil
}

// requestLine splits "GET /path HTTP/1.1".
func requestLine(line []byte) (method string, ok bool) {
	first, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !isToken(first) {
		return "", false
	}
	at := bytes.LastIndexByte(rest, ' ')
	if at <= 0 {
		return "", false
	}
	version := string(rest[at+1:])
	return string(first), version == "HTTP/1.1" || version == "HTTP/1.0"
}

var methods = strings.Fields("GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PRI")

// mayBeRequest reports whether p, which has no line break, can be the beginning of a request.
func mayBeRequest(p []byte) bool {
	word, _, complete := bytes.Cut(p, []byte(" "))
	for _, m := range methods {
		if complete && string(word) == m || !complete && strings.HasPrefix(m, string(word)) {
			return true
		}
	}
	return false
}
