package guest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/eryx-go/eryx/core/guest/wasip1"
)

// State is a guest at rest, between two calls: what differs from the image that it started from, and what of it
// the host keeps. It can be loaded into any number of guests of the same image, also in another process.
type State struct {
	image       uint32 // the checksum of the image
	size        uint64 // bytes of memory in use
	stack       uint64
	pages       []page
	descriptors []wasip1.DescriptorState
	extensions  []extensionRecord // loaded beyond those of the image
}

// page is a run of memory that differs from the image.
type page struct {
	At   uint64
	Data []byte
}

// SizeBytes is the memory that the state holds, in bytes.
func (s *State) SizeBytes() int64 {
	var n int64
	for _, p := range s.pages {
		n += int64(len(p.Data))
	}
	return n
}

// Save copies the guest's state. The guest must be at rest and not dead.
func (g *Guest) Save() (*State, error) {
	if g.dead != nil {
		return nil, g.dead
	}
	sum, err := g.image.checksum()
	if err != nil {
		return nil, err
	}
	spans, err := g.memory.ownPages(g.image)
	if err != nil {
		return nil, fmt.Errorf("%w: find the pages that differ: %w", ErrImage, err)
	}
	s := &State{image: sum, size: g.memoryInUse(), stack: g.sp.Get(), descriptors: g.process.Descriptors(), extensions: g.extensionRecords(len(g.image.extensions))}
	for _, run := range spans {
		end := min(run.end, s.size)
		if run.start < end {
			s.pages = append(s.pages, page{run.start, append([]byte(nil), g.memory.space[run.start:end]...)})
		}
	}
	return s, nil
}

// memoryInUse is the break, rounded up to a page of WebAssembly.
func (g *Guest) memoryInUse() uint64 {
	return min((uint64(g.word(wordBreak))+wasmPage-1)/wasmPage*wasmPage, g.memory.size)
}

// Load makes the guest, which must be pristine and of the same image, what the saved one was. Files that were
// open are opened again. A failure leaves the guest unusable: close it.
func (g *Guest) Load(s *State) error {
	sum, err := g.image.checksum()
	if err != nil {
		return err
	}
	if sum != s.image {
		return fmt.Errorf("%w: it belongs to another image of the interpreter", ErrImage)
	}
	if s.size > g.memory.limit {
		return fmt.Errorf("%w: its %d bytes of memory exceed the limit of %d", ErrImage, s.size, g.limit)
	}
	if grow := int64(s.size) - int64(g.memory.size); grow > 0 {
		if _, ok := g.module.Memory().Grow(uint32(grow / wasmPage)); !ok {
			return fmt.Errorf("%w: its memory cannot be grown to %d bytes", ErrImage, s.size)
		}
	}
	if err := g.attachAll(slices.Concat(g.image.extensions, s.extensions)); err != nil {
		return err
	}
	for _, p := range s.pages {
		copy(g.memory.space[p.At:g.memory.size], p.Data)
	}
	g.sp.Set(s.stack)
	g.setWord(wordMemoryLimit, uint32(min(g.limit, 0xffff0000)))
	if err := g.process.Reopen(s.descriptors); err != nil {
		return fmt.Errorf("%w: %w", ErrImage, err)
	}
	return nil
}

// A marshalled state is: magic, build id, CRC of the rest, image, size, stack, then the descriptors, the
// extensions and the pages, compressed.
const stateMagic = "eryx-state-1\n"

// Marshal encodes the state, bound to this build.
func (s *State) Marshal() ([]byte, error) {
	descriptors, err := msgpack.Marshal(s.descriptors)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	extensions, err := msgpack.Marshal(s.extensions)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	raw := make([]byte, 0, int(s.SizeBytes())+16*len(s.pages)+len(descriptors)+len(extensions)+64)
	for _, part := range [][]byte{descriptors, extensions} {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(len(part)))
		raw = append(raw, part...)
	}
	for _, p := range s.pages {
		raw = binary.LittleEndian.AppendUint64(raw, p.At)
		raw = binary.LittleEndian.AppendUint64(raw, uint64(len(p.Data)))
		raw = append(raw, p.Data...)
	}
	body := binary.LittleEndian.AppendUint64(nil, uint64(s.image))
	body = binary.LittleEndian.AppendUint64(body, s.size)
	body = binary.LittleEndian.AppendUint64(body, s.stack)
	body = append(body, s2.Encode(nil, raw)...)
	out := append([]byte(stateMagic), BuildID()...)
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(body, castagnoli))
	return append(out, body...), nil
}

// UnmarshalState decodes what Marshal made. Bytes of another build, truncated or altered ones are refused with
// ErrImage. The state is data: loading it gives its guest no more than any program could do there.
func UnmarshalState(b []byte) (*State, error) {
	s, err := unmarshalState(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	return s, nil
}

func unmarshalState(b []byte) (*State, error) {
	id := BuildID()
	if len(b) < len(stateMagic)+len(id)+4+24 {
		return nil, errors.New("it is cut short")
	}
	if string(b[:len(stateMagic)]) != stateMagic {
		return nil, errors.New("it is no image of a session")
	}
	b = b[len(stateMagic):]
	if found := string(b[:len(id)]); found != id {
		if _, err := hex.DecodeString(found); err != nil {
			return nil, errors.New("it is damaged")
		}
		return nil, fmt.Errorf("it was made by another build of Eryx (%s, this is %s); use a pickle snapshot to move state between builds", found, id)
	}
	b = b[len(id):]
	sum, body := binary.LittleEndian.Uint32(b), b[4:]
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("it is damaged: its checksum is wrong")
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(body[8*i:]) }
	s := &State{image: uint32(word(0)), size: word(1), stack: word(2)}
	if s.size > largeReserve || s.size%wasmPage != 0 {
		return nil, errors.New("its size makes no sense")
	}
	if n, err := s2.DecodedLen(body[24:]); err != nil || uint64(n) > s.size+s.size/8+1<<20 {
		return nil, errors.New("its size makes no sense")
	}
	raw, err := s2.Decode(nil, body[24:])
	if err != nil {
		return nil, err
	}
	return s, s.parse(raw)
}

// parse reads the decompressed descriptors and pages.
func (s *State) parse(raw []byte) error {
	short := errors.New("its contents are cut short")
	for _, decode := range []func([]byte) error{s.decodeDescriptors, s.decodeExtensions} {
		if len(raw) < 4 {
			return short
		}
		n := binary.LittleEndian.Uint32(raw)
		raw = raw[4:]
		if uint64(n) > uint64(len(raw)) {
			return short
		}
		if err := decode(raw[:n]); err != nil {
			return err
		}
		raw = raw[n:]
	}
	for len(raw) > 0 {
		if len(raw) < 16 {
			return short
		}
		at, length := binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])
		raw = raw[16:]
		if length > uint64(len(raw)) || at > s.size || length > s.size-at {
			return short
		}
		s.pages = append(s.pages, page{at, raw[:length:length]})
		raw = raw[length:]
	}
	return nil
}
