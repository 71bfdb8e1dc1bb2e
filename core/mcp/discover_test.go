package mcp

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// write makes a file below dir.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// summary is a server in a line: name, command, arguments.
func summary(servers []ServerConfig) []string {
	var lines []string
	for _, c := range servers {
		lines = append(lines, strings.Join(append([]string{c.Name, c.Command}, c.Args...), " "))
	}
	return lines
}

func TestEveryLocation(t *testing.T) {
	home, project := t.TempDir(), t.TempDir()
	d := DiscoverConfig{Home: home, Project: project}
	locations := d.Locations()
	if len(locations) != 12 {
		t.Fatalf("%d locations: %v", len(locations), locations)
	}
	key := func(path string) string {
		switch {
		case strings.Contains(path, "zed"):
			return "context_servers"
		case strings.Contains(path, ".vscode"):
			return "servers"
		}
		return "mcpServers"
	}
	var want []string
	for i, path := range locations {
		name := "s" + string(rune('a'+i))
		text := "// a comment\n{\"other\": 1, \"" + key(path) + "\": {\"" + name + "\": {\"command\": \"run\", \"args\": [\"" + name + "\"],},},}"
		if strings.HasSuffix(path, ".toml") {
			text = "model = \"x\"\nbad = inf\n[mcp_servers." + name + "]\ncommand = \"run\"\nargs = [\"" + name + "\"]\n"
		}
		write(t, "/", path, text)
		want = append(want, name+" run "+name)
		servers, warnings, err := Discover(d)
		if got := summary(servers); !slices.Equal(got, want) || warnings != nil || err != nil {
			t.Fatalf("with %s: %v, %v, %v", path, got, warnings, err)
		}
		if servers[i].Source != path {
			t.Errorf("source %q, want %q", servers[i].Source, path)
		}
	}
}

func TestLaterFilesOverride(t *testing.T) {
	home, project := t.TempDir(), t.TempDir()
	write(t, home, ".claude.json", `{"mcpServers": {"a": {"command": "user"}, "b": {"command": "user"}}}`)
	write(t, project, ".mcp.json", `{"mcpServers": {"a": {"command": "project"}}}`)
	servers, _, err := Discover(DiscoverConfig{Home: home, Project: project})
	if got := summary(servers); !slices.Equal(got, []string{"a project", "b user"}) || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestServersThatAreLeftOut(t *testing.T) {
	path := write(t, t.TempDir(), "mcp.json", `{"mcpServers": {
		"disabled": {"command": "x", "disabled": true},
		"off": {"command": "x", "enabled": false},
		"remote": {"url": "https://example.invalid/mcp"},
		"typed": {"type": "http", "command": "x"},
		"sse": {"transport": "sse", "command": "x"},
		"empty": {},
		"null": {"command": null},
		"on": {"command": "x", "enabled": true, "disabled": false, "type": "stdio", "transport": "stdio", "timeout": 5, "cwd": "/tmp"},
		"My Server": {"command": "y"},
		"old zed": {"command": {"path": "z", "args": ["1"], "env": {"A": "b"}}}}}`)
	servers, _, err := Discover(DiscoverConfig{Paths: []string{path}})
	if got := summary(servers); !slices.Equal(got, []string{"My_Server y", "old_zed z 1", "on x"}) || err != nil {
		t.Fatalf("%v, %v", got, err)
	}
	if servers[2].Dir != "/tmp" || servers[1].Env["A"] != "b" {
		t.Errorf("%+v", servers)
	}
}

func TestVariablesInValuesOnly(t *testing.T) {
	path := write(t, t.TempDir(), "mcp.json", `{"mcpServers": {"s": {"command": "$HOME/x", "args": ["$A", "${A}"], "env": {
		"$A": "n", "PLAIN": "x$A.y", "BRACES": "${A}${A}", "DEFAULT": "${NONE:-de fault}", "EMPTY": "${E:-d}", "SET": "${A:-d}", "UNSET": "[$NONE${NONE}]",
		"PRICE": "5$ $5 ${} ${1} $$", "PORT": 8080, "BIG": 1e21, "FLAG": true}}}}`)
	servers, _, err := Discover(DiscoverConfig{Paths: []string{path}, Environ: []string{"A=old", "A=val", "E="}})
	if err != nil || len(servers) != 1 {
		t.Fatalf("%v, %v", servers, err)
	}
	want := map[string]string{
		"$A": "n", "PLAIN": "xval.y", "BRACES": "valval", "DEFAULT": "de fault", "EMPTY": "d", "SET": "val", "UNSET": "[]",
		"PRICE": "5$ $5 ${} ${1} $$", "PORT": "8080", "BIG": "1000000000000000000000", "FLAG": "true",
	}
	if c := servers[0]; !reflect.DeepEqual(c.Env, want) || c.Command != "$HOME/x" || !slices.Equal(c.Args, []string{"$A", "${A}"}) {
		t.Errorf("%+v", c)
	}
}

func TestFilesThatMakeNoSense(t *testing.T) {
	home, project := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		".mcp.json":          `{"mcpServers": `,
		".codex/config.toml": "mcp_servers = ",
		".vscode/mcp.json":   `{"servers": {"s": {"command": 5}}}`,
		".cursor/mcp.json":   `{"mcpServers": {"s": {"command": "x", "env": {"A": []}}}}`,
		".zed/settings.json": `[1]`,
	} {
		path := write(t, project, name, text)
		if _, _, err := Discover(DiscoverConfig{Paths: []string{path}}); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), path) {
			t.Errorf("%s as a path: %v", name, err)
		}
	}
	write(t, home, ".gemini/settings.json", `{"mcpServers": {"fine": {"command": "x"}}}`)
	servers, warnings, err := Discover(DiscoverConfig{Home: home, Project: project})
	if len(servers) != 1 || servers[0].Required || len(warnings) != 5 || err != nil {
		t.Errorf("%v, %q, %v", servers, warnings, err)
	}
	named := write(t, t.TempDir(), "named.json", `{"mcpServers": {"other": {"command": "y"}, "fine": {"command": "named"}}}`)
	servers, warnings, err = Discover(DiscoverConfig{Home: home, Project: project, Paths: []string{named}, Others: true})
	if got := summary(servers); !slices.Equal(got, []string{"fine named", "other y"}) || !servers[0].Required || !servers[1].Required || len(warnings) != 5 || err != nil {
		t.Errorf("%v, %q, %v", got, warnings, err)
	}
	if _, _, err := Discover(DiscoverConfig{Paths: []string{filepath.Join(home, "none.json")}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("a path that is not there: %v", err)
	}
}

func FuzzReadConfig(f *testing.F) {
	f.Add(`{"mcpServers": {"a": {"command": {"path": 1}}}}`, false)
	f.Add("[mcp_servers.a]\ncommand = \"x\"", true)
	f.Fuzz(func(t *testing.T, text string, isTOML bool) {
		name := "c.json"
		if isTOML {
			name = "c.toml"
		}
		path := write(t, t.TempDir(), name, text)
		servers, err := readConfig(path, nil)
		for _, c := range servers {
			if err == nil && (c.Command == "" || c.Source != path) {
				t.Errorf("%+v", c)
			}
		}
	})
}
