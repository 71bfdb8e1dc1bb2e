package wasip1

// The clocks of preview1. The two CPU time clocks were removed from it.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// clockResolution, in nanoseconds, is how precise a clock the guest gets.
const clockResolution = 1000

// now reads a clock, in nanoseconds; false for a clock that does not exist.
func (p *Process) now(id uint32) (uint64, bool) {
	var ns int64
	switch id {
	case clockRealtime:
		sec, nsec := p.cfg.WallClock()
		ns = sec*1e9 + int64(nsec)
	case clockMonotonic:
		ns = p.cfg.Monotonic()
	default:
		return 0, false
	}
	ns = max(ns, 0) // preview1 has no time before 1970
	return uint64(ns - ns%clockResolution), true
}

// clockTimeGet implements clock_time_get. The wanted precision is ignored.
func (p *Process) clockTimeGet(c call) errno {
	now, ok := p.now(c.u32(0))
	if !ok {
		return einval
	}
	out, ok := c.out(2, 8)
	if !ok {
		return efault
	}
	le.PutUint64(out, now)
	return success
}

// clockResGet implements clock_res_get.
func (p *Process) clockResGet(c call) errno {
	if c.u32(0) > clockMonotonic {
		return einval
	}
	out, ok := c.out(1, 8)
	if !ok {
		return efault
	}
	le.PutUint64(out, clockResolution)
	return success
}
