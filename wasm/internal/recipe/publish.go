package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/eryx-go/eryx/wasm/internal/linker"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// digests is the contents of digests.json: what the artifacts are and how to load them.
type digests struct {
	ModuleSHA256 string `json:"module_sha256"` // of the module, decompressed
	DataSHA256   string `json:"data_sha256"`   // of the data, decompressed
	SymbolSHA256 string `json:"symbol_sha256"` // of the symbols, decompressed
	DataAddress  uint32 `json:"data_address"`  // where in linear memory the data goes
	HeapAddress  uint32 `json:"heap_address"`  // the first address behind all data
	StackBytes   uint32 `json:"stack_bytes"`   // the shadow stack, from address 0
	SourceSHA256 string `json:"source_sha256"` // of what it was built from, see SourceDigest
	Optimisation string `json:"optimisation"`  // Binaryen's level
	Counting     string `json:"counting"`      // the instrumenter's mode
}

// publish writes the artifacts: the module without names, its initial data, and their digests. The module
// with names and the data as they are go to the work folder, for profiles and experiments.
func (b *Build) publish(module []byte, linked *linker.Result) error {
	if err := os.WriteFile(filepath.Join(b.Work, "guest.named.wasm"), module, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.Work, "guest.data"), linked.Data, 0o644); err != nil {
		return err
	}
	m, err := wasmbin.Decode(module)
	if err != nil {
		return err
	}
	m.Customs = nil
	stripped := wasmbin.Encode(m)
	if err := b.writeCompressed("guest.wasm.zst", stripped); err != nil {
		return err
	}
	if err := b.writeCompressed("guest.data.zst", linked.Data); err != nil {
		return err
	}
	symbols := linked.Symbols.Marshal()
	if err := b.writeCompressed("guest.symbols.zst", symbols); err != nil {
		return err
	}
	source, err := b.SourceDigest()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(digests{
		ModuleSHA256: hash(stripped), DataSHA256: hash(linked.Data), SymbolSHA256: hash(symbols), DataAddress: linked.DataStart,
		HeapAddress: linked.HeapBase, StackBytes: b.StackSize,
		SourceSHA256: source, Optimisation: b.Level, Counting: string(b.Mode),
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.Out, "digests.json"), append(text, '\n'), 0o644)
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeCompressed writes an artifact as zstd, with one worker so that the bytes do not depend on the machine.
func (b *Build) writeCompressed(name string, data []byte) error {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	defer encoder.Close()
	return os.WriteFile(filepath.Join(b.Out, name), encoder.EncodeAll(data, nil), 0o644)
}
