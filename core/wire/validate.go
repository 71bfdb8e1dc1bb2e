package wire

import (
	"fmt"
	"unicode/utf8"
)

// Validate reports whether b is exactly one well-formed value within the limits. It allocates nothing unless it fails,
// and takes time in proportion to len(b) whatever b says. Errors: ErrMalformed, ErrLimit.
func Validate(b []byte, limits Limits) error {
	l := limits.withDefaults()
	if l.Bytes > 0 && len(b) > l.Bytes {
		return fmt.Errorf("%w: %d bytes", ErrLimit, len(b))
	}
	v := validator{rest: b, items: l.Items, depth: l.Depth, anyKeys: l.AnyKeys}
	if err := v.value(0); err != nil {
		return fmt.Errorf("%w at byte %d", err, len(b)-len(v.rest))
	}
	if len(v.rest) != 0 {
		return fmt.Errorf("%w: %d bytes after the value", ErrMalformed, len(v.rest))
	}
	return nil
}

// validator walks one value. It recurses, at most depth deep.
type validator struct {
	rest    []byte
	items   int
	depth   int
	anyKeys bool
}

// value takes one value that lies inside of depth others.
func (v *validator) value(depth int) error {
	if v.items--; v.items < 0 {
		return fmt.Errorf("%w: too many values", ErrLimit)
	}
	k, n, rest := head(v.rest)
	switch k {
	case kindBad:
		return ErrMalformed
	case kindString, kindBytes, kindExt:
		return v.blob(k, n, rest)
	case kindArray:
		return v.array(n, rest, depth)
	case kindMap:
		return v.mapping(n, rest, depth)
	}
	v.rest = rest
	return nil
}

func (v *validator) array(n uint64, rest []byte, depth int) error {
	if err := v.open(n, rest, depth); err != nil {
		return err
	}
	for range n {
		if err := v.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) mapping(n uint64, rest []byte, depth int) error {
	if err := v.open(2*n, rest, depth); err != nil {
		return err
	}
	for range n {
		if err := v.key(depth + 1); err != nil {
			return err
		}
		if err := v.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) key(depth int) error {
	if !v.anyKeys {
		if k, _, _ := head(v.rest); k != kindString && k != kindBad {
			return fmt.Errorf("%w: a key that is not a string", ErrMalformed)
		}
	}
	return v.value(depth)
}

// blob takes the n bytes of a string, of bytes or of an extension, whose type comes first.
func (v *validator) blob(k kind, n uint64, rest []byte) error {
	if k == kindExt {
		if len(rest) == 0 || rest[0] != bigInt || n == 0 {
			return fmt.Errorf("%w: extension type", ErrMalformed)
		}
		rest = rest[1:]
	}
	if uint64(len(rest)) < n {
		return ErrMalformed
	}
	if k == kindString && !utf8.Valid(rest[:n]) {
		return fmt.Errorf("%w: text that is not UTF-8", ErrMalformed)
	}
	v.rest = rest[n:]
	return nil
}

// open enters an array or map of n values, each of which takes at least a byte.
func (v *validator) open(n uint64, rest []byte, depth int) error {
	if uint64(len(rest)) < n {
		return ErrMalformed
	}
	if depth >= v.depth {
		return fmt.Errorf("%w: nested too deep", ErrLimit)
	}
	v.rest = rest
	return nil
}
