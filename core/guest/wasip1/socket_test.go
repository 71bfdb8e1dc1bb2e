package wasip1

import (
	"io/fs"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// fakeSocket answers reads with one byte at a time.
type fakeSocket struct {
	sys.UnimplementedFile
	nonblocking bool
	closed      int
	got         []byte
}

func (f *fakeSocket) Read(p []byte) (int, sys.Errno)  { p[0] = 'r'; return 1, 0 }
func (f *fakeSocket) Write(p []byte) (int, sys.Errno) { f.got = append(f.got, p...); return len(p), 0 }
func (f *fakeSocket) Close() sys.Errno                { f.closed++; return 0 }
func (f *fakeSocket) SetNonblocking(on bool)          { f.nonblocking = on }
func (f *fakeSocket) Stat() (wazerosys.Stat_t, sys.Errno) {
	return wazerosys.Stat_t{Mode: fs.ModeSocket}, 0
}

func TestSocketsHaveDescriptors(t *testing.T) {
	p := NewProcess(Config{MaxOpenFiles: 6})
	s := &fakeSocket{}
	fd, e := p.OpenSocket(s, false)
	if fd != firstFree || e != 0 {
		t.Fatal(fd, e)
	}
	if got, e := p.SocketAt(fd); got != Socket(s) || e != 0 {
		t.Error(got, e)
	}
	for fd, want := range map[int32]errno{0: enotsock, 3: enotsock, 5: ebadf, -1: ebadf, 99: ebadf} {
		if _, e := p.SocketAt(fd); e != uint16(want) {
			t.Errorf("descriptor %d: %d, want %d", fd, e, want)
		}
	}
	second, e := p.Dup(fd, -1)
	if got, e2 := p.SocketAt(second); e != 0 || e2 != 0 || got != Socket(s) {
		t.Error(second, e, got, e2)
	}
	if _, e := p.OpenSocket(&fakeSocket{}, true); e != uint16(emfile) {
		t.Errorf("beyond the limit: %d", e)
	}
	if open, readable, writable := p.PollFile(fd); !open || !readable || !writable {
		t.Error(open, readable, writable)
	}
	p.CloseSocket(fd)
	if s.closed != 0 {
		t.Error("closed while another number stands for it")
	}
	p.CloseSocket(second)
	p.CloseSocket(second)
	if s.closed != 1 {
		t.Errorf("closed %d times", s.closed)
	}
}

func TestSocketsDoNotLiveOn(t *testing.T) {
	p := NewProcess(Config{})
	fd, _ := p.OpenSocket(&fakeSocket{}, true)
	states := p.Descriptors()
	other := NewProcess(Config{})
	if err := other.Reopen(states); err != nil {
		t.Fatal(err)
	}
	if _, e := other.SocketAt(fd); e != uint16(ebadf) {
		t.Errorf("the socket lives: %d", e)
	}
	if open, _, _ := other.PollFile(fd); open {
		t.Error("it is open")
	}
	if next, _ := other.OpenSocket(&fakeSocket{}, false); next == fd {
		t.Error("its number was given away")
	}
	again := NewProcess(Config{})
	if err := again.Reopen(other.Descriptors()[:len(states)]); err != nil {
		t.Errorf("a second image: %v", err)
	}
}
