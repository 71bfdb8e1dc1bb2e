package core

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// PoolConfig says how a Pool is made.
type PoolConfig struct {
	// Factory is where leases begin; nil is the plain interpreter. It may be closed before the pool.
	Factory *Factory
	// Config is what every lease is configured with. Stdin must be nil: give it to each lease.
	Config Config
	// MaxSize is how many leases there may be at once; default 10.
	MaxSize int
	// MinIdle is how many sessions wait ready-made at least, when they are not in use; default 1, NoIdle for none.
	MinIdle int
	// AcquireTimeout is how long Acquire waits for a lease; default 30 s, Unlimited for as long as its context.
	AcquireTimeout time.Duration
	// IdleTimeout is how long more than MinIdle sessions are kept unused; default 5 minutes, Unlimited for ever.
	IdleTimeout time.Duration
}

// NoIdle as PoolConfig.MinIdle keeps no ready-made session for good.
const NoIdle = -1

func (c PoolConfig) orDefault() PoolConfig {
	if c.MaxSize == 0 {
		c.MaxSize = 10
	}
	switch c.MinIdle {
	case 0:
		c.MinIdle = 1
	case NoIdle:
		c.MinIdle = 0
	}
	if c.AcquireTimeout == 0 {
		c.AcquireTimeout = 30 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 5 * time.Minute
	}
	return c
}

func (c PoolConfig) validate() error {
	switch {
	case c.MaxSize < 1:
		return invalid("the pool's MaxSize is %d: use a positive number", c.MaxSize)
	case c.MinIdle < 0 || c.MinIdle > c.MaxSize:
		return invalid("the pool's MinIdle is %d: use 0 to MaxSize, which is %d", c.MinIdle, c.MaxSize)
	case c.AcquireTimeout < Unlimited || c.IdleTimeout < Unlimited:
		return invalid("a timeout of the pool is negative")
	case c.Config.Stdin != nil:
		return invalid("the leases of a pool cannot share a standard input: give it to each")
	case c.Config.Store != nil:
		return invalid("a pool's sessions are always in memory: it cannot have a session store")
	}
	return nil
}

// Pool bounds how many sessions run at once, and keeps some ready. Each lease is a session of its own that has
// run nothing: of its last user's memory, files and callbacks there is nothing in it. Who waits is served in
// order. A pool may be used by many goroutines.
type Pool struct {
	rt     *Runtime
	config PoolConfig
	origin *origin

	mu      sync.Mutex    // held briefly only
	idle    []idleSession // the longest unused first
	inUse   int
	waiters list.List // of *waiter, in order
	timer   *time.Timer
	closed  bool
	stats   PoolStats
}

// idleSession is a session that has run nothing.
type idleSession struct {
	session *Session
	since   time.Time
}

// waiter is an Acquire that waits.
type waiter struct {
	turn    chan struct{} // closed when it has been decided
	granted bool          // false: the pool was closed
}

// PoolStats says how a pool is used; counts, and times summed since it was made.
type PoolStats struct {
	Total             int           // sessions: in use and idle
	Idle              int           // ready-made and unused
	Available         int           // leases that could be acquired now without waiting
	InUse             int           // leases
	TotalAcquisitions int64         // leases so far
	TotalCreations    int64         // sessions made so far
	WaitCount         int64         // acquisitions that had to wait, those that failed included
	TotalWaitTime     time.Duration // of all of them
}

// AverageWaitTime is the mean wait of those who had to wait; 0 when nobody had to.
func (s PoolStats) AverageWaitTime() time.Duration {
	if s.WaitCount == 0 {
		return 0
	}
	return s.TotalWaitTime / time.Duration(s.WaitCount)
}

