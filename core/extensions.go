package core

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Extension finds the extension modules of guests that start from o: machine code comes from the packages that the
// host gave, never from a file that a program wrote. It implements guest.Extensions.
func (o *origin) Extension(path string) (sum [sha256.Size]byte, read func() ([]byte, error), err error) {
	for i, at := range o.paths() {
		name, inside := strings.CutPrefix(path, at+"/")
		if !inside {
			continue
		}
		if sum, ok := o.sites[i].Sum(name); ok {
			return sum, func() ([]byte, error) { return o.sites[i].Read(name) }, nil
		}
	}
	return sum, nil, fmt.Errorf("extension modules are loaded from the packages of the sandbox only, and none has %.200q", path)
}
