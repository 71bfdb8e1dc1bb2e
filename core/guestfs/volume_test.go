package guestfs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// hostTree makes a directory of the host with a file beside it that nobody
// may reach, and returns both.
func hostTree(t *testing.T) (dir, secret string) {
	t.Helper()
	top := t.TempDir()
	dir, secret = filepath.Join(top, "dir"), filepath.Join(top, "secret")
	must(t, os.MkdirAll(filepath.Join(dir, "d", "e"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "d", "f"), []byte("content"), 0o644))
	must(t, os.Symlink("d/f", filepath.Join(dir, "l")))
	must(t, os.WriteFile(secret, []byte("secret"), 0o644))
	t.Cleanup(func() {
		if got, err := os.ReadFile(secret); err != nil || string(got) != "secret" {
			t.Errorf("the file beside the volume: %q, %v", got, err)
		}
	})
	return dir, secret
}

// volumeView mounts a volume at /v.
func volumeView(t *testing.T, path string, options VolumeOptions) *guestView {
	t.Helper()
	return mounted(t, map[string]sys.FS{"/v": openVolume(t, path, options)})
}

// wantHost checks a file of the host.
func wantHost(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Fatalf("the host's file holds %q (%v), want %q", got, err, want)
	}
}

func TestVolumeMissing(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "missing"), "", "/dev/null", "nul\x00"} {
		if v, err := OpenVolume(path, VolumeOptions{}); err == nil {
			v.Close()
			t.Errorf("opened %q", path)
		}
	}
	if _, err := OpenVolume(t.TempDir(), VolumeOptions{Mode: 9}); err == nil {
		t.Error("opened in a mode that does not exist")
	}
}

func TestVolumeReadOnly(t *testing.T) {
	dir, _ := hostTree(t)
	g := volumeView(t, dir, VolumeOptions{})
	everythingIsReadOnly(g, "/v/d/f", "/v/l", "/v/d")
	g.list("/v", "d l")
}

func TestVolumeReadWrite(t *testing.T) {
	dir, _ := hostTree(t)
	g := volumeView(t, dir, VolumeOptions{Mode: VolumeReadWrite})
	g.write("/v/l", "changed")
	wantHost(t, filepath.Join(dir, "d", "f"), "changed")
	g.want(0, g.fs.Rename("/v/d/f", "/v/g"), "rename")
	wantHost(t, filepath.Join(dir, "g"), "changed")
	g.want(0, g.fs.Chmod("/v/g", 0o4755|fs.ModeSetuid), "chmod")
	if info, err := os.Stat(filepath.Join(dir, "g")); err != nil || info.Mode() != 0o755 {
		t.Fatal("mode:", info.Mode(), err)
	}
}

func TestVolumeCow(t *testing.T) {
	dir, _ := hostTree(t)
	must(t, os.WriteFile(filepath.Join(dir, "big"), []byte(strings.Repeat("b", 3*chunkSize)), 0o640))
	v := openVolume(t, dir, VolumeOptions{Mode: VolumeCow, Limits: Limits{MaxBytes: 4 * chunkSize}})
	g := mounted(t, map[string]sys.FS{"/v": v})
	g.list("/v", "big d l")
	if st := g.stat("/v/big"); st.Size != 3*chunkSize || st.Mode.Perm() != 0o640 {
		t.Fatal(st)
	}
	open := g.open("/v/d/f", sys.O_RDONLY)
	g.write("/v/l", "changed")
	if got := g.readFrom(open); got != "changed" {
		t.Fatalf("a file that was open reads %q", got)
	}
	f := g.open("/v/big", sys.O_RDWR)
	if _, errno := f.Pwrite([]byte("x"), chunkSize); errno != 0 {
		t.Fatal(errno)
	}
	g.content("/v/big", strings.Repeat("b", chunkSize)+"x"+strings.Repeat("b", 2*chunkSize-1))
	g.want(0, g.fs.Rename("/v/d", "/v/moved"), "rename a directory of the host")
	g.content("/v/moved/f", "changed")
	g.list("/v/moved", "e f")
	g.want(0, g.fs.Rmdir("/v/moved/e"), "rmdir")
	g.want(0, g.fs.Unlink("/v/moved/f"), "unlink")
	g.mkdir("/v/d")
	g.list("/v/d", "")
	g.list("/v", "big d l moved")
	g.want(0, g.fs.Unlink("/v/big"), "unlink an open file")
	if n, errno := f.Pread(make([]byte, 10), 0); n != 10 || errno != 0 {
		t.Fatal(n, errno)
	}
	f.Close()
	wantHost(t, filepath.Join(dir, "d", "f"), "content")
	wantHost(t, filepath.Join(dir, "big"), strings.Repeat("b", 3*chunkSize))
	if info, err := os.Stat(filepath.Join(dir, "d", "e")); err != nil || !info.IsDir() {
		t.Fatal("the host's directory:", err)
	}
}

