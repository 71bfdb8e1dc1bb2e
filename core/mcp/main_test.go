//go:build unix

package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/eryx-go/eryx/core"
)

// roleVariable makes this test's binary an MCP server, of the kind that its value says.
const roleVariable = "ERYX_TEST_MCP_SERVER"

func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleVariable); ok {
		os.Exit(serverRole(role))
	}
	os.Exit(m.Run())
}

// testServer is how the test's binary is started as a server.
func testServer(name, role string) ServerConfig {
	return ServerConfig{Name: name, Command: os.Args[0], Env: map[string]string{roleVariable: role}, Timeout: 20 * time.Second}
}

func serverRole(role string) int {
	switch role {
	case "good":
		return goodServer()
	case "silent": // reads, and never answers
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
	case "deaf": // does not even read, and cannot be asked to end
		signal.Ignore(syscall.SIGTERM)
		select {}
	case "dead":
		fmt.Fprintln(os.Stderr, "no license")
		return 3
	case "garbage":
		for range 100 {
			fmt.Println("this is a log line, not JSON")
		}
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
	case "endless": // a message without an end
		for {
			fmt.Print(`{"a":"`, strings.Repeat("x", 1<<20))
		}
	case "parent": // has a child that would stay, and dies when it is told to
		return parentServer()
	default:
		return oddServer(role)
	}
	return 0
}

// handler makes a tool's answer of its arguments.
type handler func(ctx context.Context, args map[string]any) (*sdk.CallToolResult, error)

func text(texts ...string) *sdk.CallToolResult {
	result := &sdk.CallToolResult{}
	for _, t := range texts {
		result.Content = append(result.Content, &sdk.TextContent{Text: t})
	}
	return result
}

// goodServer has a tool for each kind of answer.
func goodServer() int {
	server := sdk.NewServer(&sdk.Implementation{Name: "good", Version: "1"}, nil)
	add := func(name, schema string, f handler) {
		server.AddTool(&sdk.Tool{Name: name, Description: "Does " + name, InputSchema: json.RawMessage(schema)},
			func(ctx context.Context, request *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				var args map[string]any
				if err := json.Unmarshal(request.Params.Arguments, &args); err != nil {
					return nil, err
				}
				return f(ctx, args)
			})
	}
	const open = `{"type":"object"}`
	add("subtract", `{"type":"object","properties":{"zebra":{"type":"integer"},"apple":{"type":"integer"}},"required":["apple"]}`,
		func(_ context.Context, args map[string]any) (*sdk.CallToolResult, error) {
			return text(strconv.Itoa(int(args["zebra"].(float64) - args["apple"].(float64)))), nil
		})
	add("structured", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{Content: text("ignored").Content, StructuredContent: json.RawMessage(`{"n":5,"f":5.0,"big":12345678901234567890123}`)}, nil
	})
	add("echo", open, func(_ context.Context, args map[string]any) (*sdk.CallToolResult, error) {
		encoded, err := json.Marshal(args)
		return text(string(encoded)), err
	})
	add("plain", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return text("just words"), nil })
	add("many", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return text("one", "2"), nil })
	add("picture", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		result := text("a dot")
		result.Content = append(result.Content, &sdk.ImageContent{MIMEType: "image/png", Data: []byte{1, 2, 3}})
		return result, nil
	})
	add("fail", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		result := text("no such city")
		result.IsError = true
		return result, nil
	})
	add("refuse", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		return nil, fmt.Errorf("not today")
	})
	add("variable", open, func(_ context.Context, args map[string]any) (*sdk.CallToolResult, error) {
		return text(strconv.Quote(os.Getenv(args["name"].(string)))), nil
	})
	add("hang", open, func(ctx context.Context, args map[string]any) (*sdk.CallToolResult, error) {
		<-ctx.Done()
		if path, ok := args["tell"].(string); ok {
			_ = os.WriteFile(path, []byte("cancelled"), 0o600)
		}
		return nil, ctx.Err()
	})
	add("die", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		fmt.Fprintln(os.Stderr, "giving up")
		os.Exit(7)
		return nil, nil
	})
	add("hy-phen", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return text(`"yes"`), nil })
	add("number", open, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		return text(strconv.Itoa(os.Getpid())), nil
	})
	if err := server.Run(context.Background(), &sdk.StdioTransport{}); err != nil {
		return 1
	}
	return 0
}

// newRuntime is the interpreter, for tests that run programs.
func newRuntime(t *testing.T) *core.Runtime {
	t.Helper()
	rt, err := core.DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	return rt
}
