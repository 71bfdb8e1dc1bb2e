package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/eryx-go/eryx/core"
)

// DefaultTimeout is how long a server may take to start and to name its tools.
const DefaultTimeout = 30 * time.Second

const (
	maxTools            = 1000      // of one server
	maxDescriptionBytes = 16 << 10  // of one tool; what is longer is cut
	maxSchemaBytes      = 256 << 10 // of one tool; a longer one is left out
)

// ServerConfig is how an MCP server is started. It speaks the protocol over its standard input and output.
type ServerConfig struct {
	// Name is the server's namespace in programs: mcp.<name>.<tool>.
	Name string
	// Command is the program, by path or found in PATH; Args are its arguments.
	Command string
	Args    []string
	// Env are variables beside those of Environ.
	Env map[string]string
	// Environ, of the form NAME=VALUE, is the environment that the server inherits; nil: that of this process.
	Environ []string
	// Dir is the working directory; "" is that of this process.
	Dir string
	// Timeout is how long starting may take; 0 is DefaultTimeout.
	Timeout time.Duration
	// Source is the file that the configuration comes from; "" when there is none.
	Source string
	// Required says that Discover was told of Source by DiscoverConfig.Paths: not to be left out when it fails.
	Required bool
}

// environment is what the process inherits; of two variables with one name the later counts.
func (c ServerConfig) environment() []string {
	environ := c.Environ
	if environ == nil {
		environ = os.Environ()
	}
	environ = append([]string(nil), environ...)
	for name, value := range c.Env {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// Tool is a tool of a server.
type Tool struct {
	// Server and Name are what the server and its tool are called.
	Server, Name string
	// Description is the server's, for people and language models.
	Description string
	// Schema is the JSON Schema of the arguments, as the server wrote it; nil when it is none.
	Schema json.RawMessage
}

// CallbackName is the name of the tool as a host function, for invoke.
func (t Tool) CallbackName() string { return callbackName(t.Server, t.Name) }

// server is a connected MCP server.
type server struct {
	name    string
	process *process
	session *sdk.ClientSession
	tools   []Tool
}

// connect starts a server and asks for its tools.
func connect(ctx context.Context, c ServerConfig) (*server, error) {
	if err := checkName("MCP server name", c.Name); err != nil {
		return nil, err
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	p, err := startProcess(c)
	if err != nil {
		if core.ErrorCode(err) != "" {
			return nil, err
		}
		return nil, fail(core.CodeInitialization, "start MCP server %q: %w", c.Name, err)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := &server{name: c.Name, process: p}
	if err := s.open(limited); err != nil {
		_ = p.Close()
		return nil, s.explain(ctx, timeout, err)
	}
	return s, nil
}

// open begins the protocol. It returns when ctx ends, even when the server reads nothing.
func (s *server) open(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.handshake(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *server) handshake(ctx context.Context) error {
	client := sdk.NewClient(&sdk.Implementation{Name: "eryx", Version: core.BuildID()[:12]}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	session, err := client.Connect(ctx, transport{s.process}, nil)
	if err != nil {
		return err
	}
	tools, err := s.listTools(ctx, session)
	if err != nil {
		return err
	}
	s.session, s.tools = session, tools
	return nil
}

// explain is the error of a connection that failed.
func (s *server) explain(ctx context.Context, timeout time.Duration, err error) error {
	switch {
	case core.ErrorCode(err) != "":
		return err
	case ctx.Err() != nil:
		return &core.Error{Code: core.CodeCancelled, Message: "connecting to MCP server \"" + s.name + "\" was cancelled", Cause: ctx.Err()}
	case errors.Is(err, context.DeadlineExceeded):
		text := fmt.Sprintf("MCP server %q did not answer within %v; is it one, and does it speak over standard output?", s.name, timeout)
		if said := s.process.stderr.String(); said != "" {
			text += " Its last words: " + said
		}
		return &core.Error{Code: core.CodeTimeout, Message: text, Cause: context.DeadlineExceeded}
	}
	if ended(err) {
		return fail(core.CodeInitialization, "MCP server %q ended before it answered: %s", s.name, s.process.fate())
	}
	return fail(core.CodeInitialization, "MCP server %q: %w", s.name, err)
}

// ended reports that err is the end of a connection.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sdk.ErrConnectionClosed) ||
		errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(err.Error(), "broken pipe")
}

// listTools asks for all tools.
func (s *server) listTools(ctx context.Context, session *sdk.ClientSession) ([]Tool, error) {
	if c := session.InitializeResult().Capabilities; c == nil || c.Tools == nil {
		return nil, nil
	}
	var tools []Tool
	seen := map[string]bool{}
	for t, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		tool, err := s.tool(t)
		if err != nil {
			return nil, err
		}
		if seen[tool.Name] || len(tools) == maxTools {
			return nil, fail(core.CodeInitialization, "MCP server %q has more than %d tools, or two named %q", s.name, maxTools, tool.Name)
		}
		seen[tool.Name] = true
		tools = append(tools, tool)
	}
	return tools, nil
}

// tool checks what a server says of a tool.
func (s *server) tool(t *sdk.Tool) (Tool, error) {
	tool := Tool{Server: s.name, Name: t.Name, Description: validText(t.Description, maxDescriptionBytes)}
	if err := checkName("a tool of MCP server \""+s.name+"\" is named", t.Name); err != nil {
		return tool, fail(core.CodeInitialization, "%w", err)
	}
	if text, ok := t.InputSchema.(string); ok && len(text) <= maxSchemaBytes { // see verbatim
		tool.Schema = json.RawMessage(text)
	}
	check := func() error { return core.CheckCallbacks([]core.Callback{s.callback(tool)}) }
	if check() != nil {
		tool.Schema = nil // a tool can be called without its schema
	}
	return tool, check()
}

// validText is text as it may be passed on, cut to a length in bytes.
func validText(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit] + " ..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// callback is the host function of a tool.
func (s *server) callback(t Tool) core.Callback {
	c := core.Callback{
		Name: t.CallbackName(), Description: t.Description,
		Func: func(ctx context.Context, args map[string]any) (any, error) { return s.call(ctx, t.Name, args) },
	}
	if t.Schema != nil {
		c.Schema = t.Schema
	}
	return c
}

// call runs a tool. Errors are for the program: of code "tool" the tool's own, "mcp" the protocol's and the process's.
func (s *server) call(ctx context.Context, tool string, args map[string]any) (any, error) {
	if err := checkArguments(args, ""); err != nil {
		return nil, err
	}
	text, err := json.Marshal(args)
	if err != nil {
		return nil, core.CallbackErrorf("invalid_arguments", "invalid arguments: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	result, err := s.session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: json.RawMessage(text)})
	var wire *jsonrpc.Error
	switch {
	case err == nil:
		return resultOf(result)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &wire):
		return nil, core.CallbackErrorf("mcp", "MCP server %q: %s", s.name, wire.Message)
	case ended(err):
		text := "MCP server \"" + s.name + "\" has ended"
		if fate := s.process.fate(); fate != "" {
			text += ": " + fate
		}
		return nil, core.CallbackErrorf("mcp", "%s", text)
	}
	return nil, core.CallbackErrorf("mcp", "MCP server %q: %v", s.name, err)
}

// close ends the connection and the process.
func (s *server) close() {
	_ = s.process.Close() // first: the SDK would wait for a server that does not read
	_ = s.session.Close()
}
