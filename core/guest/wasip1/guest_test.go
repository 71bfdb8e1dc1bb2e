package wasip1

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
)

// memorySize is the guest's memory in the tests: two pages.
const memorySize = 2 * 65536

// Addresses that the helpers of guest use. Tests keep to others.
const (
	atPath  = 0x1000
	atPath2 = 0x2000
	atIovec = 0x3000
	atOut   = 0x3800
	atData  = 0x4000
)

// guest is a small wasm module that forwards each of its exports to the import
// of the same name, and its process.
type guest struct {
	t   *testing.T
	p   *Process
	ctx context.Context
	mod api.Module
	mem []byte
	dir string // the host directory that is its root
}

// sharedRuntime is one runtime with the host module, for all tests.
var sharedRuntime = sync.OnceValue(func() wazero.Runtime {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	if err := Instantiate(ctx, rt); err != nil {
		panic(err)
	}
	return rt
})

// newGuest starts a guest whose root is an empty temporary directory unless cfg
// says otherwise.
func newGuest(t *testing.T, cfg Config) *guest {
	t.Helper()
	g := &guest{t: t, dir: t.TempDir()}
	if cfg.FS == nil {
		cfg.FS = sysfs.DirFS(g.dir)
	}
	g.p = NewProcess(cfg)
	t.Cleanup(g.p.Close)
	g.ctx = WithProcess(context.Background(), g.p)
	mod, err := sharedRuntime().InstantiateWithConfig(g.ctx, forwarder(), wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mod.Close(context.Background()) })
	g.mod = mod
	g.mem, _ = mod.Memory().Read(0, memorySize)
	return g
}

// call runs an import from inside the guest and returns its errno.
func (g *guest) call(name string, args ...uint64) errno {
	g.t.Helper()
	result, err := g.mod.ExportedFunction(name).Call(g.ctx, args...)
	if err != nil {
		g.t.Fatalf("%s%v: %v", name, args, err)
	}
	return errno(result[0])
}

// want runs an import and fails the test when its errno is another.
func (g *guest) want(want errno, name string, args ...uint64) {
	g.t.Helper()
	if got := g.call(name, args...); got != want {
		g.t.Fatalf("%s%v: errno %d (%v), want %d (%v)", name, args, got, got, want, want)
	}
}

// put places a string in the guest's memory and returns address and length.
func (g *guest) put(at uint32, s string) (uint64, uint64) {
	copy(g.mem[at:], s)
	return uint64(at), uint64(len(s))
}

func (g *guest) u32(at uint32) uint32 { return le.Uint32(g.mem[at:]) }
func (g *guest) u64(at uint32) uint64 { return le.Uint64(g.mem[at:]) }

// iovec makes a buffer list of one and returns its address and length.
func (g *guest) iovec(at, n uint32) (uint64, uint64) {
	le.PutUint32(g.mem[atIovec:], at)
	le.PutUint32(g.mem[atIovec+4:], n)
	return atIovec, 1
}

const (
	readRights  = rightsFile &^ (rightFDWrite | rightFDSetSize | rightFDAllocate | rightFDDatasync)
	writeRights = rightsFile &^ rightFDRead
)

// open opens a path with the rights that wasi-libc would ask for.
func (g *guest) open(path string, oflags uint32, rights uint64, fdflags uint16) (int32, errno) {
	ptr, n := g.put(atPath, path)
	e := g.call("path_open", 3, lookupFollow, ptr, n, uint64(oflags), rights|rightsDir, rightsFile|rightsDir, uint64(fdflags), atOut)
	return int32(g.u32(atOut)), e
}

// mustOpen is open that cannot fail.
func (g *guest) mustOpen(path string, oflags uint32, rights uint64, fdflags uint16) uint64 {
	g.t.Helper()
	fd, e := g.open(path, oflags, rights, fdflags)
	if e != success {
		g.t.Fatalf("open %q: %v", path, e)
	}
	return uint64(fd)
}

// write writes a string to a descriptor.
func (g *guest) write(fd uint64, s string) (int, errno) {
	g.put(atData, s)
	ptr, n := g.iovec(atData, uint32(len(s)))
	e := g.call("fd_write", fd, ptr, n, atOut)
	return int(g.u32(atOut)), e
}

// mustWrite writes all of a string.
func (g *guest) mustWrite(fd uint64, s string) {
	g.t.Helper()
	if n, e := g.write(fd, s); e != success || n != len(s) {
		g.t.Fatalf("write to %d: %d bytes, %v", fd, n, e)
	}
}

// read reads at most n bytes.
func (g *guest) read(fd uint64, n uint32) (string, errno) {
	ptr, count := g.iovec(atData, n)
	if e := g.call("fd_read", fd, ptr, count, atOut); e != success {
		return "", e
	}
	return string(g.mem[atData : atData+g.u32(atOut)]), success
}

// mustRead reads at most n bytes and compares.
func (g *guest) mustRead(fd uint64, n uint32, want string) {
	g.t.Helper()
	if got, e := g.read(fd, n); e != success || got != want {
		g.t.Fatalf("read from %d: %q, %v; want %q", fd, got, e, want)
	}
}

// hostFile writes a file into the guest's root from the host's side.
func (g *guest) hostFile(name, content string) {
	g.t.Helper()
	name = filepath.Join(g.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

// hostContent is what is in a file of the guest's root.
func (g *guest) hostContent(name string) string {
	g.t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(b)
}

// recordOutput is a Config.Output that collects what each stream got.
func recordOutput(streams *[3]string) func(int32, []byte) sys.Errno {
	return func(fd int32, p []byte) sys.Errno {
		streams[fd] += string(p)
		return 0
	}
}

// forwarder is the test module in binary form.
var forwarder = sync.OnceValue(func() []byte {
	var types, imports, funcs, exports, codes [][]byte
	add := func(name, params string, results []byte) {
		i := len(types)
		valtypes := make([]byte, len(params))
		body := []byte{0} // no locals
		for j, t := range valueTypes(params) {
			valtypes[j] = t
			body = append(body, 0x20, byte(j)) // local.get
		}
		body = append(append(body, 0x10, byte(i)), 0x0b) // call, end
		types = append(types, append(append([]byte{0x60}, vec(valtypes)...), vec(results)...))
		imports = append(imports, append(append(vec([]byte(ModuleName)), vec([]byte(name))...), 0, byte(i)))
		funcs = append(funcs, []byte{byte(i)})
		exports = append(exports, vec([]byte(name)))
		codes = append(codes, vec(body))
	}
	for _, f := range functions {
		add(f.name, f.params, []byte{api.ValueTypeI32})
	}
	add("proc_exit", "i", nil)
	for i := range exports {
		exports[i] = append(exports[i], 0, byte(len(imports)+i))
	}
	exports = append(exports, append(vec([]byte("memory")), 2, 0))
	module := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, types}, {2, imports}, {3, funcs}, {5, [][]byte{{0, 2}}}, {7, exports}, {10, codes}} {
		var content []byte
		for _, item := range s.items {
			content = append(content, item...)
		}
		content = append(uleb(len(s.items)), content...)
		module = append(append(module, s.id), vec(content)...)
	}
	return module
})

// vec is a byte vector of the binary format: its length, then the bytes.
func vec(b []byte) []byte { return append(uleb(len(b)), b...) }

func uleb(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
