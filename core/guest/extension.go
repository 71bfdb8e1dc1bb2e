package guest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/eryx-go/eryx/wasm"
)

// Extension modules are shared libraries of CPython's, compiled to WebAssembly, that a program imports. They are
// linked to the running guest on the host: see docs/decisions/0009-native-extensions.md. The code of one is
// compiled once per process and shared by all guests.

// Extensions finds extension modules in the packages that a guest was given. It must be safe for concurrent use.
type Extensions interface {
	// Extension is the sha256 of the file at an absolute path of the guest's, and what reads it; an error when
	// no package has it.
	Extension(path string) (sum [sha256.Size]byte, read func() ([]byte, error), err error)
}

// ErrExtension is wrapped by errors of an image or a state whose extension modules cannot be had.
var ErrExtension = errors.New("extension module unavailable")

// maxCompiled is how many compiled extensions a runtime keeps; those of living guests do not need to be kept.
const maxCompiled = 64

// extension is a compiled extension module.
type extension struct {
	*wasm.Extension
	compiled wazero.CompiledModule
}

// extensionCache compiles each extension once.
type extensionCache struct {
	mu      sync.Mutex
	entries map[[sha256.Size]byte]*extensionEntry
	order   [][sha256.Size]byte // the least recently used first
}

type extensionEntry struct {
	ready chan struct{} // closed when what follows is known
	value *extension
	err   error
	// gaveUp says that who compiled it had no time left: who waits must try again.
	gaveUp bool
}

// extension returns the extension at path, compiled.
func (r *Runtime) extension(ctx context.Context, from Extensions, path string) (*extension, [sha256.Size]byte, error) {
	if from == nil {
		return nil, [sha256.Size]byte{}, errors.New("this sandbox has no packages")
	}
	sum, read, err := from.Extension(path)
	if err != nil {
		return nil, sum, err
	}
	for {
		e, mine := r.extensions.entry(sum)
		if mine {
			e.value, e.err = r.compileExtension(ctx, sum, read)
			if e.gaveUp = e.err != nil && ctx.Err() != nil; e.gaveUp {
				r.extensions.forget(sum) // it was not the file's fault
			}
			close(e.ready)
			return e.value, sum, e.err
		}
		select {
		case <-e.ready:
			if !e.gaveUp {
				return e.value, sum, e.err
			}
		case <-ctx.Done():
			return nil, sum, ctx.Err()
		}
	}
}

// entry is the cache's entry for a file, and whether the caller must fill it.
func (c *extensionCache) entry(sum [sha256.Size]byte) (e *extensionEntry, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[sum]
	if !ok {
		if c.entries == nil {
			c.entries = map[[sha256.Size]byte]*extensionEntry{}
		}
		e = &extensionEntry{ready: make(chan struct{})}
		c.entries[sum] = e
		c.evict()
	}
	c.touch(sum)
	return e, !ok
}

// touch makes sum the most recently used. Under mu.
func (c *extensionCache) touch(sum [sha256.Size]byte) {
	for i, other := range c.order {
		if other == sum {
			c.order = append(c.order[:i], c.order[i+1:]...)
			break
		}
	}
	c.order = append(c.order, sum)
}

// evict drops what was not used for longest. Under mu.
func (c *extensionCache) evict() {
	for i := 0; len(c.entries) > maxCompiled && i < len(c.order); {
		e := c.entries[c.order[i]]
		select {
		case <-e.ready:
		default: // being compiled
			i++
			continue
		}
		if e.value != nil {
			_ = e.value.compiled.Close(context.Background()) // instances keep what they need
		}
		delete(c.entries, c.order[i])
		c.order = append(c.order[:i], c.order[i+1:]...)
	}
}

func (c *extensionCache) forget(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, sum)
	for i, other := range c.order {
		if other == sum {
			c.order = append(c.order[:i], c.order[i+1:]...)
			return
		}
	}
}

// compileExtension reads, checks and compiles an extension. Its bytes may be anybody's.
func (r *Runtime) compileExtension(ctx context.Context, sum [sha256.Size]byte, read func() ([]byte, error)) (*extension, error) {
	data, err := read()
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(data) != sum {
		return nil, errors.New("the file changed while it was read")
	}
	prepared, err := wasm.PrepareExtension(data)
	if err != nil {
		return nil, err
	}
	ctx = experimental.WithCompilationWorkers(ctx, r.config.Workers)
	compiled, err := r.engine.runtime.CompileModule(ctx, prepared.Wasm)
	if err != nil && ctx.Err() == nil {
		// The machine code could not be written to the cache, perhaps; what is compiled is found in memory then.
		compiled, err = r.engine.runtime.CompileModule(ctx, prepared.Wasm)
	}
	if err != nil {
		return nil, fmt.Errorf("it is no valid WebAssembly: %w", err)
	}
	prepared.Wasm = nil // not needed any more, and large
	return &extension{prepared, compiled}, nil
}
