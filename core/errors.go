package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Code is the stable word for what went wrong; the same in every language.
type Code string

// Codes of an Error.
const (
	CodePython         Code = "python"         // the program raised an exception
	CodeExit           Code = "exit"           // the program ended itself with a code that is not 0
	CodeTimeout        Code = "timeout"        // the execution took too long
	CodeLimit          Code = "limit"          // another limit was hit; Error.Limit says which
	CodeCancelled      Code = "cancelled"      // the caller cancelled
	CodeInitialization Code = "initialization" // a runtime, factory or session could not be made
	CodeSnapshot       Code = "snapshot"       // a snapshot could not be made or used
	CodeSuspended      Code = "suspended"      // a callback suspended the execution
	CodePoolExhausted  Code = "pool_exhausted" // all leases of a pool are in use
	CodePoolTimeout    Code = "pool_timeout"   // no lease was released in time
	CodePoolClosed     Code = "pool_closed"    // the pool is closed
	CodeClosed         Code = "closed"         // the object is closed, or its guest is dead and wants a Reset
	CodeInvalid        Code = "invalid"        // an argument makes no sense
	CodeFile           Code = "file"           // a file of a Storage could not be used; Error.Errno says why
	CodeUnsupported    Code = "unsupported"    // not on this platform
	CodeInternal       Code = "internal"       // a fault of Eryx's own
)

// Error is every error of this package. Compare Code, or use errors.Is with context.DeadlineExceeded
// (timeout) and context.Canceled (cancelled), and errors.As.
type Error struct {
	Code    Code
	Message string
	// Python is the program's exception, where there was one.
	Python *PythonError
	// Limit names the limit that was hit: execution_timeout, fuel, output, callbacks, memory, stack.
	Limit string
	// ExitCode is what the program exited with, for CodeExit.
	ExitCode int
	// Errno is the name of what went wrong, such as "ENOENT", for CodeFile; "" where there is none.
	Errno string
	// Killed says that the guest was stopped by force: its session must be Reset.
	Killed bool
	// Cause is the underlying error, may be nil.
	Cause error
}

// PythonError is an exception as the guest describes it.
type PythonError struct {
	Type      string // qualified name, without "builtins." and "__main__."
	Message   string // str(exception)
	Traceback string // as Python prints it, with source lines of the program only
	Frames    []Frame
}

// Frame is one level of a traceback, outermost first.
type Frame struct {
	File     string
	Line     int
	Function string
	Source   string // the source line; "" where it is not the program's own
}

func (e *Error) Error() string {
	if e.Python != nil && (e.Code == CodePython) {
		return strings.TrimSuffix(e.Python.Traceback, "\n")
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes a timeout context.DeadlineExceeded and a cancellation context.Canceled.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == CodeTimeout
	case context.Canceled:
		return e.Code == CodeCancelled
	}
	return false
}

func failure(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

func invalid(format string, args ...any) *Error { return failure(CodeInvalid, format, args...) }

// ErrorCode is the code of err, "" when it is no Error.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
