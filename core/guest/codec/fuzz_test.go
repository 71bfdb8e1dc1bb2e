package codec

import (
	"errors"
	"testing"
)

// FuzzDecompress feeds any bytes, in any pieces, to any decoder: it must neither panic (an internal error would show
// as one in the text), nor hang, nor leave anything behind.
func FuzzDecompress(f *testing.F) {
	table := NewTable(Limits{})
	for i, c := range codecs {
		h := openStream(f, table, c.compress, c.cparams)
		packed, _, _, err := pump(table, h, sample(700), 1<<20, 1<<16, FlagFinish)
		if err != nil {
			f.Fatal(err)
		}
		table.Close(h)
		f.Add(uint8(i), uint16(1000), packed)
		f.Add(uint8(i), uint16(3), packed[:len(packed)/2])
	}
	f.Fuzz(func(t *testing.T, which uint8, piece uint16, data []byte) {
		c := codecs[int(which)%len(codecs)]
		table := NewTable(Limits{MaxBytes: 8 << 20})
		h := openStream(t, table, decompressKind(c.compress), c.dparams)
		buf := make([]byte, 1000)
		total := 0
		for total < 1<<20 {
			k := min(int(piece)+1, len(data))
			r, err := table.Feed(h, data[:k], buf, FlagNone, nil)
			if errors.Is(err, errPanic) {
				t.Fatal(err)
			}
			if err != nil || r.State == StateEnd || (r.State == StateInput && r.Consumed == len(data)) {
				break
			}
			total += r.Produced
			data = data[r.Consumed:]
		}
		checkIdle(t, table)
	})
}

// FuzzOpen: no parameters can do harm.
func FuzzOpen(f *testing.F) {
	for _, c := range codecs {
		f.Add(int32(c.compress), c.cparams)
		f.Add(int32(decompressKind(c.compress)), c.dparams)
	}
	f.Add(int32(ZstdTrain), ints(4096, 3, 0, 2, 10, 10))
	f.Fuzz(func(t *testing.T, kind int32, params []byte) {
		table := NewTable(Limits{MaxBytes: 96 << 20})
		h := table.HostOpen(kind, params)
		if h <= 0 {
			return
		}
		out := make([]byte, 4096)
		in := sample(20)
		for range 4 {
			r, err := table.Feed(h, in, out, FlagFinish, nil)
			if errors.Is(err, errPanic) {
				t.Fatal(err)
			}
			if err != nil {
				break
			}
			in = in[r.Consumed:]
		}
		checkIdle(t, table)
	})
}
