package security_test

import (
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

func TestCompressedBombsAreBoundedByTheMemoryLimit(t *testing.T) {
	for name, program := range map[string]string{
		"zlib": "import zlib\nc = zlib.compressobj(1)\nb = b''.join(c.compress(bytes(10**6)) for _ in range(60)) + c.flush()\nzlib.decompress(b)",
		"gzip": "import gzip, zlib\nc = zlib.compressobj(1, wbits=31)\nb = b''.join(c.compress(bytes(10**6)) for _ in range(60)) + c.flush()\ngzip.decompress(b)",
		"bz2":  "import bz2\nc = bz2.BZ2Compressor()\nb = b''.join(c.compress(bytes(10**6)) for _ in range(60)) + c.flush()\nbz2.decompress(b)",
		"lzma": "import lzma\nc = lzma.LZMACompressor(preset=0)\nb = b''.join(c.compress(bytes(10**6)) for _ in range(60)) + c.flush()\nlzma.decompress(b)",
		"zstd": "from compression import zstd\nc = zstd.ZstdCompressor()\nb = b''.join(c.compress(bytes(10**6)) for _ in range(60)) + c.flush()\nzstd.decompress(b)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := core.Limits{MaxMemoryBytes: 48 << 20, ExecutionTimeout: patience}
			_, err := run(t, core.Config{Limits: limits}, program)
			wantPython(t, err, "MemoryError")
		})
	}
}

func TestManyStreamsAtOnceAreBounded(t *testing.T) {
	for name, make := range map[string]string{
		"bz2":  "import bz2\nmake = bz2.BZ2Decompressor",
		"lzma": "import lzma\nmake = lzma.LZMADecompressor",
		"zstd": "from compression import zstd\nmake = zstd.ZstdDecompressor",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := make + "\nkept = []\ntry:\n    for _ in range(100_000): kept.append(make())\nexcept (MemoryError, OSError) as e: print('refused')\nelse: print('all')\nkept.clear()\nmake()"
			limits := core.Limits{MaxMemoryBytes: 64 << 20, ExecutionTimeout: time.Minute}
			if _, err := run(t, core.Config{Limits: limits}, program); err != nil {
				t.Fatal(err)
			}
		})
	}
}
