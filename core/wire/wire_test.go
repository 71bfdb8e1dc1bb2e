package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

const vectors = "../../tests/vectors/wire/"

func load(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(vectors + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type valueVectors struct {
	Cases []struct {
		Name      string
		Value     any
		Canonical string
		Accepted  []string
	}
}

// plain is the Go value that a vector's notation stands for.
func plain(t testing.TB, v any) any {
	t.Helper()
	switch x := v.(type) {
	case []any:
		list := make([]any, len(x))
		for i := range x {
			list[i] = plain(t, x[i])
		}
		return list
	case map[string]any:
		if s, ok := x["$int"]; ok {
			n, ok := new(big.Int).SetString(s.(string), 10)
			if !ok {
				t.Fatalf("integer %v", s)
			}
			return bigValue(signed(n))
		}
		if s, ok := x["$float"]; ok {
			f, err := strconv.ParseFloat(s.(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		if s, ok := x["$bytes"]; ok {
			return unhex(t, s.(string))
		}
		m := map[string]any{}
		for _, pair := range x["$map"].([]any) {
			m[pair.([]any)[0].(string)] = plain(t, pair.([]any)[1])
		}
		return m
	}
	return v
}

// signed is two's complement with room to spare.
func signed(n *big.Int) []byte {
	size := n.BitLen()/8 + 2
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return n.FillBytes(make([]byte, size))
}

func same(a, b any) bool {
	x, ok := a.(float64)
	y, ok2 := b.(float64)
	if ok && ok2 {
		return x == y && math.Signbit(x) == math.Signbit(y) || x != x && y != y
	}
	if p, ok := a.(*big.Int); ok {
		q, ok := b.(*big.Int)
		return ok && p.Cmp(q) == 0
	}
	return reflect.DeepEqual(a, b)
}

func TestValueVectors(t *testing.T) {
	var v valueVectors
	load(t, "values.json", &v)
	if len(v.Cases) < 50 {
		t.Fatalf("only %d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		want := plain(t, c.Value)
		canonical := unhex(t, c.Canonical)
		b, err := Encode(want)
		if err != nil || !bytes.Equal(b, canonical) {
			t.Errorf("%s: encoded as %x, want %x (%v)", c.Name, b, canonical, err)
		}
		for _, s := range append(c.Accepted, c.Canonical) {
			got, err := Decode(unhex(t, s))
			if err != nil || !same(got, want) {
				t.Errorf("%s: %s decodes to %#v (%v)", c.Name, s, got, err)
			}
		}
	}
}

type rejectVectors struct {
	Cases []struct {
		Name, Bytes string
		Repeat      *struct {
			Bytes, Then string
			Count       int
		}
		Code string
	}
}

func TestRejectVectors(t *testing.T) {
	var v rejectVectors
	load(t, "rejected.json", &v)
	if len(v.Cases) < 30 {
		t.Fatalf("only %d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		b := unhex(t, c.Bytes)
		if c.Repeat != nil {
			b = append(b, bytes.Repeat(unhex(t, c.Repeat.Bytes), c.Repeat.Count)...)
			b = append(b, unhex(t, c.Repeat.Then)...)
		}
		want := map[string]error{"malformed": ErrMalformed, "limit": ErrLimit}[c.Code]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := Decode(b)
		runtime.ReadMemStats(&after)
		if want == nil || !errors.Is(err, want) || got != nil {
			t.Errorf("%s: %v, want %v", c.Name, err, want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(len(b))+64<<10 {
			t.Errorf("%s: %d bytes were allocated for %d", c.Name, n, len(b))
		}
	}
}

func TestValidateAllocatesNothing(t *testing.T) {
	b, err := Encode(request)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := Validate(b, Limits{}); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLimits(t *testing.T) {
	b := []byte{0x92, 0x91, 0x01, 0x02}
	for _, c := range []struct {
		limits Limits
		want   error
	}{
		{Limits{Depth: 2}, nil}, {Limits{Depth: 1}, ErrLimit}, {Limits{Items: 4}, nil}, {Limits{Items: 3}, ErrLimit},
		{Limits{Bytes: 4}, nil}, {Limits{Bytes: 3}, ErrLimit}, {Limits{Depth: 1 << 40}, nil},
	} {
		if err := Validate(b, c.limits); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.limits, err)
		}
	}
	keys := []byte{0x81, 0x01, 0x02}
	if err := Validate(keys, Limits{AnyKeys: true}); err != nil {
		t.Error(err)
	}
	if _, err := DecodeLimits(keys, Limits{AnyKeys: true}); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

type (
	name   string
	octet  byte
	nested map[name][]int16
)

func TestEncodeGoTypes(t *testing.T) {
	five, when := 5, time.Date(2026, 1, 2, 3, 4, 5, 60, time.UTC)
	huge := new(big.Int).Lsh(big.NewInt(1), 100)
	for _, c := range []struct{ in, want any }{
		{int8(-3), int64(-3)}, {uint16(9), int64(9)}, {float32(0.5), 0.5}, {name("x"), "x"}, {&five, int64(5)},
		{(*int)(nil), nil}, {(*big.Int)(nil), nil}, {*huge, huge}, {big.NewInt(7), int64(7)},
		{[]string{"a"}, []any{"a"}}, {[]string(nil), []any{}}, {[3]byte{1, 2, 3}, []byte{1, 2, 3}},
		{[]octet{4}, []byte{4}}, {[]byte(nil), []byte{}}, {[2]bool{true}, []any{true, false}},
		{nested{"b": {1}, "a": nil}, map[string]any{"a": []any{}, "b": []any{int64(1)}}},
		{map[string]any(nil), map[string]any{}}, {when, "2026-01-02T03:04:05.00000006Z"},
		{json.Number("12"), int64(12)}, {json.Number("18446744073709551615"), uint64(math.MaxUint64)},
		{json.Number("1e2"), 100.0}, {json.Number("1267650600228229401496703205376"), huge},
		{Raw{0x91, 0xc0}, []any{nil}}, {Pairs{{"z", 1}, {"a", 2}}, map[string]any{"z": int64(1), "a": int64(2)}},
	} {
		b, err := Encode(c.in)
		if err != nil {
			t.Errorf("%#v: %v", c.in, err)
			continue
		}
		if got, err := Decode(b); err != nil || !same(got, c.want) {
			t.Errorf("%#v: decodes to %#v (%v)", c.in, got, err)
		}
	}
	if b, err := Encode(Pairs{{"z", 1}, {"a", 2}}); err != nil || string(b) != "\x82\xa1z\x01\xa1a\x02" {
		t.Errorf("pairs: %x, %v", b, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	loop := []any{nil}
	loop[0] = loop
	type pointer *pointer
	var self pointer
	self = &self
	table := map[string]any{}
	table["x"] = table
	for _, c := range []struct {
		in   any
		want error
	}{
		{struct{}{}, ErrType}, {make(chan int), ErrType}, {func() {}, ErrType}, {map[int]string{}, ErrType}, {1i, ErrType},
		{"\xff", ErrType}, {map[string]any{"\xff": 1}, ErrType}, {[]any{"\xc0\x80"}, ErrType}, {json.Number("x"), ErrType},
		{loop, ErrLimit}, {table, ErrLimit}, {self, ErrLimit}, {Raw{0xc1}, ErrMalformed}, {Raw{1, 2}, ErrMalformed}, {Raw(nil), ErrMalformed},
	} {
		dst := []byte("kept")
		if b, err := Append(dst, c.in); !errors.Is(err, c.want) || string(b) != "kept" {
			t.Errorf("%T: %q, %v", c.in, b, err)
		}
	}
}

// The general-purpose library reads what is written here, and the other way round.
func TestAgainstLibrary(t *testing.T) {
	b, err := Encode(request)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := msgpack.NewDecoder(bytes.NewReader(b)).DecodeInterface()
	if err != nil {
		t.Fatal(err)
	}
	// Their integers have the width of the message; encoded again they are the same.
	if b2, err := Encode(theirs); err != nil || !bytes.Equal(b2, b) {
		t.Errorf("they read %#v, %v", theirs, err)
	}
	ours, err := Decode(b)
	if err != nil || !reflect.DeepEqual(ours, request) {
		t.Errorf("%#v, %v", ours, err)
	}
	packed, err := msgpack.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Decode(packed); err != nil || !reflect.DeepEqual(again, ours) {
		t.Errorf("%#v, %v", again, err)
	}
}

var request = map[string]any{
	"op": "callback", "id": int64(123456), "name": "db.users.get",
	"args": map[string]any{"id": int64(7), "tags": []any{"a", "b", int64(300)}, "exact": true, "ratio": 0.25, "data": []byte("12345678")},
}

var small = map[string]any{"name": "echo", "id": int64(12), "args": map[string]any{"text": "hello"}}

func BenchmarkEncode(b *testing.B) {
	for n, v := range map[string]any{"small": small, "request": request} {
		b.Run(n, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if buf, err = Append(buf[:0], v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for n, v := range map[string]any{"small": small, "request": request} {
		data, err := Encode(v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(n, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(n+"-validate", func(b *testing.B) {
			for b.Loop() {
				if err := Validate(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
