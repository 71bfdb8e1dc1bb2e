package security_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// secretText is what no program may ever read.
const secretText = "the host's secret"

// hostFiles is a folder of the host with a secret beside the folders that are volumes, which have links to it.
type hostFiles struct {
	dir    string
	secret string
	before map[string]string
}

// newHostFiles makes the folder, and notes what is in it.
func newHostFiles(t *testing.T) *hostFiles {
	t.Helper()
	h := &hostFiles{dir: t.TempDir()}
	h.secret = filepath.Join(h.dir, "secret")
	write := func(path, text string) {
		if err := os.WriteFile(filepath.Join(h.dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", secretText)
	for _, name := range []string{"ro", "rw", "cow"} {
		for _, dir := range []string{name, name + "/sub"} {
			if err := os.Mkdir(filepath.Join(h.dir, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		write(name+"/file", "public")
		for link, target := range map[string]string{
			"to-secret": h.secret, "up": "..", "up-secret": "../secret", "sub/root": "/", "proc": "/proc/self",
		} {
			if err := os.Symlink(target, filepath.Join(h.dir, name, link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.before = h.tree(t, "")
	return h
}

// config shows the folders as /mnt/ro, /mnt/rw and /mnt/cow.
func (h *hostFiles) config() core.Config {
	volume := func(name string, mode core.VolumeMode) core.Volume {
		return core.Volume{HostPath: filepath.Join(h.dir, name), GuestPath: "/mnt/" + name, Mode: mode}
	}
	return core.Config{Volumes: []core.Volume{
		volume("ro", core.VolumeReadOnly), volume("rw", core.VolumeReadWrite), volume("cow", core.VolumeCopyOnWrite),
	}}
}

// tree is all below a folder: contents, and targets of links.
func (h *hostFiles) tree(t *testing.T, below string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(h.dir, below), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		text := "directory"
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			text, err = os.Readlink(path)
		case d.Type().IsRegular():
			var b []byte
			b, err = os.ReadFile(path)
			text = string(b)
		}
		info, infoErr := d.Info()
		if err == nil {
			err = infoErr
		}
		if err == nil {
			all[path] = fmt.Sprint(info.Mode(), " ", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unchanged asserts that everything outside of the read-write volume is what it was, and that its own links are.
func (h *hostFiles) unchanged(t *testing.T) {
	t.Helper()
	rw := filepath.Join(h.dir, "rw")
	after := h.tree(t, "")
	for path, was := range h.before {
		if after[path] != was && !strings.HasPrefix(path, rw+"/") {
			t.Errorf("%s was %q and is %q", path, was, after[path])
		}
	}
	for path := range after {
		if h.before[path] == "" && !strings.HasPrefix(path, rw+"/") {
			t.Errorf("%s is new", path)
		}
	}
}

// attempts are the head of programs that try something many times: each outcome is counted by its name.
const attempts = `
import collections, errno, os
outcomes = collections.Counter()
def attempt(f, *args):
    try:
        got = f(*args)
        outcomes["ok"] += 1
        return got
    except OSError as e:
        outcomes[errno.errorcode.get(e.errno, type(e).__name__)] += 1
    except Exception as e:
        outcomes[type(e).__name__] += 1
def tell():
    print(dict(sorted(outcomes.items())))
    outcomes.clear()
def slurp(path):
    with open(path, "rb") as f:
        data = f.read()
    assert b"host's secret" not in data, path
    return data
`

// runOnFiles executes a program on the volumes, and asserts what it prints and that the host's files are as before.
func runOnFiles(t *testing.T, program, want string) *hostFiles {
	t.Helper()
	h := newHostFiles(t)
	code := "HOST = " + quote(h.dir) + "\nSECRET = " + quote(h.secret) + "\n" + attempts + program
	result, err := run(t, h.config(), code)
	if err != nil {
		t.Fatalf("failed: %v", err)
	}
	if got := strings.TrimSpace(string(result.Stdout)); got != strings.TrimSpace(want) {
		t.Errorf("printed\n%s\nwant\n%s", clip(got), want)
	}
	h.unchanged(t)
	return h
}
