package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/eryx-go/eryx/core"
)

// How long a step may take before it is told of: to somebody who waits at a terminal, and in a log.
const (
	patience    = 100 * time.Millisecond
	logPatience = 500 * time.Millisecond
)

// openRuntime starts the interpreter; steps that take long are told on standard error.
func openRuntime() (*core.Runtime, error) {
	var p progress
	defer p.end()
	return core.NewRuntime(context.Background(), core.RuntimeConfig{
		Progress: p.step,
		Warn:     func(text string) { say("warning: %s", text) },
	})
}

// progress tells of steps that take long.
type progress struct {
	mu    sync.Mutex
	timer *time.Timer
}

func (p *progress) step(text string) {
	wait := logPatience
	if term.IsTerminal(int(os.Stderr.Fd())) {
		wait = patience
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(wait, func() { say("%s", text) })
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}

func versionText() string {
	return fmt.Sprintf("eryx %s (Python %s, build %.12s)", versionNumber(), core.PythonVersion, core.BuildID())
}

// versionNumber is what the build set, else what Go knows of where the source came from.
func versionNumber() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "dev"
}
