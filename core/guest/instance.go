package guest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	wsys "github.com/tetratelabs/wazero/experimental/sys"

	"github.com/eryx-go/eryx/core/guest/codec"
	"github.com/eryx-go/eryx/core/guest/wasip1"
	"github.com/eryx-go/eryx/core/guestnet"
)

// Options are what one life of a guest is given.
type Options struct {
	FS           wsys.FS    // the root of its filesystem
	Stdin        io.Reader  // nil: empty
	MaxMemory    uint64     // bytes of linear memory, the image's included; 0: all that WebAssembly has
	MaxOpenFiles int        // descriptors; 0: the default of wasip1
	Extensions   Extensions // finds extension modules in the guest's packages; nil: it has none
	// Policy grants the network; nil gives none.
	Policy *guestnet.Policy
	// SetUpNetwork is given the network of this life before it is used; may be nil.
	SetUpNetwork func(*guestnet.Stack)
	// Filters changes the plain text of the guest's connections; may be nil.
	Filters guestnet.FilterFunc
	// fixed makes time and randomness the same in every boot, so that the same build gives the same image.
	fixed bool
}

const (
	wasmPage = 65536
	// Address space reserved for a guest with a small memory limit, and for the others.
	smallReserve = 256 << 20
	largeReserve = 1 << 32
	slackBytes   = 4 << 20 // SLACK_BYTES in module.c
)

func reserveFor(limit uint64) uint64 {
	if limit != 0 && limit+slackBytes <= smallReserve {
		return smallReserve
	}
	return largeReserve
}

// NewGuest starts a life from img: a recycled instance when one is idle, else a new one.
func (r *Runtime) NewGuest(img *Image, o Options) (*Guest, error) {
	limit := o.MaxMemory
	if limit == 0 {
		limit = largeReserve
	}
	if limit < img.size {
		return nil, fmt.Errorf("%w: the memory limit of %d bytes is less than the %d bytes of the interpreter itself", ErrImage, limit, img.size)
	}
	g := r.pool.take(img, limit)
	r.wanted(img, reserveFor(limit), g != nil)
	if g == nil {
		var err error
		if g, err = r.instantiate(img, reserveFor(limit)); err != nil {
			return nil, err
		}
	}
	g.begin(o, limit)
	if err := g.attachAll(img.extensions); err != nil {
		g.Discard()
		return nil, err
	}
	return g, nil
}

// instantiate makes an instance whose memory is img; nil for one with no memory contents yet.
func (r *Runtime) instantiate(img *Image, reserve uint64) (*Guest, error) {
	memory, err := newRegion(reserve)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	ctx := experimental.WithMemoryAllocator(context.Background(),
		experimental.MemoryAllocatorFunc(func(uint64, uint64) experimental.LinearMemory { return memory }))
	module, err := r.engine.runtime.InstantiateModule(ctx, r.engine.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		memory.Free()
		return nil, fmt.Errorf("%w: instantiate: %w", ErrImage, err)
	}
	g := &Guest{
		rt: r, module: module, memory: memory, image: img,
		call:  module.ExportedFunction("eryx_call"),
		input: module.ExportedFunction("eryx_input"),
		sp:    module.ExportedGlobal("__stack_pointer").(api.MutableGlobal),
		fuel:  module.ExportedGlobal("eryx_fuel").(api.MutableGlobal),
		ctl:   control{wake: make(chan struct{}, 1)},
	}
	g.codecs = codec.NewTable(codec.Limits{})
	if img != nil {
		if err := g.adopt(img); err != nil {
			g.free()
			return nil, err
		}
	}
	return g, nil
}

// adopt maps img and grows the memory to it.
func (g *Guest) adopt(img *Image) error {
	if grow := int64(img.size) - int64(g.memory.size); grow > 0 {
		if _, ok := g.module.Memory().Grow(uint32(grow / wasmPage)); !ok {
			return fmt.Errorf("%w: its %d bytes do not fit", ErrImage, img.size)
		}
	}
	if err := g.memory.lay(img, 0, img.size); err != nil {
		return fmt.Errorf("%w: %w", ErrImage, err)
	}
	g.image, g.info = img, img.info
	g.sp.Set(img.stack)
	return nil
}

// begin prepares a pristine instance for a life with the given options.
func (g *Guest) begin(o Options, limit uint64) {
	g.limit, g.dead, g.host = limit, nil, nil
	g.linker.source, g.linker.failure = o.Extensions, ""
	g.policy, g.wrapNet, g.filters = o.Policy, o.SetUpNetwork, o.Filters
	g.memory.limit = min(limit+slackBytes, g.memory.capacity())
	if g.info != 0 {
		g.setWord(wordMemoryLimit, uint32(min(limit, 0xffff0000)))
	}
	config := g.processConfig(o)
	if g.process == nil {
		g.process = wasip1.NewProcess(config)
		g.ctx = &guestContext{wasip1.WithProcess(context.Background(), g.process), g}
		return
	}
	g.process.Reset(config)
}

// epoch is where every guest's monotonic clock has its zero; only differences mean anything.
var epoch = time.Now()

// bootTime is what the clock says while an image is made, in seconds: the beginning of 2026.
const bootTime = 1767225600

// fix replaces what differs from boot to boot.
func fix(c *wasip1.Config) {
	ticks := int64(0)
	c.Random = mathrand.NewChaCha8([32]byte{})
	c.WallClock = func() (int64, int32) { return bootTime, 0 }
	c.Monotonic = func() int64 { ticks += 1000; return ticks }
}

func (g *Guest) processConfig(o Options) wasip1.Config {
	c := g.liveConfig(o)
	if o.fixed {
		fix(&c)
	}
	return c
}

func (g *Guest) liveConfig(o Options) wasip1.Config {
	return wasip1.Config{
		FS:     o.FS,
		Stdin:  o.Stdin,
		Args:   []string{"python3"},
		Random: rand.Reader,
		Output: func(fd int32, p []byte) wsys.Errno {
			g.drainOutput()
			if g.host != nil {
				g.host.Output(int(fd), p)
			}
			return 0
		},
		Wait: func(_ context.Context, d time.Duration) wsys.Errno {
			if g.ctl.sleep(d, nil) {
				return wsys.EINTR
			}
			return 0
		},
		WallClock: func() (int64, int32) {
			now := time.Now()
			return now.Unix(), int32(now.Nanosecond())
		},
		Monotonic:    func() int64 { return int64(time.Since(epoch)) + 1 },
		Exit:         func(code uint32) { panic(&ExitError{Code: code}) },
		MaxOpenFiles: o.MaxOpenFiles,
	}
}

// release restores g to its image and keeps it, or frees it.
func (r *Runtime) release(g *Guest) {
	if g.module == nil {
		return
	}
	g.host = nil
	g.process.Close()
	g.closeNet()
	g.closeTLS()
	g.codecs.Reset()
	g.linker.pending, g.linker.source = nil, nil
	// Extensions cannot be unloaded: an instance with more than its image has is of no use to others.
	if g.image == nil || len(g.linker.loaded) != len(g.image.extensions) || g.memory.restore(g.image) != nil {
		g.free()
		return
	}
	g.sp.Set(g.image.stack)
	g.dead = nil
	if !r.pool.give(g) {
		g.free()
	}
}

// free gives everything back to the system.
func (g *Guest) free() {
	g.closeNet()
	g.closeTLS()
	if g.module != nil {
		_ = g.module.Close(context.Background())
		g.module = nil
	}
	g.linker.close()
	g.memory.Free()
}
