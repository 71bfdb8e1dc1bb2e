package ops

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wire"
)

func TestErrorsOfRequests(t *testing.T) {
	c := newClient(t, sharedService())
	for _, test := range []struct {
		op     string
		fields map[string]any
		code   string
		text   string
	}{
		{"no.such", nil, "unsupported", "no.such"},
		{"session.new", map[string]any{"config": 3}, "invalid", "\"config\" must be a map"},
		{"session.new", map[string]any{"config": map[string]any{"netwrok": true}}, "invalid", "netwrok"},
		{"session.new", map[string]any{"config": map[string]any{"limits": map[string]any{"max_feul": 1}}}, "invalid", "max_feul"},
		{"session.new", map[string]any{"config": map[string]any{"limits": map[string]any{"max_fuel": -7}}}, "invalid", "MaxFuel"},
		{"session.new", map[string]any{"config": map[string]any{"callbacks": []any{1}}}, "invalid", "a list of maps"},
		{"session.new", map[string]any{"config": map[string]any{"callbacks": []any{map[string]any{"name": "a", "scema": ""}}}}, "invalid", "scema"},
		{"session.new", map[string]any{"config": map[string]any{"volumes": []any{map[string]any{"mode": "x"}}}}, "invalid", "mode"},
		{"session.new", map[string]any{"image": []byte("x")}, "snapshot", ""},
		{"sandbox.new", map[string]any{"config": map[string]any{"stdin": []byte("x")}}, "unsupported", "stdin"},
		{"session.execute", nil, "invalid", "an id"},
		{"session.execute", map[string]any{"session": -1, "code": ""}, "invalid", "an id"},
		{"session.execute", map[string]any{"session": 1 << 40, "code": ""}, "closed", "session"},
		{"sandbox.execute", map[string]any{"sandbox": 1 << 40, "code": ""}, "closed", "sandbox"},
	} {
		value, failure := c.do(test.op, test.fields)
		message, _ := failure["message"].(string)
		if failure["code"] != test.code || !strings.Contains(message, test.text) {
			t.Errorf("%s %v: %v %v, want code %s and %q", test.op, test.fields, value, failure, test.code, test.text)
		}
	}
}

func TestNoEndedAfterDone(t *testing.T) {
	c := newClient(t, sharedService())
	session := c.must("session.new", map[string]any{"config": map[string]any{"callbacks": []any{map[string]any{"name": "never"}}}})["session"]
	for range 20 {
		c.must("session.execute", map[string]any{"session": session, "code": `
import asyncio
tasks = [asyncio.ensure_future(never()) for _ in range(5)]
await asyncio.sleep(0)
for task in tasks:
    task.cancel()
`})
	}
	c.must("session.close", map[string]any{"session": session})
	ended, done := map[any]int{}, map[any]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		switch e[0] {
		case "done":
			done[e[1]] = true
		case "ended":
			if done[e[1]] {
				t.Fatalf("%v after its request was done", e)
			}
			ended[e[1]]++
		}
	}
	for request, n := range ended {
		if n != 5 {
			t.Errorf("request %v: %d calls ended, want 5", request, n)
		}
	}
	if len(ended) != 20 {
		t.Errorf("%d requests with ended calls, want 20", len(ended))
	}
}

func TestStreams(t *testing.T) {
	c := newClient(t, sharedService())
	refused := make(chan struct{}, 1)
	c.answer = func(c *client, call uint64, name string, _ map[string]any) {
		if name == "rude" { // takes no notice of the window
			for i := range 10 * Window {
				c.complete([]any{call, 2, i})
			}
			refused <- struct{}{}
			return
		}
		for i := range 100 {
			c.complete([]any{call, 2, i})
			for c.count("more") < i+1-Window/2 {
				time.Sleep(100 * time.Microsecond)
			}
		}
		c.complete([]any{call, 0, nil})
	}
	sandbox := c.must("sandbox.new", map[string]any{"config": map[string]any{"callbacks": []any{
		map[string]any{"name": "kind", "stream": true}, map[string]any{"name": "rude", "stream": true}}}})["sandbox"]
	out := c.must("sandbox.execute", map[string]any{"sandbox": sandbox, "code": "print(sum([i async for i in kind()]))"})
	if got := string(out["stdout"].([]byte)); got != "4950\n" {
		t.Errorf("the stream's sum is %q", got)
	}
	_, failure := c.do("sandbox.execute", map[string]any{"sandbox": sandbox, "code": `
import time
async for i in rude():
    time.sleep(0.05)
`})
	if failure["code"] != "python" {
		t.Errorf("a stream beyond its window: %v", failure)
	}
	<-refused
	c.must("sandbox.close", map[string]any{"sandbox": sandbox})
}

