package guest

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/eryx-go/eryx/core/wire"
)

// A state's file is: magic, build id, CRC-32C of the rest; the image's checksum, the memory's size and the stack
// pointer, 64 bits each; the number of bytes of the descriptors, and they; the same of the extension modules; the number
// of runs, and for each the pages since the one before and its own pages; then the memory of all runs, compressed. What
// the image has at the same place is xored with it: pages in which a program has changed a few counters become zeros.
const stateMagic = "eryx-state-2\n"

// AppendState appends the guest's state to b, bound to this build. The guest must be at rest and not dead.
func (g *Guest) AppendState(b []byte) ([]byte, error) {
	if g.dead != nil {
		return nil, g.dead
	}
	own, err := g.ownSpans()
	if err != nil {
		return nil, err
	}
	s := g.newState()
	if err := immovable(s.descriptors); err != nil {
		return nil, err
	}
	pristine, err := g.image.pristine()
	if err != nil {
		return nil, err
	}
	var spans []span
	for _, layered := range g.memory.ownSegments() {
		spans = append(spans, layered.cut(0, s.size))
	}
	spans = union(own, differing(g.memory.space[:s.size], pristine, spans))
	return s.append(b, spans, g.memory.space)
}

// append encodes s with the memory of spans.
func (s *State) append(b []byte, spans []span, memory []byte) ([]byte, error) {
	sum, err := s.image.checksum()
	if err != nil {
		return nil, err
	}
	pristine, err := s.image.pristine()
	if err != nil {
		return nil, err
	}
	descriptors, err := msgpack.Marshal(s.descriptors)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	extensions, err := msgpack.Marshal(s.extensions)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	b = append(append(b, stateMagic...), BuildID()...)
	body := len(b) + 4
	b = append(b, 0, 0, 0, 0)
	for _, word := range []uint64{uint64(sum), s.size, s.stack} {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	for _, part := range [][]byte{descriptors, extensions} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	b = appendSpans(b, spans)
	raw := takeBuffer(int(total(spans)))
	defer buffers.Put(raw)
	rest := *raw
	for _, run := range spans {
		xor(rest, memory[run.start:run.end], pristine, run.start)
		rest = rest[run.size():]
	}
	b = compress(b, *raw)
	binary.LittleEndian.PutUint32(b[body-4:], crc32.Checksum(b[body:], castagnoli))
	return b, nil
}

// xor writes memory, which begins at offset at, xored with old; what is behind old as it is.
func xor(into, memory, old []byte, at uint64) {
	n := 0
	if at < uint64(len(old)) {
		n = subtle.XORBytes(into, memory, old[at:min(at+uint64(len(memory)), uint64(len(old)))])
	}
	copy(into[n:], memory[n:])
}

func appendSpans(b []byte, spans []span) []byte {
	b = binary.AppendUvarint(b, uint64(len(spans)))
	last := uint64(0)
	for _, s := range spans {
		b = binary.AppendUvarint(b, (s.start-last)/pageSize)
		b = binary.AppendUvarint(b, s.size()/pageSize)
		last = s.end
	}
	return b
}

// ReadState decodes what AppendState made of a guest of this image. Bytes of another build or image, truncated or
// altered ones, and more than maxMemory bytes of memory (0: any number) are refused with ErrImage. The state is data:
// loading it gives its guest no more than any program could do there.
func (i *Image) ReadState(b []byte, maxMemory uint64) (*State, error) {
	s, err := i.readState(b, maxMemory)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	return s, nil
}

func (i *Image) readState(b []byte, maxMemory uint64) (*State, error) {
	body, err := checkedBody(b)
	if err != nil {
		return nil, err
	}
	word := func(k int) uint64 { return binary.LittleEndian.Uint64(body[8*k:]) }
	sum, err := i.checksum()
	if err != nil {
		return nil, err
	}
	if word(0) != uint64(sum) {
		return nil, errors.New("it belongs to another image of the interpreter: use the factory that its session came from")
	}
	s := &State{image: i, size: word(1), stack: word(2)}
	s.holds.Store(1)
	if s.size > largeReserve || s.size%wasmPage != 0 {
		return nil, errors.New("its size makes no sense")
	}
	if maxMemory != 0 && s.size > maxMemory+slackBytes {
		return nil, fmt.Errorf("its %d bytes of memory exceed the limit of %d", s.size, maxMemory)
	}
	return s, s.parse(body[24:])
}

// checkedBody is what follows the checksum in a state's file.
func checkedBody(b []byte) ([]byte, error) {
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
	body := b[4:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b) {
		return nil, errors.New("it is damaged or cut short: its checksum is wrong")
	}
	return body, nil
}

var errShort = errors.New("its contents are cut short")

// parse reads descriptors and memory.
func (s *State) parse(b []byte) error {
	for _, decode := range []func([]byte) error{s.decodeDescriptors, s.decodeExtensions} {
		n, rest, err := number(b, uint64(len(b)))
		if err != nil || n > uint64(len(rest)) {
			return errShort
		}
		if err := decode(rest[:n]); err != nil {
			return err
		}
		b = rest[n:]
	}
	spans, b, err := readSpans(b, s.size)
	if err != nil {
		return err
	}
	pristine, err := s.image.pristine()
	if err != nil {
		return err
	}
	packed, err := packedChunks(b, int(total(spans)))
	if err != nil {
		return err
	}
	raw := takeBuffer(int(total(spans)))
	if err := decompress(*raw, packed); err != nil {
		buffers.Put(raw)
		return err
	}
	s.over = &overlay{buffer: raw, pages: make([]page, 0, len(spans))}
	rest := *raw
	for _, run := range spans {
		data := rest[:run.size():run.size()]
		xor(data, data, pristine, run.start)
		s.over.pages = append(s.over.pages, page{run.start, data})
		rest = rest[len(data):]
	}
	return nil
}

// number reads an integer of at most limit.
func number(b []byte, limit uint64) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > limit {
		return 0, nil, errShort
	}
	return v, b[n:], nil
}

