package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/eryx-go/eryx/core"
)

// maxListed is how much of a host function's description the tool's own repeats, in characters.
const maxListed = 120

// Server is an MCP server with one tool, run_python, whose programs share a session.
type Server struct {
	session *core.Session
	limit   time.Duration // of an execution; not positive: none
	sdk     *sdk.Server
}

// Transport is how messages come and go: the SDK's.
type Transport = sdk.Transport

// Stdio is the process's standard input and output.
func Stdio() Transport { return &sdk.StdioTransport{} }

// Maker makes sessions: a core.Runtime or a core.Factory.
type Maker interface {
	NewSession(config core.Config) (*core.Session, error)
}

// NewServer makes a server. config is the session's; its host functions, those of its libraries included, are listed
// in the tool's description, in which a language model finds them.
func NewServer(maker Maker, config core.Config) (*Server, error) {
	session, err := maker.NewSession(config)
	if err != nil {
		return nil, err
	}
	limit := config.Limits.ExecutionTimeout
	if limit == 0 {
		limit = core.DefaultLimits().ExecutionTimeout
	}
	s := &Server{session: session, limit: limit}
	s.sdk = sdk.NewServer(&sdk.Implementation{Name: "eryx", Version: core.BuildID()[:12]}, &sdk.ServerOptions{
		Capabilities: &sdk.ServerCapabilities{}, // the tool's is added
	})
	s.sdk.AddTool(&sdk.Tool{
		Name: "run_python", Description: toolDescription(config), InputSchema: json.RawMessage(runSchema),
	}, s.run)
	return s, nil
}

// Serve speaks the protocol over transport until its client goes or ctx ends. A server serves once.
func (s *Server) Serve(ctx context.Context, transport Transport) error {
	defer s.session.Close()
	err := s.sdk.Run(ctx, transport)
	if ctx.Err() != nil {
		return &core.Error{Code: core.CodeCancelled, Message: "serving was cancelled", Cause: ctx.Err()}
	}
	if err != nil && !ended(err) {
		return fail(core.CodeInternal, "MCP: %w", err)
	}
	return nil
}

const runSchema = `{
	"type": "object",
	"properties": {
		"code": {"type": "string", "description": "The Python program. What it prints is the answer."},
		"timeout_ms": {"type": "integer", "minimum": 1, "description": "Stop the program after so many milliseconds."}
	},
	"required": ["code"]
}`

// toolDescription tells a language model what run_python is and which functions its programs may await.
func toolDescription(config core.Config) string {
	var b strings.Builder
	b.WriteString("Runs a Python " + core.PythonVersion + " program in a sandbox and answers with what it printed. ")
	b.WriteString("Variables, functions and imports stay for later programs; top-level await works. ")
	b.WriteString("The program has the standard library and private files in /data and /tmp, no network, processes or threads.")
	callbacks := config.Callbacks
	for _, library := range config.Libraries {
		callbacks = append(callbacks[:len(callbacks):len(callbacks)], library.Callbacks...)
	}
	if len(callbacks) > 0 {
		b.WriteString("\n\nFunctions that programs can await, with arguments by name:")
	}
	for _, c := range callbacks {
		b.WriteString("\n- await " + Expression(c.Name) + "(" + strings.Join(core.ParameterNames(c), ", ") + ")")
		if text := oneLine(c.Description, maxListed); text != "" {
			b.WriteString(": " + text)
		}
	}
	return b.String()
}

// oneLine is a text without line ends, cut to so many characters.
func oneLine(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-3]) + "..."
	}
	return text
}

// run is the tool. What the program does wrong is text for the model, never an error of the protocol.
func (s *Server) run(ctx context.Context, request *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	var arguments struct {
		Code      *string  `json:"code"`
		TimeoutMS *float64 `json:"timeout_ms"`
	}
	if err := json.Unmarshal(request.Params.Arguments, &arguments); err != nil || arguments.Code == nil {
		return answer("run_python needs \"code\", a text, and may have \"timeout_ms\", a number", true), nil
	}
	options := []core.ExecuteOption{core.WithFilename("<program>")}
	if ms := arguments.TimeoutMS; ms != nil {
		if *ms < 1 {
			return answer("timeout_ms must be at least 1", true), nil
		}
		options = append(options, core.WithTimeout(s.timeout(*ms)))
	}
	result, err := s.session.Execute(ctx, *arguments.Code, options...)
	text := outputText(result)
	if err != nil {
		text = strings.TrimSuffix(text, "\n") + s.failure(err)
	}
	if strings.TrimSpace(text) == "" {
		text = "(no output)"
	}
	return answer(strings.TrimPrefix(text, "\n"), err != nil), nil
}

// timeout is what was asked for, within the server's own limit.
func (s *Server) timeout(ms float64) time.Duration {
	const longest = float64(1 << 62)
	asked := time.Duration(min(ms*float64(time.Millisecond), longest))
	if s.limit > 0 {
		return min(asked, s.limit)
	}
	return asked
}

// outputText is what a program has written, its standard error marked as such.
func outputText(result *core.Result) string {
	text := string(result.Stdout)
	if result.StdoutTruncated {
		text += "\n(there was more output)"
	}
	if len(result.Stderr) > 0 {
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += "[stderr]\n" + string(result.Stderr)
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// failure tells of an error, and starts a session anew that was stopped by force.
func (s *Server) failure(err error) string {
	var e *core.Error
	if !errors.As(err, &e) {
		return "\n" + err.Error()
	}
	text := ""
	if e.Python != nil {
		text = "\n" + strings.TrimSuffix(e.Python.Traceback, "\n")
	}
	if e.Code != core.CodePython {
		text += fmt.Sprintf("\n[%s] %s", e.Code, e.Message)
	}
	if e.Killed || e.Code == core.CodeClosed {
		if err := s.session.Reset(); err != nil {
			return text + "\n[closed] the interpreter could not be started anew: " + err.Error()
		}
		text += "\nThe interpreter was started anew: variables and imports are gone."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func answer(text string, failed bool) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}, IsError: failed}
}
