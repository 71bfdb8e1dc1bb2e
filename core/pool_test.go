package core_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

func newPool(t testing.TB, config core.PoolConfig) *core.Pool {
	t.Helper()
	p, err := testRuntime(t).NewPool(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func acquire(t testing.TB, p *core.Pool, config core.LeaseConfig) *core.Lease {
	t.Helper()
	l, err := p.Acquire(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// eventually waits until condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func TestPoolStats(t *testing.T) {
	p := newPool(t, core.PoolConfig{MaxSize: 3, MinIdle: 2})
	check := func(want core.PoolStats) {
		t.Helper()
		got := p.Stats()
		got.TotalWaitTime = 0
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	check(core.PoolStats{Total: 2, Idle: 2, Available: 3, TotalCreations: 2})
	a, b, c := acquire(t, p, core.LeaseConfig{}), acquire(t, p, core.LeaseConfig{}), acquire(t, p, core.LeaseConfig{})
	check(core.PoolStats{Total: 3, InUse: 3, TotalAcquisitions: 3, TotalCreations: 3})
	if _, err := p.TryAcquire(core.LeaseConfig{}); core.ErrorCode(err) != core.CodePoolExhausted {
		t.Errorf("TryAcquire of a full pool: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Acquire(ctx, core.LeaseConfig{}); core.ErrorCode(err) != core.CodePoolTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Acquire of a full pool: %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if _, err := p.Acquire(ctx, core.LeaseConfig{}); core.ErrorCode(err) != core.CodeCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire with a cancelled context: %v", err)
	}
	if s := p.Stats(); s.WaitCount != 1 || s.TotalWaitTime <= 0 || s.AverageWaitTime() != s.TotalWaitTime {
		t.Errorf("waits: %+v", s)
	}
	a.Release()
	a.Release()
	if _, err := a.Execute(context.Background(), "1"); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("a released lease: %v", err)
	}
	check(core.PoolStats{Total: 3, Idle: 1, InUse: 2, Available: 1, TotalAcquisitions: 3, TotalCreations: 4, WaitCount: 1})
	_ = b.Close()
	c.Release()
	check(core.PoolStats{Total: 3, Idle: 3, Available: 3, TotalAcquisitions: 3, TotalCreations: 6, WaitCount: 1})
}

// TestPoolCheck: a pool says that it works, or why it does not, and nobody's lease is touched.
func TestPoolCheck(t *testing.T) {
	p := newPool(t, core.PoolConfig{MaxSize: 1})
	lease := acquire(t, p, core.LeaseConfig{})
	execute(t, lease.Session, "x = 1")
	for range 2 {
		if err := p.Check(context.Background()); err != nil {
			t.Error(err)
		}
	}
	execute(t, lease.Session, "x += 1")
	lease.Release()
	if err := p.Check(context.Background()); err != nil || p.Stats().Idle != 1 || p.Stats().InUse != 0 {
		t.Errorf("%v, %+v", err, p.Stats())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Check(ctx); core.ErrorCode(err) != core.CodeCancelled {
		t.Errorf("cancelled: %v", err)
	}
	broken := newPool(t, core.PoolConfig{Config: core.Config{Limits: core.Limits{MaxFuel: 1}}})
	if err := broken.Check(context.Background()); core.ErrorCode(err) != core.CodeLimit {
		t.Errorf("a pool whose leases can do nothing: %v", err)
	}
	_ = p.Close()
	if err := p.Check(context.Background()); core.ErrorCode(err) != core.CodePoolClosed {
		t.Errorf("closed: %v", err)
	}
}

func TestPoolConfig(t *testing.T) {
	for name, c := range map[string]core.PoolConfig{
		"max":     {MaxSize: -1},
		"min":     {MaxSize: 1, MinIdle: 2},
		"timeout": {AcquireTimeout: -2},
		"stdin":   {Config: core.Config{Stdin: strings.NewReader("")}},
		"limits":  {Config: core.Config{Limits: core.Limits{MaxFuel: -5}}},
	} {
		if p, err := testRuntime(t).NewPool(c); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("%s: %v %v", name, p, err)
		}
	}
	p := newPool(t, core.PoolConfig{MinIdle: core.NoIdle})
	if _, err := p.Acquire(context.Background(), core.LeaseConfig{Limits: core.Limits{MaxFuel: -5}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("limits of a lease: %v", err)
	}
	if s := p.Stats(); s.InUse != 0 {
		t.Errorf("a failed Acquire keeps a lease: %+v", s)
	}
}

// TestPoolLeaseConfig: limits, callbacks, output and standard input are those of one lease only.
func TestPoolLeaseConfig(t *testing.T) {
	name := func(text string) []core.Callback {
		return []core.Callback{{Name: "who", Func: func(context.Context, map[string]any) (any, error) { return text, nil }}}
	}
	var poolOut, leaseOut bytes.Buffer
	p := newPool(t, core.PoolConfig{MaxSize: 1, Config: core.Config{Callbacks: name("pool"), OnStdout: func(b []byte) { poolOut.Write(b) }}})
	const code = "import sys\nprint(await who(), sys.stdin.read(), sys.argv)"
	first := acquire(t, p, core.LeaseConfig{
		Callbacks: name("lease"), OnStdout: func(b []byte) { leaseOut.Write(b) }, Stdin: strings.NewReader("in"), Args: []string{"x"},
		Limits: core.Limits{MaxMemoryBytes: 64 << 20},
	})
	execute(t, first.Session, code)
	if _, err := first.Execute(context.Background(), "x = bytearray(80 << 20)"); err == nil || !strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("the lease's memory limit: %v", err)
	}
	first.Release()
	second := acquire(t, p, core.LeaseConfig{})
	defer second.Release()
	execute(t, second.Session, code)
	execute(t, second.Session, "x = bytearray(80 << 20)")
	if leaseOut.String() != "lease in ['x']\n" || poolOut.String() != "pool  ['']\n" {
		t.Errorf("lease %q, pool %q", leaseOut.String(), poolOut.String())
	}
	second.Release()
	third := acquire(t, p, core.LeaseConfig{Callbacks: []core.Callback{}})
	defer third.Release()
	execute(t, third.Session, "try: who\nexcept NameError: pass\nelse: raise SystemExit(1)")
}

// TestPoolExecuteAlone: such a program shares nothing with the lease's session, but its configuration.
func TestPoolExecuteAlone(t *testing.T) {
	p := newPool(t, core.PoolConfig{Factory: newFactory(t, core.FactoryConfig{SetupCode: "x = 1"})})
	l := acquire(t, p, core.LeaseConfig{Env: map[string]string{"K": "v"}})
	execute(t, l.Session, "x = 2")
	for range 2 {
		r, err := l.ExecuteAlone(context.Background(), "import os; print(x, os.environ['K']); x = 3")
		if err != nil || string(r.Stdout) != "1 v\n" {
			t.Errorf("%q, %v", r.Stdout, err)
		}
	}
	if got := string(execute(t, l.Session, "print(x)").Stdout); got != "2\n" {
		t.Errorf("the session: %q", got)
	}
	l.Release()
	if _, err := l.ExecuteAlone(context.Background(), "1"); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("after Release: %v", err)
	}
}

// TestPoolFair: 64 who wait for 4 leases get them in the order in which they came, each within a bounded time.
func TestPoolFair(t *testing.T) {
	const leases, waiters, work = 4, 64, 5 * time.Millisecond
	p := newPool(t, core.PoolConfig{MaxSize: leases})
	held := make([]*core.Lease, leases)
	for i := range held {
		held[i] = acquire(t, p, core.LeaseConfig{})
	}
	var mu sync.Mutex
	var order []int
	var longest time.Duration
	var released time.Time
	var all sync.WaitGroup
	for i := range waiters {
		all.Go(func() {
			l, err := p.Acquire(context.Background(), core.LeaseConfig{})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, i)
			longest = max(longest, time.Since(released))
			mu.Unlock()
			if _, err := l.Execute(context.Background(), "import time; time.sleep(0.005)"); err != nil {
				t.Error(err)
			}
			l.Release()
		})
		eventually(t, "the waiter is in the queue", func() bool { return p.Stats().WaitCount == int64(i+1) })
	}
	mu.Lock()
	released = time.Now()
	mu.Unlock()
	for _, l := range held {
		l.Release()
	}
	all.Wait()
	for at, i := range order {
		// Those let in together may note it in any order.
		if at-i > leases || i-at > leases {
			t.Errorf("waiter %d was served at place %d", i, at)
		}
	}
	if least := waiters / leases * work; longest > 50*least {
		t.Errorf("the longest wait was %v", longest)
	}
	t.Logf("longest wait %v; %+v", longest, p.Stats())
}

func TestPoolClose(t *testing.T) {
	f := newFactory(t, core.FactoryConfig{SetupCode: "x = 7"})
	p := newPool(t, core.PoolConfig{Factory: f, MaxSize: 1})
	_ = f.Close()
	l := acquire(t, p, core.LeaseConfig{})
	errs := make(chan error)
	for range 3 {
		go func() {
			_, err := p.Acquire(context.Background(), core.LeaseConfig{})
			errs <- err
		}()
	}
	eventually(t, "three wait", func() bool { return p.Stats().WaitCount == 3 })
	if err := p.Close(); err != nil || !p.Closed() {
		t.Error(err)
	}
	for range 3 {
		if err := <-errs; core.ErrorCode(err) != core.CodePoolClosed {
			t.Errorf("who waited: %v", err)
		}
	}
	_, err := p.Acquire(context.Background(), core.LeaseConfig{})
	_, tryErr := p.TryAcquire(core.LeaseConfig{})
	if core.ErrorCode(err) != core.CodePoolClosed || core.ErrorCode(tryErr) != core.CodePoolClosed {
		t.Errorf("after Close: %v, %v", err, tryErr)
	}
	if got := string(execute(t, l.Session, "print(x)").Stdout); got != "7\n" {
		t.Errorf("a lease of a closed pool: %q", got)
	}
	l.Release()
	if s := p.Stats(); s.Total != 0 {
		t.Errorf("left: %+v", s)
	}
}

// TestPoolEvicts: idle sessions go by themselves, down to MinIdle, and no goroutine waits for it.
func TestPoolEvicts(t *testing.T) {
	p := newPool(t, core.PoolConfig{MaxSize: 8, MinIdle: 1, IdleTimeout: 300 * time.Millisecond})
	before := runtime.NumGoroutine()
	var held []*core.Lease
	for range 8 {
		held = append(held, acquire(t, p, core.LeaseConfig{}))
	}
	for _, l := range held {
		execute(t, l.Session, "1")
		l.Release()
	}
	if s := p.Stats(); s.Idle != 8 {
		t.Errorf("idle at first: %+v", s)
	}
	if n := runtime.NumGoroutine(); n > before+4 { // timers of executions may be ending
		t.Errorf("%d goroutines before, %d with idle sessions", before, n)
	}
	if n := p.EvictIdle(); n != 0 {
		t.Errorf("%d evicted before their time", n)
	}
	eventually(t, "one is left", func() bool { return p.Stats().Idle == 1 })
	l := acquire(t, p, core.LeaseConfig{})
	execute(t, l.Session, "1")
	l.Release()
}

// TestPoolHammer uses a pool from many goroutines at once, with leases that fail, die and are given up.
func TestPoolHammer(t *testing.T) {
	p := newPool(t, core.PoolConfig{MaxSize: 4, IdleTimeout: 5 * time.Millisecond, AcquireTimeout: time.Minute})
	var foreign atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 12 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				if (i+j)%5 == 4 {
					time.AfterFunc(time.Millisecond, cancel)
				}
				l, err := p.Acquire(ctx, core.LeaseConfig{Limits: core.Limits{ExecutionTimeout: 5 * time.Second, GracePeriod: time.Millisecond}})
				if err != nil {
					if core.ErrorCode(err) != core.CodeCancelled {
						t.Error(err)
					}
					cancel()
					continue
				}
				useLease(ctx, t, l, fmt.Sprint(i, "-", j), (i+j)%4, &foreign)
				l.Release()
				cancel()
				p.EvictIdle()
			}
		})
	}
	all.Wait()
	if n := foreign.Load(); n != 0 {
		t.Errorf("%d leases saw another's state", n)
	}
	if s := p.Stats(); s.InUse != 0 || s.Total > 4 {
		t.Errorf("at the end: %+v", s)
	}
}

// useLease does one of several things with a lease.
func useLease(ctx context.Context, t *testing.T, l *core.Lease, mark string, kind int, foreign *atomic.Int64) {
	code := fmt.Sprintf("import os\nassert 'mark' not in globals() and not os.listdir('/data')\nmark = %q\nopen('/data/f', 'w').write(mark)\n", mark)
	switch kind {
	case 1:
		code += "1/0"
	case 2:
		code += "while True: pass"
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Millisecond)
		defer cancel()
	case 3:
		code += "import os; os._exit(1)"
	}
	_, err := l.Execute(ctx, code)
	if err != nil && strings.Contains(err.Error(), "AssertionError") {
		foreign.Add(1)
		t.Log(err)
	}
}

func BenchmarkPool(b *testing.B) {
	p := newPool(b, core.PoolConfig{MaxSize: 4})
	for b.Loop() {
		l := acquire(b, p, core.LeaseConfig{})
		if _, err := l.Execute(context.Background(), "print(1)"); err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}
