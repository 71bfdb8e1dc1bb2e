package core_test

import (
	"context"
	"encoding/json"
	"iter"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// journalHost notes what it is asked, and suspends calls of "ask" until it is told not to.
type journalHost struct {
	mu       sync.Mutex
	asked    []string
	suspends bool
}

func (h *journalHost) note(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, name)
}

// take is what was asked since the last take, sorted.
func (h *journalHost) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	slices.Sort(asked)
	return asked
}

func (h *journalHost) callbacks() []core.Callback {
	noted := func(name string, f func(args map[string]any) (any, error)) core.Callback {
		return core.Callback{Name: name, Func: func(_ context.Context, args map[string]any) (any, error) {
			h.note(name)
			return f(args)
		}}
	}
	return []core.Callback{
		noted("echo", func(args map[string]any) (any, error) { return args["x"], nil }),
		noted("values", func(map[string]any) (any, error) {
			return []any{1.0, 1, math.NaN(), math.Inf(-1), []byte{0, 255}, new(big.Int).Lsh(big.NewInt(1), 70),
				uint64(1 << 63), map[string]any{"$eryx": "bytes", "base64": "<>"}, "é\u2028&", nil, true}, nil
		}),
		noted("fail", func(map[string]any) (any, error) { return nil, core.CallbackErrorf("quota", "no more of it") }),
		noted("ask", func(map[string]any) (any, error) {
			if h.suspends {
				return nil, core.Suspend("wants approval")
			}
			return "approved", nil
		}),
		noted("slow", func(map[string]any) (any, error) {
			time.Sleep(100 * time.Millisecond)
			return "slow", nil
		}),
		{Name: "never", Start: func(*core.Call) { h.note("never") }},
		{Name: "count", Stream: func(context.Context, map[string]any) iter.Seq2[any, error] {
			h.note("count")
			return func(yield func(any, error) bool) {
				for i := 0; i < 40 && yield(i, nil); i++ {
				}
			}
		}},
	}
}

// through is a journal after having been stored as JSON.
func through(t *testing.T, j *core.Journal) *core.Journal {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var back core.Journal
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return &back
}

// journalRun executes code in s with a journal.
func journalRun(t *testing.T, s *core.Session, code string, earlier *core.Journal) (*core.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := s.Execute(ctx, code, core.WithJournal(earlier))
	if r.Journal == nil {
		t.Fatalf("no journal beside %v", err)
	}
	return r, err
}

func TestJournalReplays(t *testing.T) {
	programs := map[string]string{
		"values":    "print(await values(), await echo(x={'b': 1, 'a': [2.0, b'x']}))",
		"gather":    "import asyncio\nprint(await asyncio.gather(*[echo(x=i) for i in range(20)], values()))",
		"errors":    "try:\n    await fail(x=1)\nexcept CallbackError as e:\n    print(e.code, e)",
		"stream":    "print([i async for i in count()])",
		"twice":     "print(await echo(x=1), await echo(x=1))",
		"abandoned": "import asyncio\ntry:\n    async with asyncio.timeout(0.05): await never()\nexcept TimeoutError:\n    print('gave up', await echo(x=1))",
		"left":      "import asyncio\nt = asyncio.ensure_future(never())\nawait asyncio.sleep(0)\nprint(await echo(x=2))",
		"broken":    "async for i in count():\n    if i == 3: break\nprint(i, await echo(x=3))",
		"unknown":   "try:\n    await invoke('nosuch')\nexcept Exception as e:\n    print(e)\nprint(await echo(x=4))",
	}
	for name, code := range programs {
		t.Run(name, func(t *testing.T) {
			host := &journalHost{}
			first, err := journalRun(t, newSession(t, core.Config{Callbacks: host.callbacks()}), code, nil)
			if err != nil {
				t.Fatal(err)
			}
			asked := host.take()
			again, err := journalRun(t, newSession(t, core.Config{Callbacks: host.callbacks()}), code, through(t, first.Journal))
			if err != nil {
				t.Fatal(err)
			}
			if string(first.Stdout) != string(again.Stdout) || len(first.Stdout) == 0 {
				t.Errorf("replayed it printed\n%s\nat first\n%s", again.Stdout, first.Stdout)
			}
			if got := host.take(); len(got) != 0 || again.ReplayedCallbacks != len(asked) || first.ReplayedCallbacks != 0 {
				t.Errorf("the host was asked %v again, replayed %d of %v", got, again.ReplayedCallbacks, asked)
			}
			if name == "broken" { // how far a stream got ahead of the program is chance
				first.Journal.Entries[0].Items, again.Journal.Entries[0].Items = nil, nil
			}
			if !reflect.DeepEqual(through(t, first.Journal), through(t, again.Journal)) {
				t.Errorf("the journals differ:\n%+v\n%+v", first.Journal, again.Journal)
			}
		})
	}
}

