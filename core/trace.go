package core

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/eryx-go/eryx/core/secret"
)

// TraceKind is what a trace event tells of.
type TraceKind string

// Kinds of trace events; docs/tracing.md says exactly when each comes.
const (
	TraceLine          TraceKind = "line"           // a line is about to run
	TraceCall          TraceKind = "call"           // a function, a class body or the program begins
	TraceReturn        TraceKind = "return"         // it ends, by return or by an exception
	TraceException     TraceKind = "exception"      // an exception was raised in it, or passes through it
	TraceCallbackStart TraceKind = "callback_start" // a host function is called
	TraceCallbackEnd   TraceKind = "callback_end"   // its answer is there, or it is given up
)

// TraceEvent is one step of a traced execution.
type TraceEvent struct {
	Kind TraceKind
	// File, Function and Line say where; Line is 0 for the call of the program or a module, and all three are
	// empty for callbacks.
	File, Function string
	Line           int
	// Message is the exception ("ValueError: text"), or the failure of a callback.
	Message string
	// Callback is the name of a host function and Arguments what it was given, as JSON.
	Callback  string
	Arguments json.RawMessage
	// Duration is how long the host function took, for TraceCallbackEnd.
	Duration time.Duration
}

// DefaultTraceEvents is how many events Result.Trace keeps, unless Config.MaxTraceEvents says otherwise.
const DefaultTraceEvents = 100_000

// maxTraceArguments is the longest JSON of a callback's arguments that an event carries, in bytes.
const maxTraceArguments = 4096

// tracer collects the events of one execution. It is used by who drives the program only.
type tracer struct {
	keep      bool
	limit     int
	handler   func([]TraceEvent)
	fresh     []TraceEvent   // for the handler
	full      [][]TraceEvent // chunks of traceChunk events: one long slice would be copied as it grows
	events    []TraceEvent
	count     int
	truncated bool
	secrets   *secret.Set
	// The code that the lines of the present batch are of.
	file, function string
}

// traceWish is how an execution is traced.
type traceWish struct {
	collect bool
	handler func([]TraceEvent)
}

// traceWish is what Config asks for; nil for nothing.
func (c *Config) traceWish() *traceWish {
	switch {
	case c.OnTrace != nil:
		return &traceWish{c.Trace, func(events []TraceEvent) {
			for _, e := range events {
				protect(func() { c.OnTrace(e) })
			}
		}}
	case c.Trace:
		return &traceWish{collect: true}
	}
	return nil
}

// tracing is how the execution with options o is traced; nil: it is not.
func (c *Config) tracing(o executeOptions) *traceWish {
	wish := o.trace
	if wish == nil {
		wish = c.traceWish()
	}
	if wish == nil || !wish.collect && wish.handler == nil {
		return nil
	}
	return wish
}

func newTracer(wish *traceWish, c *Config) *tracer {
	if wish == nil {
		return nil
	}
	t := &tracer{keep: wish.collect, limit: c.MaxTraceEvents, handler: wish.handler, secrets: c.secrets}
	if t.limit == 0 {
		t.limit = DefaultTraceEvents
	}
	return t
}

// add notes an event.
func (t *tracer) add(e TraceEvent) {
	scrubEvent(t.secrets, &e)
	if t.handler != nil {
		t.fresh = append(t.fresh, e)
	}
	if !t.keep {
		return
	}
	if t.limit > 0 && t.count >= t.limit {
		t.truncated = true
		return
	}
	if len(t.events) == traceChunk {
		t.full = append(t.full, t.events)
		t.events = make([]TraceEvent, 0, traceChunk)
	}
	t.count++
	t.events = append(t.events, e)
}

const traceChunk = 4096

// flush gives the handler what has come since the last time.
func (t *tracer) flush() {
	if len(t.fresh) > 0 {
		protect(func() { t.handler(t.fresh) })
		t.fresh = t.fresh[:0]
	}
}

// all is the events that were kept.
func (t *tracer) all() []TraceEvent {
	if len(t.full) == 0 {
		return t.events
	}
	return slices.Concat(append(t.full, t.events)...)
}

// batch takes a message of the guest's, ["trace", event...]; see wasm/guest/shim/trace.c. What is not as it
// should be is dropped: the guest can only falsify its own trace.
func (t *tracer) batch(items []any) {
	t.file, t.function = "", ""
	for _, item := range items {
		switch v := item.(type) {
		case int64:
			t.add(TraceEvent{Kind: TraceLine, File: t.file, Function: t.function, Line: int(v)})
		case []any:
			t.list(v)
		}
	}
	t.flush()
}

// Kinds of events that are lists, see trace.py.
const (
	traceCode = iota
	traceCall
	traceReturn
	traceException
)

func (t *tracer) list(v []any) {
	if len(v) < 2 {
		return
	}
	kind, _ := v[0].(int64)
	if kind == traceCode && len(v) == 3 {
		t.file, _ = v[1].(string)
		t.function, _ = v[2].(string)
		return
	}
	line, _ := v[1].(int64)
	e := TraceEvent{File: t.file, Function: t.function, Line: int(line)}
	switch {
	case kind == traceCall:
		e.Kind = TraceCall
	case kind == traceReturn:
		e.Kind = TraceReturn
	case kind == traceException && len(v) == 3:
		e.Kind = TraceException
		e.Message, _ = v[2].(string)
	default:
		return
	}
	t.add(e)
}

// callStarted notes a call. The events of callbacks are the host's own, so that they are true whatever the guest does.
func (t *tracer) callStarted(name string, args map[string]any) {
	e := TraceEvent{Kind: TraceCallbackStart, Callback: name}
	if text, err := json.Marshal(args); err == nil && len(text) <= maxTraceArguments {
		e.Arguments = text
	}
	t.add(e)
	t.flush()
}

// traceEnded traces the calls that have ended meanwhile.
func (x *execution) traceEnded() {
	x.mu.Lock()
	ended := x.ended
	x.ended = nil
	x.mu.Unlock()
	for _, r := range ended {
		x.trace.add(TraceEvent{Kind: TraceCallbackEnd, Callback: r.Name, Duration: r.Duration, Message: r.Error})
	}
	x.trace.flush()
}
