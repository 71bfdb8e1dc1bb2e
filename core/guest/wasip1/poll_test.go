package wasip1

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	pollIn  = 0x5000
	pollOut = 0x7000
)

// subscribeClock writes subscription i.
func (g *guest) subscribeClock(i int, userdata uint64, id uint32, timeout uint64, flags uint16) {
	sub := g.mem[pollIn+i*subscriptionSize:][:subscriptionSize]
	clear(sub)
	le.PutUint64(sub, userdata)
	le.PutUint32(sub[16:], id)
	le.PutUint64(sub[24:], timeout)
	le.PutUint16(sub[40:], flags)
}

// subscribeFD writes subscription i.
func (g *guest) subscribeFD(i int, userdata uint64, tag byte, fd int32) {
	sub := g.mem[pollIn+i*subscriptionSize:][:subscriptionSize]
	clear(sub)
	le.PutUint64(sub, userdata)
	sub[8] = tag
	le.PutUint32(sub[16:], uint32(fd))
}

// polled is an event as the guest decodes it.
type polled struct {
	userdata uint64
	err      errno
	tag      byte
	nbytes   uint64
}

// poll polls n subscriptions.
func (g *guest) poll(n int) []polled {
	g.t.Helper()
	g.want(success, "poll_oneoff", pollIn, pollOut, uint64(n), atOut)
	events := make([]polled, g.u32(atOut))
	for i := range events {
		b := g.mem[pollOut+i*eventSize:]
		events[i] = polled{le.Uint64(b), errno(le.Uint16(b[8:])), b[10], le.Uint64(b[16:])}
	}
	return events
}

// waits is a Config whose clock only moves when the guest waits.
func waits(log *[]time.Duration) Config {
	now := int64(5e9)
	return Config{
		Monotonic: func() int64 { return now },
		WallClock: func() (int64, int32) { return 1000, 0 },
		Wait: func(_ context.Context, d time.Duration) sys.Errno {
			*log = append(*log, d)
			now += int64(d)
			return 0
		},
	}
}

func TestPollClocks(t *testing.T) {
	for _, test := range []struct {
		name    string
		id      uint32
		timeout uint64
		flags   uint16
		want    time.Duration
	}{
		{"relative", clockMonotonic, 3e6, 0, 3 * time.Millisecond},
		{"relative realtime", clockRealtime, 1, 0, 1},
		{"absolute", clockMonotonic, 7e9, clockAbsolute, 2 * time.Second},
		{"absolute realtime", clockRealtime, 1001e9, clockAbsolute, time.Second},
		{"forever", clockMonotonic, math.MaxUint64, 0, math.MaxInt64},
	} {
		var log []time.Duration
		g := newGuest(t, waits(&log))
		g.subscribeClock(0, 42, test.id, test.timeout, test.flags)
		events := g.poll(1)
		if len(log) != 1 || log[0] != test.want {
			t.Errorf("%s: waited %v, want %v", test.name, log, test.want)
		}
		if len(events) != 1 || events[0] != (polled{42, success, eventClock, 0}) {
			t.Errorf("%s: events %v", test.name, events)
		}
	}
}

func TestPollDoesNotWaitForThePast(t *testing.T) {
	var log []time.Duration
	g := newGuest(t, waits(&log))
	g.subscribeClock(0, 1, clockMonotonic, 4e9, clockAbsolute)
	g.subscribeClock(1, 2, clockMonotonic, 1e9, 0)
	events := g.poll(2)
	if len(log) != 0 || len(events) != 1 || events[0].userdata != 1 {
		t.Fatalf("waited %v, events %v", log, events)
	}
}

