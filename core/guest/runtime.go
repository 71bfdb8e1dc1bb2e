package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/eryx-go/eryx/core/guest/wasip1"
	"github.com/eryx-go/eryx/wasm"
)

// features are WebAssembly 2.0 and what the linker's output needs beyond it.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst

// Config says how a Runtime is made.
type Config struct {
	// CacheDir keeps compiled code and images between processes; "" keeps nothing.
	CacheDir string
	// Workers compile in parallel; 0 means one per CPU.
	Workers int
	// Progress is told of steps that take time, such as the first compilation; may be nil.
	Progress func(text string)
	// Warn is told of a cache that could not be used; may be nil.
	Warn func(text string)
}

// Runtime is the compiled interpreter: one per process is enough. It may be used by many goroutines.
type Runtime struct {
	config     Config
	engine     *engine
	pool       pool
	extensions extensionCache
}

// NewRuntime compiles the interpreter, or loads it from the cache.
func NewRuntime(ctx context.Context, config Config) (*Runtime, error) {
	if err := checkPages(os.Getpagesize()); err != nil {
		return nil, err
	}
	if config.Workers <= 0 {
		config.Workers = runtime.GOMAXPROCS(0)
	}
	r := &Runtime{config: config}
	if config.CacheDir == "" {
		return r, r.compile(ctx)
	}
	thisBuild().mark(config.CacheDir) // first: what has a mark of now is not pruned
	cache := codeCache{filepath.Join(config.CacheDir, "code-"+codeID())}
	if err := r.load(ctx, cache); err == nil {
		return r, nil
	} else if !errors.Is(err, errNotCached) {
		r.warn("the code cache in %s cannot be used (%v); compiling again", cache.dir, err)
	}
	r.progress("compiling the Python runtime for this machine (once) ...")
	e, stored, err := cache.fill(ctx, config.Workers)
	if err != nil {
		return nil, fmt.Errorf("compile the interpreter: %w", err)
	}
	if stored != nil {
		r.warn("the compiled code cannot be kept in %s (%v)", cache.dir, stored)
	}
	return r, r.use(ctx, e)
}

var errNotCached = errors.New("not cached")

// load uses the cached code, if it is there and is what it should be.
func (r *Runtime) load(ctx context.Context, cache codeCache) error {
	e, err := cache.load(ctx, r.config.Workers)
	if err != nil {
		return err
	}
	if e == nil {
		return errNotCached
	}
	if err := r.use(ctx, e); err != nil {
		return err
	}
	if err := r.probe(); err != nil {
		return errors.Join(err, e.close(ctx))
	}
	return nil
}

// compile compiles without any cache.
func (r *Runtime) compile(ctx context.Context) error {
	binary, err := wasm.Module()
	if err != nil {
		return fmt.Errorf("read the interpreter: %w", err)
	}
	e, err := compileModule(ctx, binary, "", r.config.Workers)
	if err != nil {
		return fmt.Errorf("compile the interpreter: %w", err)
	}
	return r.use(ctx, e)
}

// use makes e the runtime's engine and registers the host's modules in it.
func (r *Runtime) use(ctx context.Context, e *engine) error {
	if err := wasip1.Instantiate(ctx, e.runtime); err != nil {
		return errors.Join(fmt.Errorf("register WASI: %w", err), e.close(ctx))
	}
	if err := instantiateHost(ctx, e.runtime); err != nil {
		return errors.Join(fmt.Errorf("register the host functions: %w", err), e.close(ctx))
	}
	r.engine = e
	return nil
}

func (r *Runtime) progress(text string) {
	if r.config.Progress != nil {
		r.config.Progress(text)
	}
}

func (r *Runtime) warn(format string, args ...any) {
	if r.config.Warn != nil {
		r.config.Warn(fmt.Sprintf(format, args...))
	}
}

// Close frees the runtime and every guest of it. Guests must not be running.
func (r *Runtime) Close(ctx context.Context) error {
	r.pool.close()
	return r.engine.close(ctx)
}
