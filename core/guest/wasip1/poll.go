package wasip1

import (
	"io"
	"math"
	"time"
)

const (
	// maxSubscriptions is the longest list poll_oneoff takes.
	maxSubscriptions = 1024
	subscriptionSize = 48
	eventSize        = 32

	eventClock   = 0
	eventFDRead  = 1
	eventFDWrite = 2

	// clockAbsolute is the only flag of a clock subscription.
	clockAbsolute = 1
)

// poll is one poll_oneoff: the clocks as they were when it began, so that both
// passes over the subscriptions judge alike.
type poll struct {
	p   *Process
	now [clockMonotonic + 1]uint64
}

// event is the answer to one subscription.
type event struct {
	after  time.Duration // when it happens; 0 is now
	err    errno
	nbytes uint64
}

// pollOneoff implements poll_oneoff. Files and streams are always ready, so
// that only a list of nothing but clocks waits: for the earliest of them.
func (p *Process) pollOneoff(c call) errno {
	n := c.u32(2)
	if n == 0 || n > maxSubscriptions {
		return einval
	}
	in, ok := c.out(0, n*subscriptionSize)
	if !ok {
		return efault
	}
	out, ok := c.out(1, n*eventSize)
	if !ok {
		return efault
	}
	count, ok := c.out(3, 4)
	if !ok {
		return efault
	}
	q := poll{p: p}
	q.now[clockRealtime], _ = p.now(clockRealtime)
	q.now[clockMonotonic], _ = p.now(clockMonotonic)
	first, e := q.earliest(in)
	if e != success {
		return e
	}
	if first > 0 {
		if se := p.cfg.Wait(c.ctx, first); se != 0 {
			return toErrno(se)
		}
	}
	// Only now, because the guest may have laid the three over one another.
	le.PutUint32(count, q.write(in, out, first))
	return success
}

// earliest is when the first of the subscribed events happens.
func (q *poll) earliest(in []byte) (time.Duration, errno) {
	first := time.Duration(math.MaxInt64)
	for ; len(in) > 0; in = in[subscriptionSize:] {
		ev, e := q.event(in)
		if e != success {
			return 0, e
		}
		first = min(first, ev.after)
	}
	return first, success
}

// write writes the events that have happened after a wait, and returns how
// many. Event k never overtakes subscription k, even when both share memory.
func (q *poll) write(in, out []byte, waited time.Duration) uint32 {
	var n uint32
	for ; len(in) > 0; in = in[subscriptionSize:] {
		ev, e := q.event(in)
		if e != success || ev.after > waited {
			continue
		}
		userdata, tag := le.Uint64(in), in[8]
		le.PutUint64(out, userdata)
		le.PutUint64(out[8:], uint64(ev.err)|uint64(tag)<<16)
		le.PutUint64(out[16:], ev.nbytes)
		le.PutUint64(out[24:], 0) // no flags: nothing here hangs up
		out = out[eventSize:]
		n++
	}
	return n
}

// event judges one subscription; an error is one of the whole call.
func (q *poll) event(sub []byte) (event, errno) {
	switch sub[8] {
	case eventClock:
		return q.clock(sub)
	case eventFDRead:
		return q.fd(int32(le.Uint32(sub[16:])), rightFDRead), success
	case eventFDWrite:
		return q.fd(int32(le.Uint32(sub[16:])), rightFDWrite), success
	default:
		return event{}, einval
	}
}

// clock judges a clock subscription.
func (q *poll) clock(sub []byte) (event, errno) {
	id, timeout, flags := le.Uint32(sub[16:]), le.Uint64(sub[24:]), le.Uint16(sub[40:])
	if flags&^uint16(clockAbsolute) != 0 {
		return event{}, einval
	}
	if id > clockMonotonic {
		return event{err: einval}, success
	}
	if flags&clockAbsolute != 0 {
		timeout -= min(timeout, q.now[id])
	}
	return event{after: time.Duration(min(timeout, math.MaxInt64))}, success
}

// fd judges a subscription to a descriptor.
func (q *poll) fd(fd int32, right uint64) event {
	d, e := q.p.lookup(fd, rightPoll)
	switch {
	case e != success:
		return event{err: e}
	case d.rights&right == 0:
		return event{err: denied(right)}
	case right == rightFDWrite || d.kind != kindFile:
		return event{nbytes: 1}
	}
	return event{nbytes: remaining(d)}
}

// remaining is how much of a file there is left to read.
func remaining(d *descriptor) uint64 {
	at, se := d.file.Seek(0, io.SeekCurrent)
	if se != 0 {
		return 0
	}
	st, se := d.file.Stat()
	if se != 0 {
		return 0
	}
	return uint64(max(st.Size-at, 0))
}