// NewPool makes a pool with MinIdle sessions. Errors are those of NewSession with config's Config.
func (rt *Runtime) NewPool(config PoolConfig) (*Pool, error) {
	config = config.orDefault()
	if err := config.validate(); err != nil {
		return nil, err
	}
	if err := config.Config.prepare(); err != nil {
		return nil, err
	}
	base := rt.root()
	if config.Factory != nil {
		if err := config.Factory.check(); err != nil {
			return nil, err
		}
		base = config.Factory.origin
		config.Config = base.adjust(config.Config)
	}
	origin, err := base.withConfig(rt, config.Config)
	if err != nil {
		return nil, err
	}
	if !origin.owner.tryHold() {
		return nil, failure(CodeClosed, "the factory is closed")
	}
	config.Factory = nil // the pool holds the image, not the factory
	p := &Pool{rt: rt, config: config, origin: origin}
	for range max(1, config.MinIdle) { // one at least, to see that it works
		s, err := p.create(config.Config)
		if err != nil {
			_ = p.Close()
			return nil, err
		}
		p.keep(s)
	}
	p.EvictIdle()
	return p, nil
}

// create makes a session.
func (p *Pool) create(config Config) (*Session, error) {
	s, err := p.rt.newSession(config, p.origin)
	if err == nil {
		p.mu.Lock()
		p.stats.TotalCreations++
		p.mu.Unlock()
	}
	return s, err
}

// keep makes s an idle session of the pool, unless it is closed.
func (p *Pool) keep(s *Session) {
	p.mu.Lock()
	full := p.closed || p.inUse+len(p.idle) >= p.config.MaxSize
	if !full {
		p.idle = append(p.idle, idleSession{s, time.Now()})
		p.arm()
	}
	p.mu.Unlock()
	if full {
		_ = s.Close()
	}
}

// takeIdle removes the idle session that was used last, nil when there is none.
func (p *Pool) takeIdle() *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1].session
	p.idle[n-1] = idleSession{}
	p.idle = p.idle[:n-1]
	return s
}

// Stats is how the pool is used now.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Idle, s.InUse = len(p.idle), p.inUse
	s.Total = s.Idle + s.InUse
	if !p.closed {
		s.Available = max(0, p.config.MaxSize-p.inUse)
	}
	return s
}

// EvictIdle frees sessions that were unused for longer than IdleTimeout, down to MinIdle, and reports how many.
// It happens by itself too.
func (p *Pool) EvictIdle() int {
	p.mu.Lock()
	expired := p.expired(time.Now())
	p.arm()
	p.mu.Unlock()
	for _, s := range expired {
		s.discard()
	}
	return len(expired)
}

// expired removes the sessions that are to be evicted. Under mu.
func (p *Pool) expired(now time.Time) []*Session {
	if p.config.IdleTimeout == Unlimited {
		return nil
	}
	var expired []*Session
	for len(p.idle) > p.config.MinIdle && now.Sub(p.idle[0].since) >= p.config.IdleTimeout {
		expired = append(expired, p.idle[0].session)
		p.idle[0] = idleSession{}
		p.idle = p.idle[1:]
	}
	return expired
}

// arm sets the one timer for the next eviction. Under mu.
func (p *Pool) arm() {
	if p.closed || p.config.IdleTimeout == Unlimited || len(p.idle) <= p.config.MinIdle {
		return
	}
	wait := time.Until(p.idle[0].since.Add(p.config.IdleTimeout))
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, func() { p.EvictIdle() })
	} else {
		p.timer.Reset(wait)
	}
}

// Check runs an empty program as a lease would, beside the leases, and returns why it fails, nil when the pool is
// healthy. Errors: pool_closed, and those of NewSession and Execute.
func (p *Pool) Check(ctx context.Context) error {
	if p.Closed() {
		return failure(CodePoolClosed, "the pool is closed")
	}
	s := p.takeIdle()
	if s == nil {
		var err error
		if s, err = p.create(p.config.Config); err != nil {
			return err
		}
	}
	_, err := s.Execute(ctx, "")
	_ = s.Close() // its instance is used for the next one
	p.refill()
	return err
}

// Closed reports that Close was called.
func (p *Pool) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Close ends the pool: who waits in Acquire gets a pool_closed error, idle sessions are freed, and leases go on
// until they are released. Closing again does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	idle := p.idle
	p.idle = nil
	for e := p.waiters.Front(); e != nil; e = e.Next() {
		close(e.Value.(*waiter).turn)
	}
	p.waiters.Init()
	p.mu.Unlock()
	for _, i := range idle {
		i.session.discard()
	}
	p.origin.owner.release()
	return nil
}
