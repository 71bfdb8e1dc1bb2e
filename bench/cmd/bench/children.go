package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/eryx-go/eryx/core"
)

// children are the measurements that want a process of their own, because they look at the whole process or
// because they could stop it.
var children = map[string]func(e *engine, count int) ([]float64, error){
	"session_memory":    repeated((*engine).sessionMemory),
	"waiting":           (*engine).waitingSessions,
	"fork_memory":       repeated((*engine).forkMemory),
	"gc_while_spinning": (*engine).gcWhileSpinning,
	"stop/loop":         stopAfter(spin),
	"stop/builtin":      stopAfter(builtin),
	"stop/regex":        stopAfter(backtrack),
}

// takeInChild takes a measurement in this process, which ends without closing the engine.
func takeInChild(name string, count int) ([]float64, error) {
	take, ok := children[name]
	if !ok {
		return nil, fmt.Errorf("no measurement %q", name)
	}
	ctx := context.Background()
	rt, err := core.NewRuntime(ctx, core.RuntimeConfig{})
	if err != nil {
		return nil, err
	}
	return take(&engine{ctx: ctx, rt: rt}, count)
}

// repeated takes a figure count times.
func repeated(take func(e *engine) (float64, error)) func(*engine, int) ([]float64, error) {
	return func(e *engine, count int) ([]float64, error) {
		var samples []float64
		for range count {
			v, err := take(e)
			if err != nil {
				return samples, err
			}
			samples = append(samples, v)
		}
		return samples, nil
	}
}

// sessionMemory is the private bytes of each of 100 live sessions that printed something.
func (e *engine) sessionMemory() (float64, error) {
	const sessions = 100
	warm, err := e.session(core.Config{})
	if err != nil {
		return 0, err
	}
	defer warm.Close()
	live := make([]*core.Session, sessions)
	defer closeAll(live)
	return perEach(sessions, privateDirty, func(i int) error {
		live[i], err = e.session(core.Config{})
		return err
	})
}

// The samples of waitingSessions.
const (
	waitingBytes = iota
	waitingGoroutines
	waitingThreads
)

// waitingSessions are the private bytes, goroutines and threads of the process per session, with 10,000 of them
// awaiting a callback that has not answered.
func (e *engine) waitingSessions(int) ([]float64, error) {
	const sessions = 10_000
	waiting, ended := make(chan struct{}, sessions), make(chan error, sessions)
	never := core.Callback{Name: "never", Start: func(*core.Call) { waiting <- struct{}{} }}
	config := core.Config{
		Callbacks: []core.Callback{never},
		Limits:    core.Limits{ExecutionTimeout: core.Unlimited, CallbackTimeout: core.Unlimited},
	}
	warm, err := e.session(config)
	if err != nil {
		return nil, err
	}
	live := make([]*core.Session, sessions) // which the process's end closes
	defer runtime.KeepAlive(live)
	defer runtime.KeepAlive(warm)
	return perEachOf(sessions, []func() (float64, error){privateDirty, goroutines, threads}, func(i int) error {
		if live[i], err = e.rt.NewSession(config); err != nil {
			return err
		}
		live[i].Start(e.ctx, "await never()", func(_ *core.Result, err error) { ended <- err })
		select {
		case <-waiting:
			return nil
		case err := <-ended:
			return fmt.Errorf("session %d ended instead of waiting: %w", i, err)
		}
	})
}

func goroutines() (float64, error) {
	time.Sleep(100 * time.Millisecond) // those that have handed over are ending
	return float64(runtime.NumGoroutine()), nil
}

// threads is how many threads of the operating system the process has.
func threads() (float64, error) {
	value := procField("/proc/self/status", "Threads")
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("/proc/self/status says %q threads", value)
	}
	return float64(n), nil
}

// perEach is by how much a figure of the process grows for each of count steps.
func perEach(count int, figure func() (float64, error), step func(i int) error) (float64, error) {
	grown, err := perEachOf(count, []func() (float64, error){figure}, step)
	if err != nil {
		return 0, err
	}
	return grown[0], nil
}

// perEachOf is perEach of several figures.
func perEachOf(count int, figures []func() (float64, error), step func(i int) error) ([]float64, error) {
	grown := make([]float64, len(figures))
	add := func(factor float64) error {
		for i, figure := range figures {
			value, err := figure()
			if err != nil {
				return err
			}
			grown[i] += factor * value / float64(count)
		}
		return nil
	}
	if err := add(-1); err != nil {
		return nil, err
	}
	for i := range count {
		if err := step(i); err != nil {
			return nil, err
		}
	}
	return grown, add(1)
}

func closeAll(sessions []*core.Session) {
	for _, session := range sessions {
		if session != nil {
			session.Close()
		}
	}
}

// gcWhileSpinning times runtime.GC while eight guests loop for ever.
func (e *engine) gcWhileSpinning(count int) ([]float64, error) {
	ctx, cancel := context.WithCancel(e.ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for range 8 {
		sandbox, err := e.rt.NewSandbox(core.Config{})
		if err != nil {
			return nil, err
		}
		wait.Go(func() { sandbox.Execute(ctx, spin) })
	}
	time.Sleep(50 * time.Millisecond)
	return timed(count, func() error { runtime.GC(); return nil })
}

// stopAfter is how long after its deadline a program that never ends has returned.
func stopAfter(code string) func(*engine, int) ([]float64, error) {
	const deadline = 200 * time.Millisecond
	return func(e *engine, count int) ([]float64, error) {
		var samples []float64
		for range count {
			session, err := e.session(core.Config{})
			if err != nil {
				return samples, err
			}
			start := time.Now()
			_, err = session.Execute(e.ctx, code, core.WithTimeout(deadline))
			late := time.Since(start) - deadline
			session.Close()
			if !errors.Is(err, context.DeadlineExceeded) {
				return samples, fmt.Errorf("ended with %v instead of a timeout", err)
			}
			samples = append(samples, late.Seconds())
		}
		return samples, nil
	}
}
