package core

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"

	"github.com/eryx-go/eryx/core/wire"
)

// maxJournalBytes bounds a journal that is being made: arguments are the program's, and could be anything.
const maxJournalBytes = 64 << 20

// errSuspended refuses what a program calls while its execution is being suspended.
var errSuspended = CallbackErrorf("suspended", "the execution is suspended by an earlier callback")

// recorder makes the journal of an execution, and answers from an earlier one. The execution's mu guards it, but for
// recall, which the pump alone calls.
type recorder struct {
	code     string
	entries  []*recordedCall
	bytes    int64
	earlier  map[callKey][]*JournalEntry // what is left to be replayed
	live     bool                        // a call was not in the earlier journal: it has come to its end
	replayed int
	cut      int // entries from here on are not kept; -1: none is cut
}

type callKey struct{ name, args string }

// recordedCall is an entry in the making.
type recordedCall struct {
	JournalEntry
	index int
	ended bool
	never bool // it replays a call that was abandoned: no answer comes
}

// newRecorder begins a journal of code after an earlier one, which may be nil.
func newRecorder(code string, earlier *Journal) *recorder {
	r := &recorder{code: code, earlier: map[callKey][]*JournalEntry{}, cut: -1}
	if earlier != nil {
		for i := range earlier.Entries {
			e := &earlier.Entries[i]
			key := callKey{e.Name, e.ArgsJSON}
			r.earlier[key] = append(r.earlier[key], e)
		}
	}
	return r
}

// argsJSON is the canonical JSON of a call's arguments.
func argsJSON(args map[string]any) string {
	text, err := journalJSON(args)
	if err != nil {
		return "{}" // decoded messages hold nothing that could fail
	}
	return string(text)
}

// recall takes the next answer to a call from the earlier journal; nil when there is none, and then never again: from
// the first call that differs on, the program is not the one that the journal is of.
func (r *recorder) recall(key callKey) *JournalEntry {
	queue := r.earlier[key]
	if r.live || len(queue) == 0 {
		r.live = true
		return nil
	}
	r.earlier[key] = queue[1:]
	r.replayed++
	return queue[0]
}

// start notes a call. Under mu.
func (r *recorder) start(key callKey) *recordedCall {
	c := &recordedCall{index: len(r.entries)}
	c.Name, c.ArgsJSON = key.name, key.args
	r.entries = append(r.entries, c)
	r.bytes += int64(len(key.name) + len(key.args))
	return c
}

// full reports that nothing more may be recorded. Under mu.
func (r *recorder) full() bool { return r.bytes > maxJournalBytes }

// end notes the answer of a call: an event of the guest's. Under mu.
func (r *recorder) end(c *recordedCall, outcome callOutcome) {
	c.ended = true
	c.Value, c.Err = outcome.value, outcome.err
	r.bytes += int64(len(outcome.value))
}

// item notes an item of a stream. Under mu.
func (r *recorder) item(c *recordedCall, value json.RawMessage) {
	c.Items = append(c.Items, value)
	r.bytes += int64(len(value))
}

// abandon notes that the program gave up a call. Under mu.
func (c *recordedCall) abandon() { c.ended, c.Abandoned = true, true }

// journal is what was recorded, without calls that have not ended.
func (r *recorder) journal() *Journal {
	j := &Journal{Code: r.code, Entries: []JournalEntry{}}
	for i, c := range r.entries {
		if i == r.cut {
			break
		}
		if c.ended {
			j.Entries = append(j.Entries, c.JournalEntry)
		}
	}
	return j
}

// callOutcome is what a journal keeps of an answer.
type callOutcome struct {
	value json.RawMessage
	err   *JournalError
}

// outcomeOf reads an event for the guest: [id, kind, value] or [id, kind, code, message].
func outcomeOf(event []byte) callOutcome {
	decoded, _ := wire.Decode(event)
	fields, _ := decoded.([]any)
	switch {
	case len(fields) == 4:
		code, _ := fields[2].(string)
		message, _ := fields[3].(string)
		return callOutcome{err: &JournalError{code, message}}
	case len(fields) == 3:
		if text, err := journalJSON(fields[2]); err == nil {
			return callOutcome{value: text}
		}
	}
	return callOutcome{value: json.RawMessage("null")}
}

// journaled finds what answers a call: callback, or what an earlier journal says. Only the pump calls it.
func (x *execution) journaled(callback *Callback, name string, args map[string]any) (*Callback, *recordedCall) {
	key := callKey{name, argsJSON(args)}
	earlier := x.recorder.recall(key)
	x.mu.Lock()
	recorded := x.recorder.start(key)
	x.mu.Unlock()
	if earlier == nil {
		return callback, recorded
	}
	recorded.never = earlier.Abandoned
	return earlier.replay(callback), recorded
}

// replay is a callback that answers as the journal says.
func (e *JournalEntry) replay(of *Callback) *Callback {
	c := &Callback{Name: of.Name, Timeout: of.Timeout}
	switch {
	case of.streaming():
		c.Stream = func(ctx context.Context, _ map[string]any) iter.Seq2[any, error] { return e.stream(ctx) }
	case e.Abandoned:
		c.Start = func(*Call) {} // until the program gives it up again
	default:
		c.Func = func(context.Context, map[string]any) (any, error) { return e.answer() }
	}
	return c
}

// answer is the value or the error of the entry.
func (e *JournalEntry) answer() (any, error) {
	if e.Err != nil {
		return nil, &errCallback{e.Err.Code, e.Err.Message}
	}
	return journalValue(bytes.Clone(e.Value))
}

// stream gives the items of the entry, and ends as it did.
func (e *JournalEntry) stream(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, item := range e.Items {
			if value, err := journalValue(item); !yield(value, err) || err != nil {
				return
			}
		}
		if e.Abandoned {
			<-ctx.Done()
			return
		}
		if _, err := e.answer(); err != nil {
			yield(nil, err)
		}
	}
}
