package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/eryx-go/eryx/core"
)

// runProgram runs p and returns the exit code.
func runProgram(o *options, p *program) int {
	config := o.config(p)
	stdout, stderr := newSinks()
	if !o.json {
		config.OnStdout, config.OnStderr = stdout.write, stderr.write
	}
	result, signalled := o.execute(config, p)
	code := exitCode(result, signalled)
	if o.json {
		stdout.err = writeReport(stdout.to, result, code)
	} else {
		describe(stderr.to, result.Err)
	}
	if stdout.err != nil {
		say("%v", stdout.err)
		return max(code, exitFailed)
	}
	return code
}

// execute runs p in a session of its own. The result is complete also when that cannot be made. signalled is
// the exit code for a signal that came, 0 for none.
func (o *options) execute(config core.Config, p *program) (result *core.Result, signalled int) {
	rt, err := openRuntime()
	if err != nil {
		return &core.Result{Err: err}, 0
	}
	ctx, received, stop := interruptible()
	defer stop()
	if err := o.addPackages(ctx, &config); err != nil {
		return &core.Result{Err: err}, received()
	}
	disconnect, err := o.mcp.connect(ctx, &config)
	if err != nil {
		return &core.Result{Err: err}, received()
	}
	defer disconnect()
	// The session is not closed: the process ends, and takes its memory with it sooner than we could give it back.
	session, err := rt.NewSession(config)
	if err != nil {
		return &core.Result{Err: err}, 0
	}
	result, _ = session.Execute(ctx, p.source, core.WithFilename(p.filename)) // the error is in the result
	return result, received()
}

// exitCode is how the process ends after result.
func exitCode(result *core.Result, signalled int) int {
	switch core.ErrorCode(result.Err) {
	case "":
		return exitOK
	case core.CodeTimeout:
		return exitTimeout
	case core.CodeExit:
		return result.ExitCode & 0xff // all that a process can say
	case core.CodeCancelled:
		if signalled != 0 {
			return signalled
		}
	case core.CodeInvalid:
		return exitUsage // a volume that is not there, a source that is not text
	}
	return exitFailed
}

// optionNames puts the command's names of limits in the place of Go's.
var optionNames = strings.NewReplacer(
	"ExecutionTimeout", "--timeout", "MaxMemoryBytes", "--max-memory", "MaxFuel", "--fuel", "MaxOutputBytes", "--max-output",
	"; the session must be reset", "", ": the session must be reset", "",
)

// describe tells why the script failed. What the error says is partly the script's own words.
func describe(to io.Writer, err error) {
	if err == nil {
		return
	}
	var e *core.Error
	if !errors.As(err, &e) {
		fmt.Fprintf(to, "eryx: %v\n", err)
		return
	}
	if e.Code == core.CodeExit {
		return // it said what it had to say
	}
	if e.Python != nil {
		fmt.Fprintln(to, strings.TrimSuffix(e.Python.Traceback, "\n"))
	}
	if e.Code != core.CodePython || e.Limit != "" {
		fmt.Fprintf(to, "eryx: %s\n", optionNames.Replace(e.Message))
	}
}
