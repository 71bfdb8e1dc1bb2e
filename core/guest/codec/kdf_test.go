package codec

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/scrypt"
)

func TestPBKDF2(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 100} {
		want, err := pbkdf2.Key(sha256.New, "password", []byte("salt"), 1500, n)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, n)
		if err := PBKDF2("sha256", []byte("password"), []byte("salt"), 1500, got, nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %x, %v", n, got, err)
		}
	}
	// RFC 6070.
	got := make([]byte, 20)
	if err := PBKDF2("sha1", []byte("password"), []byte("salt"), 4096, got, nil); err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(got) != "4b007901b765489abead49d926f721d065a429c1" {
		t.Errorf("sha1: %x", got)
	}
	if err := PBKDF2("whirlpool", nil, nil, 1, got, nil); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	for name := range hashes {
		if err := PBKDF2(name, nil, nil, 2, got, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := PBKDF2("md5", nil, nil, 0, got, nil); !errors.Is(err, ErrParams) {
		t.Error(err)
	}
}

func TestScrypt(t *testing.T) {
	for _, c := range []struct{ n, r, p int }{{2, 1, 1}, {16, 3, 5}, {1024, 8, 2}} {
		want, err := scrypt.Key([]byte("pw"), []byte("NaCl"), c.n, c.r, c.p, 70)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 70)
		if err := Scrypt([]byte("pw"), []byte("NaCl"), int64(c.n), int64(c.r), int64(c.p), 0, got, nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %x, %v", c, got, err)
		}
	}
	for _, c := range []struct {
		n, r, p, limit int64
		want           error
	}{
		{3, 1, 1, 0, ErrParams}, {0, 1, 1, 0, ErrParams}, {2, 0, 1, 0, ErrParams}, {2, 1, 0, 0, ErrParams},
		{2, 1 << 29, 2, 0, ErrParams}, {1 << 62, 1, 1, 1 << 62, ErrMemory}, {1 << 20, 8, 1, 0, ErrMemory},
		{2, 1 << 28, 1, 1 << 60, ErrMemory}, {2, 1, 1 << 29, 1 << 60, ErrMemory},
	} {
		if err := Scrypt(nil, nil, c.n, c.r, c.p, c.limit, make([]byte, 8), nil); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestKDFInterrupt: what would take days ends.
func TestKDFInterrupt(t *testing.T) {
	table := NewTable(Limits{})
	deadline := time.Now().Add(30 * time.Millisecond)
	stop := func() bool { return time.Now().After(deadline) }
	out := make([]byte, 32)
	if got := table.HostKDF(append(ints(kdfPBKDF2, 2, 1, 1<<40), "pwsmd5"...), out, stop); got != -errnoINTR {
		t.Errorf("pbkdf2: %d", got)
	}
	if got := table.HostKDF(append(ints(kdfScrypt, 1, 1, 1<<18, 8, 1, 1<<30), "ps"...), out, stop); got != -errnoNOMEM {
		t.Errorf("scrypt over its memory: %d", got)
	}
	if got := table.HostKDF(append(ints(kdfScrypt, 1, 1, 1<<10, 8, 1<<14, 1<<30), "ps"...), out, stop); got != -errnoINTR {
		t.Errorf("scrypt: %d", got)
	}
	if n := table.bytes.Load(); n != 0 {
		t.Errorf("%d bytes still held", n)
	}
	for _, bad := range [][]byte{nil, ints(0, 0), ints(0, 1, 1, 1), ints(2, 0, 0, 1), ints(0, -1, 0, 1), ints(1, 0, 0, 4)} {
		if got := table.HostKDF(bad, out, nil); got != -errnoINVAL {
			t.Errorf("%v: %d", bad, got)
		}
	}
}
