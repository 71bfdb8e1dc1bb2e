package guestfs

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// Many guests and the host do everything at once to one storage. At the end it
// must be consistent, and with everything removed nothing may be counted.
func TestHammerSharedStorage(t *testing.T) {
	s := NewStorage(Limits{MaxBytes: 4 << 20, MaxFiles: 300})
	const guests, rounds = 6, 1500
	var all sync.WaitGroup
	for i := range guests {
		all.Go(func() {
			ns := NewNamespace()
			if err := ns.Mount("/data", s.FS(), MountOptions{}); err != nil {
				t.Error(err)
				return
			}
			h := hammer{ns: ns, rand: rand.New(rand.NewPCG(uint64(i), 1))}
			for range rounds {
				h.step()
			}
			h.closeAll()
		})
	}
	all.Go(func() {
		for range 30 {
			snapshot, err := s.Snapshot()
			if err == nil {
				err = NewStorage(Limits{MaxBytes: 8 << 20}).Restore(snapshot)
			}
			if err != nil {
				t.Error(err)
			}
			s.Usage()
			if _, err := s.List("/"); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	f := s.Fork()
	if f.Usage() != s.Usage() {
		t.Fatal("counted:", s.Usage(), "there is:", f.Usage())
	}
	must(t, s.RemoveAll(""))
	if u := s.Usage(); u != (Usage{}) {
		t.Fatal("something is left:", u)
	}
}

// hammer is one guest that does things at random.
type hammer struct {
	ns   *Namespace
	rand *rand.Rand
	open []sys.File
}

func (h *hammer) path() string {
	return []string{
		"/data/a", "/data/b", "/data/c", "/data/d", "/data/d/x", "/data/d/y", "/data/d/e", "/data/d/e/z", "/data/l/x",
		"/data/l", fmt.Sprint("/data/", h.rand.IntN(100)),
	}[h.rand.IntN(11)]
}

// step does one thing. Errors are expected: others are at work.
func (h *hammer) step() {
	switch h.rand.IntN(12) {
	case 0:
		h.ns.Mkdir(h.path(), 0o755)
	case 1:
		h.ns.Rename(h.path(), h.path())
	case 2:
		h.ns.Unlink(h.path())
	case 3:
		h.ns.Rmdir(h.path())
	case 4:
		h.ns.Link(h.path(), h.path())
	case 5:
		h.ns.Symlink("d", "/data/l")
	case 6:
		h.ns.Utimens(h.path(), 1, 2)
		h.ns.Chmod(h.path(), 0o600)
	case 7:
		h.ns.Stat(h.path())
		h.ns.Readlink(h.path())
	default:
		h.file()
	}
}

// file opens a file or uses one that is open.
func (h *hammer) file() {
	if len(h.open) < 20 {
		flags := []sys.Oflag{
			sys.O_RDONLY, sys.O_RDWR | sys.O_CREAT, sys.O_WRONLY | sys.O_CREAT | sys.O_TRUNC, sys.O_RDWR | sys.O_APPEND,
			sys.O_DIRECTORY,
		}
		if f, errno := h.ns.OpenFile(h.path(), flags[h.rand.IntN(len(flags))], 0o644); errno == 0 {
			h.open = append(h.open, f)
		}
	}
	if len(h.open) == 0 {
		return
	}
	i := h.rand.IntN(len(h.open))
	f, buf := h.open[i], make([]byte, h.rand.IntN(2*chunkSize))
	switch h.rand.IntN(7) {
	case 0:
		f.Write(buf)
	case 1:
		f.Pwrite(buf, h.rand.Int64N(5<<20))
	case 2:
		f.Read(buf)
	case 3:
		f.Truncate(h.rand.Int64N(1 << 20))
	case 4:
		f.Readdir(3)
	case 5:
		f.Stat()
		f.Seek(0, h.rand.IntN(3))
	default:
		f.Close()
		h.open = append(h.open[:i], h.open[i+1:]...)
	}
}

func (h *hammer) closeAll() {
	for _, f := range h.open {
		f.Close()
	}
}
