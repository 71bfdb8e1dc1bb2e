package guestfs

import (
	"bytes"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

func TestDevices(t *testing.T) {
	ns := NewNamespace()
	must(t, ns.Mount("/dev", NewDevices(), MountOptions{}))
	read := func(name string) []byte {
		f, errno := ns.OpenFile("/dev/"+name, sys.O_RDWR|sys.O_CREAT|sys.O_TRUNC, 0o666)
		if errno != 0 {
			t.Fatal(name, errno)
		}
		defer f.Close()
		if n, errno := f.Write([]byte("forgotten")); n != 9 || errno != 0 {
			t.Fatal(name, n, errno)
		}
		buf := bytes.Repeat([]byte{7}, 32)
		n, errno := f.Read(buf)
		if errno != 0 {
			t.Fatal(name, errno)
		}
		return buf[:n]
	}
	if got := read("null"); len(got) != 0 {
		t.Errorf("null: %v", got)
	}
	if got := read("zero"); !bytes.Equal(got, make([]byte, 32)) {
		t.Errorf("zero: %v", got)
	}
	if a, b := read("urandom"), read("random"); len(a) != 32 || len(b) != 32 || bytes.Equal(a, b) {
		t.Errorf("random: %v %v", a, b)
	}
	for path, want := range map[string]sys.Errno{"/dev/new": sys.EROFS, "/dev/null/x": sys.ENOTDIR, "/dev": sys.EISDIR} {
		if _, errno := ns.OpenFile(path, sys.O_WRONLY|sys.O_CREAT, 0o666); errno != want {
			t.Errorf("%s: %v, want %v", path, errno, want)
		}
	}
	if errno := ns.Unlink("/dev/null"); errno != sys.EROFS {
		t.Error("unlink:", errno)
	}
	dir, errno := ns.OpenFile("/dev", sys.O_RDONLY, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	first, _ := dir.Readdir(3)
	rest, _ := dir.Readdir(-1)
	if len(first) != 3 || len(rest) != 1 || rest[0].Name != "zero" {
		t.Error(first, rest)
	}
}