// readSpans reads what appendSpans wrote, of a memory of size bytes.
func readSpans(b []byte, size uint64) ([]span, []byte, error) {
	count, b, err := number(b, size/pageSize)
	if err != nil {
		return nil, nil, err
	}
	spans := make([]span, 0, min(count, uint64(len(b))))
	at := uint64(0)
	for range count {
		var gap, pages uint64
		if gap, b, err = number(b, (size-at)/pageSize); err != nil {
			return nil, nil, err
		}
		at += gap * pageSize
		if pages, b, err = number(b, (size-at)/pageSize); err != nil || pages == 0 {
			return nil, nil, errShort
		}
		spans = append(spans, span{at, at + pages*pageSize})
		at += pages * pageSize
	}
	return slices.Clip(spans), b, nil
}

// decodeDescriptors reads the table of open files. The bytes may be anybody's: msgpack only sees what Validate
// has passed.
func (s *State) decodeDescriptors(b []byte) error {
	if err := wire.Validate(b, wire.Limits{Depth: 4, Items: 1 << 16}); err != nil {
		return fmt.Errorf("its open files: %w", err)
	}
	if err := msgpack.Unmarshal(b, &s.descriptors); err != nil {
		return fmt.Errorf("its open files: %w", err)
	}
	return nil
}

// decodeExtensions reads the list of extension modules, as decodeDescriptors does.
func (s *State) decodeExtensions(b []byte) error {
	if err := wire.Validate(b, wire.Limits{Depth: 3, Items: 4 * maxExtensions}); err != nil {
		return fmt.Errorf("its extension modules: %w", err)
	}
	if err := msgpack.Unmarshal(b, &s.extensions); err != nil {
		return fmt.Errorf("its extension modules: %w", err)
	}
	return validRecords(s.extensions)
}
