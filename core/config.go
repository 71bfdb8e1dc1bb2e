package core

import (
	"io"
	"time"

	"github.com/eryx-go/eryx/core/guestnet"
	"github.com/eryx-go/eryx/core/secret"
	"github.com/eryx-go/eryx/core/wheel"
)

// Config is what a Sandbox or a Session is made with. The zero value gives a guest with the default limits,
// a writable /data and /tmp, and nothing else.
type Config struct {
	// Limits for every execution; see there for defaults.
	Limits Limits
	// Callbacks are the host functions that the program may await.
	Callbacks []Callback
	// Libraries add callbacks and Python modules, in bundles.
	Libraries []Library
	// ResultVariable is the global whose value becomes Result.JSON; default "result".
	ResultVariable string
	// Args are the program's sys.argv; default [""].
	Args []string
	// Env are environment variables that the program sees, beside HOME, USER, LANG and TMPDIR.
	Env map[string]string
	// Volumes are directories and files of the host that the program sees. They are opened when a session or
	// a sandbox is made, and it is an error if one cannot be.
	Volumes []Volume
	// VFS is what the program's writable files are kept in, nil for files of its own. A Sandbox's programs then find what
	// earlier ones left. A factory's files are not copied into it.
	VFS *Storage
	// VFSMountPath is where the writable files are, instead of /data, which then is not there; it is also the program's
	// working directory and HOME.
	VFSMountPath string
	// Network grants the program the network; nil gives it none.
	Network *NetConfig
	// Secrets are values that the program may send without seeing them.
	Secrets []Secret
	// Scrub says where placeholders of secrets are removed from what the program leaves.
	Scrub Scrubbing
	// RedactResponses hides the values of secrets in what comes back, by HTTP/1.x, from the hosts that they may be sent
	// to, so that a server that echoes its requests does not tell them. Replies are then asked for without compression.
	RedactResponses bool
	// Packages are Python packages that the program may import, beside those of a factory.
	Packages []Package
	// Requirements are packages to be fetched, such as "jinja2>=3", with what they need; see ResolveRequirements. What was
	// chosen once is taken from the cache and its lock file.
	Requirements []string
	// Resolve says how Requirements are fetched.
	Resolve wheel.ResolveConfig
	// Stdin is the program's standard input; nil is empty. It is read on a goroutine of its own while the
	// program waits, who can be interrupted meanwhile; what arrives late is kept for its next read. If Stdin
	// has a working method SetReadDeadline, a read is abandoned with its execution.
	Stdin io.Reader
	// OnStdout and OnStderr are given output as it is written, in order, on the guest's goroutine, which
	// waits for them. They must not keep the slice.
	OnStdout, OnStderr func(p []byte)
	// Checkpoint makes a session return to its state from before an execution that failed or was killed, files
	// included, so that nothing is lost and nothing half done remains. It costs each execution a copy of the
	// memory that the session has changed.
	Checkpoint bool
	// Store keeps a session on disk while it is not used and others are; nil keeps it in memory. Of sessions only.
	Store *SessionStore
	// KeepTasks leaves asyncio tasks that a session's execution did not wait for running, to go on in later
	// executions, instead of cancelling them.
	KeepTasks bool
	// Trace collects what the program does, step by step, in Result.Trace: at most MaxTraceEvents events (0 means
	// DefaultTraceEvents, Unlimited all of them).
	Trace          bool
	MaxTraceEvents int
	// OnTrace is given each event, in order, in batches on the goroutine that drives the program, which waits for
	// it. It may be set without Trace.
	OnTrace func(TraceEvent)

	prepared *callbackSet     // by prepare
	policy   *guestnet.Policy // of Network, by prepare
	secrets  *secret.Set      // of Secrets, by prepare
}

// prepare checks the network, callbacks and libraries, once for all sessions that are made of this copy.
func (c *Config) prepare() (err error) {
	if c.policy == nil {
		if c.policy, err = newPolicy(c.Network); err != nil {
			return err
		}
	}
	if c.secrets == nil {
		if c.secrets, err = newSecrets(c); err != nil {
			return err
		}
	}
	if c.prepared == nil {
		c.prepared, err = newPrepared(c)
	}
	return err
}

// validate reports the first part of the configuration that makes no sense.
func (c Config) validate() error {
	if err := c.Limits.validate(); err != nil {
		return err
	}
	if err := validateVolumes(c.Volumes); err != nil {
		return err
	}
	return c.validateVFS()
}

// ExecuteOption changes one execution.
type ExecuteOption func(*executeOptions)

type executeOptions struct {
	limits   Limits
	filename string
	mode     string
	output   [2]func([]byte) // instead of OnStdout and OnStderr
	trace    *traceWish      // instead of Trace and OnTrace
	journal  bool            // keep one
	earlier  *Journal
}

// WithLimits overrides the limits of one execution; fields that are zero keep the sandbox's.
// MaxMemoryBytes, MaxVFSBytes and MaxOpenFiles are fixed when a session starts and are ignored here.
func WithLimits(l Limits) ExecuteOption { return func(o *executeOptions) { o.limits = l } }

// WithTimeout overrides the execution timeout of one execution.
func WithTimeout(d time.Duration) ExecuteOption {
	return func(o *executeOptions) { o.limits.ExecutionTimeout = d }
}

// WithOutput gives the output of one execution to functions of its own, instead of Config's; nil keeps that one. The rules of
// Config.OnStdout hold.
func WithOutput(stdout, stderr func(p []byte)) ExecuteOption {
	return func(o *executeOptions) { o.output = [2]func([]byte){stdout, stderr} }
}

// WithTrace traces one execution, whatever Config says: collect keeps the events in Result.Trace, and handler, which may
// be nil, is given them in batches, in order, on the goroutine that drives the program, which waits for it. It must
// not keep the slice.
func WithTrace(collect bool, handler func([]TraceEvent)) ExecuteOption {
	return func(o *executeOptions) { o.trace = &traceWish{collect, handler} }
}

// WithJournal records what the callbacks come to in Result.Journal, and answers calls from an earlier journal as long as
// the program makes the calls that are in it, in whatever order; nil is none. A session whose execution is stopped
// (suspended, out of time or fuel, cancelled, killed) is as before it, so that the program can be executed again; a
// program that ends by itself, be it with an exception, leaves its state as ever.
func WithJournal(earlier *Journal) ExecuteOption {
	return func(o *executeOptions) { o.journal, o.earlier = true, earlier }
}

// WithFilename names the source in tracebacks; default "<user>".
func WithFilename(name string) ExecuteOption { return func(o *executeOptions) { o.filename = name } }

// WithInteractive compiles the source as one interactive statement: the value of an expression is printed.
func WithInteractive() ExecuteOption { return func(o *executeOptions) { o.mode = "single" } }

func applyOptions(options []ExecuteOption) executeOptions {
	var o executeOptions
	for _, f := range options {
		f(&o)
	}
	return o
}
