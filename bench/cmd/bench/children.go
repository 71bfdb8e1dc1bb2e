package main

import (
	"context"
	"runtime"
	"time"

	"github.com/eryx-go/eryx/core"
)

// children are the measurements that want a process of their own: name to figure.
var children = map[string]func() (float64, error){
	"session_memory":     sessionMemory,
	"waiting_memory":     func() (float64, error) { return waitingSessions(privateDirty) },
	"waiting_goroutines": func() (float64, error) { return waitingSessions(goroutines) },
}

// sessionMemory is the private bytes of each of 100 live sessions that printed something.
func sessionMemory() (float64, error) {
	const sessions = 100
	e, err := childEngine()
	if err != nil {
		return 0, err
	}
	if _, err := e.session(core.Config{}); err != nil {
		return 0, err
	}
	live := make([]*core.Session, sessions)
	defer runtime.KeepAlive(live)
	return perEach(sessions, privateDirty, func(i int) error {
		live[i], err = e.session(core.Config{})
		return err
	})
}

// waitingSessions is a figure of the process per session, with 1,000 of them awaiting a callback that has
// not answered.
func waitingSessions(figure func() (float64, error)) (float64, error) {
	const sessions = 1000
	e, err := childEngine()
	if err != nil {
		return 0, err
	}
	waiting := make(chan struct{}, sessions)
	never := core.Callback{Name: "never", Start: func(*core.Call) { waiting <- struct{}{} }}
	config := core.Config{
		Callbacks: []core.Callback{never},
		Limits:    core.Limits{ExecutionTimeout: core.Unlimited, CallbackTimeout: core.Unlimited},
	}
	if _, err := e.session(config); err != nil {
		return 0, err
	}
	live := make([]*core.Session, sessions)
	defer runtime.KeepAlive(live)
	return perEach(sessions, figure, func(i int) error {
		if live[i], err = e.rt.NewSession(config); err != nil {
			return err
		}
		live[i].Start(e.ctx, "await never()", func(*core.Result, error) {})
		<-waiting
		return nil
	})
}

func goroutines() (float64, error) {
	time.Sleep(100 * time.Millisecond) // those that have handed over are ending
	return float64(runtime.NumGoroutine()), nil
}

// perEach is by how much a figure of the process grows for each of count steps.
func perEach(count int, figure func() (float64, error), step func(i int) error) (float64, error) {
	before, err := figure()
	if err != nil {
		return 0, err
	}
	for i := range count {
		if err := step(i); err != nil {
			return 0, err
		}
	}
	after, err := figure()
	return (after - before) / float64(count), err
}

// childEngine is an engine for a child process, which ends without closing it.
func childEngine() (*engine, error) {
	ctx := context.Background()
	rt, err := core.NewRuntime(ctx, core.RuntimeConfig{})
	if err != nil {
		return nil, err
	}
	return &engine{ctx: ctx, rt: rt}, nil
}
