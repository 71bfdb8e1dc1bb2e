package mcp

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/tailscale/hujson"
)

// file is a configuration file of any of the programs; each has one of the tables.
type file struct {
	Claude table `json:"mcpServers"`      // and Cursor, Windsurf, Gemini
	VSCode table `json:"servers"`         // .vscode/mcp.json
	Zed    table `json:"context_servers"` // settings.json
	Codex  table `json:"mcp_servers"`     // config.toml
}

// table is servers by name. Each is decoded on its own, so that an error can name it.
type table map[string]json.RawMessage

// entry is a server of a file.
type entry struct {
	Command   json.RawMessage `json:"command"` // a program; of Zed's older files an object with path, args and env
	Args      []string        `json:"args"`
	Env       map[string]any  `json:"env"`
	Cwd       string          `json:"cwd"`
	Type      string          `json:"type"`
	Transport string          `json:"transport"`
	Disabled  bool            `json:"disabled"`
	Enabled   *bool           `json:"enabled"`
}

// readConfig is the servers of a file.
func readConfig(path string, environ []string) ([]ServerConfig, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var f file
	if strings.HasSuffix(path, ".toml") {
		text, err = jsonOfTOML(text)
	} else {
		text, err = hujson.Standardize(text) // these files may have comments
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var servers []ServerConfig
	for _, t := range []table{f.Claude, f.VSCode, f.Zed, f.Codex} {
		found, err := t.servers(path, environ)
		if err != nil {
			return nil, err
		}
		servers = merge(servers, found)
	}
	return servers, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err == nil && len(text) > maxConfigBytes {
		err = fmt.Errorf("%s: it is longer than %d bytes", path, maxConfigBytes)
	}
	return text, err
}

func jsonOfTOML(text []byte) ([]byte, error) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	// Only the servers: TOML has values, such as infinities, that JSON has not.
	return json.Marshal(map[string]any{"mcp_servers": values["mcp_servers"]})
}

// servers are the table's servers that can be started, sorted by name.
func (t table) servers(path string, environ []string) ([]ServerConfig, error) {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	var servers []ServerConfig
	for _, name := range names {
		var e entry
		if err := json.Unmarshal(t[name], &e); err != nil {
			return nil, fmt.Errorf("%s: server %q: %w", path, name, err)
		}
		c, ok, err := e.server(environ)
		if err != nil {
			return nil, fmt.Errorf("%s: server %q: %w", path, name, err)
		}
		if ok {
			c.Name, c.Source = withoutSpaces(name), path
			servers = append(servers, c)
		}
	}
	return servers, nil
}

// server is how e is started; not ok when it is disabled, or is none that a command starts.
func (e entry) server(environ []string) (c ServerConfig, ok bool, err error) {
	if e.Disabled || e.Enabled != nil && !*e.Enabled || !isStdio(e.Type) || !isStdio(e.Transport) {
		return c, false, nil
	}
	if len(e.Command) > 0 && e.Command[0] == '{' {
		var old struct {
			Path string         `json:"path"`
			Args []string       `json:"args"`
			Env  map[string]any `json:"env"`
		}
		if err := json.Unmarshal(e.Command, &old); err != nil {
			return c, false, err
		}
		c.Command, e.Args, e.Env = old.Path, old.Args, old.Env
	} else if len(e.Command) > 0 {
		if err := json.Unmarshal(e.Command, &c.Command); err != nil {
			return c, false, err
		}
	}
	if c.Command == "" {
		return c, false, nil
	}
	c.Args, c.Dir, c.Environ = e.Args, e.Cwd, environ
	c.Env, err = expandAll(e.Env, environ)
	return c, err == nil, err
}

func isStdio(kind string) bool { return kind == "" || kind == "stdio" }

// expandAll is the variables of a server, with those that their values name.
func expandAll(env map[string]any, environ []string) (map[string]string, error) {
	expanded := map[string]string{}
	for name, value := range env {
		switch v := value.(type) {
		case string:
			expanded[name] = expand(v, environ)
		case bool:
			expanded[name] = strconv.FormatBool(v)
		case float64:
			expanded[name] = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return nil, fmt.Errorf("env %q must be text", name)
		}
	}
	return expanded, nil
}

// variable is $NAME, ${NAME} or ${NAME:-default}.
var variable = regexp.MustCompile(`\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\})`)

// expand puts values of environ in the place of variables; one that is not set is its default, or empty. ":-" means as
// in a shell: the default is also for a variable that is empty.
func expand(text string, environ []string) string {
	return variable.ReplaceAllStringFunc(text, func(match string) string {
		parts := variable.FindStringSubmatch(match)
		value, _ := lookup(environ, parts[1]+parts[2])
		if value == "" && parts[3] != "" {
			return parts[3][len(":-"):]
		}
		return value
	})
}
