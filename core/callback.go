package core

import (
	"context"
	"regexp"
)

// Callback is a host function that the program can await.
type Callback struct {
	// Name is the function's name in the guest; dots make namespaces ("db.users.get").
	Name string
	// Description is for people and language models.
	Description string
	// Schema is the JSON Schema of the arguments: an object whose properties are the parameters, in order.
	Schema map[string]any
	// Func answers a call. ctx is cancelled when the program no longer waits: its own timeout, the callback's,
	// or the end of the execution. The value may be nil, a bool, number, string, []byte, *big.Int, time.Time,
	// or slices and string-keyed maps of those. An error reaches the guest as CallbackError with the error's
	// text, never with a stack.
	Func func(ctx context.Context, args map[string]any) (any, error)
	// Start, instead of Func, answers a call later from any goroutine, and holds no goroutine meanwhile.
	Start func(call *Call)
}

var callbackName = regexp.MustCompile(`^[^\s.\x00][^\s\x00]*$`)

func (c Callback) validate() error {
	switch {
	case c.Name == "":
		return invalid("a callback has no name")
	case len(c.Name) > 255 || !callbackName.MatchString(c.Name):
		return invalid("callback name %q: use 1 to 255 characters without spaces, not starting with a dot", c.Name)
	case (c.Func == nil) == (c.Start == nil):
		return invalid("callback %q needs either Func or Start", c.Name)
	}
	return nil
}
