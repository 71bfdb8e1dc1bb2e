package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"
)

// plainSample is plain of testdata/make.py.
func plainSample(size int) []byte {
	var out []byte
	x := uint64(1)
	for len(out) < size {
		x = (x*1103515245 + 12345) % (1 << 31)
		words := [4][]byte{
			[]byte("sandbox "), {0xe8, 0x10, 0x20, 0x30, 0x00}, bytes.Repeat([]byte{'a'}, 24),
			binary.LittleEndian.AppendUint32(nil, uint32(x)),
		}
		out = append(out, words[x>>16&3]...)
	}
	return out[:size]
}

// What libbzip2, liblzma and libzstd write is read, in any pieces and with what follows it left alone.
func TestRealLibraries(t *testing.T) {
	raw, err := os.ReadFile("testdata/real.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Codec string
		Params      []int64
		Size        int
		Packed      []byte
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 18 {
		t.Fatalf("only %d cases", len(cases))
	}
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	kinds := map[string]Kind{"bz2": BZ2Decompress, "lzma": LZMADecompress, "zstd": ZstdDecompress}
	for _, c := range cases {
		params := ints(c.Params...)
		if c.Codec == "zstd" && c.Params[1] == dictRaw {
			params = append(params, plainSample(4000)[1000:]...)
		}
		for _, piece := range []int{1 << 20, 100, 1} {
			h := openStream(t, table, kinds[c.Codec], params)
			got, rest, state, err := pump(table, h, append(bytes.Clone(c.Packed), "tail"...), piece, 3000, FlagNone)
			if err != nil || state != StateEnd || string(rest) != "tail" || !bytes.Equal(got, plainSample(c.Size)) {
				t.Errorf("%s in pieces of %d: %d bytes, rest %q, state %d, %v", c.Name, piece, len(got), rest, state, err)
			}
			table.Close(h)
		}
	}
}

// Raw LZMA data without an end marker, as in zip files of 7-zip: all of it comes out although the end never comes.
func TestRawWithoutEndMarker(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	data := plainSample(20000)
	h := openStream(t, table, LZMACompress, lzmaParams([]int64{formatRaw, 0}, lzma1Filter))
	packed, _, _, err := pump(table, h, data, 1<<20, 1<<16, FlagFinish)
	if err != nil {
		t.Fatal(err)
	}
	h = openStream(t, table, LZMADecompress, lzmaParams([]int64{formatRaw, -1}, lzma1Filter))
	// The marker and the coder's tail are in the last bytes.
	got, _, state, err := pump(table, h, packed[:len(packed)-6], 1000, 1<<16, FlagNone)
	if err != nil || state != StateInput || len(got) < len(data)-20 || !bytes.Equal(got, data[:len(got)]) {
		t.Errorf("%d of %d bytes, state %d, %v", len(got), len(data), state, err)
	}
}

// A trained dictionary helps, is the same every time, and what is compressed with it needs it.
func TestTrain(t *testing.T) {
	table := NewTable(Limits{})
	defer checkIdle(t, table)
	var samples []byte
	lengths := []int64{4096, 3, 0, 200}
	for i := range int64(200) {
		s := append([]byte("user name role=admin status=active department="), plainSample(20+int(i)%30)...)
		s = binary.BigEndian.AppendUint32(s, uint32(i*2654435761))
		samples = append(samples, s...)
		lengths = append(lengths, int64(len(s)))
	}
	var dict []byte
	for range 2 {
		h := openStream(t, table, ZstdTrain, ints(lengths...))
		got, _, state, err := pump(table, h, samples, 5000, 1<<16, FlagFinish)
		if err != nil || state != StateEnd || len(got) > 4096 {
			t.Fatalf("%d bytes, state %d, %v", len(got), state, err)
		}
		if dict != nil && !bytes.Equal(dict, got) {
			t.Fatal("training twice gives two dictionaries")
		}
		dict = got
	}
	text := []byte("user name role=admin status=active department=x")
	pack := func(params []byte) []byte {
		h := openStream(t, table, ZstdCompress, params)
		out, _, _, err := pump(table, h, text, 100, 1<<16, FlagFinish)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	without := pack(ints(3, 0, zstdContentSize, int64(len(text)), dictNone))
	with := pack(append(ints(3, 0, zstdContentSize, int64(len(text)), dictFull), dict...))
	if len(with) >= len(without) {
		t.Errorf("%d bytes with the dictionary, %d without", len(with), len(without))
	}
	h := openStream(t, table, ZstdDecompress, append(ints(27, dictFull), dict...))
	if got, _, _, err := pump(table, h, with, 100, 1<<16, FlagNone); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q, %v", got, err)
	}
	h = openStream(t, table, ZstdDecompress, ints(27, dictNone))
	if got, _, _, err := pump(table, h, with, 100, 1<<16, FlagNone); err == nil {
		t.Errorf("without the dictionary: %q", got)
	}
	if _, err := table.Open(ZstdDecompress, append(ints(27, dictFull), "no dictionary"...)); err == nil {
		t.Error("a bad dictionary was taken")
	}
}
