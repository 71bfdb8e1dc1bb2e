// Command capi is liberyx, the C library of include/eryx.h: built with -buildmode=c-shared, see README.md. It decides
// nothing: it checks what C gave, converts it and forwards it to core/ops.
package main

/*
#cgo CFLAGS: -I${SRCDIR}/../include -O2 -Wall -Wextra
#cgo LDFLAGS: -Wl,--wrap=pthread_getattr_np
#include <stddef.h>
#include <stdint.h>
typedef void (*eryx_queue_notify)(void *user_data);
*/
import "C"

import (
	"time"
	"unsafe"
)

func main() {}

// maxMessage is the longest message that is taken from C, in bytes.
const maxMessage = 1 << 30

// guard turns a panic, which must not cross into C, into a status.
func guard(status *C.int32_t) {
	if recover() != nil {
		*status = C.int32_t(statusPanic)
	}
}

// borrow is the C bytes as a slice that is valid for the call only.
func borrow(p *C.uint8_t, n C.size_t) ([]byte, bool) {
	if n > maxMessage || (p == nil && n > 0) {
		return nil, false
	}
	return unsafe.Slice((*byte)(p), int(n)), true
}

//export go_eryx_init
func go_eryx_init(abi C.uint32_t, config *C.uint8_t, length C.size_t) (status C.int32_t) {
	defer guard(&status)
	bytes, ok := borrow(config, length)
	if !ok {
		return C.int32_t(statusInvalid)
	}
	return C.int32_t(start(uint32(abi), bytes))
}

//export go_eryx_queue_open
func go_eryx_queue_open(out *C.uint64_t) (status C.int32_t) {
	defer guard(&status)
	if out == nil {
		return C.int32_t(statusInvalid)
	}
	id, s := openQueue()
	*out = C.uint64_t(id)
	return C.int32_t(s)
}

//export go_eryx_queue_close
func go_eryx_queue_close(queue C.uint64_t) (status C.int32_t) {
	defer guard(&status)
	return C.int32_t(closeQueue(uint64(queue)))
}

//export go_eryx_submit
func go_eryx_submit(queue C.uint64_t, message *C.uint8_t, length C.size_t, out *C.uint64_t) (status C.int32_t) {
	defer guard(&status)
	bytes, ok := borrow(message, length)
	if !ok {
		return C.int32_t(statusInvalid)
	}
	id, s := submit(uint64(queue), bytes)
	if out != nil {
		*out = C.uint64_t(id)
	}
	return C.int32_t(s)
}

//export go_eryx_cancel
func go_eryx_cancel(request C.uint64_t) (status C.int32_t) {
	defer guard(&status)
	s := service()
	switch {
	case s == nil:
		return C.int32_t(statusClosed)
	case !s.Cancel(uint64(request)):
		return C.int32_t(statusHandle)
	}
	return C.int32_t(statusOK)
}

//export go_eryx_complete
func go_eryx_complete(answers *C.uint8_t, length C.size_t) (status C.int32_t) {
	defer guard(&status)
	bytes, ok := borrow(answers, length)
	if !ok {
		return C.int32_t(statusInvalid)
	}
	s := service()
	if s == nil {
		return C.int32_t(statusClosed)
	}
	if s.Complete(bytes) != nil {
		return C.int32_t(statusMessage)
	}
	return C.int32_t(statusOK)
}

//export go_eryx_drain
func go_eryx_drain(queue C.uint64_t, buffer *C.uint8_t, capacity C.size_t, length *C.size_t) (status C.int32_t) {
	defer guard(&status)
	if length == nil || (buffer == nil && capacity > 0) {
		return C.int32_t(statusInvalid)
	}
	*length = 0
	q, s := find(uint64(queue))
	if s != statusOK {
		return C.int32_t(s)
	}
	n, s := q.drain(unsafe.Slice((*byte)(buffer), int(min(capacity, maxMessage))))
	*length = C.size_t(n)
	return C.int32_t(s)
}

//export go_eryx_event_fd
func go_eryx_event_fd(queue C.uint64_t, out *C.int32_t) (status C.int32_t) {
	defer guard(&status)
	if out == nil {
		return C.int32_t(statusInvalid)
	}
	*out = -1
	q, s := find(uint64(queue))
	if s != statusOK {
		return C.int32_t(s)
	}
	fd, _, s := q.descriptor(false)
	if s == statusOK {
		*out = C.int32_t(fd)
	}
	return C.int32_t(s)
}

//export go_eryx_wait_begin
func go_eryx_wait_begin(queue C.uint64_t, out *C.int32_t, pending **C.int32_t) (status C.int32_t) {
	defer guard(&status)
	fd, flag, s := beginWait(uint64(queue))
	*out, *pending = C.int32_t(fd), (*C.int32_t)(flag)
	return C.int32_t(s)
}

//export go_eryx_wait_end
func go_eryx_wait_end(queue C.uint64_t) {
	var status C.int32_t
	defer guard(&status)
	endWait(uint64(queue))
}

//export go_eryx_set_notify
func go_eryx_set_notify(queue C.uint64_t, notify C.eryx_queue_notify, data unsafe.Pointer) (status C.int32_t) {
	defer guard(&status)
	q, s := find(uint64(queue))
	if s != statusOK {
		return C.int32_t(s)
	}
	return C.int32_t(q.setNotify(notify, data))
}

//export go_eryx_shutdown
func go_eryx_shutdown(timeout C.int32_t) (status C.int32_t) {
	defer guard(&status)
	return C.int32_t(shutdown(time.Duration(max(timeout, 0)) * time.Millisecond))
}
