package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// interruptible returns a context that ends at the first SIGINT or SIGTERM; the second one ends the process.
// signalled tells the exit code that is due because of a signal, 0 without one.
func interruptible() (ctx context.Context, signalled func() int, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var code atomic.Int32
	go func() {
		for {
			select {
			case s := <-signals:
				if code.Swap(signalCode(s)) != 0 {
					os.Exit(int(signalCode(s)))
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() int { return int(code.Load()) }, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

func signalCode(s os.Signal) int32 {
	if number, ok := s.(syscall.Signal); ok {
		return 128 + int32(number)
	}
	return exitInterrupted
}

// interrupts hands each SIGINT to the statement that runs; between statements it does nothing. Other signals
// do what they always do.
type interrupts struct{ signals chan os.Signal }

func catchInterrupts() interrupts {
	i := interrupts{make(chan os.Signal, 1)}
	signal.Notify(i.signals, os.Interrupt)
	return i
}

// during returns a context that ends at a SIGINT. stop must be called at the statement's end, and tells
// whether there was one.
func (i interrupts) during() (ctx context.Context, stop func() bool) {
	select {
	case <-i.signals: // late: for a statement that had ended
	default:
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	stopped := make(chan bool)
	go func() {
		select {
		case <-i.signals:
			cancel()
			<-done
			stopped <- true
		case <-done:
			stopped <- false
		}
	}()
	return ctx, func() bool {
		defer cancel()
		close(done)
		return <-stopped
	}
}
