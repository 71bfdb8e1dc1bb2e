package main

/*
#include <stdint.h>
#include <stdlib.h>
typedef void (*eryx_queue_notify)(void *user_data);
static inline void eryx_call_notify(eryx_queue_notify notify, void *user_data) { notify(user_data); }
*/
import "C"

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxQueued is how many bytes of events a queue holds before those who write output wait for it to be drained.
const maxQueued = 16 << 20

// queue is where the events of requests wait until the host takes them. Each event is encoded already.
type queue struct {
	mu      sync.Mutex
	events  [][]byte
	bytes   int
	closed  bool
	room    chan struct{} // not nil while somebody waits for room; closed when there is some
	fd      int           // eventfd, 0: not asked for yet
	pending *int32        // in C's memory: 1 while there are events; made with fd
	waiters int           // threads that poll fd
	notify  C.eryx_queue_notify
	data    unsafe.Pointer

	calling sync.RWMutex // read-held while notify runs
}

var one = binary.NativeEndian.AppendUint64(nil, 1)

// Emit implements ops.Sink.
func (q *queue) Emit(event []byte) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	q.events = append(q.events, event)
	q.bytes += len(event)
	first := len(q.events) == 1
	if first {
		q.raise()
	}
	notify := first && q.notify != nil
	q.mu.Unlock()
	if notify {
		q.callNotify()
	}
}

// Wait implements ops.Sink.
func (q *queue) Wait(ctx context.Context) {
	for {
		q.mu.Lock()
		if q.closed || q.bytes < maxQueued {
			q.mu.Unlock()
			return
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return
		}
	}
}

// callNotify calls the host's function, which close and setNotify wait for.
func (q *queue) callNotify() {
	q.calling.RLock()
	defer q.calling.RUnlock()
	q.mu.Lock()
	notify, data := q.notify, q.data
	q.mu.Unlock()
	if notify != nil {
		C.eryx_call_notify(notify, data)
	}
}

// raise makes the descriptor readable. Under mu.
func (q *queue) raise() {
	if q.fd != 0 {
		atomic.StoreInt32(q.pending, 1)
		_, _ = unix.Write(q.fd, one) // it can only fail when the counter is at its end, and then it is readable
	}
}

// drain writes an array of as many events as fit to buffer.
func (q *queue) drain(buffer []byte) (n int, status int32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, statusHandle
	}
	if len(q.events) == 0 {
		return 0, statusEmpty
	}
	const header = 5
	count, size := 0, header
	for count < len(q.events) && size+len(q.events[count]) <= len(buffer) {
		size += len(q.events[count])
		count++
	}
	if count == 0 {
		return header + len(q.events[0]), statusSpace
	}
	buffer[0] = 0xdd // msgpack: array, 32-bit length
	binary.BigEndian.PutUint32(buffer[1:], uint32(count))
	n = header
	for _, event := range q.events[:count] {
		n += copy(buffer[n:], event)
	}
	q.remove(count, n-header)
	if len(q.events) > 0 {
		return n, statusMore
	}
	return n, statusOK
}

// remove takes off the first events. Under mu.
func (q *queue) remove(count, size int) {
	rest := copy(q.events, q.events[count:])
	clear(q.events[rest:])
	q.events = q.events[:rest]
	q.bytes -= size
	if rest == 0 && q.fd != 0 {
		var counter [8]byte
		atomic.StoreInt32(q.pending, 0)
		_, _ = unix.Read(q.fd, counter[:])
	}
	if q.room != nil && q.bytes < maxQueued {
		close(q.room)
		q.room = nil
	}
}

// descriptor is the eventfd, made on first use; waiting counts the caller as a thread that polls it.
func (q *queue) descriptor(waiting bool) (fd int, pending *int32, status int32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, nil, statusHandle
	}
	if q.fd == 0 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return 0, nil, statusSystem
		}
		q.fd, q.pending = fd, (*int32)(C.calloc(1, 4))
		if len(q.events) > 0 {
			q.raise()
		}
	}
	if waiting {
		q.waiters++
	}
	return q.fd, q.pending, statusOK
}

// waited ends a thread's polling; the last one closes the descriptor of a closed queue.
func (q *queue) waited() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters--
	q.closeDescriptor()
}

// closeDescriptor closes the descriptor once nobody polls it. Under mu.
func (q *queue) closeDescriptor() {
	if q.closed && q.waiters == 0 && q.fd != 0 {
		_ = unix.Close(q.fd)
		C.free(unsafe.Pointer(q.pending))
		q.fd, q.pending = 0, nil
	}
}

// setNotify sets the host's function and calls it when there are events.
func (q *queue) setNotify(notify C.eryx_queue_notify, data unsafe.Pointer) int32 {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return statusHandle
	}
	q.notify, q.data = notify, data
	pending := len(q.events) > 0 && notify != nil
	q.mu.Unlock()
	q.waitForNotify()
	if pending {
		q.callNotify()
	}
	return statusOK
}

// close drops the events and wakes who waits. It returns when the notify function does not run any more.
func (q *queue) close() {
	q.mu.Lock()
	q.closed, q.events, q.bytes, q.notify = true, nil, 0, nil
	q.raise()
	q.closeDescriptor()
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	q.mu.Unlock()
	q.waitForNotify()
}

// waitForNotify returns when no notify function runs that was set before. Its user may then free what it needs.
func (q *queue) waitForNotify() {
	q.calling.Lock()
	defer q.calling.Unlock()
}