func TestPollWaitsForTheEarliest(t *testing.T) {
	var log []time.Duration
	g := newGuest(t, waits(&log))
	g.subscribeClock(0, 1, clockMonotonic, 9e9, 0)
	g.subscribeClock(1, 2, clockMonotonic, 1e9, 0)
	g.subscribeClock(2, 3, clockMonotonic, 6e9, clockAbsolute)
	events := g.poll(3)
	if len(log) != 1 || log[0] != time.Second {
		t.Fatalf("waited %v", log)
	}
	if len(events) != 2 || events[0].userdata != 2 || events[1].userdata != 3 {
		t.Fatalf("events %v", events)
	}
}

func TestPollDescriptors(t *testing.T) {
	var log []time.Duration
	g := newGuest(t, waits(&log))
	g.hostFile("f", "12345")
	fd := int32(g.mustOpen("f", 0, readRights, 0))
	g.mustRead(uint64(fd), 2, "12")
	g.subscribeClock(0, 1, clockMonotonic, 1e9, 0)
	g.subscribeFD(1, 2, eventFDRead, 0)
	g.subscribeFD(2, 3, eventFDWrite, 1)
	g.subscribeFD(3, 4, eventFDRead, fd)
	g.subscribeFD(4, 5, eventFDWrite, fd)
	g.subscribeFD(5, 6, eventFDRead, -1)
	want := []polled{
		{2, success, eventFDRead, 1}, {3, success, eventFDWrite, 1}, {4, success, eventFDRead, 3},
		{5, ebadf, eventFDWrite, 0}, {6, ebadf, eventFDRead, 0},
	}
	events := g.poll(6)
	if len(log) != 0 || len(events) != len(want) {
		t.Fatalf("waited %v, events %v", log, events)
	}
	for i := range want {
		if events[i] != want[i] {
			t.Errorf("event %d: %v, want %v", i, events[i], want[i])
		}
	}
}

func TestPollInterrupted(t *testing.T) {
	g := newGuest(t, Config{Wait: func(context.Context, time.Duration) sys.Errno { return sys.EINTR }})
	g.subscribeClock(0, 1, clockMonotonic, 1e9, 0)
	g.want(eintr, "poll_oneoff", pollIn, pollOut, 1, atOut)
}

func TestPollDefaultWaitEndsWithContext(t *testing.T) {
	g := newGuest(t, Config{})
	ctx, cancel := context.WithTimeout(g.ctx, 10*time.Millisecond)
	defer cancel()
	g.ctx = ctx
	g.subscribeClock(0, 1, clockMonotonic, 3600e9, 0)
	g.want(eintr, "poll_oneoff", pollIn, pollOut, 1, atOut)
}

func TestPollArguments(t *testing.T) {
	g := newGuest(t, Config{})
	g.subscribeClock(0, 1, clockMonotonic, 0, 0)
	g.want(einval, "poll_oneoff", pollIn, pollOut, 0, atOut)
	g.want(einval, "poll_oneoff", pollIn, pollOut, maxSubscriptions+1, atOut)
	g.want(einval, "poll_oneoff", pollIn, pollOut, math.MaxUint32, atOut)
	g.subscribeClock(0, 1, clockMonotonic, 0, 2)
	g.want(einval, "poll_oneoff", pollIn, pollOut, 1, atOut)
	g.subscribeFD(0, 1, 3, 0)
	g.want(einval, "poll_oneoff", pollIn, pollOut, 1, atOut)
	g.subscribeClock(0, 1, 7, 0, 0)
	if events := g.poll(1); len(events) != 1 || events[0].err != einval {
		t.Fatalf("events %v", events)
	}
}

func TestPollOverItself(t *testing.T) {
	var log []time.Duration
	g := newGuest(t, waits(&log))
	for i := range 4 {
		g.subscribeClock(i, uint64(i)+10, clockMonotonic, 0, 0)
	}
	g.want(success, "poll_oneoff", pollIn, pollIn, 4, atOut)
	for i := range 4 {
		if got := le.Uint64(g.mem[pollIn+i*eventSize:]); got != uint64(i)+10 {
			t.Fatalf("event %d is for %d", i, got)
		}
	}
}
