package codec

import "testing"

func BenchmarkDecompress(b *testing.B) {
	data := sample(4 << 20)
	for _, c := range codecs {
		b.Run(c.name, func(b *testing.B) {
			table := NewTable(Limits{})
			h := openStream(b, table, c.compress, c.cparams)
			packed, _, _, err := pump(table, h, data, 1<<20, 1<<16, FlagFinish)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(packed))/float64(len(data)), "ratio")
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				h := openStream(b, table, decompressKind(c.compress), c.dparams)
				if _, _, _, err := pump(table, h, packed, 1<<20, 1<<16, FlagNone); err != nil {
					b.Fatal(err)
				}
				table.Close(h)
			}
		})
	}
}

func BenchmarkCompress(b *testing.B) {
	data := sample(4 << 20)
	for _, c := range codecs {
		b.Run(c.name, func(b *testing.B) {
			table := NewTable(Limits{})
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				h := openStream(b, table, c.compress, c.cparams)
				if _, _, _, err := pump(table, h, data, 1<<20, 1<<16, FlagFinish); err != nil {
					b.Fatal(err)
				}
				table.Close(h)
			}
		})
	}
}

// BenchmarkSmall is the cost of a whole stream of 100 bytes.
func BenchmarkSmall(b *testing.B) {
	for _, c := range codecs {
		b.Run(c.name, func(b *testing.B) {
			table := NewTable(Limits{})
			data := sample(100)
			for b.Loop() {
				h := openStream(b, table, c.compress, c.cparams)
				packed, _, _, err := pump(table, h, data, 1<<20, 1<<16, FlagFinish)
				if err != nil {
					b.Fatal(err)
				}
				table.Close(h)
				h = openStream(b, table, decompressKind(c.compress), c.dparams)
				if _, _, _, err := pump(table, h, packed, 1<<20, 1<<16, FlagNone); err != nil {
					b.Fatal(err)
				}
				table.Close(h)
			}
		})
	}
}
