package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

var (
	errCanceled = context.Canceled
	errDeadline = context.DeadlineExceeded
)

type replyKind int

const (
	replyDone replyKind = iota
	replyWait
	replyFailed
)

// parseReply reads what the Python runtime answered: ["done", outcome], the nanoseconds
// that it may wait (negative: for ever), or ["!", type, text]
// where the runtime itself failed. All of it is the guest's word, and may be anything.
func parseReply(reply []byte) (kind replyKind, outcome map[string]any, wait time.Duration) {
	if ns, ok := wire.Int(reply); ok {
		return replyWait, nil, time.Duration(ns)
	}
	value, err := wire.Decode(reply)
	fields, ok := value.([]any)
	if err != nil || !ok || len(fields) == 0 {
		return replyFailed, map[string]any{"failed": "an unreadable reply"}, 0
	}
	switch fields[0] {
	case "done":
		if len(fields) == 2 {
			if outcome, ok := fields[1].(map[string]any); ok {
				return replyDone, outcome, 0
			}
		}
	case "!":
		return replyFailed, map[string]any{"failed": textOf(fields, 2), "type": textOf(fields, 1)}, 0
	}
	return replyFailed, map[string]any{"failed": "an unreadable reply"}, 0
}

// end completes the result and gives the session back. It is called once, by the pump.
func (x *execution) end(outcome map[string]any, err error) {
	x.mu.Lock()
	x.finished, x.waiting = true, false
	if x.timer != nil {
		x.timer.Stop()
	}
	calls := x.calls
	x.calls, x.deadlines = nil, nil
	for _, call := range calls {
		if call.recorded != nil && err == nil && x.guest.Cause() == guest.CauseNone {
			call.recorded.abandon() // the program ended without its answer
		}
	}
	x.mu.Unlock()
	for _, call := range calls {
		call.settle(errCanceled)
	}
	r := x.result
	r.Duration = x.guest.Elapsed()
	x.out.end()
	r.Stdout, r.Stderr = x.out.text[0], x.out.text[1]
	r.StdoutTruncated, r.StderrTruncated = x.out.truncated[0], x.out.truncated[1]
	r.CallbackInvocations = x.invocations
	r.Callbacks = x.records
	r.Network = x.network.all()
	if x.trace != nil {
		x.traceEnded()
		r.Trace, r.TraceTruncated = x.trace.all(), x.trace.truncated
	}
	r.Suspended = x.suspended
	if x.recorder != nil {
		r.Journal, r.ReplayedCallbacks = x.recorder.journal(), x.recorder.replayed
	}
	r.PeakMemoryBytes = x.guest.PeakMemory()
	r.FuelConsumed = x.guest.FuelUsed()
	if failure := x.failure(outcome, err); failure != nil {
		x.session.config.scrubError(failure)
		r.Err = failure
	} else {
		x.success(outcome)
		x.session.config.scrubResult(r)
	}
	x.finish(x)
	close(x.done)
}

// success fills in what a program that ended well leaves.
func (x *execution) success(outcome map[string]any) {
	if text, ok := outcome["result_json"].(string); ok && json.Valid([]byte(text)) {
		x.result.JSON = json.RawMessage(text)
	}
	text, _ := outcome["result_error"].(string)
	x.result.JSONError = shorten(text)
	x.result.Value = outcome["value"]
}

// failure is the error of the execution, nil for success.
func (x *execution) failure(outcome map[string]any, err error) *Error {
	cause := x.guest.Cause()
	python := pythonError(outcome)
	var exit *guest.ExitError
	switch {
	case x.result.Suspended != nil && (err != nil || cause == guest.CauseSuspended):
		return x.suspendedError(err != nil)
	case errors.As(err, &exit):
		x.result.ExitCode = int(int32(exit.Code))
		if exit.Code == 0 {
			return nil
		}
		return &Error{Code: CodeExit, ExitCode: x.result.ExitCode, Killed: true,
			Message: fmt.Sprintf("the program ended itself with exit code %d", x.result.ExitCode)}
	case errors.Is(err, guest.ErrNoMemory):
		return x.memoryError(nil, "the program's source does not fit into the memory limit")
	case cause != guest.CauseNone:
		return x.interruptedError(cause, python, err != nil)
	case errors.Is(err, guest.ErrStack):
		return &Error{Code: CodeLimit, Limit: "stack", Killed: true,
			Message: "the program recursed deeper than the interpreter's stack; " + x.killedNote()}
	case err != nil:
		return &Error{Code: CodeInternal, Killed: true, Cause: err,
			Message: "the interpreter stopped unexpectedly; " + x.killedNote()}
	}
	if text, ok := outcome["failed"].(string); ok {
		return x.runtimeError(outcome["type"], text)
	}
	return x.programError(outcome, python)
}

