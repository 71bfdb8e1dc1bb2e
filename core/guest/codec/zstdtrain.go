package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// Training chooses the segments of the samples whose 8-byte strings occur in the most samples, as the reference's
// FastCOVER does: a table of counts, one segment for each of equally long stretches of the input.
const (
	dmerBytes    = 8
	dmerLog      = 18
	segmentBytes = 256
	minDictBytes = 256
	maxDictBytes = 8 << 20
	maxSamples   = 1 << 20
	tableBytes   = 512 // what a dictionary's own tables take, at most a little more
)

type trainer struct {
	size    int
	level   zstd.EncoderLevel
	id      uint32
	base    []byte // content to finalize; empty: choose it from the samples
	lengths []int
	total   int64
}

func parseZstdTrain(p *params) (runner, error) {
	t := &trainer{size: int(p.in(minDictBytes, maxDictBytes))}
	t.level = zstd.EncoderLevelFromZstd(int(p.in(minLevel, maxLevel)))
	t.id = uint32(p.in(0, 1<<32-1))
	n := p.in(1, maxSamples)
	if p.bad || int64(len(p.b)) < 8*n {
		return nil, ErrParams
	}
	for range n {
		l := p.in(0, 1<<31)
		t.lengths = append(t.lengths, int(l))
		t.total += l
	}
	t.base = p.rest()
	if p.bad {
		return nil, ErrParams
	}
	return t.run, nil
}

func (t *trainer) run(s *stream) error {
	if err := s.reserve(2*t.total + int64(4*t.size) + 16<<20); err != nil {
		return err
	}
	data := make([]byte, 0, t.total)
	for {
		chunk, op, err := s.next()
		if err != nil {
			return err
		}
		if int64(len(data)+len(chunk)) > t.total {
			return ErrParams
		}
		data = append(data, chunk...)
		if op == FlagFinish {
			break
		}
	}
	if int64(len(data)) != t.total {
		return ErrParams
	}
	dict, err := t.build(t.split(data), data)
	if err != nil {
		return err
	}
	return s.emit(dict)
}

// split cuts the samples, and those longer than a block into blocks.
func (t *trainer) split(data []byte) (samples [][]byte) {
	for _, l := range t.lengths {
		for b := data[:l]; len(b) > 0; b = b[min(len(b), zstdMaxBlock):] {
			samples = append(samples, b[:min(len(b), zstdMaxBlock)])
		}
		data = data[l:]
	}
	return samples
}

func (t *trainer) build(samples [][]byte, data []byte) ([]byte, error) {
	content := t.base
	if len(content) == 0 {
		content = choose(samples, data, t.size-min(tableBytes, t.size/2))
	}
	content = content[max(0, len(content)-t.size):]
	id := t.id
	if id == 0 {
		// As the reference does: a number from the content, in the range that is not registered.
		id = crc32.ChecksumIEEE(content)%(1<<31-32768) + 32768
	}
	for {
		dict, err := zstd.BuildDict(zstd.BuildDictOptions{
			ID: id, Contents: samples, History: content, Offsets: [3]int{1, 4, 8}, CompatV155: true, Level: t.level,
		})
		if err != nil {
			return nil, fmt.Errorf("%w: cannot train a dictionary from these samples: %v", ErrUnsupported, err)
		}
		over := len(dict) - t.size
		if over <= 0 {
			return dict, nil
		}
		if over >= len(content) {
			return nil, fmt.Errorf("%w: the dictionary size is too small for these samples", ErrUnsupported)
		}
		content = content[over:]
	}
}

func dmer(b []byte) uint32 {
	return uint32(binary.LittleEndian.Uint64(b) * 0xcf1bbcdcb7a56463 >> (64 - dmerLog))
}

// choose collects up to size bytes of segments, the best of the whole last: nearer is cheaper to refer to.
func choose(samples [][]byte, data []byte, size int) []byte {
	counts := countDmers(samples)
	if len(data) <= size {
		return data
	}
	stretch := max(len(data)/max(size/segmentBytes, 1), segmentBytes)
	var segments [][]byte
	for at, got := 0, 0; at+segmentBytes <= len(data) && got < size; at += stretch {
		seg := best(counts, data[at:min(at+stretch, len(data))])
		if seg != nil {
			segments = append(segments, seg)
			got += len(seg)
		}
	}
	content := make([]byte, 0, size+segmentBytes)
	for i := range segments {
		content = append(content, segments[len(segments)-1-i]...)
	}
	return content[max(0, len(content)-size):]
}

// countDmers counts, for each hash of 8 bytes, the samples in which it occurs.
func countDmers(samples [][]byte) []uint32 {
	counts := make([]uint32, 1<<dmerLog)
	seen := make([]uint32, 1<<dmerLog)
	for i, s := range samples {
		for at := 0; at+dmerBytes <= len(s); at++ {
			if h := dmer(s[at:]); seen[h] != uint32(i)+1 {
				seen[h] = uint32(i) + 1
				counts[h]++
			}
		}
	}
	return counts
}

// best finds the segment of b with the highest sum of counts and zeroes what it covers; nil when there is none.
func best(counts []uint32, b []byte) []byte {
	if len(b) < segmentBytes {
		return nil
	}
	const window = segmentBytes - dmerBytes + 1
	var sum, top uint64
	at := -1
	for i := 0; i+dmerBytes <= len(b); i++ {
		sum += uint64(counts[dmer(b[i:])])
		if i >= window {
			sum -= uint64(counts[dmer(b[i-window:])])
		}
		if i >= window-1 && sum > top {
			top, at = sum, i-window+1
		}
	}
	if at < 0 {
		return nil
	}
	seg := b[at : at+segmentBytes]
	for i := 0; i+dmerBytes <= len(seg); i++ {
		counts[dmer(seg[i:])] = 0
	}
	return seg
}
