package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
)

// The short ways say what the general ones say.
func TestDecodeArrayIsDecode(t *testing.T) {
	for _, list := range [][]any{
		{}, {int64(1)}, {int64(-1), "name", map[string]any{"x": int64(1 << 40), "y": []any{"z", []byte{0}}}}, {nil, true, 1.5},
	} {
		message, err := Encode(list)
		if err != nil {
			t.Fatal(err)
		}
		var into [3]any
		n, err := DecodeArray(message, into[:])
		if err != nil || !reflect.DeepEqual(into[:n], list) {
			t.Errorf("%v: %v, %v", list, into[:n], err)
		}
	}
}

func TestDecodeArrayRefuses(t *testing.T) {
	for name, message := range map[string][]byte{
		"nothing": {}, "an integer": {1}, "a map": {0x80}, "too many": {0x94, 1, 2, 3, 4}, "too few bytes": {0x93, 1},
		"bytes after it": {0x91, 1, 2}, "a huge length": {0xdd, 0xff, 0xff, 0xff, 0xff}, "text that is none": {0x91, 0xa1, 0xff},
		"deep": append(bytes.Repeat([]byte{0x91}, MaxDepth+1), 1),
	} {
		var into [3]any
		if _, err := DecodeArray(message, into[:]); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInt(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 127, 128, -32, -33, 1 << 20, math.MaxInt64, math.MinInt64} {
		message, _ := Encode(v)
		if got, ok := Int(message); !ok || got != v {
			t.Errorf("%d: %d, %v", v, got, ok)
		}
	}
	for _, v := range []any{nil, 1.0, "1", []any{}, uint64(math.MaxUint64)} {
		message, _ := Encode(v)
		if got, ok := Int(message); ok {
			t.Errorf("%v: %d", v, got)
		}
	}
	if _, ok := Int([]byte{1, 2}); ok {
		t.Error("two values are one")
	}
}

func TestAppendTripleIsAppend(t *testing.T) {
	for _, v := range []any{nil, int64(-5), "text", map[string]any{"a": []any{1, 2}}} {
		want, err := Append([]byte("before"), []any{int64(7), int64(0), v})
		if err != nil {
			t.Fatal(err)
		}
		got, err := AppendTriple([]byte("before"), 7, 0, v)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %x, %v", v, got, err)
		}
	}
	for _, v := range []any{make(chan int), "\xff", listsInLists(MaxDepth)} {
		got, err := AppendTriple([]byte("before"), 1, 2, v)
		if err == nil || string(got) != "before" {
			t.Errorf("%.20v: %.20x, %v", v, got, err)
		}
	}
}

// listsInLists is a list in a list and so on.
func listsInLists(depth int) any {
	var v any = []any{}
	for range depth - 1 {
		v = []any{v}
	}
	return v
}
