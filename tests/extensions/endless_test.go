package extensions_test

import (
	"context"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

const short = 300 * time.Millisecond

func TestEndlessCodeIsStopped(t *testing.T) {
	packages := samples(t)
	for name, call := range map[string]string{"loop": "sample.spin()", "calls": "sample.spin_calls()"} {
		t.Run(name, func(t *testing.T) {
			s := session(t, packages...)
			prints(t, s, "import sample", "")
			fails(t, s, call, "timeout", "timeout", core.WithTimeout(short))
			fails(t, s, "print(1)", "closed", "call Reset")
			if err := s.Reset(); err != nil {
				t.Fatal(err)
			}
			prints(t, s, "import sample; print(sample.bump())", "41\n")
			stillWorks(t, packages...)
		})
	}
}

func TestFuelCountsInExtensions(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, "import sample", "")
	fails(t, s, "sample.spin()", "limit", "fuel", core.WithLimits(core.Limits{MaxFuel: 1_000_000}))
}

func TestCancel(t *testing.T) {
	s := session(t, samples(t)...)
	prints(t, s, "import sample", "")
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	if _, err := s.Execute(ctx, "sample.spin()"); core.ErrorCode(err) != core.CodeTimeout && core.ErrorCode(err) != core.CodeCancelled {
		t.Errorf("cancelled: %v", err)
	}
	stillWorks(t)
}

// TestInterrupt checks that code that calls back into Python is stopped politely.
func TestInterrupt(t *testing.T) {
	s := session(t, samples(t)...)
	fails(t, s, "import sample\nkept = 5\nsample.call(lambda i: None, 2000000000)", "timeout", "timeout", core.WithTimeout(short))
	prints(t, s, "print(kept, sample.add(1, 2))", "5 3\n")
}

func TestRecursion(t *testing.T) {
	packages := samples(t)
	s := session(t, packages...)
	prints(t, s, "import sample\ntry: sample.again(sample.again)\nexcept RecursionError: print('recursion')", "recursion\n")
	prints(t, s, "def f(n): return sample.call(f, 3)\ntry: f(1)\nexcept RecursionError: print('recursion')", "recursion\n")
	for name, code := range map[string]string{"functions": "sample.deep(0)", "slots": "next(sample.Endless.__new__(sample.Endless))"} {
		t.Run(name, func(t *testing.T) {
			s := session(t, packages...)
			fails(t, s, "import sample\n"+code, "limit", "recursed deeper")
			stillWorks(t, packages...)
		})
	}
}

func TestCrash(t *testing.T) {
	packages := samples(t)
	s := session(t, packages...)
	fails(t, s, "import sample; sample.crash()", "internal", "stopped unexpectedly")
	stillWorks(t, packages...)
}
