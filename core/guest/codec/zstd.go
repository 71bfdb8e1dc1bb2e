package codec

import (
	"errors"
	"fmt"
	"io"

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
	encoderMem = 2 << 20
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
	held := 2*bytes + encoderMem + int64(4*len(dict))
	if flags&zstdContentSize == 0 {
		size = -1
	}
	return func(s *stream) error { return compressZstd(s, opts, size, held) }, nil
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

func compressZstd(s *stream, opts []zstd.EOption, size, held int64) error {
	if err := s.reserve(held); err != nil {
		return err
	}
	w, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	defer w.Close()
	w.ResetContentSize(s, size)
	for {
		chunk, op, err := s.next()
		if err != nil {
			return err
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
		switch op {
		case FlagFlush:
			err = w.Flush()
		case FlagFinish:
			if err = w.Close(); err != nil {
				return fmt.Errorf("%w: %v", ErrParams, err)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
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
	if err := s.reserve(held + encoderMem); err != nil {
		return err
	}
	in := &zstdFrame{s: s, maxWindow: window}
	r, err := zstd.NewReader(in, opts...)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	defer r.Close()
	err = s.copyOut(r)
	if err == nil && !in.ended {
		err = ErrCorrupt
	}
	switch {
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
