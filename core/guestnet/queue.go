package guestnet

import "sync"

// queue is bytes on their way, in pieces.
type queue struct {
	pieces [][]byte
	head   int // bytes of the first piece that are taken
	size   int
}

const (
	smallPiece = 4 << 10
	largePiece = 64 << 10
)

// Pieces of the two sizes, to be used again.
var smallPieces, largePieces = sync.Pool{New: func() any { return new([smallPiece]byte) }}, sync.Pool{New: func() any { return new([largePiece]byte) }}

// newPiece is an empty piece with room for some of n bytes.
func newPiece(n int) []byte {
	if n <= smallPiece {
		return smallPieces.Get().(*[smallPiece]byte)[:0]
	}
	return largePieces.Get().(*[largePiece]byte)[:0]
}

// freePiece gives a piece back.
func freePiece(p []byte) {
	switch cap(p) {
	case smallPiece:
		smallPieces.Put((*[smallPiece]byte)(p[:smallPiece]))
	case largePiece:
		largePieces.Put((*[largePiece]byte)(p[:largePiece]))
	}
}

// add appends a piece, which is the queue's from now on.
func (q *queue) add(piece []byte) {
	if len(piece) == 0 {
		freePiece(piece)
		return
	}
	q.pieces = append(q.pieces, piece)
	q.size += len(piece)
}

// write copies p to the end.
func (q *queue) write(p []byte) {
	for len(p) > 0 {
		last := len(q.pieces) - 1
		if last < 0 || len(q.pieces[last]) == cap(q.pieces[last]) {
			q.pieces = append(q.pieces, newPiece(len(p)))
			last++
		}
		piece := q.pieces[last]
		n := min(len(p), cap(piece)-len(piece))
		q.pieces[last] = append(piece, p[:n]...)
		q.size += n
		p = p[n:]
	}
}

// read moves bytes from the front into p; with peek they stay.
func (q *queue) read(p []byte, peek bool) int {
	if peek {
		return q.peek(p)
	}
	total := 0
	for len(p) > 0 && len(q.pieces) > 0 {
		n := copy(p, q.pieces[0][q.head:])
		p = p[n:]
		total += n
		q.advance(n)
	}
	return total
}

func (q *queue) peek(p []byte) int {
	total, head := 0, q.head
	for _, piece := range q.pieces {
		total += copy(p[total:], piece[head:])
		head = 0
	}
	return total
}

// advance drops n bytes of the first piece.
func (q *queue) advance(n int) {
	q.head += n
	q.size -= n
	if q.head == len(q.pieces[0]) {
		freePiece(q.pieces[0])
		q.pieces[0] = nil
		q.pieces, q.head = q.pieces[1:], 0
		if len(q.pieces) == 0 {
			q.pieces = nil
		}
	}
}

// take removes the first piece as a whole; the caller frees it.
func (q *queue) take() (piece, rest []byte) {
	piece = q.pieces[0]
	rest = piece[q.head:]
	q.pieces[0] = nil
	q.pieces = q.pieces[1:]
	q.size -= len(rest)
	q.head = 0
	return piece, rest
}

// clear drops everything.
func (q *queue) clear() {
	for _, p := range q.pieces {
		freePiece(p)
	}
	*q = queue{}
}
