package wasip1

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Addresses and lengths that a hostile guest would try, at and around the ends
// of its memory and of the address space.
var hostile = []uint64{
	0, 1, 7, memorySize - 65, memorySize - 9, memorySize - 8, memorySize - 1, memorySize, memorySize + 1,
	math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32 - 7, math.MaxUint32,
}

// pointerCases are valid calls of all functions that take a pointer, and which
// of their arguments are pointers. Descriptor 4 is a file; the path names one.
var pointerCases = []struct {
	name     string
	args     []uint64
	pointers []int
}{
	{"args_get", []uint64{atOut, atOut + 8}, []int{0, 1}},
	{"args_sizes_get", []uint64{atOut, atOut + 8}, []int{0, 1}},
	{"environ_get", []uint64{atOut, atOut + 8}, []int{0, 1}},
	{"environ_sizes_get", []uint64{atOut, atOut + 8}, []int{0, 1}},
	{"clock_res_get", []uint64{0, atOut}, []int{1}},
	{"clock_time_get", []uint64{0, 0, atOut}, []int{2}},
	{"fd_fdstat_get", []uint64{4, atOut}, []int{1}},
	{"fd_filestat_get", []uint64{4, atOut}, []int{1}},
	{"fd_pread", []uint64{4, atIovec, 1, 0, atOut}, []int{1, 4}},
	{"fd_pwrite", []uint64{4, atIovec, 1, 0, atOut}, []int{1, 4}},
	{"fd_read", []uint64{4, atIovec, 1, atOut}, []int{1, 3}},
	{"fd_write", []uint64{4, atIovec, 1, atOut}, []int{1, 3}},
	{"fd_prestat_get", []uint64{3, atOut}, []int{1}},
	{"fd_prestat_dir_name", []uint64{3, atOut, 1}, []int{1}},
	{"fd_readdir", []uint64{3, atData, 100, 0, atOut}, []int{1, 4}},
	{"fd_seek", []uint64{4, 0, 0, atOut}, []int{3}},
	{"fd_tell", []uint64{4, atOut}, []int{1}},
	{"path_create_directory", []uint64{3, atPath, 1}, []int{1}},
	{"path_filestat_get", []uint64{3, 1, atPath, 1, atOut}, []int{2, 4}},
	{"path_filestat_set_times", []uint64{3, 1, atPath, 1, 0, 0, 0}, []int{2}},
	{"path_link", []uint64{3, 0, atPath, 1, 3, atPath, 1}, []int{2, 5}},
	{"path_open", []uint64{3, 1, atPath, 1, 0, rightFDRead, 0, 0, atOut}, []int{2, 8}},
	{"path_readlink", []uint64{3, atPath2, 1, atData, 100, atOut}, []int{1, 3, 5}},
	{"path_remove_directory", []uint64{3, atPath, 1}, []int{1}},
	{"path_rename", []uint64{3, atPath, 1, 3, atPath, 1}, []int{1, 4}},
	{"path_symlink", []uint64{atPath, 1, 3, atPath, 1}, []int{0, 3}},
	{"path_unlink_file", []uint64{3, atPath, 1}, []int{1}},
	{"poll_oneoff", []uint64{pollIn, pollOut, 1, atOut}, []int{0, 1, 3}},
	{"random_get", []uint64{atData, 100}, []int{0}},
	{"adapter_open_badfd", []uint64{atOut}, []int{0}},
}

// TestBadPointers passes each function valid arguments, except for one pointer
// that is outside of memory.
func TestBadPointers(t *testing.T) {
	g := newGuest(t, Config{Args: []string{"a"}, Env: []string{"B=c"}})
	g.hostFile("f", "content")
	g.mustOpen("f", 0, rightsFile, 0)
	g.put(atPath, "f")
	g.put(atPath2, "l")
	g.want(success, "path_symlink", atPath, 1, 3, atPath2, 1)
	g.subscribeClock(0, 1, clockMonotonic, 0, 0)
	g.iovec(atData, 4)
	for _, test := range pointerCases {
		for _, i := range test.pointers {
			for _, ptr := range []uint64{memorySize, math.MaxInt32 + 1, math.MaxUint32 - 3, math.MaxUint32} {
				args := slices.Clone(test.args)
				args[i] = ptr
				if e := g.call(test.name, args...); e != efault {
					t.Errorf("%s with argument %d = %#x: %v", test.name, i, ptr, e)
				}
			}
		}
		if n := len(g.p.Descriptors()); n != firstFree+1 {
			t.Errorf("%d descriptors are open after %s", n, test.name)
		}
	}
	if got := g.hostContent("f"); got != "content" {
		t.Errorf("the file holds %q", got)
	}
}

// TestPointerCasesAreValid runs the same calls unchanged: a case that failed
// for another reason than its pointer would prove nothing.
func TestPointerCasesAreValid(t *testing.T) {
	for _, test := range pointerCases {
		g := newGuest(t, Config{Args: []string{"a"}, Env: []string{"B=c"}})
		g.hostFile("f", "content")
		g.mustOpen("f", 0, rightsFile, 0)
		g.put(atPath, "f")
		g.put(atPath2, "l")
		g.want(success, "path_symlink", atPath, 1, 3, atPath2, 1)
		g.subscribeClock(0, 1, clockMonotonic, 0, 0)
		g.iovec(atData, 4)
		want := success
		switch test.name {
		case "path_create_directory", "path_link", "path_symlink":
			want = eexist // the path is that of the file
		case "path_remove_directory":
			want = enotdir
		}
		if e := g.call(test.name, test.args...); e != want {
			t.Errorf("%s%v: %v, want %v", test.name, test.args, e, want)
		}
	}
}

