package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

// How the dictionary bytes of a zstd stream are to be read.
const (
	dictNone   = 0
	dictFull   = 1 // made by training: tables, then content
	dictRaw    = 2 // content only
	rawDictID  = 0
	dictMagic  = "\x37\xa4\x30\xec"
	minLog     = 10
	maxLog     = 31
	maxEncLog  = 27
	maxLevel   = 22
	minLevel   = -(1 << 17)
	decoderMem = 1 << 20
)

// Flags of ZstdCompress.
const (
	zstdChecksum    = 1
	zstdContentSize = 2
	zstdDictID      = 4
)

// parseDict reads the dictionary kind and, as the last parameter, its bytes.
func parseDict(p *params) (kind int64, dict []byte, err error) {
	kind = p.in(dictNone, dictRaw)
	dict = p.rest()
	if kind == dictFull {
		if _, err := zstd.InspectDictionary(dict); err != nil {
			return 0, nil, fmt.Errorf("%w: not a zstd dictionary: %v", ErrParams, err)
		}
	}
	if (kind == dictNone) != (len(dict) == 0) {
		return 0, nil, ErrParams
	}
	return kind, dict, nil
}

func parseZstdCompress(p *params) (runner, error) {
	level := int(p.in(minLevel, maxLevel))
	window := p.in(0, maxLog)
	flags := p.in(0, 7)
	size := p.in(-1, 1<<62)
	kind, dict, err := parseDict(p)
	if err != nil || p.bad {
		return nil, ErrParams
	}
	opts := []zstd.EOption{
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true),
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithEncoderCRC(flags&zstdChecksum != 0),
	}
	bytes := int64(windowOf(level))
	if window != 0 {
		bytes = 1 << min(window, maxEncLog)
	}
	opts = append(opts, zstd.WithWindowSize(int(bytes)))
	switch kind {
	case dictFull:
		opts = append(opts, zstd.WithEncoderDict(dict))
	case dictRaw:
		opts = append(opts, zstd.WithEncoderDictRaw(rawDictID, dict))
	}
	held := 2*bytes + tableOf(level) + int64(4*len(dict))
	if flags&zstdContentSize == 0 {
		size = -1
	}
	if size > 0 && size <= zstd.MinWindowSize {
		// Otherwise the header of so short a frame has no room for the size.
		opts = append(opts, zstd.WithSingleSegment(true))
	}
	z := &zstdEncoder{opts: opts, size: size, checksum: flags&zstdChecksum != 0, held: held}
	return z.run, nil
}

// zstdEncoder compresses one frame, whose header says the content's size if that is not negative.
type zstdEncoder struct {
	opts     []zstd.EOption
	size     int64
	checksum bool
	held     int64
}

// windowOf is the window for a level: the reference's, up to 8 MiB.
func windowOf(level int) int {
	switch {
	case level < 3:
		return 512 << 10
	case level < 6:
		return 2 << 20
	case level < 10:
		return 4 << 20
	}
	return 8 << 20
}

// tableOf is what the library's match tables take at a level, in bytes.
func tableOf(level int) int64 {
	switch {
	case level < 3:
		return 1 << 20
	case level < 6:
		return 3 << 20
	case level < 10:
		return 8 << 20
	}
	return 40 << 20
}

func (z *zstdEncoder) run(s *stream) error {
	if err := s.reserve(z.held); err != nil {
		return err
	}
	w, err := zstd.NewWriter(nil, z.opts...)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	// Nothing to release when this ends early: without concurrency the library has no goroutines.
	w.ResetContentSize(s, z.size)
	written := int64(0)
	for {
		chunk, op, err := s.next()
		if err != nil {
			return err
		}
		written += int64(len(chunk))
		if _, err := w.Write(chunk); err != nil {
			return err
		}
		switch op {
		case FlagFlush:
			err = w.Flush()
		case FlagFinish:
			return z.finish(s, w, written)
		}
		if err != nil {
			return err
		}
	}
}

// finish ends the frame.
func (z *zstdEncoder) finish(s *stream, w *zstd.Encoder, written int64) error {
	if z.size >= 0 && written != z.size {
		return fmt.Errorf("%w: Src size is incorrect", ErrParams)
	}
	if z.size == 0 {
		// The library cannot say "empty" in the header of a stream.
		if z.checksum {
			return s.emit([]byte("\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00\x99\xe9\xd8\x51"))
		}
		return s.emit([]byte("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"))
	}
	if z.size < 0 {
		// Closed without this, the library writes the size of short data, which nobody promised.
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return w.Close()
}

// checkZstd compares the checksum that follows a frame.
func checkZstd(s *stream, sum uint64) error {
	var want [4]byte
	if _, err := io.ReadFull(s, want[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(want[:]) != uint32(sum) {
		return fmt.Errorf("%w: Restored data doesn't match checksum", ErrCorrupt)
	}
	return nil
}

func parseZstdDecompress(p *params) (runner, error) {
	window := p.in(minLog, maxLog)
	kind, dict, err := parseDict(p)
	if err != nil || p.bad {
		return nil, ErrParams
	}
	opts := []zstd.DOption{
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(1 << window), zstd.WithDecoderMaxMemory(1 << 62), zstd.WithDecodeBuffersBelow(0),
	}
	switch kind {
	case dictFull:
		opts = append(opts, zstd.WithDecoderDicts(dict))
	case dictRaw:
		opts = append(opts, zstd.WithDecoderDictRaw(rawDictID, dict))
	}
	return func(s *stream) error { return decompressZstd(s, opts, 1<<window, int64(4*len(dict))) }, nil
}

func decompressZstd(s *stream, opts []zstd.DOption, window uint64, held int64) error {
	if err := s.reserve(held + decoderMem); err != nil {
		return err
	}
	in := &zstdFrame{s: s, maxWindow: window}
	r, err := zstd.NewReader(in, opts...)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	defer r.Close()
	sum := xxhash.New()
	err = s.copyOut(io.TeeReader(r, sum))
	switch {
	case err == nil && !in.ended:
		return ErrCorrupt
	case err == nil && in.crc:
		return checkZstd(s, sum.Sum64())
	case err == nil || errors.Is(err, errStopped):
		return err
	case in.err != nil:
		return in.err
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return fmt.Errorf("%w: Dictionary mismatch", ErrCorrupt)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: truncated block", ErrCorrupt)
	}
	return fmt.Errorf("%w: %v", ErrCorrupt, err)
}
