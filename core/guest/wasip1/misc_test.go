package wasip1

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

func TestArgumentsAndEnvironment(t *testing.T) {
	g := newGuest(t, Config{Args: []string{"python", "", "-c"}, Env: []string{"A=1", "B=zwei"}})
	for _, test := range []struct {
		name string
		want []string
	}{{"args", g.p.cfg.Args}, {"environ", g.p.cfg.Env}} {
		g.want(success, test.name+"_sizes_get", atOut, atOut+4)
		count, size := g.u32(atOut), g.u32(atOut+4)
		if int(count) != len(test.want) {
			t.Fatalf("%d %s", count, test.name)
		}
		g.want(success, test.name+"_get", atData, atData+100)
		for i, want := range test.want {
			b := g.mem[g.u32(uint32(atData+i*4)):]
			if got := string(b[:bytes.IndexByte(b, 0)]); got != want {
				t.Errorf("%s %d: %q, want %q", test.name, i, got, want)
			}
		}
		if all := string(g.mem[atData+100 : atData+100+size]); all != strings.Join(test.want, "\x00")+"\x00" {
			t.Errorf("%s: %q", test.name, all)
		}
	}
}

func TestClocks(t *testing.T) {
	g := newGuest(t, Config{
		WallClock: func() (int64, int32) { return 1_700_000_000, 123_456_789 },
		Monotonic: func() int64 { return 5_000_999 },
	})
	g.want(success, "clock_time_get", clockRealtime, 0, atOut)
	if now := g.u64(atOut); now != 1_700_000_000_123_456_000 {
		t.Fatalf("wall clock %d", now)
	}
	g.want(success, "clock_time_get", clockMonotonic, 0, atOut)
	if now := g.u64(atOut); now != 5_000_000 {
		t.Fatalf("monotonic clock %d", now)
	}
	g.want(success, "clock_res_get", clockMonotonic, atOut)
	if res := g.u64(atOut); res != clockResolution {
		t.Fatalf("resolution %d", res)
	}
	g.want(einval, "clock_time_get", 2, 0, atOut)
	g.want(einval, "clock_res_get", 2, atOut)
}

func TestDefaultClocksRun(t *testing.T) {
	g := newGuest(t, Config{})
	before := uint64(time.Now().UnixMicro()) * 1000
	g.want(success, "clock_time_get", clockRealtime, 0, atOut)
	if now := g.u64(atOut); now < before || now > before+uint64(time.Minute) {
		t.Fatalf("wall clock %d, the host's was %d", now, before)
	}
	g.want(success, "clock_time_get", clockMonotonic, 0, atOut)
	first := g.u64(atOut)
	time.Sleep(2 * time.Millisecond)
	g.want(success, "clock_time_get", clockMonotonic, 0, atOut)
	if second := g.u64(atOut); second < first+uint64(time.Millisecond) {
		t.Fatalf("monotonic clock went from %d to %d", first, second)
	}
}

func TestRandom(t *testing.T) {
	g := newGuest(t, Config{Random: strings.NewReader("0123456789")})
	g.want(success, "random_get", atData, 4)
	g.want(success, "random_get", atData+4, 4)
	if got := string(g.mem[atData : atData+9]); got != "01234567\x00" {
		t.Fatalf("%q", got)
	}
	g.want(eio, "random_get", atData, 4) // the source is at its end
	g.want(success, "random_get", atData, 0)
}

func TestRandomDefaultIsRandom(t *testing.T) {
	g := newGuest(t, Config{})
	g.want(success, "random_get", atData, 32)
	g.want(success, "random_get", atData+32, 32)
	if a, b := g.mem[atData:atData+32], g.mem[atData+32:atData+64]; bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 32)) {
		t.Fatalf("%x %x", a, b)
	}
}

// zeros is an endless source that counts what was taken.
type zeros struct{ taken int }

func (z *zeros) Read(p []byte) (int, error) {
	z.taken += len(p)
	return len(p), nil
}

func TestRandomIsInterrupted(t *testing.T) {
	source := &zeros{}
	g := newGuest(t, Config{Random: source, Wait: func(context.Context, time.Duration) sys.Errno { return sys.EINTR }})
	g.want(eintr, "random_get", 0, memorySize)
	if source.taken != randomChunk {
		t.Fatalf("took %d bytes", source.taken)
	}
	g.want(success, "random_get", 0, 256)
}

func TestExit(t *testing.T) {
	for _, exit := range []func(uint32){nil, func(uint32) {}} {
		g := newGuest(t, Config{Exit: exit})
		_, err := g.mod.ExportedFunction("proc_exit").Call(g.ctx, 3)
		var status *wazerosys.ExitError
		if !errors.As(err, &status) || status.ExitCode() != 3 {
			t.Fatalf("error %v", err)
		}
	}
	unwound := errors.New("unwound")
	var code uint32
	g := newGuest(t, Config{Exit: func(c uint32) { code = c; panic(unwound) }})
	if _, err := g.mod.ExportedFunction("proc_exit").Call(g.ctx, 0xffffffff); !errors.Is(err, unwound) || code != 0xffffffff {
		t.Fatalf("code %d, error %v", code, err)
	}
}

func TestYield(t *testing.T) {
	newGuest(t, Config{}).want(success, "sched_yield")
}

func TestWithoutProcess(t *testing.T) {
	g := newGuest(t, Config{})
	g.ctx = context.Background()
	g.want(enosys, "fd_close", 3)
	g.ctx = WithProcess(g.ctx, nil)
	g.want(enosys, "fd_close", 3)
	g.ctx = context.WithValue(WithProcess(context.Background(), g.p), g, 1) // not outermost
	g.want(success, "sched_yield")
	g.want(enotsup, "fd_close", 3)
}

func TestInstantiateTwice(t *testing.T) {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = rt.Close(ctx) })
	if err := Instantiate(ctx, rt); err != nil {
		t.Fatal(err)
	}
	if err := Instantiate(ctx, rt); err == nil || !strings.Contains(err.Error(), ModuleName) {
		t.Fatalf("error %v", err)
	}
}

func TestNothingConfigured(t *testing.T) {
	g := newGuest(t, Config{FS: sys.UnimplementedFS{}})
	if _, e := g.open("f", oflagCreat, rightsFile, 0); e != enosys {
		t.Fatalf("open: %v", e)
	}
	g.want(enosys, "fd_readdir", 3, atData, 100, 0, atOut)
	g.want(enosys, "fd_filestat_get", 3, atOut)
	g.mustWrite(1, "to nobody")
}
