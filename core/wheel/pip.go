package wheel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Which wheels pip may choose. The native platform is only used to learn which versions fit together, so it is
// the same on every host.
var (
	pythonVersion  = strconv.Itoa(pythonMajor) + "." + strconv.Itoa(pythonMinor)
	platformPure   = []string{"--platform", "any", "--implementation", "py", "--abi", "none"}
	platformNative = []string{
		"--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64", "--platform", "manylinux_2_28_x86_64",
		"--implementation", "cp", "--abi", "cp" + strconv.Itoa(pythonMajor) + strconv.Itoa(pythonMinor), "--abi", "abi3", "--abi", "none",
	}
)

// download has pip fetch wheels into a new folder in the cache, and returns the files.
func (r resolver) download(ctx context.Context, platform []string, dependencies bool, arguments ...string) ([]string, error) {
	command, err := r.pip()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.wheels, "new-")
	if err != nil {
		return nil, fmt.Errorf("the cache of packages: %w", err)
	}
	command = append(command, "download", "--quiet", "--disable-pip-version-check", "--no-input",
		"--only-binary", ":all:", "--python-version", pythonVersion, "--dest", dir)
	command = append(command, platform...)
	if !dependencies {
		command = append(command, "--no-deps")
	}
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, command[0], append(command[1:], arguments...)...)
	c.Stdout, c.Stderr = &stderr, &stderr
	if err := c.Run(); err != nil {
		_ = os.RemoveAll(dir) // half of a download
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: pip could not fetch %s: %w\n%s", ErrRefused, strings.Join(arguments, " "), err, tail(stderr.String()))
	}
	return filepath.Glob(filepath.Join(dir, "*.whl"))
}

// tail is the end of what pip said, where it says why.
func tail(text string) string {
	const most = 2000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return strings.TrimSpace(text)
}

// pip is the command that runs pip on this machine.
func (r resolver) pip() ([]string, error) {
	if len(r.config.Pip) > 0 {
		return append([]string(nil), r.config.Pip...), nil
	}
	for _, candidate := range [][]string{
		{"pip3"}, {"pip"}, {"python3", "-m", "pip"}, {"python", "-m", "pip"}, {"uv", "tool", "run", "pip"},
	} {
		if _, err := exec.LookPath(candidate[0]); err == nil {
			return candidate, nil
		}
	}
	return nil, errors.New("requirements are fetched by pip, and neither pip nor uv is on this machine; give packages as files")
}
