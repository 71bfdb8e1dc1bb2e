package security_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// withHost executes a program that can have the host do something to its files, in the middle of the run.
func withHost(t *testing.T, h *hostFiles, do func(what string) error, program string) string {
	t.Helper()
	config := h.config()
	config.Callbacks = []core.Callback{{Name: "host", Func: func(_ context.Context, args map[string]any) (any, error) {
		return nil, do(fmt.Sprint(args["what"]))
	}}}
	result, err := run(t, config, "SECRET = "+quote(h.secret)+"\n"+attempts+program)
	if err != nil {
		t.Fatalf("failed: %v", err)
	}
	return strings.TrimSpace(string(result.Stdout))
}

// TestLinksTheHostMakesDuringTheRun: what was a directory becomes a link that leads out, while it is open and used.
func TestLinksTheHostMakesDuringTheRun(t *testing.T) {
	h := newHostFiles(t)
	replace := func(name string) error {
		for _, v := range []string{"ro", "rw", "cow"} {
			sub := filepath.Join(h.dir, v, name)
			if err := os.Rename(sub, sub+"-was"); err != nil {
				return err
			}
			if err := os.Symlink(h.dir, sub); err != nil {
				return err
			}
		}
		return nil
	}
	got := withHost(t, h, replace, `
for v in ("ro", "rw", "cow"):
    os.listdir(f"/mnt/{v}/sub")
os.chdir("/mnt/rw/sub")
await host(what="sub")
for v in ("ro", "rw", "cow"):
    for path in (f"/mnt/{v}/sub/secret", f"/mnt/{v}/sub/../secret", f"/mnt/{v}/sub/rw/../secret", "secret", "../secret", "../../secret"):
        attempt(slurp, path); attempt(os.listdir, os.path.dirname(path) + "/nowhere"); attempt(open, path, "r+")
    attempt(os.mkdir, f"/mnt/{v}/sub/made"); attempt(os.rename, f"/mnt/{v}/file", f"/mnt/{v}/sub/moved"); attempt(os.symlink, "x", f"/mnt/{v}/sub/link"); attempt(os.link, f"/mnt/{v}/file", f"/mnt/{v}/sub/hard")
tell()  # what is ok is in the copy on write, which remembers what it saw
`)
	if want := "{'ENOENT': 59, 'EXDEV': 4, 'ok': 3}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, name := range []string{"made", "moved", "link", "hard"} {
		if _, err := os.Lstat(filepath.Join(h.dir, name)); err == nil {
			t.Errorf("%s was made outside of the volume", name)
		}
	}
}

// TestSwapRace: the host swaps a directory and a link out as fast as it can, while programs read and write through it.
func TestSwapRace(t *testing.T) {
	h := newHostFiles(t)
	folder := filepath.Join(h.dir, "rw")
	for _, err := range []error{
		os.Mkdir(filepath.Join(folder, "swap"), 0o755), os.WriteFile(filepath.Join(folder, "swap", "secret"), []byte("inside"), 0o600),
		os.Symlink(h.dir, filepath.Join(folder, "evil")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		at := func(name string) string { return filepath.Join(folder, name) }
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.Rename(at("swap"), at("kept")) // either may fail: the other side is at work
				_ = os.Rename(at("evil"), at("swap"))
				_ = os.Rename(at("swap"), at("evil"))
				_ = os.Rename(at("kept"), at("swap"))
				runtime.Gosched()
			}
		}
	})
	end := sync.OnceFunc(func() {
		close(stop)
		swapping.Wait()
	})
	defer end()
	got := withHost(t, h, nil, `
for i in range(3000):
    try:
        assert slurp("/mnt/rw/swap/secret") == b"inside"
        outcomes["read"] = 1
    except OSError as e:
        assert e.errno in (errno.ENOENT, errno.EPERM, errno.ELOOP), e
    attempt(lambda: open(f"/mnt/rw/swap/new{i}", "w").write("x")); attempt(os.mkdir, f"/mnt/rw/swap/dir{i}"); attempt(os.remove, "/mnt/rw/swap/secret2")
print(outcomes["read"])`)
	end()
	if got != "1" {
		t.Errorf("the file inside was never read: %s", got)
	}
	entries, err := os.ReadDir(h.dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("beside the volumes there is now %v, %v", entries, err)
	}
	if text, err := os.ReadFile(h.secret); err != nil || string(text) != secretText {
		t.Errorf("the secret is %q, %v", text, err)
	}
}

// TestPipesSocketsAndDevicesInVolumes: they are listed, and opening one neither waits nor works.
func TestPipesSocketsAndDevicesInVolumes(t *testing.T) {
	h := newHostFiles(t)
	for _, v := range []string{"ro", "rw", "cow"} {
		if err := syscall.Mkfifo(filepath.Join(h.dir, v, "pipe"), 0o666); err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("unix", filepath.Join(h.dir, v, "socket"))
		if err != nil {
			t.Skipf("the folder's path is too long for a socket: %v", err)
		}
		defer listener.Close()
		if err := os.Symlink("/dev/zero", filepath.Join(h.dir, v, "device")); err != nil {
			t.Fatal(err)
		}
	}
	got := withHost(t, h, nil, `
import stat
for v in ("ro", "rw", "cow"):
    print([oct(stat.S_IFMT(os.lstat(f"/mnt/{v}/{n}").st_mode)) for n in ("pipe", "socket", "device")], sorted(set(os.listdir(f"/mnt/{v}")) & {"pipe", "socket", "device"}))
    for n in ("pipe", "socket"):
        for mode in ("rb", "wb", "r+b"):
            attempt(open, f"/mnt/{v}/{n}", mode)
tell()
print(len(open("/mnt/rw/device", "rb").read(4)))  # the guest's own, as its path says
attempt(os.remove, "/mnt/rw/pipe"); attempt(os.rename, "/mnt/rw/socket", "/mnt/rw/socket2")
tell()`)
	// WASI has no word for a pipe.
	const kinds = "['0o0', '0o140000', '0o120000'] ['device', 'pipe', 'socket']\n"
	if want := kinds + kinds + kinds + "{'ENXIO': 14, 'EROFS': 4}\n4\n{'ok': 2}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestVolumeRemovedDuringTheRun: the program sees errors, and the host no harm.
func TestVolumeRemovedDuringTheRun(t *testing.T) {
	h := newHostFiles(t)
	got := withHost(t, h, func(string) error { return os.RemoveAll(filepath.Join(h.dir, "rw")) }, `
f = open("/mnt/rw/file", "r+b", 0)
await host(what="remove")
print(f.read(), f.write(b"+"))  # what is open stays, as on Linux
for g, args in ((os.listdir, ("/mnt/rw",)), (slurp, ("/mnt/rw/file",)), (open, ("/mnt/rw/new", "w")), (os.mkdir, ("/mnt/rw/d",)), (os.stat, ("/mnt/rw/sub",))):
    attempt(g, *args)
tell()
print(sorted(os.listdir("/mnt")), os.path.isdir("/mnt"))`)
	if want := "b'public' 1\n{'ENOENT': 5}\n['cow', 'ro', 'rw'] True"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "rw")); err == nil {
		t.Error("the folder is there again")
	}
}
