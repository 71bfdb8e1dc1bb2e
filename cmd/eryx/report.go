package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/eryx-go/eryx/core"
)

// report is what --json prints. Names are those of the other languages' results.
type report struct {
	Stdout              string          `json:"stdout"`
	Stderr              string          `json:"stderr"`
	StdoutTruncated     bool            `json:"stdout_truncated"`
	StderrTruncated     bool            `json:"stderr_truncated"`
	Result              json.RawMessage `json:"result"` // null when the script did not set it
	ResultError         string          `json:"result_error,omitempty"`
	Error               *reportedError  `json:"error"` // null for success
	ExitCode            int             `json:"exit_code"`
	DurationMS          float64         `json:"duration_ms"`
	FuelConsumed        int64           `json:"fuel_consumed"`
	PeakMemoryBytes     int64           `json:"peak_memory_bytes"`
	CallbackInvocations int             `json:"callback_invocations"`
}

type reportedError struct {
	Code      core.Code `json:"code"`
	Limit     string    `json:"limit,omitempty"`
	Type      string    `json:"type"` // the exception's; "" where there was none
	Message   string    `json:"message"`
	Traceback string    `json:"traceback"`
}

// writeReport writes result as one line of JSON. Output that is not UTF-8 gets replacement characters.
func writeReport(w io.Writer, result *core.Result, code int) error {
	r := report{
		Stdout: string(result.Stdout), Stderr: string(result.Stderr),
		StdoutTruncated: result.StdoutTruncated, StderrTruncated: result.StderrTruncated,
		Result: result.JSON, ResultError: result.JSONError,
		Error: reported(result.Err), ExitCode: code,
		DurationMS:   float64(result.Duration.Microseconds()) / 1000,
		FuelConsumed: result.FuelConsumed, PeakMemoryBytes: result.PeakMemoryBytes,
		CallbackInvocations: result.CallbackInvocations,
	}
	if r.Result == nil {
		r.Result = json.RawMessage("null")
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

func reported(err error) *reportedError {
	var e *core.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return &reportedError{Code: core.CodeInternal, Message: err.Error()}
	}
	r := &reportedError{Code: e.Code, Limit: e.Limit, Message: e.Message}
	if e.Python != nil {
		r.Type, r.Traceback = e.Python.Type, e.Python.Traceback
		if e.Code == core.CodePython {
			r.Message = e.Python.Message
		}
	}
	return r
}