// runtimeError is an exception that came out of the guest's runtime itself: of a program that changed the runtime,
// that left no memory or no stack to describe its own exception, or whose tracing functions raise.
func (x *execution) runtimeError(kind any, text string) *Error {
	name, _ := kind.(string)
	switch name {
	case "":
		return &Error{Code: CodeInternal, Message: "the guest's runtime failed: " + text}
	case "MemoryError":
		return x.memoryError(nil, "the program used up its memory")
	}
	line := strings.TrimSuffix(name+": "+text, ": ")
	return &Error{Code: CodePython, Message: line, Python: &PythonError{Type: name, Message: text, Traceback: line + "\n"}}
}

// textOf is the text at i, "" where there is none.
func textOf(fields []any, i int) string {
	if i >= len(fields) {
		return ""
	}
	text, _ := fields[i].(string)
	return shorten(text)
}

// Bounds of what is told of an exception; the guest keeps to smaller ones, unless the program changed it.
const (
	maxPythonText = 1 << 20
	maxFrames     = 1000
)

// shorten cuts text that is too long for an error, at a character.
func shorten(text string) string {
	if len(text) <= maxPythonText {
		return text
	}
	return strings.ToValidUTF8(text[:maxPythonText], "") + "... (shortened)"
}

// programError is what the program's own end means: an exception, an exit code, or nothing.
func (x *execution) programError(outcome map[string]any, python *PythonError) *Error {
	if code, ok := outcome["exit"].(int64); ok {
		x.result.ExitCode = int(code)
		if code == 0 {
			return nil
		}
		return &Error{Code: CodeExit, ExitCode: int(code), Message: fmt.Sprintf("the program exited with code %d", code)}
	}
	if python == nil {
		return nil
	}
	if python.Type == "MemoryError" && python.Message == "" {
		return x.memoryError(python, "")
	}
	return &Error{Code: CodePython, Python: python, Message: python.Type + ": " + python.Message}
}

// memoryError says what the memory limit is and what would help.
func (x *execution) memoryError(python *PythonError, text string) *Error {
	if text == "" {
		text = "MemoryError"
	}
	if limit := x.session.limits.MaxMemoryBytes; limit > 0 {
		text = fmt.Sprintf("%s: the memory limit is %d bytes (MaxMemoryBytes); process the data in parts, or ask for a higher limit", text, limit)
	}
	code := CodeLimit
	if python != nil {
		code = CodePython
	}
	return &Error{Code: code, Limit: "memory", Python: python, Message: text}
}

// interruptedError is the error of an execution that the host ended.
func (x *execution) interruptedError(cause guest.Cause, python *PythonError, killed bool) *Error {
	e := &Error{Python: python, Killed: killed}
	switch cause {
	case guest.CauseTimeout:
		e.Code, e.Limit = CodeTimeout, "execution_timeout"
		e.Message = x.timeoutMessage()
	case guest.CauseFuel:
		e.Code, e.Limit = CodeLimit, "fuel"
		e.Message = fmt.Sprintf("the execution used up its fuel: %d of %d (MaxFuel); do less work, or ask for more fuel", x.result.FuelConsumed, x.limits.MaxFuel)
	case guest.CauseOutput:
		e.Code, e.Limit = CodeLimit, "output"
		e.Message = fmt.Sprintf("the execution wrote more than %d bytes of output (MaxOutputBytes); print less", x.limits.MaxOutputBytes)
	case guest.CauseClosed:
		e.Code, e.Message = CodeClosed, "the session was closed while it executed"
	default:
		e.Code, e.Message = CodeCancelled, "the execution was cancelled"
	}
	if killed {
		e.Message += "; it did not stop when asked and was killed: " + x.killedNote()
	}
	return e
}

// killedNote says what has become of a session whose guest was killed.
func (x *execution) killedNote() string {
	if x.rollsBack {
		return "the session is as it was before the execution"
	}
	return "the session must be reset"
}

// timeoutMessage says whose time is over: the limit's, or that of the context the caller gave.
func (x *execution) timeoutMessage() string {
	if limit := x.limits.ExecutionTimeout; limit > 0 && x.result.Duration >= limit {
		return fmt.Sprintf("the execution took longer than its timeout of %v (ExecutionTimeout); do less at once, or ask for more time", limit)
	}
	return fmt.Sprintf("the caller's deadline passed %v after the execution began; do less at once, or ask for more time", x.result.Duration.Round(time.Millisecond))
}

// pythonError reads the guest's description of an exception.
func pythonError(outcome map[string]any) *PythonError {
	record, ok := outcome["error"].(map[string]any)
	if !ok {
		return nil
	}
	text := func(key string) string { s, _ := record[key].(string); return shorten(s) }
	e := &PythonError{Type: text("type"), Message: text("message"), Traceback: text("traceback")}
	frames, _ := record["frames"].([]any)
	for _, f := range frames[:min(len(frames), maxFrames)] {
		fields, _ := f.([]any)
		if len(fields) != 4 {
			continue
		}
		var frame Frame
		frame.File, _ = fields[0].(string)
		line, _ := fields[1].(int64)
		frame.Line = int(line)
		frame.Function, _ = fields[2].(string)
		frame.Source, _ = fields[3].(string)
		e.Frames = append(e.Frames, frame)
	}
	return e
}
