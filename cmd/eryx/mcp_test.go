//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// serve is a client of "eryx serve" with options.
func serve(t *testing.T, options ...string) *sdk.ClientSession {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	command := command(t, append([]string{"serve"}, options...)...)
	command.Stderr = os.Stderr
	session, err := client.Connect(t.Context(), &sdk.CommandTransport{Command: command}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// python calls run_python; its text, and whether it is an error.
func python(t *testing.T, session *sdk.ClientSession, arguments map[string]any) (string, bool) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "run_python", Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Content) != 1 {
		t.Fatalf("%d contents", len(result.Content))
	}
	return result.Content[0].(*sdk.TextContent).Text, result.IsError
}

func expectAnswer(t *testing.T, session *sdk.ClientSession, code, want string, failed bool) {
	t.Helper()
	text, isError := python(t, session, map[string]any{"code": code})
	if !like(text, want) || isError != failed {
		t.Errorf("%s\nanswered %q (error: %v), want %q", code, text, isError, want)
	}
}

func TestServe(t *testing.T) {
	session := serve(t)
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) != 1 || tools.Tools[0].Name != "run_python" {
		t.Fatalf("%+v, %v", tools, err)
	}
	if properties := tools.Tools[0].InputSchema.(map[string]any)["properties"].(map[string]any); properties["code"] == nil || properties["timeout_ms"] == nil || len(properties) != 2 {
		t.Errorf("%v", properties)
	}
	expectAnswer(t, session, "x = 20", "(no output)", false)
	expectAnswer(t, session, "print(x + 1)", "21\n", false)
	expectAnswer(t, session, "import sys; print('out'); print('err', file=sys.stderr)", "out\n[stderr]\nerr\n", false)
	expectAnswer(t, session, "import os; os.write(1, b'raw'); sys.__stdout__.write('!')", "raw!", false)
	expectAnswer(t, session, "print('before'); 1/0", "before\nTraceback (most recent call last):\n  File \"<program>\", line 1, in <module>\n...ZeroDivisionError: division by zero", true)
	expectAnswer(t, session, "x =", "...SyntaxError: invalid syntax", true)
	expectAnswer(t, session, "import sys; sys.exit(3)", "[exit] ...3...", true)
	expectAnswer(t, session, "import asyncio; print(await asyncio.sleep(0, x))", "20\n", false)
}

func TestServeTimeouts(t *testing.T) {
	session := serve(t, "--timeout", "0.3")
	for _, ms := range []any{50, 3_600_000, 1e300} { // no longer than the server's own
		text, failed := python(t, session, map[string]any{"code": "x = 1\nwhile True: pass", "timeout_ms": ms})
		if !failed || !strings.Contains(text, "[timeout]") {
			t.Errorf("timeout_ms %v: %q", ms, text)
		}
	}
	expectAnswer(t, session, "print(x)", "1\n", false)
	// One that swallows the interrupt is killed.
	expectAnswer(t, session, "while True:\n try:\n  while True: pass\n except BaseException: pass", "...The interpreter was started anew: variables and imports are gone.", true)
	expectAnswer(t, session, "print(x)", "...NameError: name 'x' is not defined", true)
}

func TestServeWrongArguments(t *testing.T) {
	session := serve(t)
	for _, arguments := range []map[string]any{{}, {"code": 5}, {"code": nil}, {"code": "1", "timeout_ms": "x"}, {"code": "1", "timeout_ms": 0}, {"code": "1", "timeout_ms": -5}} {
		if text, failed := python(t, session, arguments); !failed || !strings.Contains(text, "timeout_ms") {
			t.Errorf("%v: %q", arguments, text)
		}
	}
	expectAnswer(t, session, "\x00", "...a NUL byte", true)
	expectAnswer(t, session, "print(1)", "1\n", false)
}

func TestServeIsQuietAndEnds(t *testing.T) {
	eryx(t, "", "serve").check(t, 0, "", "")
	eryx(t, "", "serve", "-c", "1").check(t, exitUsage, "", "eryx: serve takes no script...")
	eryx(t, "", "serve", "script.py").check(t, exitUsage, "", "eryx: serve takes no script...")
	command := command(t, "serve")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	// Its answer says that it is up.
	if _, err := stdin.Write([]byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
}

// mcpFile is a configuration whose servers are this command's own: eryx serve.
func mcpFile(t *testing.T, path string, names ...string) string {
	t.Helper()
	servers := map[string]any{}
	for _, name := range names {
		servers[name] = map[string]any{"command": binary, "args": []string{"serve", "--timeout", "20"}}
	}
	text, err := json.Marshal(map[string]any{"mcpServers": servers})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(text))
	return path
}

