//go:build unix

package mcp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// connected is a manager with servers of these roles, each named as its role.
func connectedManager(t *testing.T, roles ...string) *Manager {
	t.Helper()
	m := NewManager()
	t.Cleanup(func() { _ = m.Close() })
	for _, role := range roles {
		if _, err := m.Connect(t.Context(), testServer(role, role)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// runProgram runs a program with the tools of m.
func runProgram(t *testing.T, m *Manager, code string) (string, error) {
	t.Helper()
	sandbox, err := newRuntime(t).NewSandbox(core.Config{
		Libraries: []core.Library{m.Library()}, Limits: core.Limits{CallbackTimeout: 20 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(t.Context(), code)
	return string(result.Stdout), err
}

func expectOutput(t *testing.T, m *Manager, code, want string) {
	t.Helper()
	out, err := runProgram(t, m, code)
	if err != nil || out != want {
		t.Errorf("%s\nprinted %q, want %q; error %v", code, out, want, err)
	}
}

func TestToolsAreHostFunctions(t *testing.T) {
	m := NewManager()
	defer m.Close()
	count, err := m.Connect(t.Context(), testServer("good", "good"))
	if err != nil || count != len(m.Tools()) || count < 10 {
		t.Fatalf("Connect: %d, %v; %d tools", count, err, len(m.Tools()))
	}
	if names := m.ServerNames(); len(names) != 1 || names[0] != "good" {
		t.Errorf("ServerNames: %v", names)
	}
	for code, want := range map[string]string{
		"print(await mcp.good.subtract(zebra=9, apple=4))":                                     "5\n",
		"print(await mcp.good.subtract(9, 4))":                                                 "5\n", // the order of the server's text, not of the alphabet
		"print(await mcp['good']['hy-phen']())":                                                "yes\n",
		"print(await invoke('mcp.good.hy-phen'))":                                              "yes\n",
		"r = await mcp.good.structured(); print(r)":                                            "{'big': 12345678901234567890123, 'f': 5.0, 'n': 5}\n",
		"print(await mcp.good.plain())":                                                        "{'text': 'just words'}\n",
		"print(await mcp.good.many())":                                                         "{'text': 'one\\n2'}\n",
		"r = await mcp.good.picture(); print(r['text'], r['content'][1])":                      "a dot {'data': 'AQID', 'mimeType': 'image/png', 'type': 'image'}\n",
		"print(await mcp.good.echo(a=[1, None, {'b': 'é'}]))":                                  "{'a': [1, None, {'b': 'é'}]}\n",
		"import inspect; print(inspect.signature(mcp.good.subtract))":                          "(zebra: int = Ellipsis, *, apple: int)\n",
		"print([c['description'] for c in list_callbacks() if c['name'] == 'mcp.good.plain'])": "['Does plain']\n",
		"import asyncio; print(await asyncio.gather(*[mcp.good.echo(i=i) for i in range(3)]))": "[{'i': 0}, {'i': 1}, {'i': 2}]\n",
	} {
		expectOutput(t, m, code, want)
	}
}

func TestErrorsOfTools(t *testing.T) {
	m := connectedManager(t, "good")
	for call, want := range map[string]string{
		"mcp.good.fail()":                "tool no such city\n",
		"mcp.good.refuse()":              "mcp MCP server \"good\": not today\n",
		"mcp.good.echo(x=b'1')":          "invalid_arguments argument x: bytes cannot be passed to an MCP tool; encode them as text\n",
		"mcp.good.echo(x=[{'y': b'1'}])": "invalid_arguments argument x.y: bytes cannot be passed to an MCP tool; encode them as text\n",
		"mcp.good.echo(x=float('nan'))":  "invalid_arguments invalid arguments: unsupported value: NaN\n",
	} {
		expectOutput(t, m, "try:\n    await "+call+"\nexcept RuntimeError as e:\n    print(e.code, e)", want)
	}
}

func TestDyingServer(t *testing.T) {
	m := connectedManager(t, "good")
	code := "for f in mcp.good.die, mcp.good.plain:\n    try:\n        await f()\n    except CallbackError as e:\n        print(e.code, e)\n"
	const line = "mcp MCP server \"good\" has ended: exit status 7; its last words: giving up\n"
	expectOutput(t, m, code, line+line)
}

func TestHangingTool(t *testing.T) {
	m := connectedManager(t, "good")
	told := filepath.Join(t.TempDir(), "told")
	expectOutput(t, m, `
import asyncio
try:
    async with asyncio.timeout(0.05):
        await mcp.good.hang(tell=`+strconv.Quote(told)+`)
except TimeoutError:
    print("timeout")
print(await mcp.good.plain())`, "timeout\n{'text': 'just words'}\n")
	waitFor(t, "the server to be told of the cancellation", func() bool { _, err := os.Stat(told); return err == nil })
}

// waitFor returns when done says so.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("waited in vain for " + what)
}

func TestConnectFailures(t *testing.T) {
	for role, want := range map[string]struct {
		code core.Code
		text string
	}{
		"dead":      {core.CodeInitialization, "ended before it answered: exit status 3; its last words: no license"},
		"garbage":   {core.CodeInitialization, "MCP server \"garbage\""},
		"endless":   {core.CodeInitialization, "MCP server \"endless\""},
		"spaced":    {core.CodeInitialization, "\"a b\": use 1 to 120 characters without spaces"},
		"nameless":  {core.CodeInitialization, "use 1 to 120 characters"},
		"twice":     {core.CodeInitialization, "two named \"a\""},
		"thousands": {core.CodeInitialization, "more than 1000 tools"},
		"pages":     {core.CodeInitialization, "more than 1000 tools"},
	} {
		t.Run(role, func(t *testing.T) {
			m := NewManager()
			defer m.Close()
			_, err := m.Connect(t.Context(), testServer(role, role))
			if core.ErrorCode(err) != want.code || !strings.Contains(err.Error(), want.text) {
				t.Errorf("%v, want %s: %s", err, want.code, want.text)
			}
			if len(m.ServerNames()) != 0 {
				t.Errorf("the manager has %v", m.ServerNames())
			}
		})
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	for _, role := range []string{"silent", "deaf"} {
		m := NewManager()
		c := testServer(role, role)
		c.Timeout = 300 * time.Millisecond
		_, err := m.Connect(t.Context(), c)
		if core.ErrorCode(err) != core.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", role, err)
		}
		_ = m.Close()
	}
}

func TestBadConfigurations(t *testing.T) {
	m := connectedManager(t, "good")
	for _, c := range []struct {
		config ServerConfig
		code   core.Code
		text   string
	}{
		{ServerConfig{Name: "x", Command: "eryx-no-such-command"}, core.CodeInitialization, "eryx-no-such-command"},
		{ServerConfig{Name: "x", Command: "/nowhere/at/all"}, core.CodeInitialization, "/nowhere/at/all"},
		{ServerConfig{Name: "x", Command: os.Args[0], Dir: "/nowhere"}, core.CodeInitialization, "/nowhere"},
		{ServerConfig{Name: "x"}, core.CodeInvalid, "no command"},
		{ServerConfig{Name: "a b", Command: os.Args[0]}, core.CodeInvalid, "without spaces"},
		{ServerConfig{Name: "", Command: os.Args[0]}, core.CodeInvalid, "1 to 120"},
		{ServerConfig{Name: "good", Command: os.Args[0]}, core.CodeInvalid, "connected already"},
	} {
		if _, err := m.Connect(t.Context(), c.config); core.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %v, want %s: %s", c.config, err, c.code, c.text)
		}
	}
}

func TestHostileDescriptions(t *testing.T) {
	m := connectedManager(t, "badschema", "long")
	tools := m.Tools()
	if len(tools) != 3 || tools[0].Schema != nil || tools[1].Schema == nil || tools[2].Schema != nil {
		t.Fatalf("%+v", tools)
	}
	if n := len(tools[2].Description); n > maxDescriptionBytes+4 {
		t.Errorf("a description of %d bytes", n)
	}
	expectOutput(t, m, "print(await mcp.badschema.odd(x=1), await mcp.badschema.even(1))", "1 1\n")
}

func TestCloseEndsProcesses(t *testing.T) {
	childFile := filepath.Join(t.TempDir(), "child")
	m := connectedManager(t, "good")
	c := testServer("parent", "parent")
	c.Env["CHILD_FILE"] = childFile
	if _, err := m.Connect(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	sandbox, err := newRuntime(t).NewSandbox(core.Config{Libraries: []core.Library{m.Library()}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(t.Context(), "print(await mcp.good.number())")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(childFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{strings.TrimSpace(string(result.Stdout)), string(text)} {
		pid, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, "process "+number+" to be gone", func() bool { return !runs(pid) })
	}
	if err := m.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := m.Connect(t.Context(), testServer("late", "good")); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("Connect after Close: %v", err)
	}
	result, err = sandbox.Execute(t.Context(), "await mcp.good.plain()")
	if core.ErrorCode(err) != core.CodePython || !strings.Contains(err.Error(), "CallbackError: MCP server \"good\" has ended") {
		t.Errorf("a tool after Close: %v, %v", result, err)
	}
}

// runs reports that a process is there, and no zombie.
func runs(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestCloseWhileConnecting(t *testing.T) {
	m := NewManager()
	failed := make(chan error)
	go func() {
		_, err := m.Connect(context.Background(), testServer("silent", "silent"))
		failed <- err
	}()
	waitFor(t, "the server to be started", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return len(m.servers) == 1 })
	_ = m.Close()
	if err := <-failed; core.ErrorCode(err) != core.CodeCancelled && core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("%v", err)
	}
}

func TestConnectAll(t *testing.T) {
	m := NewManager()
	defer m.Close()
	failures := m.ConnectAll(t.Context(), []ServerConfig{testServer("a-b", "good"), testServer("bad", "dead"), testServer("c", "good")})
	if len(failures) != 1 || failures[0].Server.Name != "bad" || core.ErrorCode(failures[0].Err) != core.CodeInitialization {
		t.Errorf("%v", failures)
	}
	if names := m.ServerNames(); len(names) != 2 || names[0] != "a-b" || names[1] != "c" {
		t.Errorf("%v", names)
	}
	expectOutput(t, m, "print(await mcp['a-b'].plain(), await mcp.c.plain())", "{'text': 'just words'} {'text': 'just words'}\n")
}

func TestSetCallbacksKeepsTools(t *testing.T) {
	m := connectedManager(t, "good")
	session, err := newRuntime(t).NewSession(core.Config{Libraries: []core.Library{m.Library()}})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	ping := core.Callback{Name: "ping", Func: func(context.Context, map[string]any) (any, error) { return "pong", nil }}
	if err := session.SetCallbacks([]core.Callback{ping}); err != nil {
		t.Fatal(err)
	}
	result, err := session.Execute(t.Context(), "print(await ping(), await mcp.good.plain())")
	if err != nil || string(result.Stdout) != "pong {'text': 'just words'}\n" {
		t.Errorf("%q, %v", result.Stdout, err)
	}
}

func TestEnvironment(t *testing.T) {
	m := NewManager()
	defer m.Close()
	t.Setenv("ERYX_TEST_INHERITED", "yes")
	inherits := testServer("inherits", "good")
	inherits.Env["ERYX_TEST_OWN"] = "own"
	given := testServer("given", "good")
	given.Environ = []string{"ERYX_TEST_GIVEN=given"}
	for _, c := range []ServerConfig{inherits, given} {
		if _, err := m.Connect(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	expectOutput(t, m, `
for name in "ERYX_TEST_INHERITED", "ERYX_TEST_OWN", "ERYX_TEST_GIVEN":
    print(await mcp.inherits.variable(name=name), await mcp.given.variable(name=name), sep="|")`, "yes|\nown|\n|given\n")
}
