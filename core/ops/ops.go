// Package ops is every operation of Eryx by its name, with messages for arguments and results: what the C interface
// offers to other languages. A feature is a new entry of the table, never a new function. docs/abi.md describes every
// field; a test compares the two.
package ops

import (
	"context"
	"fmt"

	"github.com/eryx-go/eryx/core"
)

// Sink receives the events of requests. Its methods are called from any goroutine.
type Sink interface {
	// Emit takes one encoded event.
	Emit(event []byte)
	// Wait returns when there is room for more events, or when ctx ends. It bounds what output may pile up.
	Wait(ctx context.Context)
}

// operation is something that can be asked for.
type operation struct {
	// perform does what r asks for and finishes it, then or later.
	perform func(s *Service, r *request)
	// starts says that perform only starts something, in microseconds, so that it needs no goroutine of its own.
	starts bool
}

// table is what can be asked for. It is filled by init, because "info" lists it.
var table map[string]operation

func init() {
	table = map[string]operation{
		"runtime.init":            direct(runtimeInit),
		"info":                    direct(info),
		"sandbox.new":             direct(sandboxNew),
		"sandbox.execute":         {sandboxExecute, true},
		"sandbox.close":           direct(sandboxClose),
		"sandbox.type_stubs":      direct(sandboxTypeStubs),
		"session.new":             direct(sessionNew),
		"session.execute":         {sessionExecute, true},
		"session.is_complete":     withSession(sessionIsComplete),
		"session.clear_state":     withSession(sessionClearState),
		"session.reset":           withSession(sessionReset),
		"session.execution_count": withSession(sessionExecutionCount),
		"session.call":            {perform: sessionCall},
		"session.get":             withSession(sessionGet),
		"session.set":             withSession(sessionSet),
		"session.set_callbacks":   withSession(sessionSetCallbacks),
		"session.snapshot_state":  withSession(sessionSnapshotState),
		"session.restore_state":   withSession(sessionRestoreState),
		"session.snapshot":        withSession(sessionSnapshot),
		"session.restore":         withSession(sessionRestore),
		"session.fork":            withSession(sessionFork),
		"session.type_stubs":      withSession(sessionTypeStubs),
		"factory.new":             direct(factoryNew),
		"factory.load":            direct(factoryLoad),
		"factory.save":            withFactory(factorySave),
		"factory.bytes":           withFactory(factoryBytes),
		"factory.close":           direct(factoryClose),
		"pool.new":                direct(poolNew),
		"pool.acquire":            withPool(poolAcquire),
		"pool.stats":              withPool(poolStats),
		"pool.evict_idle":         withPool(poolEvictIdle),
		"pool.check":              withPool(poolCheck),
		"pool.close":              direct(poolClose),
		"network.check":           direct(networkCheck),
		"session.close":           direct(sessionClose),
		"store.new":               direct(storeNew),
		"store.stats":             direct(storeStats),
		"store.close":             direct(storeClose),
		"mcp.new":                 direct(mcpNew),
		"mcp.connect":             withMCP(mcpConnect),
		"mcp.connect_all":         withMCP(mcpConnectAll),
		"mcp.discover":            direct(mcpDiscover),
		"mcp.list_tools":          withMCP(mcpListTools),
		"mcp.server_names":        withMCP(mcpServerNames),
		"mcp.close":               direct(mcpClose),
		"mcp.serve":               direct(mcpServe),
		"vfs.new":                 direct(vfsNew),
		"vfs.fork":                withVFS(vfsFork),
		"vfs.usage":               withVFS(vfsUsage),
		"vfs.read":                withVFS(vfsRead),
		"vfs.write":               onPath(vfsWrite),
		"vfs.mkdir":               onPath(vfsMkdir),
		"vfs.remove":              onPath(vfsRemove),
		"vfs.rename":              onPath(vfsRename),
		"vfs.symlink":             onPath(vfsSymlink),
		"vfs.stat":                withVFS(vfsStat),
		"vfs.list":                withVFS(vfsList),
		"vfs.snapshot":            withVFS(vfsSnapshot),
		"vfs.restore":             withVFS(vfsRestore),
		"vfs.load":                onPath(vfsLoad),
		"vfs.save":                withVFS(vfsSave),
		"vfs.close":               direct(vfsClose),
	}
}

// direct is an operation that is finished when f returns. A nil map is an empty one.
func direct(f func(s *Service, r *request) (map[string]any, error)) operation {
	return operation{perform: func(s *Service, r *request) {
		value, err := f(s, r)
		if value == nil {
			value = map[string]any{}
		}
		r.finish(value, err)
	}}
}

// run performs r and turns a panic, a fault of ours, into an error of the request.
func (s *Service) run(op operation, r *request) {
	defer func() {
		if fault := recover(); fault != nil {
			r.finish(nil, &core.Error{Code: core.CodeInternal, Message: fmt.Sprintf("a fault in Eryx: %v", fault)})
		}
	}()
	op.perform(s, r)
}

// runtimeInit starts the interpreter, so that the first program need not wait for it.
func runtimeInit(s *Service, r *request) (map[string]any, error) {
	_, err := s.runtime(r)
	return nil, err
}

// info tells what is open.
func info(s *Service, _ *request) (map[string]any, error) {
	s.mu.Lock()
	requests := len(s.requests)
	s.mu.Unlock()
	return map[string]any{
		"version":        s.version,
		"sandbox_count":  s.sandboxes.count(),
		"session_count":  s.sessions.count(),
		"factory_count":  s.factories.count(),
		"pool_count":     s.pools.count(),
		"store_count":    s.stores.count(),
		"mcp_count":      s.managers.count(),
		"vfs_count":      s.storages.count(),
		"call_count":     s.calls.count(),
		"request_count":  requests - 1, // without this one
		"operations":     Names(),
		"runtime_loaded": s.loaded(),
	}, nil
}
