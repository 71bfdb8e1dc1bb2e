package secret

import (
	"bytes"
	"errors"
)

// body follows where an HTTP/1.1 message's body ends. It never keeps or changes a byte of it.
type body struct {
	kind  bodyKind
	left  uint64 // of the body, or of the chunk
	state chunkState
	line  []byte // the chunk's size line so far, or how far a trailer line is
}

type bodyKind int

const (
	bodyNone bodyKind = iota
	bodyLength
	bodyChunked
	bodyEndless // until the connection ends
)

type chunkState int

const (
	chunkSize chunkState = iota
	chunkData
	chunkEnd     // the line break after the data
	chunkTrailer // lines up to an empty one
)

const maxChunkLine = 8 << 10

var errFraming = errors.New("the body's framing is not valid HTTP")

// span is a run of bytes that is of one kind.
type span struct {
	n    int
	data bool // content, and not framing
	done bool // the body ends behind it
}

// next is the first span of p, which is not empty; n is 0 only when the body is over before p.
func (b *body) next(p []byte) (span, error) {
	switch b.kind {
	case bodyNone:
		return span{done: true}, nil
	case bodyEndless:
		return span{n: len(p), data: true}, nil
	case bodyLength:
		n := b.consume(p)
		return span{n: n, data: true, done: b.left == 0}, nil
	}
	if b.state == chunkData {
		n := b.consume(p)
		if b.left == 0 {
			b.state, b.line = chunkEnd, b.line[:0]
		}
		return span{n: n, data: true}, nil
	}
	return b.framing(p)
}

// consume takes content.
func (b *body) consume(p []byte) int {
	n := len(p)
	if uint64(n) > b.left {
		n = int(b.left)
	}
	b.left -= uint64(n)
	return n
}

// framing takes a line between chunks, or a part of it.
func (b *body) framing(p []byte) (span, error) {
	n := bytes.IndexByte(p, '\n') + 1
	whole := n > 0
	if !whole {
		n = len(p)
	}
	b.line = append(b.line, p[:n]...)
	if len(b.line) > maxChunkLine {
		return span{}, errFraming
	}
	if !whole {
		return span{n: n}, nil
	}
	line, ok := bytes.CutSuffix(b.line, []byte("\r\n"))
	if !ok {
		return span{}, errFraming
	}
	done, err := b.lineEnded(line)
	b.line = b.line[:0]
	return span{n: n, done: done}, err
}

func (b *body) lineEnded(line []byte) (done bool, err error) {
	switch b.state {
	case chunkEnd:
		if len(line) > 0 {
			return false, errFraming
		}
		b.state = chunkSize
	case chunkTrailer:
		return len(line) == 0, nil
	default:
		size, ok := parseChunkSize(line)
		if !ok {
			return false, errFraming
		}
		b.left, b.state = size, chunkData
		if size == 0 {
			b.state = chunkTrailer
		}
	}
	return false, nil
}

// parseChunkSize reads "1a" or "1a;extension".
func parseChunkSize(line []byte) (size uint64, ok bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	for _, c := range digits {
		var v byte
		switch {
		case c >= '0' && c <= '9':
			v = c - '0'
		case c >= 'a' && c <= 'f':
			v = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			v = c - 'A' + 10
		default:
			return 0, false
		}
		size = size<<4 | uint64(v)
	}
	return size, true
}
