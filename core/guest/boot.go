package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/eryx-go/eryx/wasm"
)

// BootImage starts the interpreter from nothing, imports modules, and takes the image of it at rest.
// o.FS must hold the standard library and the runtime's own modules (see docs/architecture.md).
func (r *Runtime) BootImage(ctx context.Context, o Options, modules []string) (*Image, error) {
	g, err := r.instantiate(nil, largeReserve)
	if err != nil {
		return nil, err
	}
	defer g.free()
	o.fixed = true
	g.begin(o, largeReserve)
	h := &bootHost{}
	g.host = h
	g.Begin(Limits{})
	if err := g.boot(); err != nil {
		return nil, fmt.Errorf("%w: start the interpreter: %w%s", ErrImage, err, h.text())
	}
	if err := g.prepare(h, []any{"prepare_image", append([]string{}, modules...)}); err != nil {
		return nil, err
	}
	return g.TakeImage()
}

// BaseImage is the image of the interpreter with its common modules, the start of every guest: from the cache
// when it is there, else made from nothing and kept.
func (r *Runtime) BaseImage(ctx context.Context, o Options) (*Image, error) {
	if r.config.CacheDir == "" {
		return r.BootImage(ctx, o, nil)
	}
	name := filepath.Join(r.config.CacheDir, "image-"+BuildID())
	img, err := LoadImage(name)
	if err == nil {
		return img, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		r.warn("the image in the cache cannot be used (%v); making it again", err)
	}
	if img, err = r.BootImage(ctx, o, nil); err != nil {
		return nil, err
	}
	if err := SaveImage(img, name); err != nil {
		r.warn("the image cannot be kept in %s (%v)", name, err)
	}
	thisBuild().prune(r.config.CacheDir) // a new build: time to look at those before it
	return img, nil
}

// boot writes the initial data and runs constructors and the interpreter's start.
func (g *Guest) boot() error {
	data, err := wasm.Data()
	if err != nil {
		return err
	}
	target, ok := g.bytes(wasm.DataAddress(), uint32(len(data)))
	if !ok {
		return fmt.Errorf("%d bytes of data do not fit into %d", len(data), g.memory.size)
	}
	copy(target, data)
	if _, err := g.run(g.module.ExportedFunction("eryx_start"), 0); err != nil {
		return err
	}
	info, err := g.run(g.module.ExportedFunction("eryx_info"), 0)
	if err != nil {
		return err
	}
	g.info = uint32(info)
	failure, err := g.run(g.module.ExportedFunction("eryx_boot"), 0)
	g.drainOutput()
	if err != nil {
		return err
	}
	if failure != 0 {
		text, _ := g.bytes(uint32(failure>>32), uint32(failure))
		return fmt.Errorf("%q", text)
	}
	return nil
}

// prepare has the guest perform op, which brings the interpreter to rest for an image.
func (g *Guest) prepare(h *bootHost, op []any) error {
	message, err := msgpack.Marshal(op)
	if err != nil {
		return err
	}
	reply, err := g.Call(message)
	if err != nil {
		return fmt.Errorf("%w: %w%s", ErrImage, err, h.text())
	}
	if string(reply) != "\x91\xa2ok" {
		return fmt.Errorf("%w: %q%s", ErrImage, reply, h.text())
	}
	return nil
}

// TakeImage copies the guest's memory as it is between two calls.
func (g *Guest) TakeImage() (*Image, error) {
	return imageFrom(g.memory.space[:g.inUse()], g.sp.Get(), g.info)
}

// bootHost is the host of an interpreter that starts: it keeps what is printed, for error messages.
type bootHost struct{ output []byte }

func (h *bootHost) Output(_ int, p []byte) {
	if len(h.output) < 1<<16 {
		h.output = append(h.output, p...)
	}
}
func (h *bootHost) Callback([]byte) int32  { return errnoNoSys }
func (h *bootHost) Emit([]byte) int32      { return errnoNoSys }
func (h *bootHost) Events() []byte         { return nil }
func (h *bootHost) EventsTaken()           {}
func (h *bootHost) Ready() <-chan struct{} { return nil }
func (h *bootHost) Busy()                  {}
func (h *bootHost) Query(int32) int64      { return -1 }

func (h *bootHost) text() string {
	if len(h.output) == 0 {
		return ""
	}
	return "\n" + string(h.output)
}
