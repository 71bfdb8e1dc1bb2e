package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// ints packs parameters as the guest does.
func ints(v ...int64) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return b
}

// sample is compressible data with incompressible parts.
func sample(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := [][]byte{[]byte("sandbox "), []byte("the quick brown fox "), []byte("\x00\x01\x02"), []byte("aaaaaaaaaaaaaaaa")}
	var b []byte
	for len(b) < n {
		b = append(b, words[r.IntN(len(words))]...)
		if r.IntN(20) == 0 {
			for range r.IntN(300) {
				b = append(b, byte(r.Uint32()))
			}
		}
	}
	return b[:n]
}

func openStream(t testing.TB, table *Table, kind Kind, params []byte) int32 {
	t.Helper()
	h, err := table.Open(kind, params)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pump feeds in, in pieces, and returns all output, what was not taken, and the last state.
func pump(table *Table, h int32, in []byte, piece, outSize int, flags int32) (out, rest []byte, state uint32, err error) {
	buf := make([]byte, outSize)
	for {
		k := min(piece, len(in))
		f := FlagNone
		if k == len(in) {
			f = flags
		}
		r, err := table.Feed(h, in[:k], buf, f, nil)
		if err != nil {
			return out, in, r.State, err
		}
		out = append(out, buf[:r.Produced]...)
		in = in[r.Consumed:]
		if r.State == StateEnd || (r.State == StateInput && len(in) == 0) {
			return out, in, r.State, nil
		}
	}
}

var lzma2Filter = []int64{filterLZMA2, 8 << 20, 3, 0, 2}
var lzma1Filter = []int64{filterLZMA1, 8 << 20, 3, 0, 2}

func lzmaParams(head []int64, filters ...[]int64) []byte {
	v := append(head, int64(len(filters)))
	for _, f := range filters {
		v = append(v, f...)
	}
	return ints(v...)
}

// codecs are pairs that undo one another.
var codecs = []struct {
	name     string
	compress Kind
	cparams  []byte
	dparams  []byte
}{
	{"bz2", BZ2Compress, ints(9), nil},
	{"xz", LZMACompress, lzmaParams([]int64{formatXZ, checkCRC64}, lzma2Filter), lzmaParams([]int64{formatAuto, -1})},
	{"xz-sha256", LZMACompress, lzmaParams([]int64{formatXZ, checkSHA256}, lzma2Filter), lzmaParams([]int64{formatXZ, -1})},
	{"xz-delta", LZMACompress, lzmaParams([]int64{formatXZ, checkCRC32}, []int64{filterDelta, 3, 0, 0, 0}, lzma2Filter), lzmaParams([]int64{formatXZ, -1})},
	{"xz-x86", LZMACompress, lzmaParams([]int64{formatXZ, checkNone}, []int64{filterX86, 0, 0, 0, 0}, lzma2Filter), lzmaParams([]int64{formatXZ, -1})},
	{"alone", LZMACompress, lzmaParams([]int64{formatAlone, 0}, lzma1Filter), lzmaParams([]int64{formatAuto, -1})},
	{"raw1", LZMACompress, lzmaParams([]int64{formatRaw, 0}, lzma1Filter), lzmaParams([]int64{formatRaw, -1}, lzma1Filter)},
	{"raw2", LZMACompress, lzmaParams([]int64{formatRaw, 0}, lzma2Filter), lzmaParams([]int64{formatRaw, -1}, lzma2Filter)},
	{"zstd", ZstdCompress, ints(3, 0, zstdContentSize|zstdDictID, -1, dictNone), ints(27, dictNone)},
	{"zstd-19", ZstdCompress, ints(19, 0, zstdChecksum|zstdContentSize, -1, dictNone), ints(27, dictNone)},
}

func decompressKind(k Kind) Kind {
	return map[Kind]Kind{BZ2Compress: BZ2Decompress, LZMACompress: LZMADecompress, ZstdCompress: ZstdDecompress}[k]
}

// checkIdle fails when a goroutine or reserved memory is left.
func checkIdle(t testing.TB, table *Table) {
	t.Helper()
	table.Reset()
	for range 2000 {
		if table.Live() == 0 && table.bytes.Load() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("left behind: %d goroutines, %d bytes", table.Live(), table.bytes.Load())
}

func TestRoundTrip(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	for _, c := range codecs {
		for _, size := range []int{0, 1, 100, 5000, 300_000, 1_200_000} {
			if size > 300_000 && c.name == "zstd-19" {
				continue
			}
			data := sample(size)
			h := openStream(t, table, c.compress, c.cparams)
			packed, _, state, err := pump(table, h, data, 70_000, 10_000, FlagFinish)
			if err != nil || state != StateEnd {
				t.Fatalf("%s %d: compress: state %d, %v", c.name, size, state, err)
			}
			table.Close(h)
			trailer := []byte("BZh9 what follows the stream")
			for _, piece := range []int{1 << 20, 777, 1} {
				if piece == 1 && size > 5000 {
					continue
				}
				h = openStream(t, table, decompressKind(c.compress), c.dparams)
				plain, rest, state, err := pump(table, h, append(packed[:len(packed):len(packed)], trailer...), piece, 5000, FlagNone)
				if err != nil || state != StateEnd {
					t.Fatalf("%s %d/%d: decompress: state %d, %v", c.name, size, piece, state, err)
				}
				if !bytes.Equal(plain, data) {
					t.Fatalf("%s %d/%d: data differs", c.name, size, piece)
				}
				if !bytes.Equal(rest, trailer) {
					t.Fatalf("%s %d/%d: rest is %q", c.name, size, piece, rest)
				}
				table.Close(h)
			}
		}
	}
}

func TestOutputDoesNotDependOnPieces(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	data := sample(1_100_000)
	for _, c := range codecs {
		if c.name == "zstd-19" {
			continue
		}
		var want []byte
		for _, piece := range []int{1 << 22, 50_000, 3001} {
			h := openStream(t, table, c.compress, c.cparams)
			packed, _, _, err := pump(table, h, data, piece, piece, FlagFinish)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = packed
			}
			if !bytes.Equal(packed, want) {
				t.Errorf("%s: pieces of %d give other output", c.name, piece)
			}
			table.Close(h)
		}
	}
}

func TestTruncatedWaitsForInput(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	data := sample(200_000)
	for _, c := range codecs {
		h := openStream(t, table, c.compress, c.cparams)
		packed, _, _, err := pump(table, h, data, 1<<20, 1<<16, FlagFinish)
		if err != nil {
			t.Fatal(err)
		}
		h = openStream(t, table, decompressKind(c.compress), c.dparams)
		got, _, state, err := pump(table, h, packed[:len(packed)-1], 1<<20, 1<<16, FlagNone)
		if err != nil || state != StateInput {
			t.Fatalf("%s: state %d, %v", c.name, state, err)
		}
		got2, _, state, err := pump(table, h, packed[len(packed)-1:], 1<<20, 1<<16, FlagNone)
		if err != nil || state != StateEnd || !bytes.Equal(append(got, got2...), data) {
			t.Fatalf("%s: state %d, %v", c.name, state, err)
		}
	}
}

// Every damaged byte must give an error, other data or a stream that wants more, never a panic or a hang.
func TestCorrupt(t *testing.T) {
	table := NewTable(Limits{MaxStreams: 8})
	defer checkIdle(t, table)
	data := sample(1200)
	for _, c := range codecs {
		h := openStream(t, table, c.compress, c.cparams)
		packed, _, _, err := pump(table, h, data, 1<<20, 1<<16, FlagFinish)
		if err != nil {
			t.Fatal(err)
		}
		table.Close(h)
		silent := 0
		for i := range packed {
			bad := bytes.Clone(packed)
			bad[i] ^= 0x55
			h = openStream(t, table, decompressKind(c.compress), c.dparams)
			got, _, state, err := pump(table, h, bad, 1<<20, 1<<16, FlagNone)
			if err == nil && state == StateEnd && bytes.Equal(got, data) {
				silent++
			}
			table.Close(h)
		}
		if silent > 16 {
			t.Errorf("%s: %d damaged bytes made no difference", c.name, silent)
		}
	}
}

func TestLimits(t *testing.T) {
	table := NewTable(Limits{MaxStreams: 3, MaxBytes: 24 << 20})
	defer checkIdle(t, table)
	for range 3 {
		openStream(t, table, ZstdDecompress, ints(27, 0))
	}
	if _, err := table.Open(BZ2Decompress, nil); !errors.Is(err, ErrStreams) {
		t.Fatalf("fourth stream: %v", err)
	}
	table.Reset()
	checkIdle(t, table)
	// A frame that claims a window of 64 MiB: refused before anything of that size is allocated.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 16 << 3}
	h := openStream(t, table, ZstdDecompress, ints(31, 0))
	if _, _, _, err := pump(table, h, append(frame, make([]byte, 100)...), 1000, 1000, FlagNone); !errors.Is(err, ErrMemory) {
		t.Fatalf("huge window: %v", err)
	}
	for _, params := range [][]byte{nil, ints(0), ints(10), append(ints(9), 1)} {
		if _, err := table.Open(BZ2Compress, params); !errors.Is(err, ErrParams) {
			t.Fatalf("params %v: %v", params, err)
		}
	}
	if r := table.HostOpen(99, nil); r != -errnoINVAL {
		t.Fatal(r)
	}
	if _, err := table.Feed(h+100, nil, nil, 0, nil); !errors.Is(err, ErrHandle) {
		t.Fatal(err)
	}
}

func TestBombIsBounded(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	for _, c := range codecs {
		h := openStream(t, table, c.compress, c.cparams)
		packed, _, _, err := pump(table, h, make([]byte, 16<<20), 1<<20, 1<<16, FlagFinish)
		if err != nil {
			t.Fatal(err)
		}
		table.Close(h)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h = openStream(t, table, decompressKind(c.compress), c.dparams)
		out := make([]byte, 10)
		for range 100 {
			r, err := table.Feed(h, packed, out, FlagNone, nil)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			packed = packed[r.Consumed:]
		}
		table.Close(h)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 12<<20 {
			t.Errorf("%s: reading 1000 bytes of a bomb allocated %d bytes", c.name, n)
		}
	}
}

func TestInterrupt(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	// Random data: sorting a block of it takes the bzip2 writer long enough to be interrupted.
	r := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, 900_000)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	h := openStream(t, table, BZ2Compress, ints(9))
	out := make([]byte, 1<<16)
	interrupted := 0
	var packed []byte
	rest, flags := data, FlagFinish
	start := time.Now()
	var longest time.Duration
	for {
		at := time.Now()
		r, err := table.Feed(h, rest, out, flags, func() bool { return true })
		longest = max(longest, time.Since(at))
		if errors.Is(err, ErrInterrupted) {
			interrupted++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		packed = append(packed, out[:r.Produced]...)
		rest = rest[r.Consumed:]
		if r.State == StateEnd {
			break
		}
	}
	if interrupted == 0 {
		t.Fatalf("never interrupted in %v", time.Since(start))
	}
	t.Logf("%d interrupts, longest call %v", interrupted, longest)
	h = openStream(t, table, BZ2Decompress, nil)
	plain, _, _, err := pump(table, h, packed, 1<<20, 1<<16, FlagNone)
	if err != nil || !bytes.Equal(plain, data) {
		t.Fatalf("interrupted stream is broken: %v", err)
	}
	// Left in the middle of a step, a stream ends by itself.
	h = openStream(t, table, BZ2Compress, ints(9))
	for rest := data; len(rest) > 0; {
		r, err := table.Feed(h, rest, out, FlagFinish, func() bool { return true })
		if err != nil {
			break
		}
		rest = rest[r.Consumed:]
	}
	table.Close(h)
}
