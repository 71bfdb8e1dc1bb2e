package core_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// hostFile makes a folder of the host with the file f in it.
func hostFile(t *testing.T, text string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func onHost(t *testing.T, file, want string) {
	t.Helper()
	if text, err := os.ReadFile(file); err != nil || string(text) != want {
		t.Fatalf("the host's file holds %q, %v, want %q", text, err, want)
	}
}

func TestVolumeModes(t *testing.T) {
	rt := testRuntime(t)
	const program = "open('/mnt/v/f', 'a').write('+guest')\nprint(open('/mnt/v/f').read())"
	for _, c := range []struct {
		mode           core.VolumeMode
		inside, onHost string
		failure        string
	}{
		{core.VolumeReadOnly, "", "host", "Read-only file system"},
		{core.VolumeReadWrite, "host+guest\n", "host+guest", ""},
		{core.VolumeCopyOnWrite, "host+guest\n", "host", ""},
	} {
		dir, file := hostFile(t, "host")
		sandbox, err := rt.NewSandbox(core.Config{Volumes: []core.Volume{{HostPath: dir, GuestPath: "/mnt/v", Mode: c.mode}}})
		if err != nil {
			t.Fatal(err)
		}
		result, err := sandbox.Execute(context.Background(), program)
		if string(result.Stdout) != c.inside || (err == nil) != (c.failure == "") || err != nil && !strings.Contains(err.Error(), c.failure) {
			t.Errorf("mode %d: %q, %v", c.mode, result.Stdout, err)
		}
		onHost(t, file, c.onHost)
	}
}

// Copies on write live as long as the session.
func TestVolumeCopyOnWriteInSession(t *testing.T) {
	dir, file := hostFile(t, "host")
	session := newSession(t, core.Config{
		Volumes: []core.Volume{{HostPath: dir, GuestPath: "/v", Mode: core.VolumeCopyOnWrite}},
	})
	if _, err := session.Execute(context.Background(), "open('/v/f', 'w').write('mine')"); err != nil {
		t.Fatal(err)
	}
	result, err := session.Execute(context.Background(), "print(open('/v/f').read())")
	if err != nil || string(result.Stdout) != "mine\n" {
		t.Fatalf("%q, %v", result.Stdout, err)
	}
	onHost(t, file, "host")
}

func TestVolumeQuota(t *testing.T) {
	for _, mode := range []core.VolumeMode{core.VolumeReadWrite, core.VolumeCopyOnWrite} {
		dir, _ := hostFile(t, "host")
		sandbox, err := testRuntime(t).NewSandbox(core.Config{
			Volumes: []core.Volume{{HostPath: dir, GuestPath: "/v", Mode: mode, QuotaBytes: 100_000}},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sandbox.Execute(context.Background(), "open('/v/big', 'wb').write(bytes(10**6))")
		if err == nil || !strings.Contains(err.Error(), "No space left on device") {
			t.Errorf("mode %d: %v, want ENOSPC", mode, err)
		}
	}
}

// A volume takes the place of a writable area; below one it is seen beside the rest.
func TestVolumePlaces(t *testing.T) {
	dir, file := hostFile(t, "host")
	for _, c := range []struct{ host, guest, program, want string }{
		{dir, "/data", "import os; print(os.getcwd(), os.listdir())", "/data ['f']\n"},
		{dir, "/tmp/", "import os; print(os.listdir('/tmp'))", "['f']\n"},
		{dir, "/data/in/../deep", "open('x', 'w'); import os; print(sorted(os.listdir()), open('deep/f').read())", "['deep', 'x'] host\n"},
		{file, "/one", "import os; print(open('/one').read(), 'f' in os.listdir('/'))", "host False\n"},
	} {
		sandbox, err := testRuntime(t).NewSandbox(core.Config{Volumes: []core.Volume{{HostPath: c.host, GuestPath: c.guest}}})
		if err != nil {
			t.Fatal(err)
		}
		if result, err := sandbox.Execute(context.Background(), c.program); err != nil || string(result.Stdout) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.guest, result.Stdout, err, c.want)
		}
	}
}

func TestVolumeErrors(t *testing.T) {
	dir, file := hostFile(t, "host")
	for _, c := range []struct {
		volumes []core.Volume
		want    string
	}{
		{[]core.Volume{{GuestPath: "/v"}}, "no host path"},
		{[]core.Volume{{HostPath: dir}}, "not an absolute path"},
		{[]core.Volume{{HostPath: dir, GuestPath: "v"}}, "not an absolute path"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/v/.."}}, "not an absolute path below /"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/usr/lib/eryx"}}, "the interpreter's own"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/x/../usr"}}, "the interpreter's own"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/v\x00"}}, "NUL"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/v", Mode: 9}}, "no mode 9"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/v", QuotaBytes: -1}}, "negative"},
		{[]core.Volume{{HostPath: dir, GuestPath: "/v"}, {HostPath: file, GuestPath: "/v/"}}, "two volumes"},
		{[]core.Volume{{HostPath: filepath.Join(dir, "none"), GuestPath: "/v"}}, "no such file or directory"},
		{[]core.Volume{{HostPath: os.DevNull, GuestPath: "/v"}}, "neither a directory nor a file"},
	} {
		config := core.Config{Volumes: c.volumes}
		if _, err := testRuntime(t).NewSandbox(config); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("sandbox with %+v: %v, want %q", c.volumes, err, c.want)
		}
		if _, err := testRuntime(t).NewSession(config); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("session with %+v: %v, want %q", c.volumes, err, c.want)
		}
	}
}
