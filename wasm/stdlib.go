package wasm

import (
	_ "embed" // for the archive
	"strings"
)

//go:embed stdlib.zip
var stdlib []byte

//go:embed stdlib.sha256
var stdlibDigest string

// Stdlib returns the zip archive of the guest's /usr: the standard library with its compiled modules below
// lib/python3.14, the time zones below share/zoneinfo. The bytes must not be changed.
func Stdlib() []byte { return stdlib }

// StdlibDigest returns the sha256 of Stdlib in hexadecimal.
func StdlibDigest() string { return strings.TrimSpace(stdlibDigest) }
