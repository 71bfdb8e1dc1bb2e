package core

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero/experimental/sysfs"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/wasm"
	wasmguest "github.com/eryx-go/eryx/wasm/guest"
)

// Runtime is the interpreter, compiled and started once, from whose image every guest begins. One per
// process is enough; it may be used by many goroutines.
type Runtime struct {
	guests *guest.Runtime
	image  *guest.Image
	usr    *guestfs.ArchiveFS
	cache  string // the directory of the cache, "" for none

	closing sync.WaitGroup // sessions of the runtime's own that are being closed
}

// RuntimeConfig says how a Runtime is made. The zero value is right for most programs.
type RuntimeConfig struct {
	// CacheDir keeps compiled code and the interpreter's image between processes. "" is the directory "eryx"
	// in the user's cache directory; NoCache keeps nothing.
	CacheDir string
	// Progress is told of steps that take seconds, such as the first compilation; may be nil.
	Progress func(text string)
	// Warn is told of problems that were got around, such as a damaged cache; may be nil.
	Warn func(text string)
}

// NoCache as RuntimeConfig.CacheDir keeps nothing between processes.
const NoCache = "-"

// NewRuntime compiles the interpreter, or loads it from the cache, and starts it.
func NewRuntime(ctx context.Context, config RuntimeConfig) (*Runtime, error) {
	dir := config.CacheDir
	switch dir {
	case NoCache:
		dir = ""
	case "":
		if user, err := os.UserCacheDir(); err == nil {
			dir = filepath.Join(user, "eryx")
		}
	}
	usr, err := guestfs.NewArchiveBytes(wasm.Stdlib(), guestfs.ArchiveLimits{})
	if err != nil {
		return nil, failure(CodeInitialization, "open the standard library: %w", err)
	}
	guests, err := guest.NewRuntime(ctx, guest.Config{CacheDir: dir, Progress: config.Progress, Warn: config.Warn})
	if err != nil {
		return nil, failure(CodeInitialization, "start the runtime: %w", err)
	}
	rt := &Runtime{guests: guests, usr: usr, cache: dir}
	root, err := rt.systemFiles()
	if err == nil {
		rt.image, err = guests.BaseImage(ctx, guest.Options{FS: root})
	}
	if err != nil {
		_ = guests.Close(ctx)
		return nil, failure(CodeInitialization, "start the interpreter: %w", err)
	}
	return rt, nil
}

// systemFiles is a root with what every guest sees: the standard library, the guest's own runtime
// and /dev.
func (rt *Runtime) systemFiles() (*guestfs.Namespace, error) {
	root := guestfs.NewNamespace()
	if err := root.Mount("/usr", rt.usr, guestfs.MountOptions{}); err != nil {
		return nil, err
	}
	if err := root.Mount("/dev", guestfs.NewDevices(), guestfs.MountOptions{}); err != nil {
		return nil, err
	}
	return root, root.Mount(wasmguest.RuntimePath, &sysfs.AdaptFS{FS: wasmguest.Runtime()}, guestfs.MountOptions{})
}

// Close frees the runtime. Sessions must be closed before.
func (rt *Runtime) Close() error {
	rt.closing.Wait()
	err := rt.guests.Close(context.Background()) // first: instances are being made of the image
	return errors.Join(err, rt.image.Close())
}

var shared struct {
	sync.Mutex
	runtime *Runtime
}

// DefaultRuntime is the process's shared runtime, made on first use with the zero RuntimeConfig. It is never
// closed. A failure is reported and tried again next time.
func DefaultRuntime() (*Runtime, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.runtime == nil {
		rt, err := NewRuntime(context.Background(), RuntimeConfig{})
		if err != nil {
			return nil, err
		}
		shared.runtime = rt
	}
	return shared.runtime, nil
}
