package wasm

import (
	"fmt"
	"sync"

	"github.com/eryx-go/eryx/wasm/internal/extension"
	"github.com/eryx-go/eryx/wasm/internal/linker"
)

// Extension is a CPython extension module made ready to be loaded into a running guest.
type Extension = extension.Module

// ExtensionAddress is the address of a datum or a function of an extension, relative to where it is loaded.
type ExtensionAddress = extension.Address

// What an ExtensionAddress is relative to: nothing, the extension's data, or its part of the function table.
const (
	ExtensionAbsolute = extension.Absolute
	ExtensionMemory   = extension.Memory
	ExtensionTable    = extension.Table
)

// Names in the module of an [Extension]: all its imports are of ExtensionGuest; see package extension for the rest.
const (
	ExtensionGuest        = extension.GuestModule
	ExtensionGrowFunction = extension.GrowFunction
	ExtensionLinkFunction = extension.LinkFunction
)

// MaxExtensionBytes is the size of the largest extension that PrepareExtension takes, in bytes.
const MaxExtensionBytes = extension.MaxModuleBytes

// ExtensionGlobal names the exported global that holds address i of an extension.
func ExtensionGlobal(i int) string { return extension.GlobalName(i) }

var readSymbols = sync.OnceValues(func() (linker.Symbols, error) {
	text, err := decompress("guest.symbols", compressedSymbols, readDigests().SymbolSHA256)
	if err != nil {
		return linker.Symbols{}, err
	}
	return linker.ParseSymbols(text)
})

// PrepareExtension checks an extension module (a shared library built for WASI, see docs/native-extensions.md),
// which may be anybody's bytes, makes it preemptible, and binds it to the symbols of this build's guest. The
// error says what is wrong with it.
func PrepareExtension(library []byte) (*Extension, error) {
	symbols, err := readSymbols()
	if err != nil {
		return nil, fmt.Errorf("read the guest's symbols: %w", err)
	}
	return extension.Prepare(library, symbols)
}
