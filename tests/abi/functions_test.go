package abi

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	eryx "github.com/eryx-go/eryx"
)

// TestStatuses: the numbers here are those of the header, and each of the header's has its test here.
func TestStatuses(t *testing.T) {
	known := map[string]int32{
		"OK": ok, "EMPTY": empty, "MORE": more, "INTERRUPTED": interrupted, "EINVAL": eInvalid, "EHANDLE": eHandle,
		"EMESSAGE": eMessage, "ESPACE": eSpace, "EABI": eABI, "EPANIC": ePanic, "ECLOSED": eClosed,
		"ESYSTEM": eSystem, "EFORK": eFork,
	}
	found := regexp.MustCompile(`#define ERYX_(\w+) \(?(-?\d+)\)? +/\*`).FindAllStringSubmatch(eryx.Header, -1)
	if len(found) != len(known) {
		t.Errorf("the header has %d statuses, this test %d", len(found), len(known))
	}
	for _, f := range found {
		if n, _ := strconv.Atoi(f[2]); known[f[1]] != int32(n) {
			t.Errorf("ERYX_%s is %s in the header", f[1], f[2])
		}
	}
}

func TestVersions(t *testing.T) {
	if v := eryxVersion(); v != eryx.Version || !strings.Contains(eryx.Header, `#define ERYX_VERSION "`+v+`"`) {
		t.Errorf("version %q", v)
	}
	if v := eryxABIVersion(); v != abiVersion {
		t.Errorf("ABI version %d", v)
	}
}

// aByte is valid memory whose length is a lie where a test says so.
var aByte = []byte{0x80}

const tooLong = uintptr(1<<30 + 1)

// TestArguments: every function with pointers that are NULL, lengths beyond all bounds, ids that never were.
func TestArguments(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	const absent = uint64(1) << 60
	var id uint64
	var length uintptr
	var fd int32
	buffer := make([]byte, 64)
	b, n := first(buffer)
	for _, c := range []struct {
		name   string
		status int32
		want   int32
	}{
		{"init again", eryxInit(abiVersion, nil, 0), ok},
		{"init: other ABI", eryxInit(abiVersion+1, nil, 0), eABI},
		{"init: NULL with a length", eryxInit(abiVersion, nil, 1), eInvalid},
		{"init: too long", eryxInit(abiVersion, &aByte[0], tooLong), eInvalid},
		{"queue_open: NULL", eryxQueueOpen(nil), eInvalid},
		{"queue_close: 0", eryxQueueClose(0), eHandle},
		{"queue_close: absent", eryxQueueClose(absent), eHandle},
		{"submit: NULL", eryxSubmit(q.id, nil, 1, &id), eInvalid},
		{"submit: too long", eryxSubmit(q.id, &aByte[0], ^uintptr(0), &id), eInvalid},
		{"submit: nothing", eryxSubmit(q.id, nil, 0, &id), eMessage},
		{"submit: no queue", eryxSubmit(absent, &aByte[0], 1, &id), eHandle},
		{"cancel: 0", eryxCancel(0), eHandle},
		{"cancel: absent", eryxCancel(absent), eHandle},
		{"complete: NULL", eryxComplete(nil, 1), eInvalid},
		{"complete: too long", eryxComplete(&aByte[0], tooLong), eInvalid},
		{"complete: nothing", eryxComplete(nil, 0), eMessage},
		{"drain: empty", eryxDrain(q.id, b, n, &length), empty},
		{"drain: NULL buffer", eryxDrain(q.id, nil, n, &length), eInvalid},
		{"drain: NULL length", eryxDrain(q.id, b, n, nil), eInvalid},
		{"drain: no room at all", eryxDrain(q.id, nil, 0, &length), empty},
		{"drain: absent", eryxDrain(absent, b, n, &length), eHandle},
		{"next_events: at once", eryxNextEvents(q.id, b, n, &length, 0), empty},
		{"next_events: NULL buffer", eryxNextEvents(q.id, nil, n, &length, -1), eInvalid},
		{"next_events: NULL length", eryxNextEvents(q.id, b, n, nil, -1), eInvalid},
		{"next_events: absent", eryxNextEvents(absent, b, n, &length, -1), eHandle},
		{"event_fd: NULL", eryxEventFD(q.id, nil), eInvalid},
		{"event_fd: absent", eryxEventFD(absent, &fd), eHandle},
		{"set_notify: absent", eryxSetNotify(absent, 0, 0), eHandle},
		{"set_notify: none", eryxSetNotify(q.id, 0, 0), ok},
		{"fix_signals", eryxFixSignals(), ok},
	} {
		if c.status != c.want {
			t.Errorf("%s: status %d, want %d", c.name, c.status, c.want)
		}
	}
	if id != 0 || fd != -1 {
		t.Errorf("a refused call gave the id %d, the descriptor %d", id, fd)
	}
}

