//go:build unix

package guestfs

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// makeSpecial makes a pipe, a socket and a link to a device.
func makeSpecial(t *testing.T, dir string) {
	t.Helper()
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o666))
	t.Chdir(dir) // a socket's path must be short
	l, err := net.Listen("unix", "socket")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	must(t, os.Symlink("/dev/null", filepath.Join(dir, "to-null")))
}

func TestVolumeSpecialFiles(t *testing.T) {
	dir, _ := hostTree(t)
	makeSpecial(t, dir)
	for _, mode := range []VolumeMode{VolumeReadOnly, VolumeReadWrite, VolumeCow} {
		g := volumeView(t, dir, VolumeOptions{Mode: mode})
		g.list("/v", "d fifo l socket to-null")
		for _, name := range []string{"fifo", "socket"} {
			g.refused(ENXIO, "/v/"+name, sys.O_RDONLY)
			_, errno := g.fs.OpenFile("/v/"+name, sys.O_WRONLY, 0)
			if errno != ENXIO && errno != sys.EROFS {
				t.Fatal("open for writing:", errno)
			}
		}
		g.refused(sys.ENOENT, "/v/to-null", sys.O_RDONLY) // the guest's /dev/null, not the host's
	}
	if err := StorageOf(NewMemFS(Limits{})).LoadDir(t.Context(), dir, "", nil); err == nil {
		t.Fatal("loaded a pipe")
	}
}
