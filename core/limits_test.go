package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

func TestDefaultLimits(t *testing.T) {
	d := core.DefaultLimits()
	if d.ExecutionTimeout != 30*time.Second || d.CallbackTimeout != 10*time.Second || d.MaxMemoryBytes != 128<<20 ||
		d.MaxCallbackInvocations != 1000 || d.MaxFuel != core.Unlimited || d.MaxVFSBytes != 64<<20 || d.MaxOutputBytes != 8<<20 {
		t.Errorf("the defaults are %+v", d)
	}
	if _, err := testRuntime(t).NewSession(core.Config{Limits: core.Limits{MaxFuel: -2}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("a negative limit gave %v", err)
	}
}

func TestFuelIsDeterministic(t *testing.T) {
	const program = "d = {}\nfor i in range(20_000): d[str(i)] = i * i\nresult = sum(d.values())"
	sandbox, err := testRuntime(t).NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for i := range 6 { // most of them in a recycled instance
		r, err := sandbox.Execute(t.Context(), program)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = r.FuelConsumed
		}
		if r.FuelConsumed != want {
			t.Errorf("run %d used %d fuel, the first %d", i, r.FuelConsumed, want)
		}
	}
}

func TestFuelRunsOutAtTheLimit(t *testing.T) {
	s := newSession(t, core.Config{Limits: core.Limits{MaxFuel: 3_000_000}})
	r, err := s.Execute(t.Context(), "n = 0\nwhile True: n += 1")
	var e *core.Error
	if e, _ = err.(*core.Error); e == nil || e.Code != core.CodeLimit || e.Limit != "fuel" || e.Killed {
		t.Fatalf("ended with %v", err)
	}
	if r.FuelConsumed < 3_000_000 || r.FuelConsumed > 3_500_000 {
		t.Errorf("used %d fuel of 3,000,000", r.FuelConsumed)
	}
	if !strings.Contains(e.Message, "3000000") || !strings.Contains(e.Message, "MaxFuel") {
		t.Errorf("the message names neither limit nor value: %s", e.Message)
	}
	if _, err := s.Execute(t.Context(), "for _ in range(1000): pass"); err != nil {
		t.Errorf("the session does not live on: %v", err)
	}
	if _, err := s.Execute(t.Context(), "for _ in range(2_000_000): pass", core.WithLimits(core.Limits{MaxFuel: core.Unlimited})); err != nil {
		t.Errorf("an override did not count: %v", err)
	}
}

func TestOutputTruncatesOrFails(t *testing.T) {
	limits := core.Limits{MaxOutputBytes: 100_000}
	r := execute(t, newSession(t, core.Config{Limits: limits}), "for _ in range(50_000): print('x' * 9)\nresult = 1")
	if len(r.Stdout) != 100_000 || !r.StdoutTruncated || r.StderrTruncated || string(r.JSON) != "1" {
		t.Errorf("kept %d bytes, truncated %v %v, result %s", len(r.Stdout), r.StdoutTruncated, r.StderrTruncated, r.JSON)
	}
	limits.OutputOverflow = core.OutputFail
	r, err := newSession(t, core.Config{Limits: limits}).Execute(t.Context(), "while True: print('x' * 9)")
	e, _ := err.(*core.Error)
	if e == nil || e.Code != core.CodeLimit || e.Limit != "output" || len(r.Stdout) != 100_000 {
		t.Errorf("ended with %v after %d bytes", err, len(r.Stdout))
	}
}

func TestRemaining(t *testing.T) {
	s := newSession(t, core.Config{Limits: core.Limits{ExecutionTimeout: time.Minute, MaxFuel: 50_000_000}})
	r := execute(t, s, strings.Join([]string{
		"import sandbox",
		"a = sandbox.remaining()",
		"print('x' * 100)",
		"open('/data/f', 'wb').write(b'x' * 5000)",
		"b = sandbox.remaining()",
		"print(0 < b['seconds'] <= a['seconds'] <= 60, b['fuel'] < a['fuel'] < 50_000_000, b['callbacks'] == 1000)",
		"print(a['output_bytes'] - b['output_bytes'] in (0, 101), a['vfs_bytes'] - b['vfs_bytes'] >= 5000, 0 < b['memory_bytes'] < 128 << 20)",
	}, "\n"))
	if got := string(r.Stdout); !strings.HasSuffix(got, "\nTrue True True\nTrue True True\n") {
		t.Errorf("got %q", got)
	}
	r = execute(t, newSession(t, core.Config{Limits: core.NoLimits()}), "import sandbox\nr = sandbox.remaining()\nprint(r['seconds'], r['fuel'], r['callbacks'])")
	if string(r.Stdout) != "None None None\n" {
		t.Errorf("without limits: %q", r.Stdout)
	}
}
