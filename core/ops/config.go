package ops

import (
	"bytes"

	"github.com/eryx-go/eryx/core"
)

const configFields = "limits callbacks libraries result_variable args env stdin keep_tasks checkpoint volumes packages requirements lock_file trace " +
	"max_trace_events vfs vfs_mount_path mcp network secrets scrub redact_responses"

// config reads what a sandbox or a session is made with.
func (s *Service) readConfig(r *request) (core.Config, error) {
	var c core.Config
	f, err := r.fields.mapping("config")
	if err == nil {
		err = f.only("config", configFields)
	}
	if err != nil {
		return c, err
	}
	if c.Limits, err = readLimits(f); err != nil {
		return c, err
	}
	if c.Callbacks, err = s.readCallbacks(f); err != nil {
		return c, err
	}
	if c.Volumes, err = readVolumes(f); err != nil {
		return c, err
	}
	if c.Packages, err = readPackages(f); err != nil {
		return c, err
	}
	if c.Libraries, err = s.readMCP(f); err != nil {
		return c, err
	}
	libraries, err := s.readLibraries(f)
	if err != nil {
		return c, err
	}
	c.Libraries = append(c.Libraries, libraries...)
	if c.Requirements, err = f.texts("requirements"); err != nil {
		return c, err
	}
	if c.Resolve.LockFile, err = f.text("lock_file"); err != nil {
		return c, err
	}
	if err = s.readVFS(f, &c); err != nil {
		return c, err
	}
	if c.Network, err = s.readNetwork(f); err != nil {
		return c, err
	}
	if err = readSecrets(f, &c); err != nil {
		return c, err
	}
	return c, readProcess(f, &c)
}

// readVFS reads where the writable files are kept.
func (s *Service) readVFS(f fields, c *core.Config) (err error) {
	if f.m["vfs"] != nil {
		if c.VFS, err = s.storage(f); err != nil {
			return err
		}
	}
	c.VFSMountPath, err = f.text("vfs_mount_path")
	return err
}

// readProcess reads what the program finds: arguments, environment, standard input.
func readProcess(f fields, c *core.Config) (err error) {
	if c.ResultVariable, err = f.text("result_variable"); err != nil {
		return err
	}
	if c.Args, err = f.texts("args"); err != nil {
		return err
	}
	if c.KeepTasks, err = f.flag("keep_tasks"); err != nil {
		return err
	}
	if c.Checkpoint, err = f.flag("checkpoint"); err != nil {
		return err
	}
	if c.Trace, err = f.flag("trace"); err != nil {
		return err
	}
	events, err := f.integer("max_trace_events")
	if err != nil {
		return err
	}
	c.MaxTraceEvents = int(events)
	if c.Env, err = f.textMap("env"); err != nil {
		return err
	}
	stdin, err := get[[]byte](f, "stdin", "bytes")
	if len(stdin) > 0 {
		c.Stdin = bytes.NewReader(stdin)
	}
	return err
}

// readCallbacks reads the announced host functions; their calls become events.
func (s *Service) readCallbacks(f fields) ([]core.Callback, error) {
	var callbacks []core.Callback
	err := f.each("callbacks", "name description schema stream timeout_ms", func(item fields) error {
		c, err := s.readCallback(item)
		callbacks = append(callbacks, c)
		return err
	})
	return callbacks, err
}

// readLibraries reads bundles of host functions, modules and stubs.
func (s *Service) readLibraries(f fields) ([]core.Library, error) {
	var libraries []core.Library
	err := f.each("libraries", "name modules stubs callbacks", func(item fields) error {
		var l core.Library
		var err error
		if l.Name, err = item.text("name"); err != nil {
			return err
		}
		if l.Modules, err = item.textMap("modules"); err != nil {
			return err
		}
		if l.Stubs, err = item.text("stubs"); err != nil {
			return err
		}
		l.Callbacks, err = s.readCallbacks(item)
		libraries = append(libraries, l)
		return err
	})
	return libraries, err
}

func (s *Service) readCallback(item fields) (c core.Callback, err error) {
	if c.Name, err = item.text("name"); err != nil {
		return c, err
	}
	if c.Description, err = item.text("description"); err != nil {
		return c, err
	}
	if c.Timeout, err = item.milliseconds("timeout_ms"); err != nil {
		return c, err
	}
	schema, err := item.text("schema")
	if err != nil {
		return c, err
	}
	if schema != "" {
		c.Schema = schema // JSON text: a message's map has no order, and the parameters' order matters
	}
	stream, err := item.flag("stream")
	if stream {
		c.StartStream = s.startCall
	} else {
		c.Start = s.startCall
	}
	return c, err
}

