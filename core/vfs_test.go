package core_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/eryx-go/eryx/core"
)

func TestStorageIsShared(t *testing.T) {
	storage := core.NewStorage(core.StorageLimits{})
	if err := storage.WriteFile("/in.txt", []byte("from the host"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := newSession(t, core.Config{VFS: storage})
	second := newSession(t, core.Config{VFS: storage, VFSMountPath: "/work/files"})
	apart := newSession(t, core.Config{VFS: core.NewStorage(core.StorageLimits{})})
	got := execute(t, first, "import os\nprint(open('in.txt').read(), oct(os.stat('in.txt').st_mode))\nopen('/data/out.txt', 'w').write('a guest')").Stdout
	if string(got) != "from the host 0o100600\n" {
		t.Errorf("%s", got)
	}
	got = execute(t, second, "import os\nprint(os.getcwd(), os.environ['HOME'], sorted(os.listdir()), open('/work/files/out.txt').read(), os.path.exists('/data'))").Stdout
	if string(got) != "/work/files /work/files ['in.txt', 'out.txt'] a guest False\n" {
		t.Errorf("%s", got)
	}
	if got := execute(t, apart, "import os\nprint(os.listdir('/data'))").Stdout; string(got) != "[]\n" {
		t.Errorf("another storage shows %s", got)
	}
	if data, err := storage.ReadFile("out.txt"); err != nil || string(data) != "a guest" {
		t.Errorf("%q %v", data, err)
	}
	for _, again := range []func() error{first.Reset, first.Close} { // it survives both
		if err := again(); err != nil {
			t.Fatal(err)
		}
	}
	if got := execute(t, newSession(t, core.Config{VFS: storage}), "import os\nprint(sorted(os.listdir()))").Stdout; string(got) != "['in.txt', 'out.txt']\n" {
		t.Errorf("%s", got)
	}
}

func TestStorageOfASandbox(t *testing.T) {
	storage := core.NewStorage(core.StorageLimits{})
	sandbox, err := testRuntime(t).NewSandbox(core.Config{VFS: storage})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := sandbox.Execute(context.Background(), "open('log', 'a').write('x')"); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := storage.ReadFile("log"); err != nil || string(data) != "xx" {
		t.Errorf("%q %v", data, err)
	}
}

// TestStorageIsNotUndone: a session's checkpoint, snapshot and fork leave what others see alone.
func TestStorageIsNotUndone(t *testing.T) {
	storage := core.NewStorage(core.StorageLimits{})
	s := newSession(t, core.Config{VFS: storage, Checkpoint: true})
	if _, err := s.Execute(context.Background(), "open('kept', 'w').write('1')\nopen('/tmp/undone', 'w')\n1/0"); err == nil {
		t.Fatal("no error")
	}
	fork, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	execute(t, fork, "open('kept', 'a').write('2')")
	if got := execute(t, s, "import os\nprint(open('kept').read(), os.listdir('/tmp'))").Stdout; string(got) != "12 []\n" {
		t.Errorf("%s", got)
	}
}

func TestStorageLimits(t *testing.T) {
	storage := core.NewStorage(core.StorageLimits{MaxBytes: 1 << 20, MaxFiles: 10})
	s := newSession(t, core.Config{VFS: storage})
	got := execute(t, s, `
import errno, os, sandbox
print((1 << 20) - open("big", "wb", 0).write(bytes(2 << 20)) < 1000, sandbox.remaining()["vfs_bytes"])
def attempt(what):
    try:
        what()
    except OSError as e:
        print(e.errno == errno.ENOSPC)
attempt(lambda: open("more", "w"))
os.remove("big")
attempt(lambda: [open(f"f{i}", "w") for i in range(20)])
`).Stdout
	if string(got) != "True 0\nTrue\nTrue\n" {
		t.Errorf("%s", got)
	}
	if usage := storage.Usage(); usage.Files != 10 || usage.Bytes > 1<<20 {
		t.Errorf("%+v", usage)
	}
}

// TestOneBudgetOfFiles: the writable files, /tmp and copies on write share Limits.MaxVFSBytes.
func TestOneBudgetOfFiles(t *testing.T) {
	dir, _ := hostFile(t, "host")
	s := newSession(t, core.Config{
		Limits:  core.Limits{MaxVFSBytes: 3 << 20},
		Volumes: []core.Volume{{HostPath: dir, GuestPath: "/mnt/v", Mode: core.VolumeCopyOnWrite}},
	})
	const program = `
import os
written = {}
for folder in ("/data", "/tmp", "/mnt/v"):
    try:
        with open(folder + "/x", "wb", 0) as f:
            for i in range(5):
                f.write(bytes(1 << 20))
                written[folder] = i + 1
    except OSError as e:
        print(folder, written.get(folder, 0), e.strerror)
for folder in ("/data", "/tmp", "/mnt/v"):
    os.remove(folder + "/x") if os.path.exists(folder + "/x") else None
`
	want := "/data 3 No space left on device\n/tmp 0 No space left on device\n/mnt/v 0 No space left on device\n"
	for range 2 { // what is removed is free again
		if got := string(execute(t, s, program).Stdout); got != want {
			t.Errorf("%s", got)
		}
	}
	image, err := s.Snapshot()
	if err == nil {
		err = s.Restore(image)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := string(execute(t, s, program).Stdout); got != want {
		t.Errorf("after a restore: %s", got)
	}
}

func TestVolumeOfAGoFileSystem(t *testing.T) {
	files := fstest.MapFS{"sub/a.txt": {Data: []byte("from Go")}}
	s := newSession(t, core.Config{Volumes: []core.Volume{
		{FS: files, GuestPath: "/go"}, {FS: files, GuestPath: "/cow", Mode: core.VolumeCopyOnWrite},
	}})
	got := execute(t, s, `
import os
print(open("/go/sub/a.txt").read(), os.listdir("/go"))
for change in (lambda: open("/go/new", "w"), lambda: open("/go/sub/a.txt", "w"), lambda: os.remove("/go/sub/a.txt")):
    try:
        change()
    except OSError as e:
        print(e.strerror)
open("/cow/sub/a.txt", "a").write(" and Python")
print(open("/cow/sub/a.txt").read())
`).Stdout
	want := "from Go ['sub']\nRead-only file system\nRead-only file system\nRead-only file system\nfrom Go and Python\n"
	if string(got) != want || string(files["sub/a.txt"].Data) != "from Go" {
		t.Errorf("%s", got)
	}
}

func TestFilesConfigRefused(t *testing.T) {
	dir, _ := hostFile(t, "")
	for want, c := range map[string]core.Config{
		"not an absolute path":            {VFSMountPath: "data"},
		"below /":                         {VFSMountPath: "/"},
		"interpreter's own":               {VFSMountPath: "/usr/lib/x"},
		"inside of /tmp":                  {VFSMountPath: "/tmp/x"},
		"NUL":                             {VFSMountPath: "/a\x00b"},
		"the same guest path":             {VFSMountPath: "/v", Volumes: []core.Volume{{HostPath: dir, GuestPath: "/v/"}}},
		"something is mounted":            {VFSMountPath: "/dev"},
		"both a host path and an FS":      {Volumes: []core.Volume{{HostPath: dir, FS: fstest.MapFS{}, GuestPath: "/v"}}},
		"an FS cannot be written to":      {Volumes: []core.Volume{{FS: fstest.MapFS{}, GuestPath: "/v", Mode: core.VolumeReadWrite}}},
		"a volume has no host path":       {Volumes: []core.Volume{{GuestPath: "/v"}}},
		"no such file or directory":       {Volumes: []core.Volume{{HostPath: dir + "/missing", GuestPath: "/v"}}},
		"two volumes have the guest path": {Volumes: []core.Volume{{HostPath: dir, GuestPath: "/v"}, {HostPath: dir, GuestPath: "/v"}}},
	} {
		session, err := testRuntime(t).NewSession(c)
		if err == nil {
			_ = session.Close()
		}
		if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