func TestVolumeCowLimits(t *testing.T) {
	dir, _ := hostTree(t)
	must(t, os.WriteFile(filepath.Join(dir, "big"), []byte(strings.Repeat("b", 10_000)), 0o640))
	v := openVolume(t, dir, VolumeOptions{Mode: VolumeCow, Limits: Limits{MaxBytes: 5000}})
	g := mounted(t, map[string]sys.FS{"/v": v})
	g.content("/v/big", strings.Repeat("b", 10_000))
	f := g.open("/v/big", sys.O_WRONLY)
	_, errno := f.Write([]byte("x"))
	g.want(ENOSPC, errno, "a copy that does not fit")
	f.Close()
	g.content("/v/big", strings.Repeat("b", 10_000))
	g.open("/v/big", sys.O_WRONLY|sys.O_TRUNC).Close() // emptied: nothing to copy
	if st := g.stat("/v/big"); st.Size != 0 || st.Mode.Perm() != 0o640 {
		t.Fatal(st)
	}
	g.write("/v/big", "small")
	mem := v.FS.(*MemFS)
	if u := mem.Usage(); u != (Usage{Bytes: 5}) {
		t.Fatal(u)
	}
	g.want(0, g.fs.Unlink("/v/big"), "unlink")
	if u := mem.Usage(); u != (Usage{}) {
		t.Fatal(u)
	}
	fork := mounted(t, map[string]sys.FS{"/v": mem.Fork()})
	g.write("/v/d/f", "in the original")
	fork.content("/v/d/f", "content")
	fork.list("/v", "d l")
	wantHost(t, filepath.Join(dir, "big"), strings.Repeat("b", 10_000))
}

func TestVolumeOfOneFile(t *testing.T) {
	for _, mode := range []VolumeMode{VolumeReadOnly, VolumeReadWrite, VolumeCow} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			dir, _ := hostTree(t)
			file := filepath.Join(dir, "d", "f")
			g := mounted(t, map[string]sys.FS{
				"/": memory(t, nil), "/in/other-name": openVolume(t, file, VolumeOptions{Mode: mode}),
			})
			g.content("/in/other-name", "content")
			g.list("/in", "other-name")
			if st := g.stat("/in/other-name"); !st.Mode.IsRegular() || st.Size != 7 {
				t.Fatal(st)
			}
			for _, path := range []string{"/in/f", "/in/../in/e", "/in/l"} {
				g.refused(sys.ENOENT, path, sys.O_RDONLY)
			}
			for _, path := range []string{"/in/other-name/f", "/in/other-name/../e", "/in/other-name/"} {
				g.refused(sys.ENOTDIR, path, sys.O_RDONLY)
			}
			g.refused(sys.ENOTDIR, "/in/other-name", sys.O_DIRECTORY)
			g.want(EBUSY, g.fs.Unlink("/in/other-name"), "unlink")
			g.want(sys.ENOTDIR, g.fs.Rmdir("/in/other-name"), "rmdir")
			g.want(EBUSY, g.fs.Rename("/in/other-name", "/x"), "rename")
			want := "content"
			if mode == VolumeReadOnly {
				g.refused(sys.EROFS, "/in/other-name", sys.O_WRONLY)
			} else {
				g.write("/in/other-name", "written")
				g.content("/in/other-name", "written")
				g.want(0, g.fs.Chmod("/in/other-name", 0o600), "chmod")
				g.want(0, g.fs.Utimens("/in/other-name", 1, 2), "utimens")
			}
			if mode == VolumeReadWrite {
				want = "written"
			}
			wantHost(t, file, want)
		})
	}
}

