package core

import "time"

// Unlimited in a field of Limits switches that limit off.
const Unlimited = -1

// Limits bound what one execution may use. The zero value of a field means its default (DefaultLimits);
// Unlimited means no limit. Every limit can be set for a sandbox or session and overridden per execution.
type Limits struct {
	// ExecutionTimeout is the wall-clock time of one execution; default 30 s.
	ExecutionTimeout time.Duration
	// CallbackTimeout is the wall-clock time of one host callback; default 10 s.
	CallbackTimeout time.Duration
	// MaxMemoryBytes is the guest's linear memory in bytes, interpreter included; default 128 MiB. Beyond it
	// the guest sees MemoryError. It is fixed when a session starts.
	MaxMemoryBytes int64
	// MaxCallbackInvocations is how many callbacks one execution may make; default 1000.
	MaxCallbackInvocations int
	// MaxPendingCallbacks is how many callbacks may be under way at once; default 10,000 and never more than
	// a million: beyond it the guest sees an error.
	MaxPendingCallbacks int
	// MaxFuel is the CPU budget in loop iterations of the guest's machine code: deterministic, the same
	// program uses the same fuel. Default: no limit.
	MaxFuel int64
	// MaxVFSBytes is the size of the writable files; default 64 MiB. It is fixed when a session starts.
	MaxVFSBytes int64
	// MaxOutputBytes is how much of standard output and standard error together is kept; default 8 MiB.
	MaxOutputBytes int64
	// OutputOverflow says what happens beyond MaxOutputBytes; default OutputTruncate.
	OutputOverflow OutputOverflow
	// MaxOpenFiles is how many files may be open at once; default 256. It is fixed when a session starts.
	MaxOpenFiles int
	// GracePeriod is the time from the polite interrupt, an exception in the program, to the kill;
	// default 100 ms.
	GracePeriod time.Duration
}

// OutputOverflow is what happens to output beyond the limit.
type OutputOverflow int

const (
	// OutputTruncate drops it, and the result says so. The default.
	OutputTruncate OutputOverflow = iota
	// OutputFail ends the execution with a limit error.
	OutputFail
)

// DefaultLimits is what the zero value of each field means.
func DefaultLimits() Limits {
	return Limits{
		ExecutionTimeout:       30 * time.Second,
		CallbackTimeout:        10 * time.Second,
		MaxMemoryBytes:         128 << 20,
		MaxCallbackInvocations: 1000,
		MaxPendingCallbacks:    10_000,
		MaxFuel:                Unlimited,
		MaxVFSBytes:            64 << 20,
		MaxOutputBytes:         8 << 20,
		MaxOpenFiles:           256,
		GracePeriod:            100 * time.Millisecond,
	}
}

// NoLimits switches every limit off but those of files, output and pending callbacks, which live in the
// host's own memory.
func NoLimits() Limits {
	return Limits{
		ExecutionTimeout:       Unlimited,
		CallbackTimeout:        Unlimited,
		MaxMemoryBytes:         Unlimited,
		MaxCallbackInvocations: Unlimited,
		MaxFuel:                Unlimited,
	}
}

// over is l with the fields that are zero taken from base.
func (l Limits) over(base Limits) Limits {
	pick := func(v, b int64) int64 {
		if v == 0 {
			return b
		}
		return v
	}
	l.ExecutionTimeout = time.Duration(pick(int64(l.ExecutionTimeout), int64(base.ExecutionTimeout)))
	l.CallbackTimeout = time.Duration(pick(int64(l.CallbackTimeout), int64(base.CallbackTimeout)))
	l.GracePeriod = time.Duration(pick(int64(l.GracePeriod), int64(base.GracePeriod)))
	l.MaxMemoryBytes = pick(l.MaxMemoryBytes, base.MaxMemoryBytes)
	l.MaxCallbackInvocations = int(pick(int64(l.MaxCallbackInvocations), int64(base.MaxCallbackInvocations)))
	l.MaxPendingCallbacks = int(pick(int64(l.MaxPendingCallbacks), int64(base.MaxPendingCallbacks)))
	l.MaxFuel = pick(l.MaxFuel, base.MaxFuel)
	l.MaxVFSBytes = pick(l.MaxVFSBytes, base.MaxVFSBytes)
	l.MaxOutputBytes = pick(l.MaxOutputBytes, base.MaxOutputBytes)
	l.MaxOpenFiles = int(pick(int64(l.MaxOpenFiles), int64(base.MaxOpenFiles)))
	l.OutputOverflow = OutputOverflow(pick(int64(l.OutputOverflow), int64(base.OutputOverflow)))
	return l
}

// validate reports the first field that makes no sense.
func (l Limits) validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"ExecutionTimeout", int64(l.ExecutionTimeout)}, {"CallbackTimeout", int64(l.CallbackTimeout)},
		{"MaxMemoryBytes", l.MaxMemoryBytes}, {"MaxCallbackInvocations", int64(l.MaxCallbackInvocations)},
		{"MaxPendingCallbacks", int64(l.MaxPendingCallbacks)}, {"MaxFuel", l.MaxFuel},
		{"MaxVFSBytes", l.MaxVFSBytes}, {"MaxOutputBytes", l.MaxOutputBytes},
		{"MaxOpenFiles", int64(l.MaxOpenFiles)}, {"GracePeriod", int64(l.GracePeriod)},
	} {
		if f.value < Unlimited {
			return invalid("limit %s is %d: use a positive value, 0 for the default or Unlimited", f.name, f.value)
		}
	}
	return nil
}

// bound is v as the guest package has it, where 0 is no limit.
func bound[T ~int | ~int64](v T) T { return max(v, 0) }
