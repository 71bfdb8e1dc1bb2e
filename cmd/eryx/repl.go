package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/eryx-go/eryx/core"
)

const (
	primaryPrompt   = ">>> "
	secondaryPrompt = "... "
)

// repl is the interactive mode: one session, whose statements are typed.
type repl struct {
	session    *core.Session
	editor     *editor
	out, err   *sink
	interrupts interrupts
	disconnect func() // from the MCP servers
}

// runInteractive reads and runs statements until the user leaves; it returns the exit code.
func runInteractive(o *options) int {
	r, err := o.newREPL()
	if err != nil {
		say("%v", err)
		return exitCode(&core.Result{Err: err}, 0)
	}
	defer r.disconnect()
	r.editor = newEditor(r.complete)
	fmt.Printf("%s, sandboxed. Ctrl-D to leave.\n", versionText())
	return r.loop()
}

// newREPL starts the session.
func (o *options) newREPL() (*repl, error) {
	rt, err := openRuntime()
	if err != nil {
		return nil, err
	}
	p := &program{args: []string{""}}
	if len(o.operands) > 0 {
		p.args = o.operands
	}
	if terminal, err := openTerminal(); err == nil {
		p.stdin = terminal
	}
	r := &repl{}
	r.out, r.err = newSinks()
	config := o.config(p)
	config.OnStdout, config.OnStderr = r.out.write, r.err.write
	config.ResultVariable = "__eryx_no_result__" // a failure would clear it, and "result" is the user's own here
	config.KeepTasks = true
	if err := o.addPackages(context.Background(), &config); err != nil {
		return nil, err
	}
	if r.disconnect, err = o.mcp.connect(context.Background(), &config); err != nil {
		return nil, err
	}
	r.session, err = rt.NewSession(config)
	r.interrupts = catchInterrupts()
	return r, err
}

// complete reports whether source can be run, rather than continued on the next line.
func (r *repl) complete(source string) bool {
	state, err := r.session.IsComplete(withoutBlankEnd(source))
	return err != nil || state != "incomplete"
}

func (r *repl) loop() int {
	for {
		r.newline()
		source, err := r.editor.read()
		switch {
		case errors.Is(err, errInterrupted):
			fmt.Println("KeyboardInterrupt")
			continue
		case errors.Is(err, io.EOF):
			fmt.Println()
			return exitOK
		case err != nil:
			say("read the terminal: %v", err)
			return exitFailed
		}
		if strings.TrimSpace(source) == "" {
			continue
		}
		if code, left := r.run(source); left {
			return code
		}
	}
}

// run executes a statement. left says that it ended the program.
func (r *repl) run(source string) (code int, left bool) {
	ctx, stop := r.interrupts.during()
	result, err := r.session.Execute(ctx, source, core.WithInteractive())
	if stop() {
		*r.out.inLine = true // the terminal has shown ^C
	}
	if err == nil {
		return 0, false
	}
	r.newline()
	r.describe(err)
	var e *core.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	if e.Code == core.CodeExit {
		return exitCode(result, 0), true
	}
	if e.Killed || e.Code == core.CodeClosed {
		return r.revive()
	}
	return 0, false
}

// describe tells of a statement's failure. The exception of an interrupt is Python's own.
func (r *repl) describe(err error) {
	if core.ErrorCode(err) == core.CodeCancelled {
		var e *core.Error
		if errors.As(err, &e) && !e.Killed {
			fmt.Fprintln(os.Stderr, "KeyboardInterrupt")
			return
		}
	}
	describe(r.err.to, err)
}

// revive starts anew after the guest was stopped by force.
func (r *repl) revive() (code int, left bool) {
	if err := r.session.Reset(); err != nil {
		say("%v", err)
		return exitFailed, true
	}
	say("the interpreter was started anew; variables and imports are gone")
	return 0, false
}

// newline ends a line that output has begun, so that a prompt stands alone.
func (r *repl) newline() {
	if *r.out.inLine {
		fmt.Println()
	}
	*r.out.inLine = false
}