// TestHostileArguments passes every function every combination of one hostile
// value with otherwise plausible arguments; only that it comes back counts.
func TestHostileArguments(t *testing.T) {
	cfg := fuzzConfig(t)
	cfg.FS = nil // a real directory
	g := newGuest(t, cfg)
	g.hostFile("f", "content")
	g.mustOpen("f", 0, rightsFile, 0)
	for _, f := range functions {
		for _, base := range []uint64{0, 3, 4, atPath, memorySize - 4} {
			for i := range f.params {
				for _, value := range append(hostile, math.MaxInt64, math.MaxUint64) {
					args := make([]uint64, len(f.params))
					for j := range args {
						args[j] = base
					}
					args[i] = value
					if f.params[i] == 'i' {
						args[i] &= math.MaxUint32
					}
					if e := g.call(f.name, args...); e > lastErrno {
						t.Fatalf("%s%v: errno %d", f.name, args, e)
					}
				}
			}
		}
	}
}

func TestIovecLimits(t *testing.T) {
	var got [3]string
	g := newGuest(t, Config{Output: recordOutput(&got)})
	for _, name := range []string{"fd_write", "fd_read"} {
		fd := uint64(1)
		if name == "fd_read" {
			fd = 0
		}
		g.want(einval, name, fd, atIovec, maxIovecs+1, atOut)
		g.want(einval, name, fd, atIovec, math.MaxUint32, atOut)
		g.want(einval, name, fd, atIovec, 1<<29, atOut) // its size wraps to 0
		g.want(efault, name, fd, memorySize-8, 2, atOut)
		g.want(success, name, fd, atIovec, 0, atOut)
	}
	for i := range maxIovecs { // all of the same buffer
		le.PutUint32(g.mem[0x8000+i*8:], atData)
		le.PutUint32(g.mem[0x8000+i*8+4:], 1)
	}
	g.want(success, "fd_write", 1, 0x8000, maxIovecs, atOut)
	if len(got[1]) != maxIovecs {
		t.Fatalf("wrote %d", len(got[1]))
	}
	// A buffer as long as the address space.
	le.PutUint32(g.mem[atIovec:], 0)
	le.PutUint32(g.mem[atIovec+4:], math.MaxUint32)
	g.want(efault, "fd_write", 1, atIovec, 1, atOut)
}

func TestReadOverItsOwnList(t *testing.T) {
	g := newGuest(t, Config{Stdin: strings.NewReader(strings.Repeat("\xff", 100))})
	// The first buffer is the list itself: the second entry then points
	// outside of memory.
	for i, v := range []uint32{atIovec, 16, atData, 4} {
		le.PutUint32(g.mem[atIovec+i*4:], v)
	}
	g.want(success, "fd_read", 0, atIovec, 2, atOut)
	if n := g.u32(atOut); n != 16 {
		t.Fatalf("read %d", n)
	}
}

func TestResultOverArguments(t *testing.T) {
	g := newGuest(t, Config{})
	g.hostFile("f", "x")
	ptr, n := g.put(atPath, "f")
	g.want(success, "path_open", 3, 1, ptr, n, 0, rightFDRead, 0, 0, ptr)
	if fd := g.u32(atPath); fd != 4 {
		t.Fatalf("descriptor %d", fd)
	}
}

// FuzzFunctions calls any function with any arguments over any memory. It may
// answer what it likes, but must not panic, must answer with an errno, and must
// not allocate in proportion to a number it was given.
func FuzzFunctions(f *testing.F) {
	for i := range functions {
		f.Add(uint8(i), uint64(3), uint64(1), uint64(64), uint64(1), uint64(0), uint64(2), uint64(0), uint64(0), uint64(16), []byte(".................................................................f"))
	}
	f.Add(uint8(20), uint64(0), uint64(0), uint64(1), uint64(8), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), []byte("\x10\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, which uint8, a, b, c, d, e, g, h, i, j uint64, memory []byte) {
		p := NewProcess(fuzzConfig(t))
		defer p.Close()
		openAll(t, p)
		fn := functions[int(which)%len(functions)]
		args := []uint64{a, b, c, d, e, g, h, i, j}[:len(fn.params)]
		for k := range args {
			if fn.params[k] == 'i' {
				args[k] &= math.MaxUint32
			}
		}
		buf := make([]byte, max(1024, len(memory)))
		copy(buf, memory)
		allocated := measure(func() {
			if e := fn.run(p, call{ctx: t.Context(), mem: fakeMemory{buf: buf}, args: args}); e > lastErrno {
				t.Fatalf("%s%v: errno %d", fn.name, args, e)
			}
		})
		if allocated > maxAllocation {
			t.Fatalf("%s%v allocated %d bytes", fn.name, args, allocated)
		}
	})
}
