// Package wasm holds the guest: CPython 3.14 and its C shim, linked into one WebAssembly module, and the initial
// contents of the module's memory. README.md says how they are made; `make wasm` makes them again.
//
// To run it: instantiate [Module] with the host modules wasi_snapshot_preview1 and eryx, write [Data] at
// [DataAddress] into its memory, then call its exports eryx_start and eryx_boot.
package wasm

import (
	"crypto/sha256"
	_ "embed" // for the artifacts
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed guest.wasm.zst
var compressedModule []byte

//go:embed guest.data.zst
var compressedData []byte

//go:embed guest.symbols.zst
var compressedSymbols []byte

//go:embed digests.json
var digestsJSON []byte

// digests mirrors digests.json, which wasm/internal/recipe writes.
type digests struct {
	ModuleSHA256 string `json:"module_sha256"`
	DataSHA256   string `json:"data_sha256"`
	SymbolSHA256 string `json:"symbol_sha256"`
	DataAddress  uint32 `json:"data_address"`
	HeapAddress  uint32 `json:"heap_address"`
	StackBytes   uint32 `json:"stack_bytes"`
	SourceSHA256 string `json:"source_sha256"`
	Optimisation string `json:"optimisation"`
	Counting     string `json:"counting"`
}

var readDigests = sync.OnceValue(func() digests {
	var d digests
	if err := json.Unmarshal(digestsJSON, &d); err != nil {
		panic("wasm: digests.json: " + err.Error()) // embedded, and checked by a test
	}
	return d
})

// Module returns the guest's module: no data segments, no start function. It fails only when what is embedded is
// damaged. Every call decompresses anew.
func Module() ([]byte, error) {
	return decompress("guest.wasm", compressedModule, readDigests().ModuleSHA256)
}

// Data returns the initial contents of the guest's linear memory from DataAddress on; all other memory is
// zero. It fails only when what is embedded is damaged. Every call decompresses anew.
func Data() ([]byte, error) {
	return decompress("guest.data", compressedData, readDigests().DataSHA256)
}

// DataAddress returns the address in linear memory, in bytes, at which Data begins.
func DataAddress() uint32 { return readDigests().DataAddress }

// HeapAddress returns the first address, in bytes, behind the guest's static data.
func HeapAddress() uint32 { return readDigests().HeapAddress }

// StackBytes returns the size of the shadow stack, which lies at address 0 and grows down towards it.
func StackBytes() uint32 { return readDigests().StackBytes }

// BuildID identifies the module and its data: memory images belong to exactly one build. It is 32 hexadecimal
// digits.
func BuildID() string {
	d := readDigests()
	sum := sha256.Sum256([]byte(d.ModuleSHA256 + d.DataSHA256))
	return hex.EncodeToString(sum[:16])
}

func decompress(name string, data []byte, digest string) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("wasm: %s: %w", name, err)
	}
	defer decoder.Close()
	out, err := decoder.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("wasm: %s: %w", name, err)
	}
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("wasm: %s is not what digests.json says", name)
	}
	return out, nil
}