// TestLargestCapacity: a capacity beyond what the library writes is no reason to refuse.
func TestLargestCapacity(t *testing.T) {
	q := openQueue(t)
	request := q.submit(message{"op": "info"})
	q.take(10_000_000_000)
	q.next(request, "done")
	buffer := make([]byte, 1<<16)
	var length uintptr
	if status := eryxDrain(q.id, &buffer[0], ^uintptr(0), &length); status != empty || length != 0 {
		t.Errorf("status %d, length %d", status, length)
	}
}

// TestStaleHandles: what is closed is an error, and its id never means anything else.
func TestStaleHandles(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.result(message{"op": "session.new"})["session"]
	request := q.submit(message{"op": "session.close", "session": session})
	q.value(request)
	if status := eryxCancel(request); status != eHandle {
		t.Errorf("cancel of what is done: status %d", status)
	}
	if code := q.code(message{"op": "session.execute", "session": session, "code": "1"}); code != "closed" {
		t.Errorf("a closed session's error is %q", code)
	}
	if code := q.code(message{"op": "sandbox.execute", "sandbox": request, "code": "1"}); code != "closed" {
		t.Errorf("a request is taken for a sandbox: %q", code)
	}
	other := openQueue(t)
	if other.id <= request {
		t.Errorf("queue %d after request %d: ids must grow", other.id, request)
	}
	if status := eryxQueueClose(request); status != eHandle {
		t.Errorf("a request is taken for a queue: status %d", status)
	}
	eryxQueueClose(other.id)
	if status := eryxQueueClose(other.id); status != eHandle {
		t.Errorf("queue closed twice: status %d", status)
	}
	var id uint64
	p, n := first(encode(t, message{"op": "info"}))
	if status := eryxSubmit(other.id, p, n, &id); status != eHandle || id != 0 {
		t.Errorf("submit to a closed queue: status %d, request %d", status, id)
	}
}

// TestInitConfig: what eryx_init refuses, and that a refused configuration leaves it to be called again.
func TestInitConfig(t *testing.T) {
	if !inProcess(t) {
		return
	}
	for name, config := range map[string]any{
		"a list": []any{}, "a text": "x", "nil": nil, "unknown": message{"nonsense": 1},
		"cache_dir a number": message{"cache_dir": 1}, "gc_percent a text": message{"gc_percent": "x"},
		"gc_percent 0": message{"gc_percent": 0}, "max_procs negative": message{"max_procs": -1},
		"max_procs huge": message{"max_procs": int64(1) << 40}, "a list inside": message{"max_procs": []any{}},
	} {
		p, n := first(encode(t, config))
		if status := eryxInit(abiVersion, p, n); status != eMessage {
			t.Errorf("%s: status %d", name, status)
		}
	}
	var id uint64
	if status := eryxQueueOpen(&id); status != eClosed {
		t.Errorf("queue before init: status %d", status)
	}
	p, n := first(encode(t, message{
		"cache_dir": t.TempDir(), "gc_percent": 200, "memory_limit_bytes": int64(4) << 30, "max_procs": 2,
	}))
	if status := eryxInit(abiVersion, p, n); status != ok {
		t.Fatalf("init: status %d", status)
	}
	if v := openQueue(t).result(message{"op": "info"}); v["runtime_loaded"] != false {
		t.Errorf("the interpreter runs before it is needed: %v", v)
	}
	if status := eryxShutdown(10_000); status != ok {
		t.Errorf("shutdown: status %d", status)
	}
}

// TestHeaderListsEveryFunction: this package calls all that the header declares.
func TestHeaderListsEveryFunction(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "include", "eryx.h"))
	if err != nil || string(text) != eryx.Header {
		t.Fatalf("the embedded header is not include/eryx.h: %v", err)
	}
	found := regexp.MustCompile(`(?m)^[a-z].*?\b(eryx_[a-z_]+)\(`).FindAllStringSubmatch(eryx.Header, -1)
	if len(found) != len(functions) {
		t.Errorf("the header declares %d functions, this package knows %d", len(found), len(functions))
	}
	for _, f := range found {
		if functions[f[1]] == nil {
			t.Errorf("%s is not tested", f[1])
		}
	}
}
