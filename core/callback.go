package core

import (
	"context"
	"encoding/json"
	"iter"
	"regexp"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core/guestfs"
)

// Callback is a host function that the program can await.
//
// Values pass in both directions without JSON's losses: None, bool, integers of any size, floats with NaN and
// infinities, text, bytes, lists (tuples become lists), and dicts with string keys. As json.dumps does, keys that are
// int, float, bool or None become text, and as in JSON APIs dates and times become ISO 8601 text. Anything else is a
// TypeError in the program before the call is made.
type Callback struct {
	// Name is the function's name in the guest; dots make namespaces ("db.users.get"). Builtins, keywords and a
	// few modules' names are reserved. What is not an identifier is reached as ns["x-y"] or invoke("x-y").
	Name string
	// Description is for people and language models.
	Description string
	// Schema is the JSON Schema of the arguments: an object whose properties are the parameters, in order. It is
	// JSON text (string, []byte, json.RawMessage) or a map[string]any, whose order of parameters is
	// "propertyOrdering" (a list of names) if it has one, then that of "required", then by name. nil: the callback
	// takes any keyword arguments.
	Schema any
	// Func answers a call. ctx is cancelled when the program no longer waits: its own timeout, the callback's,
	// or the end of the execution. The value may be nil, a bool, number, string, []byte, *big.Int, time.Time,
	// or slices and string-keyed maps of those. An error reaches the guest as CallbackError with the error's
	// text, never with a stack.
	Func func(ctx context.Context, args map[string]any) (any, error)
	// Start, instead of Func, answers a call later from any goroutine, and holds no goroutine meanwhile.
	Start func(call *Call)
	// Stream, instead of Func, makes the callback an asynchronous iterator in the guest: "async for item in
	// name(...)". It runs in a goroutine of its own, which waits while the program has items it has not taken;
	// when the program stops early the loop is broken off and ctx cancelled. An error ends the stream.
	Stream func(ctx context.Context, args map[string]any) iter.Seq2[any, error]
	// StartStream, instead of Stream, begins a stream that is answered from any goroutine: see Call.Send.
	StartStream func(call *Call)
	// Timeout of one call of this callback; 0 is Limits.CallbackTimeout, Unlimited is none.
	Timeout time.Duration

	// kind is of a callback of Eryx's own, which the guest gives another face; "" of others.
	kind string
}

// streaming reports that the program iterates over the answer.
func (c *Callback) streaming() bool { return c.Stream != nil || c.StartStream != nil }

const maxCallbackName = 255

var (
	callbackName = regexp.MustCompile(`^[^\s.\x00]+(\.[^\s.\x00]+)*$`)
	identifier   = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)
)

// reservedNames are the names that a callback, or the first part of its dotted name, cannot have: the guest's
// builtins and keywords, what Eryx adds to them, and modules that nearly every program imports.
var reservedNames = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(`
		invoke list_callbacks CallbackError asyncio json math re os sys subprocess socket sandbox self
		False None True and as assert async await break class continue def del elif else except finally for from
		global if import in is lambda nonlocal not or pass raise return try while with yield
		abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex
		copyright credits delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr
		globals hasattr hash help hex id input int isinstance issubclass iter len license list locals map max
		memoryview min next object oct open ord pow print property quit range repr reversed round set setattr
		slice sorted staticmethod str sum super tuple type vars zip Ellipsis NotImplemented
		ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError
		BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError
		ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError EncodingWarning EnvironmentError
		Exception ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit
		IOError ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError
		KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError
		NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError ProcessLookupError
		PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning
		StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError
		TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError
		UnicodeWarning UserWarning ValueError Warning ZeroDivisionError
	`) {
		names[name] = true
	}
	return names
}()

