package abi

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core/wire"
)

// garbageCount is how many messages each function is given, and garbageTime what they may take together.
const (
	garbageCount = 1000
	garbageTime  = 30 * time.Second
)

// hostile are messages that have broken decoders: lengths without content, deep nesting, keys of all types.
var hostile = [][]byte{
	{}, {0xc1}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdb, 0xff, 0xff, 0xff, 0xff},
	{0xc6, 0xff, 0xff, 0xff, 0xff}, {0xc9, 0xff, 0xff, 0xff, 0xff, 0x01}, {0x81, 0x01, 0x02}, {0x81, 0xc0, 0xc0},
	{0x81, 0xa2, 'o', 'p', 0x01}, {0x81, 0xa2, 'o', 'p', 0xa0}, {0x81, 0xa2, 'o', 'p', 0xa1, 0xff},
	{0x82, 0xa2, 'o', 'p', 0xa4, 'i', 'n', 'f', 'o', 0xa2, 'o', 'p', 0xa0}, {0x91, 0x93, 0x01, 0x00},
	{0x91, 0x93, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0xc0},
}

func init() {
	for _, n := range []int{199, 201, 100_000} {
		deep := make([]byte, n)
		for i := range deep {
			deep[i] = 0x91
		}
		hostile = append(hostile, deep)
	}
}

// garbage makes messages: random bytes, messages that were right before some bytes were changed, and right ones with
// fields and values that make no sense. The same ones in every run.
type garbage struct {
	r          *rand.Rand
	operations []string
}

// newGarbage asks the library which operations there are, if it runs.
func newGarbage(t testing.TB) garbage {
	g := garbage{r: rand.New(rand.NewPCG(5, 1000))}
	q := &queue{t: t}
	if eryxQueueOpen(&q.id) != ok {
		return g
	}
	defer eryxQueueClose(q.id)
	// Two are left out: one would start the MCP servers that whoever runs this has configured, the other take this
	// process's standard input and output.
	own := []any{"mcp.connect_all", "mcp.serve"}
	for _, name := range q.result(message{"op": "info"})["operations"].([]any) {
		if !slices.Contains(own, name) {
			g.operations = append(g.operations, name.(string))
		}
	}
	return g
}

// names are the words that messages are made of.
var names = []string{
	"op", "config", "session", "sandbox", "code", "limits", "callbacks", "name", "schema", "max_memory_bytes",
	"execution_timeout_ms", "args", "env", "stdin", "source", "image", "state", "value", "volumes", "packages", "x", "",
}

func (g garbage) value(depth int) any {
	switch n := g.r.IntN(11); {
	case n == 0:
		return nil
	case n == 1:
		return g.r.IntN(2) == 0
	case n == 2:
		return g.r.Int64() - g.r.Int64()
	case n == 3:
		return g.r.NormFloat64() * 1e300
	case n == 4:
		return g.bytes(40)
	case n == 5:
		return int64(g.r.IntN(300)) // perhaps an id
	case n <= 7 || depth == 0:
		return names[g.r.IntN(len(names))]
	case n == 8:
		list := make([]any, g.r.IntN(5))
		for i := range list {
			list[i] = g.value(depth - 1)
		}
		return list
	}
	m := message{}
	for range g.r.IntN(5) {
		m[names[g.r.IntN(len(names))]] = g.value(depth - 1)
	}
	return m
}

func (g garbage) bytes(most int) []byte {
	b := make([]byte, g.r.IntN(most))
	for i := range b {
		b[i] = byte(g.r.Uint32())
	}
	return b
}

// damage changes some bytes of a message, or cuts it.
func (g garbage) damage(b []byte) []byte {
	for range 1 + g.r.IntN(3) {
		if len(b) == 0 {
			return b
		}
		if at := g.r.IntN(len(b)); g.r.IntN(4) == 0 {
			b = b[:at]
		} else {
			b[at] = byte(g.r.Uint32())
		}
	}
	return b
}

// message is the i-th message. make gives one that looks right.
func (g garbage) message(t testing.TB, i int, make func() any) []byte {
	if i < len(hostile) {
		return hostile[i]
	}
	switch i % 4 {
	case 0:
		return g.bytes(200)
	case 1:
		return g.damage(encode(t, make()))
	case 2:
		return encode(t, g.value(4))
	}
	return encode(t, make())
}

// request looks like a message of eryx_submit.
func (g garbage) request() any {
	m, ok := g.value(3).(message)
	if !ok {
		m = message{}
	}
	m["op"] = g.operations[g.r.IntN(len(g.operations))]
	return m
}

// answers look like a message of eryx_complete.
func (g garbage) answers() any {
	list := make([]any, g.r.IntN(4))
	for i := range list {
		list[i] = []any{g.value(1), g.r.IntN(4), g.value(3), names[g.r.IntN(len(names))]}[:2+g.r.IntN(3)]
	}
	return list
}

func bounded(t *testing.T) {
	t.Helper()
	leavesNothing(t)
	begin := time.Now()
	t.Cleanup(func() {
		if took := time.Since(begin); took > garbageTime {
			t.Errorf("took %v", took)
		}
	})
}

// TestGarbageSubmit: each message is refused, or its request ends with a result or an error that is no fault of ours.
func TestGarbageSubmit(t *testing.T) {
	bounded(t)
	g, q := newGarbage(t), openQueue(t)
	open := map[uint64]bool{}
	for i := range garbageCount {
		var request uint64
		p, n := first(g.message(t, i, g.request))
		switch status := eryxSubmit(q.id, p, n, &request); status {
		case ok:
			open[request] = true
		case eMessage:
		default:
			t.Fatalf("message %d: status %d", i, status)
		}
	}
	if len(open) < garbageCount/8 || len(open) > garbageCount*7/8 {
		t.Errorf("%d of %d messages were taken", len(open), garbageCount)
	}
	for _, value := range q.finish(open) {
		for kind, id := range value {
			if slices.Contains(g.operations, kind+".close") {
				q.result(message{"op": kind + ".close", kind: id})
			}
		}
	}
}

