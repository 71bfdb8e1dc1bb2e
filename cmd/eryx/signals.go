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
