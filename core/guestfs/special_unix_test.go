//go:build unix

package guestfs

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
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
