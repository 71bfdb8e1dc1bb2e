package guest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/eryx-go/eryx/wasm"
	wasmguest "github.com/eryx-go/eryx/wasm/guest"
)

// Cold start: decoding and checking eight megabytes of WebAssembly takes longer than all else together, only
// to find its machine code in the cache. So the cache holds a skeleton of the module, whose functions all trap,
// and under the skeleton's key the machine code of the real one. A probe tells whether the code that was
// loaded is the real one. See docs/decisions/0005-cold-start.md.

// codeID names the machine code's source, imageID what an image depends on besides.
func codeID() string { return digest(wasm.BuildID(), wazeroVersion()) }

// BuildID names the interpreter that images belong to: module, data, engine, runtime and standard library.
func BuildID() string {
	return digest(wasm.BuildID(), wazeroVersion(), wasm.StdlibDigest(), wasmguest.RuntimeDigest())
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

// wazeroVersion is the version as wazero itself sees it, which names the folder of its cache.
func wazeroVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/tetratelabs/wazero" {
				return dep.Version
			}
		}
	}
	return "unknown"
}

// engine is a wazero runtime with the compiled interpreter in it.
type engine struct {
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule
}

func (e *engine) close(ctx context.Context) error {
	err := e.runtime.Close(ctx)
	if e.cache != nil {
		err = errors.Join(err, e.cache.Close(ctx))
	}
	return err
}

// compileModule compiles binary with the code cache in dir, "" for none.
func compileModule(ctx context.Context, binary []byte, dir string, workers int) (*engine, error) {
	e := &engine{}
	config := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features).WithDebugInfoEnabled(false)
	if dir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(dir)
		if err != nil {
			return nil, err
		}
		e.cache = cache
		config = config.WithCompilationCache(cache)
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	var err error
	if e.compiled, err = e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, workers), binary); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	return e, nil
}

// codeCache is the folder of one interpreter's machine code.
type codeCache struct{ dir string }

func (c codeCache) skeletonFile() string { return filepath.Join(c.dir, "skeleton.wasm") }

// readSkeleton returns the skeleton, nil when there is none, an error when it is damaged.
func (c codeCache) readSkeleton() ([]byte, error) {
	data, err := os.ReadFile(c.skeletonFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if len(data) < sha256.Size {
		return nil, errors.New("the skeleton is cut short")
	}
	body := data[sha256.Size:]
	if sum := sha256.Sum256(body); string(sum[:]) != string(data[:sha256.Size]) {
		return nil, errors.New("the skeleton is damaged")
	}
	return body, nil
}

// load returns the engine with the cached machine code, nil when there is none. An engine whose code is not
// the interpreter's (a cache of another processor, say) is found by the caller's probe.
func (c codeCache) load(ctx context.Context, workers int) (*engine, error) {
	skeleton, err := c.readSkeleton()
	if skeleton == nil {
		return nil, err
	}
	return compileModule(ctx, skeleton, c.dir, workers)
}

// fill compiles the interpreter and stores its machine code. The engine works even when storing fails, which
// the error then says.
func (c codeCache) fill(ctx context.Context, workers int) (e *engine, stored error, err error) {
	module, err := wasm.Module()
	if err != nil {
		return nil, nil, err
	}
	temporary, stored := c.temporary()
	if stored == nil {
		defer os.RemoveAll(temporary)
		if e, err = compileModule(ctx, module, filepath.Join(temporary, "module"), workers); err == nil {
			return e, c.store(ctx, module, temporary, workers), nil
		}
		stored = err // a full disk, perhaps: compile without storing
	}
	e, err = compileModule(ctx, module, "", workers)
	return e, stored, err
}

func (c codeCache) temporary() (string, error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(c.dir, "new-")
}

// store puts the machine code that wazero wrote below temporary/module under the skeleton's key.
func (c codeCache) store(ctx context.Context, module []byte, temporary string, workers int) error {
	skeleton, err := wasm.Skeleton(module)
	if err != nil {
		return err
	}
	// Compiling the skeleton shows which name wazero gives it on this machine.
	e, err := compileModule(ctx, skeleton, filepath.Join(temporary, "skeleton"), workers)
	if err != nil {
		return err
	}
	if err := e.close(ctx); err != nil {
		return err
	}
	code, err := onlyFile(filepath.Join(temporary, "module"))
	if err != nil {
		return err
	}
	key, err := onlyFile(filepath.Join(temporary, "skeleton"))
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(filepath.Join(temporary, "skeleton"), key)
	if err != nil {
		return err
	}
	target := filepath.Join(c.dir, relative)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	// Renames are atomic: of two first starts at once one wins, and both files are whole.
	if err := os.Rename(code, target); err != nil {
		return err
	}
	return c.writeSkeleton(skeleton, temporary)
}

func (c codeCache) writeSkeleton(skeleton []byte, temporary string) error {
	sum := sha256.Sum256(skeleton)
	name := filepath.Join(temporary, "skeleton.wasm")
	if err := os.WriteFile(name, append(sum[:], skeleton...), 0o600); err != nil {
		return err
	}
	return os.Rename(name, c.skeletonFile())
}

// onlyFile is the one file below dir.
func onlyFile(dir string) (string, error) {
	matches, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		return "", err
	}
	if len(matches) != 1 {
		return "", fmt.Errorf("expected one file below %s, found %d", dir, len(matches))
	}
	return matches[0], nil
}

// probe reports whether e runs the interpreter's code: in a skeleton everything traps. Constants are returned
// by eryx_info without memory.
func (r *Runtime) probe() error {
	g, err := r.instantiate(nil, smallReserve)
	if err != nil {
		return err
	}
	defer g.free()
	g.begin(Options{}, smallReserve)
	if _, err := g.run(g.module.ExportedFunction("eryx_info"), 0); err != nil {
		return errors.New("the cached code is not the interpreter's")
	}
	return nil
}
