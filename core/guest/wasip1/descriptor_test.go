package wasip1

import (
	"fmt"
	"testing"
)

func TestLowestNumberIsReused(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "x")
	for want := uint64(4); want < 8; want++ {
		if fd := g.mustOpen("f", 0, readRights, 0); fd != want {
			t.Fatalf("descriptor %d, want %d", fd, want)
		}
	}
	g.want(success, "fd_close", 6)
	g.want(success, "fd_close", 5)
	for _, want := range []uint64{5, 6, 8} {
		if fd := g.mustOpen("f", 0, readRights, 0); fd != want {
			t.Fatalf("descriptor %d, want %d", fd, want)
		}
	}
}

func TestDescriptorLimit(t *testing.T) {
	g := newGuest(t, Config{MaxOpenFiles: 10})
	for i := range 6 {
		g.mustOpen(fmt.Sprint("f", i), oflagCreat, rightsFile, 0)
	}
	if _, e := g.open("one-more", oflagCreat, rightsFile, 0); e != emfile {
		t.Fatalf("errno %v", e)
	}
	g.want(emfile, "adapter_open_badfd", atOut)
	if e := g.path("path_unlink_file", "one-more", 3); e != enoent {
		t.Fatalf("the refused open made a file: %v", e)
	}
	g.want(ebadf, "fd_renumber", 4, 10)
	g.want(success, "fd_close", 4)
	g.mustOpen("again", oflagCreat, rightsFile, 0)
}

func TestRenumber(t *testing.T) {
	var got [3]string
	g := newGuest(t, Config{Output: recordOutput(&got)})
	file := g.mustOpen("f", oflagCreat, rightsFile, 0)
	g.want(success, "fd_renumber", 1, 20) // standard output goes elsewhere
	g.mustWrite(20, "out")
	g.want(success, "fd_renumber", file, 1) // and a file takes its place
	g.mustWrite(1, "in the file")
	if got[1] != "out" || g.hostContent("f") != "in the file" {
		t.Fatalf("output %q, file %q", got[1], g.hostContent("f"))
	}
	g.want(ebadf, "fd_close", file)
	g.want(success, "fd_renumber", 2, 20) // over an open one
	g.mustWrite(20, "err")
	if got[2] != "err" {
		t.Fatalf("output %q", got)
	}
	g.want(success, "fd_renumber", 20, 20)
	g.want(ebadf, "fd_renumber", 19, 20)
	g.want(ebadf, "fd_renumber", 20, 0x7fffffff)
	g.want(ebadf, "fd_renumber", 20, 0xffffffff)
	g.want(enotsup, "fd_renumber", 3, 20)
	g.want(enotsup, "fd_renumber", 20, 3)
	g.mustWrite(20, "or")
}

func TestStreamsCanBeClosedAndReplaced(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "from a file")
	g.want(success, "fd_close", 0)
	if _, e := g.read(0, 1); e != ebadf {
		t.Fatalf("errno %v", e)
	}
	if fd := g.mustOpen("f", 0, readRights, 0); fd != 0 {
		t.Fatalf("descriptor %d", fd)
	}
	g.mustRead(0, 100, "from a file")
}

func TestRootStaysOpen(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "x")
	g.want(enotsup, "fd_close", 3)
	g.mustOpen("f", 0, readRights, 0)
	g.want(success, "fd_prestat_get", 3, atOut)
	if tag, n := g.u32(atOut), g.u32(atOut+4); tag != 0 || n != 1 {
		t.Fatalf("prestat %d %d", tag, n)
	}
	g.want(success, "fd_prestat_dir_name", 3, atOut, 1)
	if g.mem[atOut] != '/' {
		t.Fatalf("name %q", g.mem[atOut])
	}
	g.want(enametoolong, "fd_prestat_dir_name", 3, atOut, 0)
	g.want(ebadf, "fd_prestat_get", 4, atOut)
	g.want(ebadf, "fd_prestat_dir_name", 0, atOut, 1)
}

func TestReservedNumbers(t *testing.T) {
	g := newGuest(t, Config{})
	g.want(success, "adapter_open_badfd", atOut)
	fd := uint64(g.u32(atOut))
	if fd != 4 {
		t.Fatalf("reserved %d", fd)
	}
	g.want(ebadf, "fd_close", fd)
	g.want(ebadf, "fd_fdstat_get", fd, atOut)
	g.want(ebadf, "fd_renumber", fd, 9)
	g.want(ebadf, "fd_renumber", 1, fd)
	g.want(ebadf, "sock_shutdown", fd, 0)
	if _, e := g.read(fd, 1); e != ebadf {
		t.Fatalf("errno %v", e)
	}
	if other := g.mustOpen("f", oflagCreat, rightsFile, 0); other != 5 {
		t.Fatalf("descriptor %d", other)
	}
	g.want(ebadf, "adapter_close_badfd", 5)
	g.want(ebadf, "adapter_close_badfd", 0xffffffff)
	g.want(success, "adapter_close_badfd", fd)
	g.want(ebadf, "adapter_close_badfd", fd)
	if other := g.mustOpen("f", 0, readRights, 0); other != 4 {
		t.Fatalf("descriptor %d", other)
	}
}

func TestDescriptorFlags(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("f", oflagCreat, rightsFile, 0)
	g.mustWrite(fd, "one ")
	g.want(success, "fd_fdstat_set_flags", fd, uint64(fdflagAppend|fdflagNonblock))
	g.want(success, "fd_fdstat_get", fd, atOut)
	if flags := le.Uint16(g.mem[atOut+2:]); flags != fdflagAppend|fdflagNonblock {
		t.Fatalf("flags %d", flags)
	}
	g.want(success, "fd_seek", fd, 0, 0, atOut)
	g.mustWrite(fd, "two")
	if got := g.hostContent("f"); got != "one two" {
		t.Fatalf("the file holds %q", got)
	}
	g.want(einval, "fd_fdstat_set_flags", fd, 0x20)
	g.want(success, "fd_fdstat_set_flags", 1, uint64(fdflagNonblock))
}

func TestNoSockets(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("f", oflagCreat, rightsFile, 0)
	g.want(enotsock, "sock_accept", fd, 0, atOut)
	g.want(enotsock, "sock_recv", fd, atIovec, 1, 0, atOut, atOut)
	g.want(enotsock, "sock_send", 1, atIovec, 1, 0, atOut)
	g.want(ebadf, "sock_shutdown", 77, 3)
}
