package mcp

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/core"
)

// maxConfigBytes is the longest configuration file that is read.
const maxConfigBytes = 16 << 20

// userFiles and projectFiles are where other programs keep their MCP servers: below the home directory, and below the
// directory of a project. What comes later counts more.
var (
	userFiles = []string{
		".claude.json",                      // Claude Code
		".config/zed/settings.json",         // Zed
		".codex/config.toml",                // Codex
		".cursor/mcp.json",                  // Cursor
		".codeium/windsurf/mcp_config.json", // Windsurf
		".gemini/settings.json",             // Gemini
	}
	projectFiles = []string{
		".mcp.json",             // Claude Code
		".vscode/mcp.json",      // VS Code
		".zed/settings.json",    // Zed
		".codex/config.toml",    // Codex
		".cursor/mcp.json",      // Cursor
		".gemini/settings.json", // Gemini
	}
)

// DiscoverConfig says where to look for servers. The zero value looks where other programs keep theirs.
type DiscoverConfig struct {
	// Paths are configuration files; nil: the 6 of the user's and the 6 of the project's that Locations names. A
	// file that is named here must be there and be right; the others are left out when they are not.
	Paths []string
	// Others says to look at those of Locations although there are Paths, whose servers count more.
	Others bool
	// Home and Project are the directories of Locations; "": the user's home, the working directory.
	Home, Project string
	// Environ, of the form NAME=VALUE, is what variables in the files stand for, and what the servers inherit; nil:
	// the environment of this process.
	Environ []string
}

// Locations are the files that Discover reads without Paths. The files of a project name commands that its author has
// chosen: whoever starts them trusts the project.
func (d DiscoverConfig) Locations() []string {
	home, project := d.Home, d.Project
	if home == "" {
		home, _ = lookup(d.Environ, "HOME")
	}
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	if project == "" {
		project, _ = os.Getwd()
	}
	var paths []string
	for _, place := range []struct {
		dir   string
		files []string
	}{{home, userFiles}, {project, projectFiles}} {
		if place.dir == "" {
			continue
		}
		for _, file := range place.files {
			if path := filepath.Join(place.dir, filepath.FromSlash(file)); !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// Discover finds the servers of configuration files, by name in the order in which they were found; of two with one
// name the later file's is taken. Servers that are disabled, have no command, or do not speak over standard output
// are left out. warnings tell of files that are left out. An error is about one of Paths.
func Discover(d DiscoverConfig) (servers []ServerConfig, warnings []string, err error) {
	if d.Paths == nil || d.Others {
		for _, path := range d.Locations() {
			found, err := readConfig(path, d.Environ)
			if err == nil {
				servers = merge(servers, found)
			} else if !errors.Is(err, fs.ErrNotExist) {
				warnings = append(warnings, "MCP configuration left out: "+err.Error())
			}
		}
	}
	for _, path := range d.Paths {
		found, err := readConfig(path, d.Environ)
		if err != nil {
			return nil, nil, fail(core.CodeInvalid, "MCP configuration: %w", err)
		}
		for i := range found {
			found[i].Required = true
		}
		servers = merge(servers, found)
	}
	return servers, warnings, nil
}

// merge adds found to servers, in the place of those with the same name.
func merge(servers, found []ServerConfig) []ServerConfig {
	for _, c := range found {
		same := func(other ServerConfig) bool { return other.Name == c.Name }
		if i := slices.IndexFunc(servers, same); i >= 0 {
			servers[i] = c
		} else {
			servers = append(servers, c)
		}
	}
	return servers
}

// lookup is a variable of environ, nil: of this process. Of two with one name the later counts.
func lookup(environ []string, name string) (string, bool) {
	if environ == nil {
		return os.LookupEnv(name)
	}
	for _, variable := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
