package wasm

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// TestStdlibDigest: the committed archive is the one that its build recorded.
func TestStdlibDigest(t *testing.T) {
	sum := sha256.Sum256(Stdlib())
	if got := hex.EncodeToString(sum[:]); got != StdlibDigest() {
		t.Errorf("stdlib.zip has sha256 %s, stdlib.sha256 says %s: run make wasm", got, StdlibDigest())
	}
}