func TestBadAnswers(t *testing.T) {
	s := sharedService()
	for _, v := range []any{nil, 3, map[string]any{}, []any{1}, []any{[]any{}}, []any{[]any{1, 0}}, []any{[]any{0, 0, 1}},
		[]any{[]any{-1, 0, 1}}, []any{[]any{"1", 0, 1}}, []any{[]any{1, 3, 1}}, []any{[]any{1, 1, "code"}},
		[]any{[]any{1, 1, 1, "text"}}, []any{[]any{1, 0, 1, 1}}} {
		message, err := wire.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if s.Complete(message) == nil {
			t.Errorf("%v was taken as answers", v)
		}
	}
	if s.Complete([]byte{0xdd, 0xff, 0xff, 0xff, 0xff}) == nil || s.Complete(nil) == nil {
		t.Error("bytes that are no message were taken as answers")
	}
}

func TestCloseWithWorkInFlight(t *testing.T) {
	s := NewService(core.RuntimeConfig{}, "test")
	c := newClient(t, s)
	c.must("runtime.init", nil)
	session := c.must("session.new", map[string]any{"config": map[string]any{"callbacks": []any{map[string]any{"name": "never"}}}})["session"]
	sandbox := c.must("sandbox.new", nil)["sandbox"]
	ids := []uint64{
		c.submit("session.execute", map[string]any{"session": session, "code": "await never()"}),
		c.submit("sandbox.execute", map[string]any{"sandbox": sandbox, "code": "while True: pass"}),
		c.submit("sandbox.execute", map[string]any{"sandbox": sandbox, "code": "import asyncio; await asyncio.sleep(60)"}),
	}
	time.Sleep(100 * time.Millisecond)
	if !s.Close(10 * time.Second) {
		t.Fatal("something still runs")
	}
	for _, id := range ids {
		if _, failure := c.wait(id); failure["code"] != "cancelled" {
			t.Errorf("request %d: %v", id, failure)
		}
	}
	if s.Submit(map[string]any{"op": "info"}, c) != 0 {
		t.Error("a closed service took a request")
	}
	if s.sessions.count()+s.sandboxes.count()+s.calls.count() != 0 {
		t.Error("handles are left")
	}
}

// TestHammer uses everything at once from many goroutines; with -race it is worth its time.
func TestHammer(t *testing.T) {
	s := sharedService()
	shared := newClient(t, s)
	session := shared.must("session.new", map[string]any{"config": map[string]any{"callbacks": []any{map[string]any{"name": "add"}}}})["session"]
	var group sync.WaitGroup
	for n := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			c := newClient(t, s)
			c.answer = hostFunctions()
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for range 25 {
				hammerOnce(c, session, random)
			}
		}()
	}
	group.Wait()
	shared.must("session.close", map[string]any{"session": session})
	if n := s.calls.count(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func hammerOnce(c *client, session any, random *rand.Rand) {
	switch random.IntN(4) {
	case 0:
		out := c.must("session.execute", map[string]any{"session": session, "code": "print(await add(a=1, b=2))"})
		if string(out["stdout"].([]byte)) != "3\n" {
			c.t.Errorf("output %q", out["stdout"])
		}
	case 1:
		id := c.submit("session.execute", map[string]any{"session": session, "code": "while True: pass"})
		time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		c.service.Cancel(id)
		if _, failure := c.wait(id); failure["code"] != "cancelled" {
			c.t.Errorf("cancelled, but %v", failure)
		}
	case 2:
		c.must("session.execution_count", map[string]any{"session": session})
	case 3:
		sandbox := c.must("sandbox.new", nil)["sandbox"]
		c.must("sandbox.execute", map[string]any{"sandbox": sandbox, "code": "print(1)"})
		c.must("sandbox.close", map[string]any{"sandbox": sandbox})
	}
}

// FuzzRequest gives operations whatever a message may hold: an error or an answer, never a panic.
func FuzzRequest(f *testing.F) {
	for _, m := range []map[string]any{
		{"op": "info"}, {"op": "session.new", "config": map[string]any{"limits": map[string]any{"max_fuel": 1}}},
		{"op": "session.execute", "session": 1, "code": "1"}, {"op": "session.call", "session": 1, "args": []any{1}},
	} {
		message, err := wire.Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		_ = sharedService().Complete(message)
		value, err := wire.Decode(message)
		fields, ok := value.(map[string]any)
		if err != nil || !ok {
			return
		}
		c := newClient(t, sharedService())
		id := c.service.Submit(fields, c)
		c.service.Cancel(id)
		c.wait(id)
	})
}
