package guestfs

import (
	"path"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	// MaxPath is the longest path in bytes, Linux's PATH_MAX.
	MaxPath = 4096
	// MaxName is the longest name of a file in bytes.
	MaxName = 255
)

// ending is what the last component of a path is.
type ending uint8

const (
	endName   ending = iota // a name
	endSlash                // a name and a slash
	endDot                  // "."
	endDotDot               // ".."
)

// guestPath is a path of the guest's, checked and cleaned.
type guestPath struct {
	// clean is relative to the root and has neither empty nor "." components;
	// "" is the root. It has ".." only when up is set.
	clean string
	up    bool
	end   ending
}

// mustBeDir tells that the path only makes sense for a directory.
func (p guestPath) mustBeDir() bool { return p.end != endName }

// parsePath checks a path and cleans it. Bytes that are not UTF-8 are names
// like any other.
func parsePath(name string) (guestPath, sys.Errno) {
	switch {
	case name == "":
		return guestPath{}, sys.ENOENT
	case len(name) > MaxPath:
		return guestPath{}, sys.ENAMETOOLONG
	case strings.IndexByte(name, 0) >= 0:
		return guestPath{}, sys.EINVAL
	}
	p := guestPath{end: endDot}
	same := true // name is clean already
	for rest, more := name, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		switch {
		case part == "":
			same = false
			if p.end == endName {
				p.end = endSlash
			}
		case part == ".":
			same = false
			p.end = endDot
		case part == "..":
			p.up = true
			p.end = endDotDot
		case len(part) > MaxName:
			return guestPath{}, sys.ENAMETOOLONG
		default:
			p.end = endName
		}
	}
	if p.clean = name; !same {
		p.clean = squeeze(name)
	}
	return p, 0
}

// squeeze leaves out empty and "." components.
func squeeze(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.WriteString(part)
	}
	return b.String()
}

// join appends a clean path to another; either may be "", the root.
func join(dir, name string) string {
	switch {
	case dir == "":
		return name
	case name == "":
		return dir
	}
	return dir + "/" + name
}

// parent is the directory of a clean path; that of the root is the root.
func parent(clean string) string {
	return clean[:max(0, strings.LastIndexByte(clean, '/'))]
}

// orDot is a clean path as a mounted filesystem expects it.
func orDot(clean string) string {
	if clean == "" {
		return "."
	}
	return clean
}

// rooted is the clean form of a path that the host's side gave: relative to
// the root whether or not it begins with a slash, ".." kept inside.
func rooted(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}
