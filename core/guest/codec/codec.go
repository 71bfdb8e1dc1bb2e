// Package codec runs, on the host, what the guest's CPython was built without: bzip2, xz/lzma and zstd as
// push streams, and the slow key derivations (pbkdf2, scrypt).
//
// A [Table] belongs to one guest. The guest opens a stream, feeds it pieces of its own memory and closes it.
// Everything that comes from the guest is hostile: the number of streams and the host memory behind them are
// bounded, a decompressor never works further ahead than one small buffer or the window that its format needs,
// and every call returns within a few milliseconds once its [Interrupt] says so.
//
// The library behind a stream runs on a goroutine of the stream's own, which is parked between calls and
// touches only copies of guest memory: an interrupted call can leave it behind safely, and it ends by itself.
package codec

import "errors"

// Kind says what a stream does. The numbers are shared with the guest's wasm/guest/lib/_eryx_stream.py.
type Kind int32

// The kinds of streams, with the parameters that Open expects: little-endian 64-bit integers, then raw bytes.
const (
	// BZ2Compress takes [level 1..9].
	BZ2Compress Kind = 1
	// BZ2Decompress takes nothing.
	BZ2Decompress Kind = 2
	// LZMACompress takes [format, check, filter count, then 5 integers per filter], see parseFilters.
	LZMACompress Kind = 3
	// LZMADecompress takes [format, memory limit or -1, filter count, filters].
	LZMADecompress Kind = 4
	// ZstdCompress takes [level, window log or 0, flags, content size or -1, dictionary kind] and the dictionary.
	ZstdCompress Kind = 5
	// ZstdDecompress takes [largest window log, dictionary kind] and the dictionary.
	ZstdDecompress Kind = 6
	// ZstdTrain takes [size, level, id, n, n sample lengths] and the base content; it is fed the samples and
	// gives the dictionary.
	ZstdTrain Kind = 7
)

// Flags of Feed, for compressors.
const (
	// FlagNone only adds input.
	FlagNone int32 = 0
	// FlagFlush makes all input so far decodable from the output.
	FlagFlush int32 = 1
	// FlagFinish ends the stream.
	FlagFinish int32 = 2
)

// States that Feed reports.
const (
	// StateInput: the stream waits for input: what was not taken yet, or more.
	StateInput uint32 = 0
	// StateMore: call again, with the input that was not taken; there may be more output, and there is some if the
	// call had no room for it.
	StateMore uint32 = 1
	// StateEnd: the stream has ended; input that was not taken does not belong to it.
	StateEnd uint32 = 2
)

// Negative statuses are WASI errno values, so that the guest can raise them.
const (
	errnoBADF   int32 = 8
	errnoILSEQ  int32 = 25
	errnoINTR   int32 = 27
	errnoINVAL  int32 = 28
	errnoIO     int32 = 29
	errnoMFILE  int32 = 33
	errnoNOMEM  int32 = 48
	errnoNOTSUP int32 = 58
)

// The errors of this package; errors.Is finds them. Each maps to one errno, see Errno.
var (
	ErrHandle      = errors.New("no such stream: it was closed, or belongs to another life of this sandbox")
	ErrParams      = errors.New("invalid parameters")
	ErrCorrupt     = errors.New("corrupt data")
	ErrInterrupted = errors.New("interrupted")
	ErrStreams     = errors.New("too many open streams")
	ErrMemory      = errors.New("memory limit for compression streams exceeded")
	ErrUnsupported = errors.New("unsupported")
	errStopped     = errors.New("stream closed")
	errPanic       = errors.New("internal error of the codec")
)

// Interrupt is asked, every few milliseconds, whether the running call must end. nil never asks for it.
type Interrupt func() bool

// Limits bound what one guest can hold in its streams.
type Limits struct {
	// MaxStreams is the number of open streams; 0 means 64.
	MaxStreams int
	// MaxBytes is the host memory behind all open streams, in bytes, estimated; 0 means 256 MiB.
	MaxBytes int64
}

// Default limits.
const (
	DefaultMaxStreams = 64
	DefaultMaxBytes   = 256 << 20
)

func (l Limits) withDefaults() Limits {
	if l.MaxStreams <= 0 {
		l.MaxStreams = DefaultMaxStreams
	}
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	return l
}

// Errno is the negative WASI errno for an error of this package; 0 for nil.
func Errno(err error) int32 {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrHandle):
		return -errnoBADF
	case errors.Is(err, ErrParams):
		return -errnoINVAL
	case errors.Is(err, ErrInterrupted):
		return -errnoINTR
	case errors.Is(err, ErrStreams):
		return -errnoMFILE
	case errors.Is(err, ErrMemory):
		return -errnoNOMEM
	case errors.Is(err, ErrUnsupported):
		return -errnoNOTSUP
	case errors.Is(err, ErrCorrupt):
		return -errnoILSEQ
	}
	return -errnoIO
}
