package ops

import (
	"errors"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wire"
)

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// resultRecord is a result as the other side gets it.
func resultRecord(r *core.Result) wire.Pairs {
	record := wire.Pairs{
		{Key: "stdout", Value: r.Stdout},
		{Key: "stderr", Value: r.Stderr},
		{Key: "duration_ms", Value: milliseconds(r.Duration)},
		{Key: "callback_invocations", Value: r.CallbackInvocations},
		{Key: "peak_memory_bytes", Value: r.PeakMemoryBytes},
		{Key: "fuel_consumed", Value: r.FuelConsumed},
	}
	add := func(key string, value any, present bool) {
		if present {
			record = append(record, wire.Pair{Key: key, Value: value})
		}
	}
	add("stdout_truncated", true, r.StdoutTruncated)
	add("stderr_truncated", true, r.StderrTruncated)
	add("result_json", string(r.JSON), r.JSON != nil)
	add("result_error", r.JSONError, r.JSONError != "")
	add("value", r.Value, r.Value != nil)
	add("exit_code", r.ExitCode, r.ExitCode != 0)
	add("callbacks", callbackRecords(r.Callbacks), len(r.Callbacks) > 0)
	add("network", networkRecords(r.Network), len(r.Network) > 0)
	add("trace", traceRecords(r.Trace), len(r.Trace) > 0)
	add("trace_truncated", true, r.TraceTruncated)
	if r.Journal != nil {
		text, err := r.Journal.MarshalJSON()
		add("journal", string(text), err == nil)
		add("replayed_callbacks", r.ReplayedCallbacks, true)
	}
	if s := r.Suspended; s != nil {
		add("suspended", []any{s.Name, s.ArgsJSON, s.Reason}, true)
	}
	return record
}

// traceRecords are [kind, file, function, line], and after those, of "exception" the message, of "callback_start" the
// callback and its arguments as JSON, of "callback_end" the callback, its error or "", and its duration_ms.
func traceRecords(events []core.TraceEvent) []any {
	list := make([]any, len(events))
	for i, e := range events {
		record := []any{string(e.Kind), e.File, e.Function, e.Line}
		switch e.Kind {
		case core.TraceException:
			record = append(record, strings.ToValidUTF8(e.Message, "\ufffd"))
		case core.TraceCallbackStart:
			record = append(record, e.Callback, string(e.Arguments))
		case core.TraceCallbackEnd:
			record = append(record, e.Callback, strings.ToValidUTF8(e.Message, "\ufffd"), milliseconds(e.Duration))
		}
		list[i] = record
	}
	return list
}

// networkRecords are the events of the network.
func networkRecords(events []core.NetEvent) []any {
	list := make([]any, len(events))
	for i, e := range events {
		list[i] = networkRecord(e)
	}
	return list
}

func networkRecord(e core.NetEvent) wire.Pairs {
	valid := func(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
	record := wire.Pairs{
		{Key: "kind", Value: e.Kind}, {Key: "protocol", Value: e.Protocol}, {Key: "host", Value: valid(e.Host)},
		{Key: "listen", Value: e.Listen}, {Key: "duration_ms", Value: milliseconds(e.Duration)},
	}
	add := func(key string, value any, present bool) {
		if present {
			record = append(record, wire.Pair{Key: key, Value: value})
		}
	}
	add("address", e.Address.Addr().String(), e.Address.IsValid())
	add("port", int(e.Address.Port()), e.Address.IsValid())
	add("refused", valid(e.Refused), e.Refused != "")
	add("error", valid(e.Error), e.Error != "")
	add("bytes_up", e.BytesUp, e.Kind == core.NetEventClose)
	add("bytes_down", e.BytesDown, e.Kind == core.NetEventClose)
	return record
}

// callbackRecords are [name, duration_ms, error or nil].
func callbackRecords(records []core.CallbackRecord) []any {
	list := make([]any, len(records))
	for i, c := range records {
		var failure any
		if c.Error != "" {
			failure = strings.ToValidUTF8(c.Error, "\ufffd")
		}
		list[i] = []any{c.Name, milliseconds(c.Duration), failure}
	}
	return list
}

// errorRecord is an error as the other side gets it. Texts may come from the guest or the system, in any encoding.
func errorRecord(err error) wire.Pairs {
	var e *core.Error
	if !errors.As(err, &e) {
		e = &core.Error{Code: core.CodeInternal, Message: err.Error()}
	}
	record := wire.Pairs{
		{Key: "code", Value: string(e.Code)},
		{Key: "message", Value: strings.ToValidUTF8(e.Message, "\ufffd")},
	}
	if e.Limit != "" {
		record = append(record, wire.Pair{Key: "limit", Value: e.Limit})
	}
	if e.ExitCode != 0 {
		record = append(record, wire.Pair{Key: "exit_code", Value: e.ExitCode})
	}
	if e.Errno != "" {
		record = append(record, wire.Pair{Key: "errno", Value: e.Errno})
	}
	if e.Killed {
		record = append(record, wire.Pair{Key: "killed", Value: true})
	}
	if e.Python != nil {
		record = append(record, wire.Pair{Key: "python", Value: pythonRecord(e.Python)})
	}
	return record
}

func pythonRecord(p *core.PythonError) wire.Pairs {
	frames := make([]any, len(p.Frames))
	for i, f := range p.Frames {
		frames[i] = []any{f.File, f.Line, f.Function, f.Source}
	}
	return wire.Pairs{
		{Key: "type", Value: p.Type},
		{Key: "message", Value: p.Message},
		{Key: "traceback", Value: p.Traceback},
		{Key: "frames", Value: frames},
	}
}