// finish waits for requests and gives the values of those that succeed. None may be an error of the library's own.
func (q *queue) finish(open map[uint64]bool) (values []message) {
	for end := time.Now().Add(garbageTime); len(open) > 0; {
		if time.Now().After(end) {
			q.t.Fatalf("%d requests are not done", len(open))
		}
		q.take(time.Second)
		for _, event := range q.events {
			if event[0] != "done" {
				continue
			}
			delete(open, uint64(event[1].(int64)))
			if failure, _ := event[3].(message); failure != nil && failure["code"] == "internal" {
				q.t.Errorf("a fault: %v", failure["message"])
			}
			if value, _ := event[2].(message); value != nil {
				values = append(values, value)
			}
		}
		q.events = nil
	}
	return values
}

// TestGarbageComplete: nothing of it reaches the program that waits, and the right answer still does.
func TestGarbageComplete(t *testing.T) {
	bounded(t)
	g, q := newGarbage(t), openQueue(t)
	session := q.newSession("f")
	request := q.execute(session, "print(await f())")
	call := q.next(request, "call")[2]
	for i := range garbageCount {
		data := g.message(t, i, g.answers)
		if answersCall(data, call) {
			continue
		}
		if status := eryxComplete(first(data)); status != ok && status != eMessage {
			t.Fatalf("message %d: status %d", i, status)
		}
	}
	complete(t, []any{call, 0, "right"})
	if got := q.stdout(request); got != "right\n" {
		t.Errorf("printed %q", got)
	}
	q.closeSession(session)
}

// answersCall says whether a message is an answer to the call, which by accident it may be.
func answersCall(data []byte, call any) bool {
	v, err := wire.Decode(data)
	list, _ := v.([]any)
	for _, item := range list {
		if answer, _ := item.([]any); err == nil && len(answer) > 0 && answer[0] == call {
			return true
		}
	}
	return false
}

// TestGarbageInit: a configuration that is not one is refused, and the library can still be initialised.
func TestGarbageInit(t *testing.T) {
	if !inProcess(t) {
		return
	}
	g := newGarbage(t)
	settings := func() any { return message{"nonsense": true, names[g.r.IntN(len(names))]: g.value(2)} }
	for i := range garbageCount {
		data := g.message(t, i, settings)
		if saysNothing(data) {
			continue
		}
		p, n := first(data)
		if status := eryxInit(abiVersion, p, n); status != eMessage {
			t.Fatalf("message %d: status %d", i, status)
		}
	}
	if status := eryxInit(abiVersion, nil, 0); status != ok {
		t.Errorf("init: status %d", status)
	}
}

// saysNothing says whether a configuration is right because it asks for nothing: empty, or nil for all fields.
func saysNothing(data []byte) bool {
	v, err := wire.Decode(data)
	m, isMap := v.(message)
	for _, field := range m {
		if field != nil {
			return false
		}
	}
	return len(data) == 0 || err == nil && isMap
}

// TestGarbageIDs: ids that were never given, to each function that takes one.
func TestGarbageIDs(t *testing.T) {
	bounded(t)
	g := newGarbage(t)
	buffer := make([]byte, 64)
	b, n := first(buffer)
	p, size := first(encode(t, message{"op": "info"}))
	for range garbageCount {
		id := g.r.Uint64() | 1<<40
		var length uintptr
		var request uint64
		var fd int32
		for name, status := range map[string]int32{
			"queue_close": eryxQueueClose(id), "submit": eryxSubmit(id, p, size, &request), "cancel": eryxCancel(id),
			"drain": eryxDrain(id, b, n, &length), "next_events": eryxNextEvents(id, b, n, &length, int32(g.r.Uint32())),
			"event_fd": eryxEventFD(id, &fd), "set_notify": eryxSetNotify(id, 0, uintptr(id)),
		} {
			if status != eHandle {
				t.Fatalf("%s of %d: status %d", name, id, status)
			}
		}
	}
}

// TestGarbageABIVersions: only the one version is spoken.
func TestGarbageABIVersions(t *testing.T) {
	g := newGarbage(t)
	for range garbageCount {
		version := g.r.Uint32()
		if status := eryxInit(version, nil, 0); status != eABI && version != abiVersion {
			t.Fatalf("version %d: status %d", version, status)
		}
	}
}

// FuzzSubmit looks for messages that end the process or are a fault of the library's.
func FuzzSubmit(f *testing.F) {
	g := newGarbage(f)
	for i := range 40 {
		f.Add(g.message(f, i, g.request))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q := openQueue(t)
		var request uint64
		p, n := first(data)
		status := eryxSubmit(q.id, p, n, &request)
		if status == ok {
			q.finish(map[uint64]bool{request: true})
		} else if status != eMessage || request != 0 {
			t.Errorf("status %d, request %d", status, request)
		}
	})
}

// FuzzComplete is the same for answers.
func FuzzComplete(f *testing.F) {
	g := newGarbage(f)
	for i := range 40 {
		f.Add(g.message(f, i, g.answers))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if status := eryxComplete(first(data)); status != ok && status != eMessage {
			t.Errorf("status %d", status)
		}
	})
}