func TestVolumeQuota(t *testing.T) {
	dir, _ := hostTree(t)
	old := filepath.Join(dir, "old")
	must(t, os.WriteFile(old, []byte(strings.Repeat("o", 50_000)), 0o644))
	const quota = 10_000
	v := openVolume(t, dir, VolumeOptions{Mode: VolumeReadWrite, QuotaBytes: quota})
	g := mounted(t, map[string]sys.FS{"/v": v})
	f := g.open("/v/f", sys.O_RDWR|sys.O_CREAT)
	for _, at := range []int64{quota, 1 << 40} {
		_, errno := f.Pwrite([]byte("x"), at)
		g.want(ENOSPC, errno, "write at ", at)
		g.want(ENOSPC, f.Truncate(at), "truncate to ", at)
	}
	room := quota - int(entryBytes("f"))
	n, errno := f.Write(make([]byte, 2*quota))
	if n != room || errno != 0 {
		t.Fatal("wrote", n, errno)
	}
	_, errno = f.Write([]byte("x"))
	g.want(ENOSPC, errno, "write to a full volume")
	g.refused(ENOSPC, "/v/g", sys.O_CREAT|sys.O_WRONLY)
	g.want(ENOSPC, g.fs.Mkdir("/v/g", 0o755), "mkdir")
	g.want(ENOSPC, g.fs.Symlink("f", "/v/g"), "symlink")
	g.want(ENOSPC, g.fs.Link("/v/f", "/v/g"), "link")
	// Removed but open: the disk still has it.
	g.want(0, g.fs.Unlink("/v/f"), "unlink")
	h := g.open("/v/h", sys.O_RDWR|sys.O_CREAT)
	_, errno = h.Write([]byte("x"))
	g.want(ENOSPC, errno, "write while a removed file is open")
	g.want(0, f.Close(), "close")
	g.writeTo(h, strings.Repeat("x", room))
	g.want(0, h.Truncate(10), "truncate")
	g.want(0, h.Truncate(int64(room)), "truncate")
	// What was there before gives no room.
	g.want(0, g.fs.Rename("/v/h", "/v/old"), "rename over")
	_, errno = g.open("/v/old", sys.O_WRONLY|sys.O_APPEND).Write(make([]byte, 10*quota))
	g.want(0, errno, "append")
	if st := g.stat("/v/old"); st.Size > 2*quota {
		t.Fatal("the volume has grown by", st.Size)
	}
}

func TestVolumeLinksOutRefused(t *testing.T) {
	dir, secret := hostTree(t)
	g := volumeView(t, dir, VolumeOptions{Mode: VolumeReadWrite})
	for link, target := range map[string]string{
		"/v/x": secret, "/v/d/x": "../../secret", "/v/y": "..", "/v/d/y": "e/../../..", "/v/z": "l/../../secret", "/v/w": "/",
	} {
		g.want(sys.EPERM, g.fs.Symlink(target, link), "symlink to ", target)
	}
	g.want(sys.EEXIST, g.fs.Symlink("/", "/v/d"), "symlink")
	// A link that is made deep down must not be lifted.
	g.want(0, g.fs.Symlink("../../secret", "/v/d/e/s"), "symlink")
	g.want(sys.EPERM, g.fs.Rename("/v/d/e/s", "/v/d/s"), "lift a link")
	g.want(sys.EPERM, g.fs.Link("/v/d/e/s", "/v/d/s"), "a second name for a link, higher up")
	g.want(0, g.fs.Link("/v/d/e/s", "/v/d/e/s2"), "a second name for a link")
	g.want(0, g.fs.Unlink("/v/d/e/s2"), "unlink")
	g.want(sys.EPERM, g.fs.Rename("/v/d/e", "/v/e"), "lift a directory with a link")
	g.want(0, g.fs.Rename("/v/d/e", "/v/d/e2"), "rename at the same depth")
	g.want(0, g.fs.Unlink("/v/d/e2/s"), "unlink")
	g.want(0, g.fs.Rename("/v/d/e2", "/v/e"), "lift a directory without links")
}

func TestVolumeCowBoundsWhatItKnows(t *testing.T) {
	dir := t.TempDir()
	for i := range 50 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o644))
	}
	for files, want := range map[int64]sys.Errno{50 / knownPerFile: ENOSPC, 50/knownPerFile + 1: 0} {
		g := volumeView(t, dir, VolumeOptions{Mode: VolumeCow, Limits: Limits{MaxFiles: files}})
		_, errno := g.fs.Stat("/v/1")
		g.want(want, errno, "look at 50 files")
	}
}
