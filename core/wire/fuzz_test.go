package wire

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzDecode: no bytes make Decode panic; what it accepts it encodes again, and that is stable.
func FuzzDecode(f *testing.F) {
	var v valueVectors
	load(f, "values.json", &v)
	for _, c := range v.Cases {
		f.Add(unhex(f, c.Canonical))
	}
	var r rejectVectors
	load(f, "rejected.json", &r)
	for _, c := range r.Cases {
		f.Add(unhex(f, c.Bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		value, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		first, err := Encode(value)
		if err != nil {
			t.Fatalf("%x decodes to what has no encoding: %v", b, err)
		}
		if len(first) > len(b) {
			// Only float32 and repeated NaN payloads may grow, from 5 to 9 bytes.
			if len(first) > 2*len(b) {
				t.Fatalf("%x grew to %x", b, first)
			}
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x, then %x: %v", first, second, err)
		}
	})
}
