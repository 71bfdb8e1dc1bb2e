package wasip1

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// ModuleName is the name of the host module that guests import from.
const ModuleName = "wasi_snapshot_preview1"

// function is one import: its name, its parameters (i for i32, I for i64) and
// what answers it. Every function but proc_exit returns one i32, the errno.
type function struct {
	name   string
	params string
	run    func(*Process, call) errno
}

// functions is the whole module. The types are those of wasi-libc's imports.
var functions = []function{
	{"args_get", "ii", (*Process).argsGet},
	{"args_sizes_get", "ii", (*Process).argsSizesGet},
	{"environ_get", "ii", (*Process).environGet},
	{"environ_sizes_get", "ii", (*Process).environSizesGet},
	{"clock_res_get", "ii", (*Process).clockResGet},
	{"clock_time_get", "iIi", (*Process).clockTimeGet},
	{"fd_advise", "iIIi", (*Process).fdAdvise},
	{"fd_allocate", "iII", (*Process).fdAllocate},
	{"fd_close", "i", (*Process).fdClose},
	{"fd_datasync", "i", (*Process).fdDatasync},
	{"fd_fdstat_get", "ii", (*Process).fdFdstatGet},
	{"fd_fdstat_set_flags", "ii", (*Process).fdFdstatSetFlags},
	{"fd_fdstat_set_rights", "iII", (*Process).fdFdstatSetRights},
	{"fd_filestat_get", "ii", (*Process).fdFilestatGet},
	{"fd_filestat_set_size", "iI", (*Process).fdFilestatSetSize},
	{"fd_filestat_set_times", "iIIi", (*Process).fdFilestatSetTimes},
	{"fd_pread", "iiiIi", (*Process).fdPread},
	{"fd_prestat_get", "ii", (*Process).fdPrestatGet},
	{"fd_prestat_dir_name", "iii", (*Process).fdPrestatDirName},
	{"fd_pwrite", "iiiIi", (*Process).fdPwrite},
	{"fd_read", "iiii", (*Process).fdRead},
	{"fd_readdir", "iiiIi", (*Process).fdReaddir},
	{"fd_renumber", "ii", (*Process).fdRenumber},
	{"fd_seek", "iIii", (*Process).fdSeek},
	{"fd_sync", "i", (*Process).fdSync},
	{"fd_tell", "ii", (*Process).fdTell},
	{"fd_write", "iiii", (*Process).fdWrite},
	{"path_create_directory", "iii", (*Process).pathCreateDirectory},
	{"path_filestat_get", "iiiii", (*Process).pathFilestatGet},
	{"path_filestat_set_times", "iiiiIIi", (*Process).pathFilestatSetTimes},
	{"path_link", "iiiiiii", (*Process).pathLink},
	{"path_open", "iiiiiIIii", (*Process).pathOpen},
	{"path_readlink", "iiiiii", (*Process).pathReadlink},
	{"path_remove_directory", "iii", (*Process).pathRemoveDirectory},
	{"path_rename", "iiiiii", (*Process).pathRename},
	{"path_symlink", "iiiii", (*Process).pathSymlink},
	{"path_unlink_file", "iii", (*Process).pathUnlinkFile},
	{"poll_oneoff", "iiii", (*Process).pollOneoff},
	{"random_get", "ii", (*Process).randomGet},
	{"sched_yield", "", (*Process).schedYield},
	{"sock_accept", "iii", (*Process).notSocket},
	{"sock_recv", "iiiiii", (*Process).notSocket},
	{"sock_send", "iiiii", (*Process).notSocket},
	{"sock_shutdown", "ii", (*Process).notSocket},
	{"adapter_open_badfd", "i", (*Process).adapterOpenBadfd},
	{"adapter_close_badfd", "i", (*Process).adapterCloseBadfd},
}

// Instantiate registers the host module in a runtime, once, for every guest
// that will ever run in it. It fails when the name is already taken there.
func Instantiate(ctx context.Context, rt wazero.Runtime) error {
	builder := rt.NewHostModuleBuilder(ModuleName)
	result := []api.ValueType{api.ValueTypeI32}
	for _, f := range functions {
		builder.NewFunctionBuilder().
			WithGoModuleFunction(f.goFunction(), valueTypes(f.params), result).
			Export(f.name)
	}
	builder.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(procExit), valueTypes("i"), nil).
		Export("proc_exit")
	if _, err := builder.Instantiate(ctx); err != nil {
		return fmt.Errorf("instantiate %s: %w", ModuleName, err)
	}
	return nil
}

// goFunction adapts a function to wazero's stack: arguments in, errno out.
func (f function) goFunction() api.GoModuleFunc {
	n, run := len(f.params), f.run
	return func(ctx context.Context, mod api.Module, stack []uint64) {
		p := processOf(ctx)
		if p == nil {
			stack[0] = uint64(enosys)
			return
		}
		e := run(p, call{ctx: ctx, mem: mod.Memory(), args: stack[:n]})
		if e != success {
			p.failures++
		}
		stack[0] = uint64(e)
	}
}

// procExit ends the guest. It never returns to it: when Config.Exit is missing
// or returns, the stack is unwound as wazero does for its own proc_exit.
func procExit(ctx context.Context, _ api.Module, stack []uint64) {
	code := uint32(stack[0])
	if p := processOf(ctx); p != nil && p.cfg.Exit != nil {
		p.cfg.Exit(code)
	}
	panic(wazerosys.NewExitError(code))
}

func valueTypes(params string) []api.ValueType {
	types := make([]api.ValueType, len(params))
	for i := range params {
		types[i] = api.ValueTypeI32
		if params[i] == 'I' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

// processKey is the context key under which a Process is found.
type processKey struct{}

// processContext carries a Process. When it is the outermost context of a
// call, finding the Process is one type assertion.
type processContext struct {
	context.Context
	process *Process
}

// Value implements context.Context.
func (c *processContext) Value(key any) any {
	if key == (processKey{}) {
		return c.process
	}
	return c.Context.Value(key)
}

// WithProcess makes p the process of every guest function that is called with
// the returned context.
func WithProcess(ctx context.Context, p *Process) context.Context {
	return &processContext{Context: ctx, process: p}
}

// processOf is the process of a call, nil when the context carries none.
func processOf(ctx context.Context) *Process {
	if c, ok := ctx.(*processContext); ok {
		return c.process
	}
	p, _ := ctx.Value(processKey{}).(*Process)
	return p
}
