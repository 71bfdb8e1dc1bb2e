package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eryx-go/eryx/core"
)

const hello = "print('hi')"

// engine takes our own figures. All uses of package core are in this file, children.go and state.go.
type engine struct {
	ctx       context.Context
	options   options
	rt        *core.Runtime
	binding   *python           // our package in Python, nil for none
	node      *python           // our package in Node, nil for none
	rust      *python           // our crates, nil when their program was not built
	pyodide   *python           // its peer
	programs  []string          // names of bench/cpu
	checksums map[string]string // what each prints
	titles    map[string]string // the first line of each, without its name
}

func newEngine(ctx context.Context, o options) (*engine, error) {
	rt, err := core.NewRuntime(ctx, core.RuntimeConfig{})
	if err != nil {
		return nil, err
	}
	e := &engine{ctx: ctx, options: o, rt: rt, titles: map[string]string{}}
	data, err := os.ReadFile(filepath.Join(o.root, "bench/cpu/checksums.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &e.checksums); err != nil {
		return nil, err
	}
	e.programs = slices.Sorted(maps.Keys(e.checksums))
	for _, name := range e.programs {
		source, err := e.source(name)
		if err != nil {
			return nil, err
		}
		line, _, _ := strings.Cut(source, "\n")
		_, e.titles[name], _ = strings.Cut(strings.Trim(line, `".`), ": ")
	}
	return e, nil
}

func (e *engine) close() { e.rt.Close() }

func (e *engine) source(program string) (string, error) {
	data, err := os.ReadFile(filepath.Join(e.options.root, "bench/cpu", program+".py"))
	return string(data), err
}

// timed is how long each of count calls took, in seconds.
func timed(count int, action func() error) ([]float64, error) {
	samples := make([]float64, 0, count)
	for range count {
		start := time.Now()
		if err := action(); err != nil {
			return samples, err
		}
		samples = append(samples, time.Since(start).Seconds())
	}
	return samples, nil
}

// hello is one sandbox from nothing to its output and its end.
func (e *engine) hello() error {
	sandbox, err := e.rt.NewSandbox(core.Config{})
	if err != nil {
		return err
	}
	result, err := sandbox.Execute(e.ctx, hello)
	if err != nil {
		return err
	}
	if string(result.Stdout) != "hi\n" {
		return fmt.Errorf("printed %q", result.Stdout)
	}
	return nil
}

func (e *engine) createPrint(count int) ([]float64, error) {
	if err := e.hello(); err != nil {
		return nil, err
	}
	return timed(count, e.hello)
}

// session is a fresh session that has printed.
func (e *engine) session(config core.Config) (*core.Session, error) {
	session, err := e.rt.NewSession(config)
	if err != nil {
		return nil, err
	}
	if _, err := session.Execute(e.ctx, hello); err != nil {
		session.Close()
		return nil, err
	}
	return session, nil
}

// recycledReady times only the making of a session; running and closing it happen between the samples.
func (e *engine) recycledReady(count int) ([]float64, error) {
	var samples []float64
	for range count {
		start := time.Now()
		session, err := e.rt.NewSession(core.Config{})
		if err != nil {
			return samples, err
		}
		samples = append(samples, time.Since(start).Seconds())
		_, err = session.Execute(e.ctx, hello)
		session.Close()
		if err != nil {
			return samples, err
		}
	}
	return samples, nil
}

func (e *engine) sessionExecute(count int) ([]float64, error) {
	session, err := e.session(core.Config{})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return timed(count, func() error {
		_, err := session.Execute(e.ctx, hello)
		return err
	})
}

// sessionNew executes programs that the session has not run before, and so has to compile.
func (e *engine) sessionNew(count int) ([]float64, error) {
	session, err := e.session(core.Config{})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	number := 0
	return timed(count, func() error {
		number++
		_, err := session.Execute(e.ctx, fmt.Sprintf("print('hi %d')", number))
		return err
	})
}

// createRate is sandboxes per second on two goroutines, over half a second a sample.
func (e *engine) createRate(count int) ([]float64, error) {
	if err := e.hello(); err != nil {
		return nil, err
	}
	var samples []float64
	for range count {
		var done atomic.Int64
		var wait sync.WaitGroup
		failed := make(chan error, 2)
		start := time.Now()
		for range 2 {
			wait.Go(func() {
				for time.Since(start) < 500*time.Millisecond {
					if err := e.hello(); err != nil {
						failed <- err
						return
					}
					done.Add(1)
				}
			})
		}
		wait.Wait()
		samples = append(samples, float64(done.Load())/time.Since(start).Seconds())
		if len(failed) > 0 {
			return samples, <-failed
		}
	}
	return samples, nil
}

// cpu times run() of a program: defined, run once to warm up and be checked, then timed.
func (e *engine) cpu(name string) func(int) ([]float64, error) {
	return func(count int) ([]float64, error) {
		source, err := e.source(name)
		if err != nil {
			return nil, err
		}
		session, err := e.session(core.Config{})
		if err != nil {
			return nil, err
		}
		defer session.Close()
		if _, err := session.Execute(e.ctx, source); err != nil {
			return nil, err
		}
		result, err := session.Execute(e.ctx, "run()")
		if err != nil {
			return nil, err
		}
		if got := string(bytes.TrimSpace(result.Stdout)); got != e.checksums[name] {
			return nil, fmt.Errorf("printed %q, want %q", got, e.checksums[name])
		}
		return timed(count, func() error {
			_, err := session.Execute(e.ctx, "run()")
			return err
		})
	}
}

// importTime is a first import in a guest that is already running.
func (e *engine) importTime(module string) func(int) ([]float64, error) {
	return func(count int) ([]float64, error) {
		var samples []float64
		for range count {
			session, err := e.session(core.Config{})
			if err != nil {
				return samples, err
			}
			one, err := timed(1, func() error {
				_, err := session.Execute(e.ctx, "import "+module)
				return err
			})
			session.Close()
			if err != nil {
				return samples, err
			}
			samples = append(samples, one...)
		}
		return samples, nil
	}
}

// echo answers with its arguments.
func echo(_ context.Context, args map[string]any) (any, error) { return args["x"], nil }

var echoSchema = map[string]any{"type": "object", "properties": map[string]any{"x": map[string]any{"type": "integer"}}}

// callbacks is the time of each of the calls that code makes, in a session that has run it once before.
func (e *engine) callbacks(code string, calls int) func(int) ([]float64, error) {
	config := core.Config{
		Limits:    core.Limits{MaxCallbackInvocations: core.Unlimited},
		Callbacks: []core.Callback{{Name: "echo", Description: "Returns its argument.", Schema: echoSchema, Func: echo}},
	}
	return func(count int) ([]float64, error) {
		session, err := e.session(config)
		if err != nil {
			return nil, err
		}
		defer session.Close()
		execute := func() error {
			_, err := session.Execute(e.ctx, code)
			return err
		}
		if err := execute(); err != nil {
			return nil, err
		}
		samples, err := timed(count, execute)
		for i := range samples {
			samples[i] /= float64(calls)
		}
		return samples, err
	}
}

// tenThousand gathers ten thousand callbacks that each take 50 ms on the host.
func (e *engine) tenThousand(count int) ([]float64, error) {
	nap := func(call *core.Call) { time.AfterFunc(50*time.Millisecond, func() { call.Complete(nil, nil) }) }
	session, err := e.session(core.Config{
		Limits:    core.Limits{MaxCallbackInvocations: core.Unlimited},
		Callbacks: []core.Callback{{Name: "nap", Start: nap}},
	})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return timed(count, func() error {
		_, err := session.Execute(e.ctx, "import asyncio\nassert len(await asyncio.gather(*[nap() for _ in range(10000)])) == 10000")
		return err
	})
}
