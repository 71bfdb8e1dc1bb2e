package wasip1

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// bench calls one function again and again, without a wasm guest around it.
func bench(b *testing.B, p *Process, mem []byte, name string, args ...uint64) {
	b.Helper()
	c := call{ctx: context.Background(), mem: fakeMemory{buf: mem}, args: args}
	for _, f := range functions {
		if f.name != name {
			continue
		}
		b.ReportAllocs()
		for b.Loop() {
			if e := f.run(p, c); e != success {
				b.Fatalf("%s: %v", name, e)
			}
		}
	}
}

func BenchmarkReset(b *testing.B) {
	cfg := fuzzConfig(b)
	cfg.Monotonic = func() int64 { return 0 }
	p := NewProcess(cfg)
	b.ReportAllocs()
	for b.Loop() {
		p.Reset(cfg)
	}
}

func BenchmarkPathFilestatGet(b *testing.B) {
	mem := make([]byte, memorySize)
	n := copy(mem[atPath:], "lib/python3.14/collections/__init__.py")
	bench(b, NewProcess(fuzzConfig(b)), mem, "path_filestat_get", 3, 1, atPath, uint64(n), atOut)
}

func BenchmarkClockTimeGet(b *testing.B) {
	bench(b, NewProcess(fuzzConfig(b)), make([]byte, memorySize), "clock_time_get", 1, 0, atOut)
}

func BenchmarkFdWrite(b *testing.B) {
	mem := make([]byte, memorySize)
	le.PutUint32(mem[atIovec:], atData)
	le.PutUint32(mem[atIovec+4:], 100)
	bench(b, NewProcess(fuzzConfig(b)), mem, "fd_write", 1, atIovec, 1, atOut)
}

func BenchmarkOpenClose(b *testing.B) {
	p := NewProcess(fuzzConfig(b))
	mem := make([]byte, memorySize)
	n := copy(mem[atPath:], "lib/python3.14/collections/__init__.py")
	open := call{ctx: context.Background(), mem: fakeMemory{buf: mem}, args: []uint64{3, 1, atPath, uint64(n), 0, rightFDRead, 0, 0, atOut}}
	closing := call{ctx: open.ctx, mem: open.mem, args: []uint64{4}}
	b.ReportAllocs()
	for b.Loop() {
		if e := p.pathOpen(open); e != success {
			b.Fatal(e)
		}
		if e := p.fdClose(closing); e != success {
			b.Fatal(e)
		}
	}
}

// TestHotCallsDoNotAllocate holds the calls of an import to what they need: a
// path, and a file.
func TestHotCallsDoNotAllocate(t *testing.T) {
	p := NewProcess(fuzzConfig(t))
	mem := make([]byte, memorySize)
	path := strings.Repeat("p", 50)
	copy(mem[atPath:], path)
	le.PutUint32(mem[atIovec:], atData)
	le.PutUint32(mem[atIovec+4:], 100)
	c := call{ctx: context.Background(), mem: fakeMemory{buf: mem}}
	with := func(args ...uint64) call { c := c; c.args = args; return c }
	open := with(3, 1, atPath, uint64(len(path)), 0, rightsFile, 0, 0, atOut)
	if e := p.pathOpen(open); e != success {
		t.Fatal(e)
	}
	for _, test := range []struct {
		name string
		want float64
		run  func(call) errno
		call call
	}{
		{"clock_time_get", 0, p.clockTimeGet, with(0, 0, atOut)},
		{"fd_fdstat_get", 0, p.fdFdstatGet, with(3, atOut)},
		{"fd_filestat_get", 0, p.fdFilestatGet, with(1, atOut)},
		{"fd_read", 0, p.fdRead, with(4, atIovec, 1, atOut)},
		{"fd_write", 0, p.fdWrite, with(4, atIovec, 1, atOut)},
		{"fd_write to a stream", 0, p.fdWrite, with(1, atIovec, 1, atOut)},
		{"fd_pwrite", 0, p.fdPwrite, with(4, atIovec, 1, 0, atOut)},
		{"fd_seek", 0, p.fdSeek, with(4, 0, 0, atOut)},
		{"path_filestat_get", 1, p.pathFilestatGet, with(3, 1, atPath, uint64(len(path)), atOut)},
	} {
		got := testing.AllocsPerRun(100, func() {
			if e := test.run(test.call); e != success {
				panic(fmt.Sprint(test.name, ": ", e))
			}
		})
		if got > test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
