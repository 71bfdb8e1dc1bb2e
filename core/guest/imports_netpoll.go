package guest

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/eryx-go/eryx/core/guestnet"
)

// hostNetPoll implements poll(): sockets are what they are, other descriptors always ready for what they are open for.
func hostNetPoll(g *Guest, stack []uint64) {
	count := uint32(stack[1])
	if count > maxPoll {
		g.answer(stack, 0, guestnet.EINVAL)
		return
	}
	list, ok := g.bytes(uint32(stack[0]), count*pollBytes)
	if !ok {
		g.answer(stack, 0, guestnet.EFAULT)
		return
	}
	d := time.Duration(-1)
	if ns := int64(stack[2]); ns >= 0 {
		d = time.Duration(min(ns, math.MaxInt64/2))
	}
	ready := 0
	g.polls = g.polls[:0]
	places := make([]int, 0, 8)
	for at := 0; at < len(list); at += pollBytes {
		entry := list[at:]
		fd, events := int32(binary.LittleEndian.Uint32(entry)), binary.LittleEndian.Uint16(entry[4:])
		if s, errno := g.socket(uint64(uint32(fd))); errno == guestnet.OK {
			g.polls = append(g.polls, guestnet.PollEntry{Socket: s, Events: events})
			places = append(places, at)
			continue
		}
		result := g.pollFile(fd, events)
		binary.LittleEndian.PutUint16(entry[6:], result)
		if result != 0 {
			ready++
		}
	}
	if ready > 0 {
		d = 0
	}
	n, errno := g.Network().Poll(g.polls, d)
	for i, at := range places {
		binary.LittleEndian.PutUint16(list[at+6:], g.polls[i].Result)
	}
	clear(g.polls)
	g.answer(stack, int32(ready+n), errno)
}

// pollFile is what poll() says of a descriptor that is no socket.
func (g *Guest) pollFile(fd int32, events uint16) uint16 {
	if fd < 0 {
		return 0
	}
	open, readable, writable := g.process.PollFile(fd)
	if !open {
		return guestnet.PollNval
	}
	var result uint16
	if readable {
		result |= events & guestnet.PollIn
	}
	if writable {
		result |= events & guestnet.PollOut
	}
	return result
}

// name reads a host's name.
func (g *Guest) name(pointer, length uint64) (string, guestnet.Errno) {
	if uint32(length) > maxNameText {
		return "", guestnet.EINVAL
	}
	b, ok := g.bytes(uint32(pointer), uint32(length))
	if !ok {
		return "", guestnet.EFAULT
	}
	return string(b), guestnet.OK
}

// hostNetResolve looks a name up: the number of addresses written, or -(gaiBase+code), or a negative errno.
func hostNetResolve(g *Guest, stack []uint64) {
	name, errno := g.name(stack[0], stack[1])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	out, ok := g.bytes(uint32(stack[3]), uint32(stack[4]))
	if !ok {
		g.answer(stack, 0, guestnet.EFAULT)
		return
	}
	found, gai, errno := g.Network().Resolve(name, int32(stack[2]))
	switch {
	case errno != guestnet.OK:
		g.answer(stack, 0, errno)
		return
	case gai != 0:
		g.answer(stack, int32(gai)-gaiBase, guestnet.OK)
		return
	}
	count := 0
	for ; count < len(found) && len(out) >= guestnet.AddressBytes; count++ {
		guestnet.EncodeAddress(out, netip.AddrPortFrom(found[count], 0))
		out = out[guestnet.AddressBytes:]
	}
	g.answer(stack, int32(count), guestnet.OK)
}

func hostNetLookup(g *Guest, stack []uint64) {
	name, errno := g.name(stack[0], stack[1])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	s, errno := g.Network().Lookup(name)
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	fd, errno := g.enter(s, true)
	g.answer(stack, fd, errno)
}

// hostNetWatch sets what a selector waits for: events of a descriptor, 0 for none any more; descriptor -1 is the
// selector as a whole, which events 0 ends and others make. -ENOENT: it was not made in this life of the guest's.
func hostNetWatch(g *Guest, stack []uint64) {
	set, fd, events := int32(stack[0]), int32(stack[1]), uint16(stack[2])
	if g.net == nil && events == 0 { // there is nothing to end
		g.answer(stack, 0, guestnet.OK)
		return
	}
	net := g.Network()
	switch {
	case fd < 0 && events == 0:
		net.DropSet(set)
		g.answer(stack, 0, guestnet.OK)
		return
	case fd < 0:
		g.answer(stack, 0, net.MakeSet(set))
		return
	case events == 0:
		net.Unwatch(set, fd)
		g.answer(stack, 0, guestnet.OK)
		return
	}
	s, errno := g.socket(uint64(uint32(fd)))
	switch {
	case !net.HasSet(set):
		errno = guestnet.ENOENT
	case errno == guestnet.OK:
		errno = net.Watch(set, fd, s, events&(guestnet.PollIn|guestnet.PollOut))
	}
	g.answer(stack, 0, errno)
}

// hostNetReady writes the descriptors of a selector that are ready, each with its events, as pairs of 32 bits: their
// number, or -EBADF when the selector was not made in this life of the guest's.
func hostNetReady(g *Guest, stack []uint64) {
	set := int32(stack[0])
	out, ok := g.bytes(uint32(stack[1]), uint32(stack[2]))
	switch {
	case !ok:
		g.answer(stack, 0, guestnet.EFAULT)
		return
	case g.net == nil || !g.net.HasSet(set):
		g.answer(stack, 0, guestnet.EBADF)
		return
	}
	count := int32(0)
	g.net.Ready(set, len(out)/8, func(fd int32, events uint16) {
		binary.LittleEndian.PutUint32(out, uint32(fd))
		binary.LittleEndian.PutUint32(out[4:], uint32(events))
		out = out[8:]
		count++
	})
	g.answer(stack, count, guestnet.OK)
}

// hostNetReason writes the text for the last error, if it has one: its length.
func hostNetReason(g *Guest, stack []uint64) {
	out, ok := g.bytes(uint32(stack[1]), uint32(stack[2]))
	if !ok || g.net == nil || g.netFailed != g.process.Failures() {
		stack[0] = 0
		return
	}
	stack[0] = uint64(copy(out, g.net.Refusal(guestnet.Errno(stack[0]))))
}
