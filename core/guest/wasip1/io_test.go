package wasip1

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

func TestWriteThenReadFile(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("a.txt", oflagCreat, rightsFile, 0)
	g.mustWrite(fd, "hello world")
	g.want(success, "fd_seek", fd, 6, 0, atOut)
	g.mustRead(fd, 100, "world")
	g.mustRead(fd, 100, "")
	g.want(success, "fd_tell", fd, atOut)
	if at := g.u64(atOut); at != 11 {
		t.Fatalf("offset %d", at)
	}
	g.want(success, "fd_close", fd)
	g.want(ebadf, "fd_close", fd)
	if got := g.hostContent("a.txt"); got != "hello world" {
		t.Fatalf("the file holds %q", got)
	}
}

func TestVectoredIO(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("v", oflagCreat, rightsFile, 0)
	g.put(atData, "onetwo")
	for i, v := range []uint32{atData, 3, 0xffffffff, 0, atData + 3, 3} { // the empty one's address is not looked at
		le.PutUint32(g.mem[atIovec+i*4:], v)
	}
	g.want(success, "fd_write", fd, atIovec, 3, atOut)
	if n := g.u32(atOut); n != 6 {
		t.Fatalf("wrote %d", n)
	}
	for i, v := range []uint32{atData + 100, 4, atData + 200, 4} {
		le.PutUint32(g.mem[atIovec+i*4:], v)
	}
	g.want(success, "fd_pread", fd, atIovec, 2, 0, atOut)
	if n, a, b := g.u32(atOut), g.mem[atData+100:atData+104], g.mem[atData+200:atData+202]; n != 6 || string(a) != "onet" || string(b) != "wo" {
		t.Fatalf("read %d: %q %q", n, a, b)
	}
}

func TestPositionedIOKeepsOffset(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("p", oflagCreat, rightsFile, 0)
	g.mustWrite(fd, "0123456789")
	g.put(atData, "xy")
	ptr, n := g.iovec(atData, 2)
	g.want(success, "fd_pwrite", fd, ptr, n, 4, atOut)
	g.want(success, "fd_tell", fd, atOut)
	if at := g.u64(atOut); at != 10 {
		t.Fatalf("offset %d", at)
	}
	if got := g.hostContent("p"); got != "0123xy6789" {
		t.Fatalf("the file holds %q", got)
	}
	g.want(einval, "fd_pread", fd, ptr, n, 1<<63, atOut)
	g.want(efbig, "fd_pwrite", fd, ptr, n, 1<<63-1, atOut)
}

func TestAppend(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("log", "one ")
	fd := g.mustOpen("log", 0, writeRights, fdflagAppend)
	g.want(success, "fd_seek", fd, 0, 0, atOut)
	g.mustWrite(fd, "two")
	if got := g.hostContent("log"); got != "one two" {
		t.Fatalf("the file holds %q", got)
	}
	g.want(success, "fd_fdstat_get", fd, atOut)
	if flags := le.Uint16(g.mem[atOut+2:]); flags != fdflagAppend {
		t.Fatalf("flags %d", flags)
	}
}

func TestSeek(t *testing.T) {
	g := newGuest(t, Config{})
	fd := g.mustOpen("s", oflagCreat, rightsFile, 0)
	g.mustWrite(fd, "abc")
	g.want(success, "fd_seek", fd, 5, 2, atOut) // past the end
	if at := g.u64(atOut); at != 8 {
		t.Fatalf("offset %d", at)
	}
	g.mustWrite(fd, "z")
	if got := g.hostContent("s"); got != "abc\x00\x00\x00\x00\x00z" {
		t.Fatalf("the file holds %q", got)
	}
	minusOne := ^uint64(0)
	g.want(einval, "fd_seek", fd, minusOne, 0, atOut)
	g.want(einval, "fd_seek", fd, 0, 3, atOut)
	g.want(einval, "fd_seek", fd, 0, 0xffffffff, atOut)
	g.want(espipe, "fd_seek", 0, 0, 1, atOut)
	g.want(espipe, "fd_tell", 1, atOut)
	g.want(ebadf, "fd_seek", 3, 0, 1, atOut)
}

func TestAccessModes(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "data")
	r := g.mustOpen("f", 0, readRights, 0)
	if _, e := g.write(r, "x"); e != ebadf {
		t.Fatalf("write to a descriptor opened for reading: %v", e)
	}
	g.want(einval, "fd_filestat_set_size", r, 0)
	g.want(ebadf, "fd_allocate", r, 0, 100)
	w := g.mustOpen("f", 0, writeRights, 0)
	if _, e := g.read(w, 1); e != ebadf {
		t.Fatalf("read from a descriptor opened for writing: %v", e)
	}
	if _, e := g.read(3, 1); e != eisdir {
		t.Fatalf("read from a directory: %v", e)
	}
	if _, e := g.write(3, "x"); e != ebadf {
		t.Fatalf("write to a directory: %v", e)
	}
	if got := g.hostContent("f"); got != "data" {
		t.Fatalf("the file holds %q", got)
	}
}

