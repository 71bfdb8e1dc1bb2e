package core

import (
	"encoding/json"
	"time"
)

// Result is all that came of one execution, whatever happened: it is complete also beside an error.
type Result struct {
	// Stdout and Stderr are what the program wrote, up to the output limit. An uncaught exception's
	// traceback is in Err, not in Stderr.
	Stdout, Stderr []byte
	// StdoutTruncated and StderrTruncated say that there was more than the limit.
	StdoutTruncated, StderrTruncated bool
	// JSON is the result variable as JSON; nil when the program did not set it.
	JSON json.RawMessage
	// JSONError says why the result variable could not be encoded; "" otherwise.
	JSONError string
	// Value is what a call of a guest function returned, see Session.Call.
	Value any
	// ExitCode is what the program exited with by sys.exit; 0 when it just ended.
	ExitCode int
	// Duration is the wall time of the execution.
	Duration time.Duration
	// CallbackInvocations counts the callbacks the program made, refused ones included.
	CallbackInvocations int
	// Callbacks tells of each callback in the order of their ends; at most 1000.
	Callbacks []CallbackRecord
	// Network tells of each attempt of the program's on the network, refused ones included; at most 1000 events.
	Network []NetEvent
	// Trace is what the program did, if Config.Trace asked for it, and TraceTruncated says that there was more.
	Trace          []TraceEvent
	TraceTruncated bool
	// PeakMemoryBytes is the most memory the guest held.
	PeakMemoryBytes int64
	// FuelConsumed is the CPU used, in loop iterations of the guest's machine code.
	FuelConsumed int64
	// Journal is what the callbacks came to, with WithJournal; else nil. Of a suspended execution it ends before the
	// call that suspended it, of one that was stopped it lacks the calls that had no answer yet.
	Journal *Journal
	// ReplayedCallbacks counts the calls that an earlier journal answered.
	ReplayedCallbacks int
	// Suspended is the call that suspended the execution; nil when none did.
	Suspended *SuspendedCallback
	// Err is the error that Execute returned, nil for success.
	Err error
}

// CallbackRecord is one callback of an execution.
type CallbackRecord struct {
	Name     string
	Duration time.Duration
	Error    string // "" for success
}

// Decode unmarshals the result variable into v, as encoding/json does.
func (r *Result) Decode(v any) error {
	if r.JSON == nil {
		if r.JSONError != "" {
			return invalid("%s", r.JSONError)
		}
		return invalid("the program did not set its result variable")
	}
	return json.Unmarshal(r.JSON, v)
}
