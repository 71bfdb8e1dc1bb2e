package guest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tetratelabs/wazero"
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
	config   Config
	wazero   wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule
	pool     pool
}

// NewRuntime compiles the interpreter, or loads it from the cache.
func NewRuntime(ctx context.Context, config Config) (*Runtime, error) {
	binary, err := wasm.Module()
	if err != nil {
		return nil, fmt.Errorf("read the interpreter: %w", err)
	}
	if config.Workers <= 0 {
		config.Workers = runtime.GOMAXPROCS(0)
	}
	r := &Runtime{config: config}
	if err := r.compile(ctx, binary); err != nil {
		return nil, err
	}
	if err := r.link(ctx); err != nil {
		_ = r.Close(ctx)
		return nil, err
	}
	return r, nil
}

// BuildID names the interpreter that images belong to: module, data and engine.
func BuildID() string {
	h := sha256.New()
	h.Write([]byte(wasm.BuildID()))
	h.Write([]byte(wazeroVersion))
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// wazeroVersion is part of the build id: compiled code and images belong to one version.
const wazeroVersion = "wazero-1.12.0"

// compile tries the cache directory first, then without it what it held, then without any.
func (r *Runtime) compile(ctx context.Context, binary []byte) error {
	dir := r.config.CacheDir
	if dir != "" {
		dir = filepath.Join(dir, "code-"+BuildID())
		err := r.compileIn(ctx, binary, dir)
		if err == nil {
			return nil
		}
		r.warn("the code cache in %s cannot be used (%v); compiling again", dir, err)
		_ = os.RemoveAll(dir)
		if err = r.compileIn(ctx, binary, dir); err == nil {
			return nil
		}
	}
	return r.compileIn(ctx, binary, "")
}

// compileIn compiles with the cache in dir; "" for none.
func (r *Runtime) compileIn(ctx context.Context, binary []byte, dir string) (err error) {
	config := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features).WithDebugInfoEnabled(false)
	var cache wazero.CompilationCache
	if dir != "" {
		if _, statErr := os.Stat(dir); statErr != nil {
			r.progress("compiling the Python runtime for this machine (once) ...")
		}
		if cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return err
		}
		config = config.WithCompilationCache(cache)
	}
	rt := wazero.NewRuntimeWithConfig(ctx, config)
	compiled, err := rt.CompileModule(experimental.WithCompilationWorkers(ctx, r.config.Workers), binary)
	if err != nil {
		_ = rt.Close(ctx)
		if cache != nil {
			_ = cache.Close(ctx)
		}
		return fmt.Errorf("compile the interpreter: %w", err)
	}
	r.wazero, r.cache, r.compiled = rt, cache, compiled
	return nil
}

// link registers the host's modules.
func (r *Runtime) link(ctx context.Context) error {
	if err := wasip1.Instantiate(ctx, r.wazero); err != nil {
		return fmt.Errorf("register WASI: %w", err)
	}
	if err := instantiateHost(ctx, r.wazero); err != nil {
		return fmt.Errorf("register the host functions: %w", err)
	}
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
	err := r.wazero.Close(ctx)
	if r.cache != nil {
		err = errors.Join(err, r.cache.Close(ctx))
	}
	return err
}
