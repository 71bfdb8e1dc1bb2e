package ops

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/eryx-go/eryx/core"
)

// serverVariable makes this test's binary an MCP server: what the operation mcp.serve makes of its process.
const serverVariable = "ERYX_TEST_MCP_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) == "" {
		os.Exit(m.Run())
	}
	service := NewService(core.RuntimeConfig{}, "test")
	c := newClient(&testing.T{}, service)
	if _, failure := c.wait(c.submit("mcp.serve", nil)); failure != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func ownServer(manager any, name string) map[string]any {
	return map[string]any{"mcp": manager, "name": name, "command": os.Args[0], "env": map[string]any{serverVariable: "1"}}
}

func TestMCPTools(t *testing.T) {
	c := newClient(t, sharedService())
	manager := c.must("mcp.new", nil)["mcp"]
	if got := c.must("mcp.connect", ownServer(manager, "in-ner"))["tool_count"]; got != int64(1) {
		t.Errorf("tool_count %v", got)
	}
	if names := c.must("mcp.server_names", map[string]any{"mcp": manager})["server_names"].([]any); !slices.Equal(names, []any{"in-ner"}) {
		t.Errorf("server_names %v", names)
	}
	tools := c.must("mcp.list_tools", map[string]any{"mcp": manager})["tools"].([]any)
	tool := tools[0].(map[string]any)
	if len(tools) != 1 || tool["name"] != `mcp["in-ner"].run_python` || tool["server"] != "in-ner" || tool["tool"] != "run_python" || !strings.Contains(tool["schema"].(string), "timeout_ms") {
		t.Errorf("tools %v", tools)
	}
	config := map[string]any{"mcp": manager}
	code := "print(await mcp['in-ner'].run_python('print(6 * 7)'))"
	run := func(kind string, fields map[string]any) {
		t.Helper()
		value := c.must(kind+".execute", map[string]any{kind: fields[kind], "code": code})
		if string(value["stdout"].([]byte)) != "42\n" {
			t.Errorf("%s: %v", kind, value)
		}
	}
	run("sandbox", c.must("sandbox.new", map[string]any{"config": config}))
	session := c.must("session.new", map[string]any{"config": config})
	run("session", session)
	c.must("session.set_callbacks", map[string]any{"session": session["session"], "callbacks": []any{map[string]any{"name": "ping"}}})
	run("session", session)
	pool := c.must("pool.new", map[string]any{"config": config})
	lease := c.must("pool.acquire", map[string]any{"pool": pool["pool"], "config": map[string]any{"callbacks": []any{map[string]any{"name": "ping"}}}})
	run("session", lease)
	c.must("session.close", lease)
	c.must("pool.close", pool)
	c.must("session.close", session)
	for range 2 {
		c.must("mcp.close", map[string]any{"mcp": manager})
	}
}

func TestMCPErrors(t *testing.T) {
	c := newClient(t, sharedService())
	manager := c.must("mcp.new", nil)["mcp"]
	silent := ownServer(manager, "silent")
	silent["command"], silent["args"], silent["timeout_ms"] = "sleep", []any{"1000"}, 200
	nowhere := ownServer(manager, "nowhere")
	nowhere["cwd"] = "/nowhere"
	for _, test := range []struct {
		op     string
		fields map[string]any
		code   string
	}{
		{"mcp.connect", map[string]any{"name": "x", "command": "y"}, "invalid"},
		{"mcp.connect", map[string]any{"mcp": 1 << 40, "name": "x", "command": "y"}, "closed"},
		{"mcp.connect", map[string]any{"mcp": manager, "name": "x y", "command": "y"}, "invalid"},
		{"mcp.connect", map[string]any{"mcp": manager, "name": "x", "command": "eryx-no-such-command"}, "initialization"},
		{"mcp.connect", map[string]any{"mcp": manager, "name": "x", "command": "y", "env": []any{}}, "invalid"},
		{"mcp.connect", map[string]any{"mcp": manager, "name": "x", "command": "y", "environ": map[string]any{"A": 1}}, "invalid"},
		{"mcp.connect", silent, "timeout"},
		{"mcp.connect", nowhere, "initialization"},
		{"mcp.connect_all", map[string]any{"mcp": manager, "config_paths": []any{"/nowhere"}}, "invalid"},
		{"mcp.discover", map[string]any{"config_paths": []any{"/nowhere"}}, "invalid"},
		{"mcp.discover", map[string]any{"config_paths": "/nowhere"}, "invalid"},
		{"mcp.list_tools", map[string]any{"mcp": 1 << 40}, "closed"},
		{"session.new", map[string]any{"config": map[string]any{"mcp": 1 << 40}}, "closed"},
		{"session.new", map[string]any{"config": map[string]any{"mcp": "x"}}, "invalid"},
	} {
		if _, failure := c.do(test.op, test.fields); failure["code"] != test.code {
			t.Errorf("%s %v: %v, want %s", test.op, test.fields, failure, test.code)
		}
	}
	c.must("mcp.close", map[string]any{"mcp": manager})
}