func TestJournalGoesLive(t *testing.T) {
	host := &journalHost{}
	s := newSession(t, core.Config{Callbacks: host.callbacks()})
	first, err := journalRun(t, s, "for i in range(3): await echo(x=i)", nil)
	if err != nil {
		t.Fatal(err)
	}
	host.take()
	// In another order all is replayed; after the first call that is not in it, nothing.
	r, err := journalRun(t, s, "print(await echo(x=2), await echo(x=0), await echo(x=9), await echo(x=1))", first.Journal)
	if err != nil || string(r.Stdout) != "2 0 9 1\n" {
		t.Fatalf("%v %q", err, r.Stdout)
	}
	if got := host.take(); len(got) != 2 || r.ReplayedCallbacks != 2 || len(r.Journal.Entries) != 4 {
		t.Errorf("asked %v, replayed %d, %d entries", got, r.ReplayedCallbacks, len(r.Journal.Entries))
	}
	// Arguments are found by their value, not by their order.
	earlier := &core.Journal{Entries: []core.JournalEntry{{Name: "echo", ArgsJSON: `{"x":2,"y":1}`, Value: []byte("[5]")}}}
	r, err = journalRun(t, s, "print(await echo(y=1, x=2))", earlier)
	if err != nil || string(r.Stdout) != "[5]\n" || r.ReplayedCallbacks != 1 {
		t.Errorf("%v %q %d", err, r.Stdout, r.ReplayedCallbacks)
	}
}

func TestJournalIsBounded(t *testing.T) {
	host := &journalHost{}
	s := newSession(t, core.Config{Callbacks: host.callbacks(), Limits: core.Limits{MaxCallbackInvocations: core.Unlimited}})
	r, err := journalRun(t, s, "x = 'x' * 8_000_000\ntry:\n    for i in range(100): await echo(x=x)\nexcept CallbackError as e:\n    print(i, e.code)", nil)
	if err != nil || string(r.Stdout) != "5 limit\n" { // 5 arguments and 5 answers are more than 64 MiB
		t.Errorf("%v %s", err, r.Stdout)
	}
}

func TestJournalRefused(t *testing.T) {
	entry := func(rest string) string {
		return `{"code": "", "entries": [{"name": "a", "args_json": "{}"` + rest + `}]}`
	}
	for text, want := range map[string]string{
		`[]`:                            "unexpected array",
		`{}`:                            "missing field `code`",
		`{"code": ""}`:                  "missing field `entries`",
		`{"code": "", "entries": 1}`:    "unexpected number for `entries`",
		`{"code": "", "entries": [{}]}`: "entry 0: missing field `name`",
		entry(``):                       "`result` must have one of",
		entry(`, "result": {}`):         "`result` must have one of",
		entry(`, "result": {"Ok": 1, "Err": "x"}`):                   "`result` must have one of",
		entry(`, "result": {"Err": 1}`):                              "`Err`",
		entry(`, "result": {"Err": "x", "code": 1}`):                 "`code`",
		entry(`, "result": {"Ok": {"$eryx": "other"}}`):              "a tagged value",
		entry(`, "result": {"Ok": {"$eryx": "bytes", "base64": 1}}`): "a tagged value",
		entry(`, "items": [{"$eryx": "map"}], "result": {"Ok": 1}`):  "a tagged value",
	} {
		var j core.Journal
		err := j.UnmarshalJSON([]byte(text))
		if core.ErrorCode(err) != core.CodeInvalid || !strings.HasPrefix(err.Error(), "Invalid journal: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	// A journal of pyeryx 0.11.
	var j core.Journal
	err := j.UnmarshalJSON([]byte(entry(`, "index": 0, "args_hash": 11595573028929527419, "result": {"Err": "execution failed"}`)))
	if err != nil || *j.Entries[0].Err != (core.JournalError{Code: "callback", Message: "execution failed"}) {
		t.Errorf("%v %+v", err, j.Entries)
	}
}

func TestJournalSigned(t *testing.T) {
	key := []byte("key")
	j := &core.Journal{Code: "x", Entries: []core.JournalEntry{{Name: "a", ArgsJSON: "{}", Value: []byte("1")}}}
	signature, err := j.Sign(key)
	if err != nil || !through(t, j).Verify("x", key, signature) {
		t.Errorf("its own signature does not hold: %v", err)
	}
	if j.Verify("y", key, signature) || j.Verify("x", []byte("other"), signature) || j.Verify("x", key, nil) {
		t.Error("another program, key or no signature holds")
	}
	j.Entries[0].Value = []byte("2")
	if j.Verify("x", key, signature) {
		t.Error("a forged journal holds")
	}
}
