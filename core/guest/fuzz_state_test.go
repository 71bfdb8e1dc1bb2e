package guest

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// FuzzReadState reads states that anybody may have made, their checksum right: they are refused, or lie within the memory
// that is allowed.
func FuzzReadState(f *testing.F) {
	const maxMemory = 4 << 20
	img, err := imageFrom(make([]byte, 4*wasmPage), 8, 64)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = img.Close() })
	memory := make([]byte, 6*wasmPage)
	random := rand.New(rand.NewPCG(9, 9))
	for i := 0; i < len(memory); i += 1 + random.IntN(3*pageSize) {
		memory[i] = byte(random.Uint32())
	}
	pristine, err := img.pristine()
	if err != nil {
		f.Fatal(err)
	}
	s := &State{image: img, size: uint64(len(memory)), stack: 16}
	whole, err := s.append(nil, differing(memory, pristine, []span{{0, s.size}}), memory)
	if err != nil {
		f.Fatal(err)
	}
	head := len(stateMagic) + len(BuildID())
	f.Add(whole[head+4:])
	f.Add(whole[head+4 : len(whole)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		b := append([]byte(nil), whole[:head]...)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(body, castagnoli))
		s, err := img.ReadState(append(b, body...), maxMemory)
		if err != nil {
			return
		}
		last := uint64(0)
		for _, p := range s.over.pages {
			if p.At < last || p.At+uint64(len(p.Data)) > s.size || s.size > maxMemory+slackBytes {
				t.Fatalf("a run at %d of %d bytes behind %d in a memory of %d", p.At, len(p.Data), last, s.size)
			}
			last = p.At + uint64(len(p.Data))
		}
		s.Release()
	})
}
