package codec

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

// Limits of a key derivation. A guest's own limits on time stop what takes long; these only bound one buffer.
const (
	// MaxKeyBytes is the longest key that is derived.
	MaxKeyBytes = 1 << 20
	// MaxScryptBytes is the most memory that scrypt may use.
	MaxScryptBytes = 256 << 20
	// kdfPoll is how many hashes pass between two questions to the Interrupt.
	kdfPoll = 512
)

// hashes are the names that CPython's hashlib.pbkdf2_hmac accepts, as OpenSSL knows them.
var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New,
	"sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	"sha512_224": sha512.New512_224, "sha512_256": sha512.New512_256,
	"sha3_224": func() hash.Hash { return sha3.New224() }, "sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() }, "sha3_512": func() hash.Hash { return sha3.New512() },
	"blake2b": newBlake2b, "blake2s": newBlake2s,
}

func newBlake2b() hash.Hash {
	h, err := blake2b.New512(nil)
	if err != nil {
		panic(err) // only a bad key is an error
	}
	return h
}

func newBlake2s() hash.Hash {
	h, err := blake2s.New256(nil)
	if err != nil {
		panic(err) // only a bad key is an error
	}
	return h
}

// PBKDF2 derives len(out) bytes with HMAC over the named hash (PKCS #5 v2.1). It asks interrupt every few hundred
// microseconds. Errors: ErrUnsupported (the hash), ErrParams, ErrInterrupted.
func PBKDF2(name string, password, salt []byte, iterations int64, out []byte, interrupt Interrupt) error {
	newHash := hashes[name]
	if newHash == nil {
		return fmt.Errorf("%w: hash type %.40q", ErrUnsupported, name)
	}
	if iterations < 1 || len(out) < 1 || len(out) > MaxKeyBytes {
		return ErrParams
	}
	mac := hmac.New(newHash, password)
	var sum, block []byte
	count := 0
	for i := uint32(1); len(out) > 0; i++ {
		mac.Reset()
		mac.Write(salt)
		mac.Write(binary.BigEndian.AppendUint32(nil, i))
		sum = mac.Sum(sum[:0])
		block = append(block[:0], sum...)
		for range iterations - 1 {
			if count++; count%kdfPoll == 0 && interrupt != nil && interrupt() {
				return ErrInterrupted
			}
			mac.Reset()
			mac.Write(sum)
			sum = mac.Sum(sum[:0])
			for j, b := range sum {
				block[j] ^= b
			}
		}
		out = out[copy(out, block):]
	}
	return nil
}

// Algorithms of HostKDF.
const (
	kdfPBKDF2 = 0
	kdfScrypt = 1
)

// HostKDF is the host import kdf: it fills out with a derived key and returns 0 or a negative errno.
//
// params: little-endian 64-bit integers [algorithm, password length, salt length], then for pbkdf2 [iterations],
// for scrypt [n, r, p, memory limit in bytes or 0]; then the password, the salt and, for pbkdf2, the hash's name.
func (t *Table) HostKDF(raw, out []byte, interrupt Interrupt) int32 {
	return Errno(t.kdf(raw, out, interrupt))
}

func (t *Table) kdf(raw, out []byte, interrupt Interrupt) error {
	p := &params{b: raw}
	algorithm := p.in(kdfPBKDF2, kdfScrypt)
	nPassword, nSalt := p.in(0, 1<<31), p.in(0, 1<<31)
	var numbers [4]int64
	for i := range numbers {
		if i == 0 || algorithm == kdfScrypt {
			numbers[i] = p.int()
		}
	}
	if p.bad || nPassword+nSalt > int64(len(p.b)) {
		return ErrParams
	}
	password := p.b[:nPassword]
	salt, name := p.b[nPassword:nPassword+nSalt], p.b[nPassword+nSalt:]
	if algorithm == kdfPBKDF2 {
		return PBKDF2(string(name[:min(len(name), 64)]), password, salt, numbers[0], out, interrupt)
	}
	need, err := scryptMemory(numbers[0], numbers[1], numbers[2], numbers[3])
	if err != nil {
		return err
	}
	if err := t.reserve(need); err != nil {
		return err
	}
	defer t.bytes.Add(-need)
	return Scrypt(password, salt, numbers[0], numbers[1], numbers[2], numbers[3], out, interrupt)
}
