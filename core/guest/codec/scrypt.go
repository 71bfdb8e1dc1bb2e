package codec

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	//lint:ignore SA1019 scrypt is defined by this very core (RFC 7914); it is used for nothing else
	"golang.org/x/crypto/salsa20/salsa"
)

// The library's scrypt cannot be stopped, and one call may take minutes. So its outer loops are here (RFC 7914),
// around the library's core.

// scryptDefaultBytes is OpenSSL's memory limit when the caller gives none.
const scryptDefaultBytes = 32 << 20

// scryptMemory checks the parameters as OpenSSL does and returns how much memory they need, in bytes.
func scryptMemory(n, r, p, limit int64) (int64, error) {
	if n < 2 || n&(n-1) != 0 || r < 1 || p < 1 || p > (1<<30-1)/r || limit < 0 {
		return 0, ErrParams
	}
	if limit == 0 {
		limit = scryptDefaultBytes
	}
	limit = min(limit, MaxScryptBytes)
	// n, r and p are each below the limit before they are multiplied, so nothing overflows.
	if n > limit || r > limit || p > limit || 128*r*p > limit || r*(n+2) > limit/128 {
		return 0, fmt.Errorf("%w: scrypt", ErrMemory)
	}
	return 128*r*p + 128*r*(n+2), nil
}

// Scrypt derives len(out) bytes. limit is the most memory it may use, 0 for 32 MiB; it never uses more than
// MaxScryptBytes. Errors: ErrParams, ErrMemory, ErrInterrupted.
func Scrypt(password, salt []byte, n, r, p, limit int64, out []byte, interrupt Interrupt) error {
	if _, err := scryptMemory(n, r, p, limit); err != nil {
		return err
	}
	if len(out) < 1 || len(out) > MaxKeyBytes {
		return ErrParams
	}
	size := int(128 * r)
	b, err := pbkdf2.Key(sha256.New, string(password), salt, 1, size*int(p))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	m := &mixer{r: int(r), n: int(n), v: make([]byte, int(n)*size), y: make([]byte, size), interrupt: interrupt}
	for i := range int(p) {
		if err := m.mix(b[i*size : (i+1)*size]); err != nil {
			return err
		}
	}
	key, err := pbkdf2.Key(sha256.New, string(password), b, 1, len(out))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	copy(out, key)
	return nil
}

// mixer is scryptROMix with room for its table.
type mixer struct {
	r, n      int
	v, y      []byte
	interrupt Interrupt
	work      int
}

// mixPoll is how many bytes are mixed between two questions to the Interrupt.
const mixPoll = 256 << 10

func (m *mixer) mix(x []byte) error {
	size := len(x)
	for i := range m.n {
		copy(m.v[i*size:], x)
		if err := m.blockMix(x); err != nil {
			return err
		}
	}
	for range m.n {
		j := int(binary.LittleEndian.Uint64(x[size-64:]) & uint64(m.n-1))
		subtle.XORBytes(x, x, m.v[j*size:(j+1)*size])
		if err := m.blockMix(x); err != nil {
			return err
		}
	}
	return nil
}

// blockMix is scryptBlockMix: the even blocks of the result first, then the odd ones.
func (m *mixer) blockMix(x []byte) error {
	if m.work += len(x); m.work >= mixPoll {
		m.work = 0
		if m.interrupt != nil && m.interrupt() {
			return ErrInterrupted
		}
	}
	var t [64]byte
	copy(t[:], x[len(x)-64:])
	for i := range 2 * m.r {
		subtle.XORBytes(t[:], t[:], x[64*i:64*(i+1)])
		salsa.Core208(&t, &t)
		copy(m.y[64*(i/2+i%2*m.r):], t[:])
	}
	copy(x, m.y)
	return nil
}
