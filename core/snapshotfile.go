package core

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/wire"
)

// An image snapshot is this line, the CRC-32C of what is described next, the length of a msgpack map and the map: the
// private files as archives, and what the host knows of the session; then the guest's state, which has a checksum of its
// own (see guest.AppendState). It is data, bound to the build that made it.
const pointMagic = "eryx-session-2\n"

const pointHead = len(pointMagic) + 4 + 4

// snapshotBuffers hold encoded memory until the length of the whole is known.
var snapshotBuffers = sync.Pool{New: func() any { return new([]byte) }}

// file is the whole image, of the point and its encoded memory.
func (p *point) file(state []byte) ([]byte, error) {
	m := map[string]any{"count": p.count, "fresh": p.fresh}
	var err error
	for name, files := range map[string]*guestfs.Storage{"data": p.data, "tmp": p.tmp} {
		if m[name], err = marshalFiles(files); err != nil {
			return nil, failure(CodeSnapshot, "encode the session's files: %w", err)
		}
	}
	about, err := wire.Encode(m)
	if err != nil {
		return nil, failure(CodeSnapshot, "encode the session: %w", err)
	}
	b := make([]byte, 0, pointHead+len(about)+len(state))
	b = append(b, pointMagic...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(about, castagnoli))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(about)))
	return append(append(b, about...), state...), nil
}

// readPoint decodes an image, which may be anybody's bytes, for this session.
func (s *Session) readPoint(image []byte) (*point, error) {
	if len(image) < pointHead || string(image[:len(pointMagic)]) != pointMagic {
		return nil, failure(CodeSnapshot, "this is no image of a session by this version of Eryx, or it is cut short")
	}
	head, rest := image[len(pointMagic):pointHead], image[pointHead:]
	n := binary.LittleEndian.Uint32(head[4:])
	if uint64(n) > uint64(len(rest)) {
		return nil, failure(CodeSnapshot, "the image is damaged or cut short")
	}
	if crc32.Checksum(rest[:n], castagnoli) != binary.LittleEndian.Uint32(head) {
		return nil, failure(CodeSnapshot, "the image is damaged: its checksum is wrong")
	}
	p, err := readAbout(rest[:n], s.files.budget.Limits())
	if err != nil {
		return nil, err
	}
	p.state, err = s.origin.image.ReadState(rest[n:], uint64(bound(s.limits.MaxMemoryBytes)))
	if err != nil {
		return nil, failure(CodeSnapshot, "the image cannot be used: %w", err)
	}
	return p, nil
}

// readAbout decodes all but the memory.
func readAbout(b []byte, limits guestfs.Limits) (*point, error) {
	value, err := wire.Decode(b)
	m, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, failure(CodeSnapshot, "the image's description cannot be read")
	}
	p := &point{}
	if p.data, err = unmarshalFiles(m["data"], limits); err != nil {
		return nil, err
	}
	if p.tmp, err = unmarshalFiles(m["tmp"], limits); err != nil {
		return nil, err
	}
	count, _ := m["count"].(int64)
	p.count = int(max(0, count))
	p.fresh, _ = m["fresh"].(bool)
	return p, nil
}

// marshalFiles is an archive of files; nothing for none, which is the usual case and saves milliseconds.
func marshalFiles(files *guestfs.Storage) ([]byte, error) {
	if files.Usage().Files == 0 {
		return []byte{}, nil
	}
	return files.Snapshot()
}

func unmarshalFiles(v any, limits guestfs.Limits) (*guestfs.Storage, error) {
	archive, ok := v.([]byte)
	if !ok {
		return nil, failure(CodeSnapshot, "the image has no files")
	}
	files := guestfs.NewStorage(limits)
	if len(archive) == 0 {
		return files, nil
	}
	if err := files.Restore(archive); err != nil {
		return nil, failure(CodeSnapshot, "the files of the image: %w", err)
	}
	return files, nil
}
