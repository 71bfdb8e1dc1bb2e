// Package eryx is the root of the module. The Go API is in the package core, the C one in include/eryx.h.
package eryx

import _ "embed"

// Header is the text of include/eryx.h. That it is embedded makes an edit of the header rebuild the C library: Go's
// build cache looks at the files of packages only.
//
//go:embed include/eryx.h
var Header string

// Version of everything in this repository.
const Version = "0.1.0"
