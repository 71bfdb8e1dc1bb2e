package guest

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
)

// chunkBytes is how much memory is compressed at once, so that all processors can.
const chunkBytes = 1 << 20

// chunks calls do for each chunk of raw, several at a time.
func chunks(raw []byte, do func(i int, chunk []byte)) {
	if len(raw) > 0 && len(raw) <= chunkBytes {
		do(0, raw)
		return
	}
	var wait sync.WaitGroup
	for i := range chunkCount(len(raw)) {
		wait.Go(func() { do(i, raw[i*chunkBytes:min((i+1)*chunkBytes, len(raw))]) })
	}
	wait.Wait()
}

func chunkCount(size int) int { return (size + chunkBytes - 1) / chunkBytes }

// compress appends raw to b: each chunk's length, compressed, and the chunk.
func compress(b, raw []byte) []byte {
	done := make([][]byte, chunkCount(len(raw)))
	chunks(raw, func(i int, chunk []byte) {
		buffer := takeBuffer(s2.MaxEncodedLen(len(chunk)))
		done[i] = s2.Encode(*buffer, chunk)
	})
	for _, chunk := range done {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(chunk)))
		b = append(b, chunk...)
		buffers.Put(&chunk)
	}
	return b
}

var errCompressed = errors.New("its memory cannot be decompressed")

// packedChunks divides what compress made of size bytes, and of nothing else.
func packedChunks(b []byte, size int) ([][]byte, error) {
	packed := make([][]byte, 0, min(chunkCount(size), len(b)/4))
	for len(b) >= 4 {
		n := binary.LittleEndian.Uint32(b)
		if b = b[4:]; uint64(n) > uint64(len(b)) {
			return nil, errCompressed
		}
		packed = append(packed, b[:n])
		b = b[n:]
	}
	if len(b) > 0 || len(packed) != chunkCount(size) {
		return nil, errCompressed
	}
	return packed, nil
}

// decompress fills raw.
func decompress(raw []byte, packed [][]byte) error {
	failed := make([]bool, len(packed))
	chunks(raw, func(i int, chunk []byte) {
		n, err := s2.DecodedLen(packed[i])
		if err != nil || n != len(chunk) {
			failed[i] = true
			return
		}
		got, err := s2.Decode(chunk, packed[i])
		failed[i] = err != nil || len(got) != len(chunk)
	})
	if slices.Contains(failed, true) {
		return errCompressed
	}
	return nil
}