func (c *Callback) validate() error {
	first, _, _ := strings.Cut(c.Name, ".")
	ways := 0
	for _, set := range []bool{c.Func != nil, c.Start != nil, c.Stream != nil, c.StartStream != nil} {
		if set {
			ways++
		}
	}
	switch {
	case c.Name == "":
		return invalid("a callback has no name")
	case len(c.Name) > maxCallbackName || !callbackName.MatchString(c.Name):
		return invalid("callback name %.300q: use 1 to %d characters without spaces, and no empty part between dots", c.Name, maxCallbackName)
	case reservedNames[first] || strings.HasPrefix(first, "__"):
		return invalid("callback name %q: %q is reserved in Python or by Eryx; choose another, or a namespace such as \"host.%s\"", c.Name, first, c.Name)
	case ways != 1:
		return invalid("callback %q needs exactly one of Func, Start, Stream and StartStream", c.Name)
	case c.Timeout < Unlimited:
		return invalid("callback %q: its timeout is %v: use a positive one, 0 for the default or Unlimited", c.Name, c.Timeout)
	}
	return nil
}

// CheckCallbacks reports what NewSession would say of callbacks: names and schemas that cannot be used.
func CheckCallbacks(callbacks []Callback) error {
	_, err := newCallbackSet(callbacks)
	return err
}

// ParameterNames are the names of a callback's parameters in the order of its schema; none when it has no schema.
func ParameterNames(c Callback) []string {
	text, err := schemaText(c.Schema)
	if err != nil {
		return nil
	}
	parameters, err := parametersOf(text)
	if err != nil {
		return nil
	}
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
	}
	return names
}

// callbackSet is the callbacks of a session, checked and ready to announce to its guest.
type callbackSet struct {
	table        map[string]*Callback
	announcement []any
	stubs        string
	modules      *guestfs.MemFS // the modules of libraries; nil: none
	topModules   []string       // their names
}

// newCallbackSet checks callbacks and prepares them.
func newCallbackSet(callbacks []Callback) (*callbackSet, error) {
	set := &callbackSet{table: make(map[string]*Callback, len(callbacks))}
	var stubs []stubFunction
	for i := range callbacks {
		c := callbacks[i]
		if err := c.validate(); err != nil {
			return nil, err
		}
		if set.table[c.Name] != nil {
			return nil, invalid("two callbacks are named %q", c.Name)
		}
		set.table[c.Name] = &c
		text, err := schemaText(c.Schema)
		if err != nil {
			return nil, invalid("callback %q: encode the schema: %v", c.Name, err)
		}
		parameters, err := parametersOf(text)
		if err != nil {
			return nil, invalid("callback %q: %v", c.Name, err)
		}
		set.announcement = append(set.announcement, announcementOf(&c, text, parameters))
		stubs = append(stubs, stubFunction{&c, parameters})
	}
	set.stubs = stubText(stubs)
	return set, nil
}

// announcementOf is what the guest is told of a callback: see announce in wasm/guest/eryx/callbacks.py.
func announcementOf(c *Callback, schema json.RawMessage, parameters []parameter) map[string]any {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
	}
	m := map[string]any{"name": c.Name, "description": c.Description, "parameters": names}
	if len(schema) > 0 {
		m["schema"] = string(schema)
		m["doc"] = docText(c, parameters)
	}
	if c.streaming() {
		m["stream"] = true
	}
	if c.kind != "" {
		m["kind"] = c.kind
	}
	return m
}

// docText is the guest's docstring: the description, and a line for each parameter.
func docText(c *Callback, parameters []parameter) string {
	var b strings.Builder
	b.WriteString(c.Description)
	if len(parameters) > 0 {
		if c.Description != "" {
			b.WriteString("\n\n")
		}
		b.WriteString("Args:\n")
	}
	for _, p := range parameters {
		b.WriteString("    " + p.Name + " (" + p.Schema.pythonType())
		if !p.Required {
			b.WriteString(", optional")
		}
		b.WriteString(strings.TrimRight("): "+p.Schema.Description, " ") + "\n")
	}
	return b.String()
}
