package ops

import (
	"slices"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/mcp"
)

// withMCP is an operation on the MCP manager that the request names.
func withMCP(f func(r *request, manager *mcp.Manager) (map[string]any, error)) operation {
	return direct(func(s *Service, r *request) (map[string]any, error) {
		manager, err := s.mcpManager(r.fields)
		if err != nil {
			return nil, err
		}
		return f(r, manager)
	})
}

func (s *Service) mcpManager(f fields) (*mcp.Manager, error) {
	id, err := f.id("mcp")
	if err != nil {
		return nil, err
	}
	manager, ok := s.managers.get(id)
	if !ok {
		return nil, errClosed("MCP manager")
	}
	return manager, nil
}

// readMCP is the tools that a configuration asks for, as libraries.
func (s *Service) readMCP(f fields) ([]core.Library, error) {
	if f.m["mcp"] == nil {
		return nil, nil
	}
	manager, err := s.mcpManager(f)
	if err != nil {
		return nil, err
	}
	return []core.Library{manager.Library()}, nil
}

// mcpNew makes a manager without servers and answers {"mcp": id}.
func mcpNew(s *Service, _ *request) (map[string]any, error) {
	id := s.NextID()
	s.managers.put(id, mcp.NewManager())
	return map[string]any{"mcp": id}, nil
}

// mcpConnect starts a server and answers {"tool_count": n}.
func mcpConnect(r *request, manager *mcp.Manager) (map[string]any, error) {
	c, err := readServer(r.fields)
	if err != nil {
		return nil, err
	}
	count, err := manager.Connect(r.ctx, c)
	return map[string]any{"tool_count": count}, err
}

// readServer reads how a server is started.
func readServer(f fields) (c mcp.ServerConfig, err error) {
	if c.Name, err = f.text("name"); err != nil {
		return c, err
	}
	if c.Command, err = f.text("command"); err != nil {
		return c, err
	}
	if c.Args, err = f.texts("args"); err != nil {
		return c, err
	}
	if c.Env, err = f.textMap("env"); err != nil {
		return c, err
	}
	if c.Environ, err = readEnviron(f); err != nil {
		return c, err
	}
	if c.Dir, err = f.text("cwd"); err != nil {
		return c, err
	}
	c.Timeout, err = f.milliseconds("timeout_ms")
	return c, err
}

// readEnviron is the host's environment as the other side sees it; nil: as this process was started.
func readEnviron(f fields) ([]string, error) {
	variables, err := f.textMap("environ")
	if err != nil || f.m["environ"] == nil {
		return nil, err
	}
	environ := []string{}
	for name, value := range variables {
		environ = append(environ, name+"="+value)
	}
	return environ, nil
}

// mcpDiscover answers the servers of configuration files, and warnings about files that are left out.
func mcpDiscover(_ *Service, r *request) (map[string]any, error) {
	d, err := readDiscover(r.fields)
	if err != nil {
		return nil, err
	}
	servers, warnings, err := mcp.Discover(d)
	if err != nil {
		return nil, err
	}
	records := []any{}
	for _, c := range servers {
		records = append(records, map[string]any{
			"name": c.Name, "command": c.Command, "args": orEmpty(c.Args), "env": c.Env, "cwd": c.Dir, "source": c.Source,
		})
	}
	return map[string]any{"servers": records, "warnings": orEmpty(warnings)}, nil
}

func readDiscover(f fields) (d mcp.DiscoverConfig, err error) {
	paths, err := f.texts("config_paths")
	if err != nil {
		return d, err
	}
	if f.m["config_paths"] != nil {
		d.Paths = orEmpty(paths)
	}
	if d.Others, err = f.flag("others"); err != nil {
		return d, err
	}
	d.Environ, err = readEnviron(f)
	return d, err
}

// orEmpty is a list that is not nil.
func orEmpty(list []string) []string { return slices.Concat([]string{}, list) }

// mcpConnectAll starts the servers of configuration files side by side. It answers {"failures": [[name, message, required], ...]}
// and the warnings of mcp.discover.
func mcpConnectAll(r *request, manager *mcp.Manager) (map[string]any, error) {
	d, err := readDiscover(r.fields)
	if err != nil {
		return nil, err
	}
	timeout, err := r.fields.milliseconds("timeout_ms")
	if err != nil {
		return nil, err
	}
	servers, warnings, err := mcp.Discover(d)
	if err != nil {
		return nil, err
	}
	for i := range servers {
		servers[i].Timeout = timeout
	}
	failures := []any{}
	for _, f := range manager.ConnectAll(r.ctx, servers) {
		failures = append(failures, []any{f.Server.Name, f.Err.Error(), f.Server.Required})
	}
	return map[string]any{"failures": failures, "warnings": orEmpty(warnings)}, nil
}

// mcpListTools answers the tools of all servers: how programs write their names, what they do, and their schemas.
func mcpListTools(_ *request, manager *mcp.Manager) (map[string]any, error) {
	tools := []any{}
	for _, t := range manager.Tools() {
		tools = append(tools, map[string]any{
			"name": mcp.Expression(t.CallbackName()), "server": t.Server, "tool": t.Name, "description": t.Description,
			"schema": string(t.Schema),
		})
	}
	return map[string]any{"tools": tools}, nil
}

// mcpServerNames answers {"server_names": the connected servers}.
func mcpServerNames(_ *request, manager *mcp.Manager) (map[string]any, error) {
	return map[string]any{"server_names": manager.ServerNames()}, nil
}

// mcpClose ends all servers of a manager. Closing again does nothing.
func mcpClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("mcp")
	if err != nil {
		return nil, err
	}
	if manager, ok := s.managers.take(id); ok {
		return nil, manager.Close()
	}
	return nil, nil
}

// mcpServe is an MCP server on the process's standard input and output, until its client goes.
func mcpServe(s *Service, r *request) (map[string]any, error) {
	config, err := s.readConfig(r)
	if err != nil {
		return nil, err
	}
	maker, err := s.maker(r)
	if err != nil {
		return nil, err
	}
	server, err := mcp.NewServer(maker, config)
	if err != nil {
		return nil, err
	}
	return nil, server.Serve(r.ctx, s.serveOn)
}