func TestMCPConfigurationFiles(t *testing.T) {
	c := newClient(t, sharedService())
	path := filepath.Join(t.TempDir(), "mcp.json")
	text := `{"mcpServers": {"bad": {"command": "eryx-no-such-command"}, "good": {"command": ` + strconv.Quote(os.Args[0]) +
		`, "args": ["a"], "cwd": "/", "env": {"` + serverVariable + `": "$ONE"}}}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	environ := map[string]any{"ONE": "1", "HOME": os.Getenv("HOME"), "PATH": os.Getenv("PATH")}
	found := c.must("mcp.discover", map[string]any{"config_paths": []any{path}, "environ": environ})
	good := found["servers"].([]any)[1].(map[string]any)
	if good["name"] != "good" || good["source"] != path || good["cwd"] != "/" || good["env"].(map[string]any)[serverVariable] != "1" || !slices.Equal(good["args"].([]any), []any{"a"}) {
		t.Errorf("%v", found)
	}
	if none := c.must("mcp.discover", map[string]any{"config_paths": []any{}}); len(none["servers"].([]any)) != 0 {
		t.Errorf("no paths: %v", none)
	}
	if none := c.must("mcp.discover", map[string]any{"environ": map[string]any{"HOME": home}}); len(none["servers"].([]any)) != 0 {
		t.Errorf("an empty home: %v", none)
	}
	manager := c.must("mcp.new", nil)["mcp"]
	value := c.must("mcp.connect_all", map[string]any{"mcp": manager, "config_paths": []any{path}, "environ": environ, "timeout_ms": 20_000})
	failures := value["failures"].([]any)
	if len(failures) != 1 || failures[0].([]any)[0] != "bad" || !strings.Contains(failures[0].([]any)[1].(string), "eryx-no-such-command") {
		t.Errorf("%v", value)
	}
	if names := c.must("mcp.server_names", map[string]any{"mcp": manager})["server_names"].([]any); !slices.Equal(names, []any{"good"}) {
		t.Errorf("%v", names)
	}
	c.must("mcp.close", map[string]any{"mcp": manager})
}

// A served program calls host functions of the request that serves.
func TestMCPServeCallsBack(t *testing.T) {
	service := NewService(core.RuntimeConfig{}, "test")
	here, there := sdk.NewInMemoryTransports()
	service.serveOn = here
	c := newClient(t, service)
	c.answer = hostFunctions()
	request := c.submit("mcp.serve", map[string]any{"config": map[string]any{"callbacks": []any{map[string]any{
		"name": "add", "description": "Adds", "schema": `{"type":"object","properties":{"b":{},"a":{}}}`,
	}}}})
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil || !strings.HasSuffix(tools.Tools[0].Description, "\n- await add(b, a): Adds") {
		t.Fatalf("%+v, %v", tools, err)
	}
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "run_python", Arguments: map[string]any{"code": "print(await add(a=1, b=2))"}})
	if err != nil || result.Content[0].(*sdk.TextContent).Text != "3\n" {
		t.Errorf("%+v, %v", result, err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if value, failure := c.wait(request); failure != nil {
		t.Errorf("%v, %v", value, failure)
	}
	service.Close(0)
}

// A request to serve that is cancelled ends.
func TestMCPServeIsCancelled(t *testing.T) {
	service := NewService(core.RuntimeConfig{}, "test")
	service.serveOn, _ = sdk.NewInMemoryTransports()
	c := newClient(t, service)
	request := c.submit("mcp.serve", nil)
	service.Cancel(request)
	if _, failure := c.wait(request); failure["code"] != "cancelled" {
		t.Errorf("%v", failure)
	}
	service.Close(0)
}
