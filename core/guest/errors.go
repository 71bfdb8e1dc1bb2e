package guest

import (
	"errors"
	"fmt"
)

// Errors that end a guest. Compare with errors.Is.
var (
	// ErrKilled: the host ended the execution by force; Guest.Cause says why.
	ErrKilled = errors.New("guest killed")
	// ErrTrap: the guest's machine code trapped, for example on a stack overflow.
	ErrTrap = errors.New("guest trapped")
	// ErrStack: the guest trapped because it recursed too deep for the native or the shadow stack. Is an ErrTrap.
	ErrStack = fmt.Errorf("%w: stack overflow", ErrTrap)
	// ErrNoMemory: the message does not fit into the guest's memory. The guest lives on.
	ErrNoMemory = errors.New("guest out of memory")
	// ErrImage: an image could not be made or used.
	ErrImage = errors.New("guest image")
)

// ExitError: the guest ended itself, by os._exit or abort.
type ExitError struct {
	Code uint32 // the exit code
}

func (e *ExitError) Error() string { return fmt.Sprintf("guest exited with code %d", e.Code) }