func TestMCPConfig(t *testing.T) {
	file := mcpFile(t, filepath.Join(t.TempDir(), "mcp.json"), "inner", "in-ner")
	eryx(t, "", "--mcp-config", file, "-c", "print(await mcp.inner.run_python('print(6 * 7)'), await mcp['in-ner'].run_python(code='print(\"a\")'))").
		check(t, 0, "42 {'text': 'a\\n'}\n", "")
	eryx(t, "", "--mcp-config", file, "-c", "await mcp.inner.run_python(code='1/0')").
		check(t, 1, "", "...CallbackError: Traceback (most recent call last):...ZeroDivisionError: division by zero\n")
	eryx(t, "", "--mcp-config", filepath.Join(t.TempDir(), "none"), "-c", "1").check(t, exitUsage, "", "eryx: MCP configuration: open ...: no such file or directory\n")
	bad := filepath.Join(t.TempDir(), "bad.json")
	writeFile(t, bad, `{"mcpServers": {"bad": {"command": "eryx-no-such-command"}}}`)
	eryx(t, "", "--mcp-config", bad, "-c", "1").check(t, 1, "", "eryx: start MCP server \"bad\": exec: \"eryx-no-such-command\": executable file not found in $PATH\n")
}

func TestMCPDiscovery(t *testing.T) {
	home, project := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cacheHome(t))
	t.Setenv("HOME", home)
	mcpFile(t, filepath.Join(home, ".cursor", "mcp.json"), "user")
	mcpFile(t, filepath.Join(project, ".mcp.json"), "project")
	mcpFile(t, filepath.Join(project, ".gemini", "settings.json"), "broken")
	text := `{"mcpServers": {"broken": {"command": "eryx-no-such-command"}}}`
	writeFile(t, filepath.Join(project, ".gemini", "settings.json"), text)
	writeFile(t, filepath.Join(project, ".codex"), "not a folder")
	eryxIn(t, project, "", "--mcp", "-c", "print(sorted(c['name'] for c in list_callbacks()))").
		check(t, 0, "['mcp.project.run_python', 'mcp.user.run_python']\n", "eryx: warning: MCP configuration left out: ...config.toml...eryx: warning: start MCP server \"broken\"...")
	eryxIn(t, project, "", "-c", "print(list_callbacks())").check(t, 0, "[]\n", "")
}

// cacheHome is where the tests' own command keeps its code, so that a home of a test's needs none of its own.
func cacheHome(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A served session has tools of its own, which its description lists.
func TestServeWithTools(t *testing.T) {
	session := serve(t, "--mcp-config", mcpFile(t, filepath.Join(t.TempDir(), "mcp.json"), "my-inner"))
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(tools.Tools[0].Description, "\n- ")
	if want := `await mcp["my-inner"].run_python(code, timeout_ms): Runs a Python 3.14 program in a sandbox`; !strings.HasPrefix(line, want) || !strings.HasSuffix(line, "...") {
		t.Errorf("%q", line)
	}
	if _, text, _ := strings.Cut(line, ": "); len(text) != 120 {
		t.Errorf("%d characters of description", len(text))
	}
	expectAnswer(t, session, "print(await mcp['my-inner'].run_python(code='print(1, end=\"\")'))", "1\n", false)
}

// What ends the command ends its servers, however it comes.
func TestServersEndWithTheCommand(t *testing.T) {
	file := mcpFile(t, filepath.Join(t.TempDir(), "mcp.json"), "inner")
	pids := filepath.Join(t.TempDir(), "pids")
	script := "#!/bin/sh\necho $$ >> " + pids + "\nexec " + binary + " serve\n"
	wrapper := filepath.Join(t.TempDir(), "wrapper")
	writeFile(t, wrapper, script)
	if err := os.Chmod(wrapper, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, `{"mcpServers": {"inner": {"command": `+strconv.Quote(wrapper)+`}}}`)
	for _, how := range []syscall.Signal{0, syscall.SIGTERM, syscall.SIGKILL} {
		_ = os.Remove(pids)
		c, _ := started(t, map[bool]string{true: "pass", false: "while True: pass"}[how == 0], "--mcp-config", file)
		if how != 0 {
			_ = c.Process.Signal(how)
		}
		_ = c.Wait()
		text, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; syscall.Kill(pid, 0) == nil; n++ {
			if n == 2000 {
				t.Fatalf("the server is there after signal %d", how)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}
