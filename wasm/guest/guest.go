// Package guest holds the sources of what runs inside the interpreter besides CPython itself: the runtime's
// Python modules, embedded as source so that changing them does not touch the binary.
package guest

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
)

//go:embed eryx/*.py
var runtime embed.FS

// RuntimePath is where the guest expects Runtime to be mounted, read-only.
const RuntimePath = "/usr/lib/eryx"

// Runtime is the folder that holds the package "eryx" of the guest.
func Runtime() fs.FS { return runtime }

// RuntimeDigest is the sha256 of the runtime's sources, in hexadecimal; part of what an image depends on.
func RuntimeDigest() string {
	h := sha256.New()
	entries, _ := runtime.ReadDir("eryx")
	for _, e := range entries {
		data, _ := runtime.ReadFile("eryx/" + e.Name())
		h.Write([]byte(e.Name()))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))
}
