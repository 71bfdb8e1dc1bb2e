package guest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/eryx-go/eryx/wasm"
)

// Bounds of what one guest may load.
const (
	maxExtensions = 256
	maxInstances  = 512 // with those that could not be loaded
)

// loaded is an extension in one guest. The record is all that another guest needs to have it too: the places in
// the table follow from the order of loading.
type loaded struct {
	extensionRecord
	*extension
	module    api.Module
	tableBase uint32
}

// extensionRecord says which extension was loaded where.
type extensionRecord struct {
	Path       string `msgpack:"path"`
	SHA256     []byte `msgpack:"sha256"`
	MemoryBase uint32 `msgpack:"memory_base"`
}

// linker is what a guest has of extensions.
type linker struct {
	source  Extensions
	loaded  []*loaded
	slots   map[string]uint32 // of guest functions that got one for an extension
	pending *loaded           // opened, waiting for memory
	failure string            // for dlerror
	// instances are all that were made, also those that could not be loaded. wazero keeps each until it is closed,
	// and closing one frees the guest's memory, so that they live as long as the guest.
	instances []api.Module
}

// close frees the instances, when the guest's own has been closed.
func (l *linker) close() {
	for _, instance := range l.instances {
		_ = instance.Close(context.Background())
	}
	*l = linker{}
}

// instantiate makes the extension's instance in g and gives it its place in the table; its data is not touched.
func (l *loaded) instantiate(g *Guest) error {
	if len(g.linker.instances) >= maxInstances || len(g.linker.loaded) >= maxExtensions {
		return fmt.Errorf("more than %d extension modules", maxExtensions)
	}
	module, err := g.instance(l.extension)
	if err != nil {
		// The cache may have closed it meanwhile, for others that were wanted.
		again, _, failed := g.rt.extension(g.ctx, g.linker.source, l.Path)
		if failed != nil || again == l.extension {
			return err
		}
		l.extension = again
		if module, err = g.instance(again); err != nil {
			return err
		}
	}
	ctx := context.Background()
	first, err := module.ExportedFunction(wasm.ExtensionGrowFunction).Call(ctx, uint64(l.Slots))
	if err != nil {
		return err
	}
	if l.tableBase = uint32(first[0]); l.tableBase == ^uint32(0) {
		return errors.New("the table of functions is full")
	}
	l.module = module
	l.setGlobals(g)
	_, err = module.ExportedFunction(wasm.ExtensionLinkFunction).Call(ctx, uint64(l.tableBase))
	return err
}

// instance makes an instance of the extension that is linked to g's memory, table and functions.
func (g *Guest) instance(e *extension) (api.Module, error) {
	ctx := experimental.WithImportResolver(context.Background(), func(name string) api.Module {
		if name == wasm.ExtensionGuest {
			return g.module
		}
		return nil
	})
	module, err := g.rt.engine.runtime.InstantiateModule(ctx, e.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err == nil {
		g.linker.instances = append(g.linker.instances, module)
	}
	return module, err
}

// address is where a symbol of the extension is.
func (l *loaded) address(a wasm.ExtensionAddress) uint32 {
	switch a.Base {
	case wasm.ExtensionMemory:
		return l.MemoryBase + a.Offset
	case wasm.ExtensionTable:
		return l.tableBase + a.Offset
	}
	return a.Offset
}

// setGlobals tells the extension all addresses. A function of the guest's has one address in all extensions: that
// of the first that asked for it.
func (l *loaded) setGlobals(g *Guest) {
	if g.linker.slots == nil {
		g.linker.slots = map[string]uint32{}
	}
	for name, slot := range l.Shared {
		if _, known := g.linker.slots[name]; !known {
			g.linker.slots[name] = l.tableBase + slot
		}
	}
	for i, a := range l.Globals {
		value := l.address(a)
		if name, shared := l.SharedIn[i]; shared {
			value = g.linker.slots[name]
		}
		l.module.ExportedGlobal(wasm.ExtensionGlobal(i)).(api.MutableGlobal).Set(uint64(value))
	}
}

// fill writes the extension's initial data, if all of it lies in memory.
func (l *loaded) fill(g *Guest) bool {
	memory, ok := g.bytes(l.MemoryBase, l.MemoryBytes)
	if !ok {
		return false
	}
	clear(memory)
	for _, d := range l.Data {
		copy(memory[d.Offset:], d.Bytes)
	}
	return true
}

// attach loads an extension that the guest's memory, an image's or a state's, has already.
func (g *Guest) attach(record extensionRecord) error {
	ext, sum, err := g.rt.extension(context.Background(), g.linker.source, record.Path)
	if err == nil && string(sum[:]) != string(record.SHA256) {
		err = errors.New("the package has another version of it")
	}
	if err == nil {
		l := &loaded{extensionRecord: record, extension: ext}
		if err = l.instantiate(g); err == nil {
			g.linker.loaded = append(g.linker.loaded, l)
			return nil
		}
	}
	return fmt.Errorf("%w: %w: %s: %w; give the packages that it was imported from", ErrImage, ErrExtension, record.Path, err)
}

// attachAll loads those of records that the guest does not have.
func (g *Guest) attachAll(records []extensionRecord) error {
	for _, record := range records[min(len(records), len(g.linker.loaded)):] {
		if err := g.attach(record); err != nil {
			return err
		}
	}
	return nil
}

// extensionRecords lists what the guest has loaded, from the first-th on.
func (g *Guest) extensionRecords(first int) []extensionRecord {
	var records []extensionRecord
	for _, l := range g.linker.loaded[min(first, len(g.linker.loaded)):] {
		records = append(records, l.extensionRecord)
	}
	return records
}

// open finds and compiles the extension at path, or finds it among those that are loaded. It returns its number.
func (g *Guest) open(path string) (handle int, err error) {
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	go g.ctl.watch(ctx, cancel, g.ctl.started, g.ctl.deadline)
	ext, sum, err := g.rt.extension(ctx, g.linker.source, path)
	if err != nil {
		return 0, err
	}
	for i, l := range g.linker.loaded {
		if l.Path == path && string(l.SHA256) == string(sum[:]) {
			return i, nil
		}
	}
	g.linker.pending = &loaded{extensionRecord: extensionRecord{Path: path, SHA256: append([]byte(nil), sum[:]...)}, extension: ext}
	return len(g.linker.loaded), nil
}

// link completes open: the guest has made room for the data at base. It returns the slot of the function that
// initialises the extension.
func (g *Guest) link(base uint32) (init uint32, err error) {
	l := g.linker.pending
	if g.linker.pending = nil; l == nil {
		return 0, errors.New("nothing was opened")
	}
	l.MemoryBase = base
	if base == 0 {
		return 0, fmt.Errorf("not enough memory for its %d bytes of data", l.MemoryBytes)
	}
	if base%max(l.MemoryAlign, 1) != 0 || !l.fill(g) {
		return 0, fmt.Errorf("there is no room for %d bytes at %#x", l.MemoryBytes, base)
	}
	if err := l.instantiate(g); err != nil {
		return 0, err
	}
	g.linker.loaded = append(g.linker.loaded, l)
	return l.tableBase + l.Init, nil
}

// validRecords checks what came from a file.
func validRecords(records []extensionRecord) error {
	if len(records) > maxExtensions {
		return errors.New("it has too many extension modules")
	}
	for _, r := range records {
		if len(r.SHA256) != sha256.Size || len(r.Path) > maxExtensionPath {
			return errors.New("its extension modules are damaged")
		}
	}
	return nil
}