const limitFields = "execution_timeout_ms callback_timeout_ms grace_period_ms max_memory_bytes max_callback_invocations " +
	"max_pending_callbacks max_fuel max_vfs_bytes max_output_bytes output_overflow max_open_files"

// readLimits reads the field "limits". A missing limit is the default, -1 is none.
func readLimits(parent fields) (l core.Limits, err error) {
	f, err := parent.mapping("limits")
	if err == nil {
		err = f.only("limits", limitFields)
	}
	if err != nil {
		return l, err
	}
	if l.ExecutionTimeout, err = f.milliseconds("execution_timeout_ms"); err != nil {
		return l, err
	}
	if l.CallbackTimeout, err = f.milliseconds("callback_timeout_ms"); err != nil {
		return l, err
	}
	if l.GracePeriod, err = f.milliseconds("grace_period_ms"); err != nil {
		return l, err
	}
	return l, readCounts(f, &l)
}

func readCounts(f fields, l *core.Limits) error {
	var invocations, pending, files int64
	for name, to := range map[string]*int64{
		"max_memory_bytes": &l.MaxMemoryBytes, "max_fuel": &l.MaxFuel, "max_vfs_bytes": &l.MaxVFSBytes,
		"max_output_bytes": &l.MaxOutputBytes, "max_callback_invocations": &invocations,
		"max_pending_callbacks": &pending, "max_open_files": &files,
	} {
		var err error
		if *to, err = f.integer(name); err != nil {
			return err
		}
	}
	l.MaxCallbackInvocations, l.MaxPendingCallbacks, l.MaxOpenFiles = int(invocations), int(pending), int(files)
	switch v := f.m["output_overflow"]; v {
	case nil, "truncate":
		l.OutputOverflow = core.OutputTruncate
	case "fail":
		l.OutputOverflow = core.OutputFail
	default:
		return badField("output_overflow", "\"truncate\" or \"fail\"", v)
	}
	return nil
}

// executeOptions reads what an execution asks for beside its source.
func (r *request) executeOptions() ([]core.ExecuteOption, error) {
	var options []core.ExecuteOption
	limits, err := readLimits(r.fields)
	if err != nil {
		return nil, err
	}
	options = append(options, core.WithLimits(limits))
	filename, err := r.fields.text("filename")
	if err != nil {
		return nil, err
	}
	if filename != "" {
		options = append(options, core.WithFilename(filename))
	}
	interactive, err := r.fields.flag("interactive")
	if err != nil {
		return nil, err
	}
	if interactive {
		options = append(options, core.WithInteractive())
	}
	if options, err = r.journalOption(options); err != nil {
		return nil, err
	}
	if options, err = r.traceOption(options); err != nil {
		return nil, err
	}
	output, err := r.outputOption()
	return append(options, output), err
}

// traceOption asks for a trace of this execution, in its result, as events, or both.
func (r *request) traceOption(options []core.ExecuteOption) ([]core.ExecuteOption, error) {
	collect, err := r.fields.flag("trace")
	if err != nil {
		return nil, err
	}
	live, err := r.fields.flag("trace_events")
	if err != nil || r.fields.m["trace"] == nil && !live {
		return options, err
	}
	var handler func([]core.TraceEvent)
	if live && r.sink != nil {
		handler = func(events []core.TraceEvent) {
			r.emit("trace", traceRecords(events))
			r.sink.Wait(r.ctx)
		}
	}
	return append(options, core.WithTrace(collect, handler)), nil
}

// journalOption asks for a journal, after an earlier one unless that is empty.
func (r *request) journalOption(options []core.ExecuteOption) ([]core.ExecuteOption, error) {
	if r.fields.m["journal"] == nil {
		return options, nil
	}
	text, err := r.fields.text("journal")
	if err != nil || text == "" {
		return append(options, core.WithJournal(nil)), err
	}
	var journal core.Journal
	if err := journal.UnmarshalJSON([]byte(text)); err != nil {
		return nil, err
	}
	return append(options, core.WithJournal(&journal)), nil
}

// outputOption asks for the streams that are wanted as events.
func (r *request) outputOption() (core.ExecuteOption, error) {
	var handlers [2]func([]byte)
	for i, name := range []string{"stdout_events", "stderr_events"} {
		wanted, err := r.fields.flag(name)
		if err != nil {
			return nil, err
		}
		if wanted && r.sink != nil {
			handlers[i] = r.output(i + 1)
		}
	}
	return core.WithOutput(handlers[0], handlers[1]), nil
}
