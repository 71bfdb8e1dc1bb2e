package mcp

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/eryx-go/eryx/core"
)

// Manager owns connections to MCP servers, whose tools programs call as host functions. It may be used from many
// goroutines. Close it: the servers are processes that end with it.
type Manager struct {
	mu      sync.Mutex
	servers map[string]*server // nil: being connected
	closed  bool
	opening sync.WaitGroup  // servers that are being connected
	life    context.Context // ends by Close
	end     context.CancelFunc
}

// NewManager makes a manager without servers.
func NewManager() *Manager {
	m := &Manager{servers: map[string]*server{}}
	m.life, m.end = context.WithCancel(context.Background())
	return m
}

// Connect starts a server, and returns how many tools it has. Errors: invalid for a name that is taken or cannot be
// used, initialization for a command that cannot be started or is no MCP server, timeout, cancelled, closed.
func (m *Manager) Connect(ctx context.Context, c ServerConfig) (toolCount int, err error) {
	if err := m.reserve(c.Name); err != nil {
		return 0, err
	}
	defer m.opening.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.life, cancel)()
	s, err := connect(ctx, c)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil || m.closed {
		delete(m.servers, c.Name)
		if err == nil {
			s.close()
			err = errClosed()
		}
		return 0, err
	}
	m.servers[c.Name] = s
	return len(s.tools), nil
}

func (m *Manager) reserve(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed()
	}
	if _, taken := m.servers[name]; taken {
		return invalid("an MCP server named %q is connected already", name)
	}
	m.servers[name] = nil
	m.opening.Add(1)
	return nil
}

func errClosed() error { return fail(core.CodeClosed, "the MCP manager is closed") }

// Failure is a server that could not be connected.
type Failure struct {
	Server ServerConfig
	Err    error
}

// ConnectAll starts servers side by side, and returns those that failed, in the order of configs; the others are
// connected.
func (m *Manager) ConnectAll(ctx context.Context, configs []ServerConfig) []Failure {
	failures := make([]Failure, len(configs))
	var running sync.WaitGroup
	for i, c := range configs {
		running.Go(func() {
			_, err := m.Connect(ctx, c)
			failures[i] = Failure{c, err}
		})
	}
	running.Wait()
	return slices.DeleteFunc(failures, func(f Failure) bool { return f.Err == nil })
}

// connected is the servers, by name.
func (m *Manager) connected() []*server {
	m.mu.Lock()
	defer m.mu.Unlock()
	servers := slices.DeleteFunc(slices.Collect(maps.Values(m.servers)), func(s *server) bool { return s == nil })
	slices.SortFunc(servers, func(a, b *server) int { return cmp.Compare(a.name, b.name) })
	return servers
}

// ServerNames are the connected servers, sorted. A server that has ended stays: its tools say so.
func (m *Manager) ServerNames() []string {
	names := []string{}
	for _, s := range m.connected() {
		names = append(names, s.name)
	}
	return names
}

// Tools are the tools of all servers.
func (m *Manager) Tools() []Tool {
	var tools []Tool
	for _, s := range m.connected() {
		tools = append(tools, s.tools...)
	}
	return tools
}

// Library is the tools as host functions, for core.Config.Libraries.
func (m *Manager) Library() core.Library {
	library := core.Library{Name: "mcp"}
	for _, s := range m.connected() {
		for _, tool := range s.tools {
			library.Callbacks = append(library.Callbacks, s.callback(tool))
		}
	}
	return library
}

// Close ends all servers, and returns when their processes are gone, after a few seconds at most. Calls of their tools
// fail from then on. Closing again does nothing.
func (m *Manager) Close() error {
	m.end()
	m.mu.Lock()
	m.closed = true
	servers := m.servers
	m.servers = map[string]*server{}
	m.mu.Unlock()
	var running sync.WaitGroup
	for _, s := range servers {
		if s != nil {
			running.Go(s.close)
		}
	}
	running.Wait()
	m.opening.Wait()
	return nil
}