func TestStandardStreams(t *testing.T) {
	var got [3]string
	g := newGuest(t, Config{Stdin: strings.NewReader("input"), Output: recordOutput(&got)})
	g.mustWrite(1, "to out")
	g.mustWrite(2, "to err")
	if _, e := g.write(0, "x"); e != ebadf {
		t.Fatalf("write to standard input: %v", e)
	}
	if got != [3]string{"", "to out", "to err"} {
		t.Fatalf("output %q", got)
	}
	g.mustRead(0, 3, "inp")
	g.mustRead(0, 30, "ut")
	g.mustRead(0, 30, "")
	if _, e := g.read(1, 1); e != ebadf {
		t.Fatalf("read from standard output: %v", e)
	}
	ptr, n := g.iovec(atData, 1)
	g.want(espipe, "fd_pread", 0, ptr, n, 0, atOut)
	g.want(espipe, "fd_pwrite", 1, ptr, n, 0, atOut)
	g.want(einval, "fd_sync", 1)
	for fd := range uint64(3) {
		g.want(success, "fd_fdstat_get", fd, atOut)
		// wasi-libc's isatty: a character device that cannot seek.
		if rights := g.u64(atOut + 8); g.mem[atOut] != filetypeCharDevice || rights&(rightFDSeek|rightFDTell) == 0 {
			t.Fatalf("descriptor %d looks like a terminal", fd)
		}
		g.want(success, "fd_filestat_get", fd, atOut)
		if g.mem[atOut+16] != filetypeCharDevice {
			t.Fatalf("descriptor %d has type %d", fd, g.mem[atOut+16])
		}
	}
}

func TestOutputErrorReachesGuest(t *testing.T) {
	g := newGuest(t, Config{Output: func(int32, []byte) sys.Errno { return EPIPE }})
	if _, e := g.write(1, "x"); e != 64 {
		t.Fatalf("errno %v", e)
	}
}

func TestMissingStdinIsEmpty(t *testing.T) {
	g := newGuest(t, Config{})
	g.mustRead(0, 10, "")
}

// blockedReader is a Stdin that never has anything.
type blockedReader struct{}

func (blockedReader) Read([]byte) (int, error) { return 0, errors.New("must not be called") }

func (blockedReader) ReadContext(ctx context.Context, _ []byte) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestBlockedStdinIsInterrupted(t *testing.T) {
	g := newGuest(t, Config{Stdin: blockedReader{}})
	ctx, cancel := context.WithCancel(g.ctx)
	g.ctx = ctx
	cancel()
	if _, e := g.read(0, 1); e != eintr {
		t.Fatalf("errno %v", e)
	}
}

// hostileReader claims to have read more than it was asked for.
type hostileReader struct{}

func (hostileReader) Read(p []byte) (int, error) { return len(p) + 1000, nil }

func TestReaderThatLies(t *testing.T) {
	g := newGuest(t, Config{Stdin: hostileReader{}})
	ptr, n := g.iovec(atData, 10)
	g.want(success, "fd_read", 0, ptr, n, atOut)
	if got := g.u32(atOut); got != 10 {
		t.Fatalf("read %d of 10", got)
	}
}

func TestTransfersAreBounded(t *testing.T) {
	var sizes []int
	g := newGuest(t, Config{
		MaxIOBytes: 1000,
		Stdin:      bytes.NewReader(make([]byte, 5000)),
		Output:     func(_ int32, p []byte) sys.Errno { sizes = append(sizes, len(p)); return 0 },
	})
	if n, e := g.write(1, strings.Repeat("x", 3000)); e != success || n != 1000 {
		t.Fatalf("wrote %d: %v", n, e)
	}
	if len(sizes) != 1 || sizes[0] != 1000 {
		t.Fatalf("output got %v", sizes)
	}
	if s, e := g.read(0, 3000); e != success || len(s) != 1000 {
		t.Fatalf("read %d: %v", len(s), e)
	}
}

func TestErrorAfterPartOfAWriteIsShort(t *testing.T) {
	var got [3]string
	g := newGuest(t, Config{Output: recordOutput(&got)})
	g.put(atData, "good")
	for i, v := range []uint32{atData, 4, memorySize - 1, 2} {
		le.PutUint32(g.mem[atIovec+i*4:], v)
	}
	g.want(success, "fd_write", 1, atIovec, 2, atOut)
	if n := g.u32(atOut); n != 4 || got[1] != "good" {
		t.Fatalf("wrote %d, %q", n, got[1])
	}
	g.want(efault, "fd_write", 1, atIovec+8, 1, atOut)
}
