package core

import (
	"container/list"
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/eryx-go/eryx/core/guest"
)

// LeaseConfig is what differs for one lease from the pool's Config; zero fields keep that.
type LeaseConfig struct {
	// Limits override the pool's, field by field.
	Limits Limits
	// Callbacks replace the pool's when they are not nil.
	Callbacks []Callback
	// OnStdout and OnStderr replace the pool's.
	OnStdout, OnStderr func(p []byte)
	// Stdin is the lease's standard input.
	Stdin io.Reader
	// Args replace the pool's.
	Args []string
	// Env replaces the pool's.
	Env map[string]string
}

// same reports that the lease is as the pool's sessions are.
func (c LeaseConfig) same() bool {
	return c.Limits == (Limits{}) && c.Callbacks == nil && c.OnStdout == nil && c.OnStderr == nil && c.Stdin == nil && c.Args == nil && c.Env == nil
}

// over is the configuration of the lease's session.
func (c LeaseConfig) over(base Config) (Config, error) {
	base.Limits = c.Limits.over(base.Limits)
	if c.Callbacks != nil {
		base.Callbacks, base.prepared = c.Callbacks, nil
	}
	if c.OnStdout != nil {
		base.OnStdout = c.OnStdout
	}
	if c.OnStderr != nil {
		base.OnStderr = c.OnStderr
	}
	if c.Args != nil {
		base.Args = c.Args
	}
	if c.Env != nil {
		base.Env = c.Env
	}
	base.Stdin = guest.Interruptible(c.Stdin)
	if err := base.validate(); err != nil {
		return base, err
	}
	if err := checkSecretNames(base.secrets, c.Env); err != nil {
		return base, err
	}
	return base, base.prepare()
}

// Lease is a session that is the caller's until Release.
type Lease struct {
	*Session
	pool     *Pool
	config   Config
	released atomic.Bool
}

// Acquire waits for a lease, behind those who wait already. Errors: pool_timeout after AcquireTimeout or when
// ctx's deadline passes, pool_closed, cancelled, and those of NewSession.
func (p *Pool) Acquire(ctx context.Context, config LeaseConfig) (*Lease, error) {
	return p.acquire(config, func() error { return p.wait(ctx) })
}

// TryAcquire is Acquire that does not wait: pool_exhausted when no lease is to be had at once.
func (p *Pool) TryAcquire(config LeaseConfig) (*Lease, error) {
	return p.acquire(config, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if taken, err := p.takeSlot(); taken || err != nil {
			return err
		}
		return failure(CodePoolExhausted, "all %d leases of the pool are in use", p.config.MaxSize)
	})
}

// acquire makes a lease once slot has got the right to one.
func (p *Pool) acquire(config LeaseConfig, slot func() error) (*Lease, error) {
	full, err := config.over(p.config.Config)
	if err != nil {
		return nil, err
	}
	if err := slot(); err != nil {
		return nil, err
	}
	s := p.takeIdle()
	if s != nil && !config.same() {
		_ = s.Close() // its instance is used for the next one
		s = nil
	}
	if s == nil {
		if s, err = p.create(full); err != nil {
			p.giveSlot()
			return nil, err
		}
	}
	p.mu.Lock()
	p.stats.TotalAcquisitions++
	p.mu.Unlock()
	return &Lease{Session: s, pool: p, config: full}, nil
}

// takeSlot takes the right to a lease, if one is free and nobody waits. Under mu.
func (p *Pool) takeSlot() (bool, error) {
	if p.closed {
		return false, failure(CodePoolClosed, "the pool is closed")
	}
	if p.inUse >= p.config.MaxSize || p.waiters.Len() > 0 {
		return false, nil
	}
	p.inUse++
	return true, nil
}

// giveSlot passes the right to a lease on to who has waited longest.
func (p *Pool) giveSlot() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.waiters.Front(); first != nil {
		w := p.waiters.Remove(first).(*waiter)
		w.granted = true
		close(w.turn)
		return
	}
	p.inUse--
}

// wait gets the right to a lease.
func (p *Pool) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return p.gaveUp(err)
	}
	p.mu.Lock()
	taken, err := p.takeSlot()
	if taken || err != nil {
		p.mu.Unlock()
		return err
	}
	w := &waiter{turn: make(chan struct{})}
	place := p.waiters.PushBack(w)
	p.stats.WaitCount++
	p.mu.Unlock()

	start := time.Now()
	err = p.await(ctx, w, place)
	p.mu.Lock()
	p.stats.TotalWaitTime += time.Since(start)
	p.mu.Unlock()
	return err
}

// await waits until w has its turn, the pool is closed, or time is up.
func (p *Pool) await(ctx context.Context, w *waiter, place *list.Element) error {
	var timeout <-chan time.Time
	if p.config.AcquireTimeout != Unlimited {
		timer := time.NewTimer(p.config.AcquireTimeout)
		defer timer.Stop()
		timeout = timer.C
	}
	var gaveUp error
	select {
	case <-w.turn:
	case <-timeout:
		gaveUp = p.gaveUp(context.DeadlineExceeded)
	case <-ctx.Done():
		gaveUp = p.gaveUp(ctx.Err())
	}
	if gaveUp == nil {
		return w.outcome()
	}
	p.mu.Lock()
	select {
	case <-w.turn: // decided at the same moment
		p.mu.Unlock()
		return w.outcome()
	default:
		p.waiters.Remove(place)
		p.mu.Unlock()
		return gaveUp
	}
}

func (w *waiter) outcome() error {
	if w.granted {
		return nil
	}
	return failure(CodePoolClosed, "the pool was closed")
}

// gaveUp is the error of an Acquire that waits no longer.
func (p *Pool) gaveUp(cause error) error {
	if cause == context.Canceled {
		return &Error{Code: CodeCancelled, Message: "cancelled while waiting for a lease", Cause: cause}
	}
	return &Error{Code: CodePoolTimeout, Message: "no lease of the pool was released in time", Cause: cause}
}

// ExecuteAlone runs a program in a guest of its own, as Sandbox.Execute does, with the lease's configuration: it
// neither sees the lease's session nor leaves anything there.
func (l *Lease) ExecuteAlone(ctx context.Context, code string, options ...ExecuteOption) (*Result, error) {
	if l.released.Load() {
		err := failure(CodeClosed, "the lease was released")
		return &Result{Err: err}, err
	}
	alone := &Sandbox{rt: l.pool.rt, config: l.config, origin: l.pool.origin}
	return alone.Execute(ctx, code, options...)
}

// Release ends the lease: what runs is stopped, and the session with all its state is gone. Releasing again does
// nothing.
func (l *Lease) Release() {
	if l.released.CompareAndSwap(false, true) {
		_ = l.Session.Close() // never fails; a dead guest is thrown away
		l.pool.released()
	}
}

// Close is Release.
func (l *Lease) Close() error {
	l.Release()
	return nil
}

// released gives a lease's place to who waits, else makes a session ready for who comes.
func (p *Pool) released() {
	p.giveSlot()
	p.refill()
}

// refill makes a session ready, if there is room for one that nobody waits for.
func (p *Pool) refill() {
	p.mu.Lock()
	wanted := !p.closed && p.waiters.Len() == 0 && p.inUse+len(p.idle) < p.config.MaxSize
	p.mu.Unlock()
	if !wanted {
		return
	}
	if s, err := p.create(p.config.Config); err == nil { // else the next Acquire tries, and reports it
		p.keep(s)
	}
}
