package ops

import "github.com/eryx-go/eryx/core"

// withPool is an operation on the pool that the request names.
func withPool(f func(s *Service, r *request, pool *core.Pool) (map[string]any, error)) operation {
	return direct(func(s *Service, r *request) (map[string]any, error) {
		id, err := r.fields.id("pool")
		if err != nil {
			return nil, err
		}
		pool, ok := s.pools.get(id)
		if !ok {
			return nil, &core.Error{Code: core.CodePoolClosed, Message: "the pool is closed"}
		}
		return f(s, r, pool)
	})
}

// poolNew makes a pool and answers {"pool": id}.
func poolNew(s *Service, r *request) (map[string]any, error) {
	config, err := s.readPoolConfig(r)
	if err != nil {
		return nil, err
	}
	rt, err := s.runtime(r)
	if err != nil {
		return nil, err
	}
	pool, err := rt.NewPool(config)
	if err != nil {
		return nil, err
	}
	id := s.NextID()
	s.pools.put(id, pool)
	return map[string]any{"pool": id}, nil
}

func (s *Service) readPoolConfig(r *request) (c core.PoolConfig, err error) {
	if c.Config, err = s.readConfig(r); err != nil {
		return c, err
	}
	if c.Factory, err = s.optionalFactory(r); err != nil {
		return c, err
	}
	size, err := r.fields.integer("max_size")
	if err != nil {
		return c, err
	}
	idle, err := r.fields.integer("min_idle")
	if err != nil {
		return c, err
	}
	c.MaxSize, c.MinIdle = int(size), int(idle)
	if r.fields.m["min_idle"] != nil && idle == 0 {
		c.MinIdle = core.NoIdle
	}
	if c.AcquireTimeout, err = r.fields.milliseconds("acquire_timeout_ms"); err != nil {
		return c, err
	}
	c.IdleTimeout, err = r.fields.milliseconds("idle_timeout_ms")
	return c, err
}

// poolAcquire leases a session, and waits for one unless "wait" is false; it answers {"session": id}. session.close
// gives it back.
func poolAcquire(s *Service, r *request, pool *core.Pool) (map[string]any, error) {
	config, err := s.readLeaseConfig(r)
	if err != nil {
		return nil, err
	}
	var lease *core.Lease
	if r.fields.m["wait"] == false {
		lease, err = pool.TryAcquire(config)
	} else {
		lease, err = pool.Acquire(r.ctx, config)
	}
	if err != nil {
		return nil, err
	}
	return s.keep(lease.Session, lease.Close), nil
}

// readLeaseConfig reads what differs from the pool's configuration.
func (s *Service) readLeaseConfig(r *request) (c core.LeaseConfig, err error) {
	var full core.Config
	f, err := r.fields.mapping("config")
	if err == nil {
		err = f.only("a lease's config", "limits callbacks args env stdin")
	}
	if err != nil {
		return c, err
	}
	if full, err = s.readConfig(r); err != nil {
		return c, err
	}
	c = core.LeaseConfig{Limits: full.Limits, Callbacks: full.Callbacks, Stdin: full.Stdin, Args: full.Args, Env: full.Env}
	if c.Callbacks == nil && f.m["callbacks"] != nil {
		c.Callbacks = []core.Callback{} // none, instead of the pool's
	}
	return c, nil
}

// poolStats answers how the pool is used.
func poolStats(_ *Service, _ *request, pool *core.Pool) (map[string]any, error) {
	stats := pool.Stats()
	return map[string]any{
		"total": stats.Total, "idle": stats.Idle, "available": stats.Available, "in_use": stats.InUse,
		"total_acquisitions": stats.TotalAcquisitions, "total_creations": stats.TotalCreations,
		"wait_count": stats.WaitCount, "total_wait_time_ms": milliseconds(stats.TotalWaitTime),
		"average_wait_time_ms": milliseconds(stats.AverageWaitTime()),
	}, nil
}

// poolCheck runs an empty program as a lease would.
func poolCheck(_ *Service, r *request, pool *core.Pool) (map[string]any, error) {
	return nil, pool.Check(r.ctx)
}

// poolEvictIdle answers {"count": how many sessions were freed}.
func poolEvictIdle(_ *Service, _ *request, pool *core.Pool) (map[string]any, error) {
	return map[string]any{"count": pool.EvictIdle()}, nil
}

// poolClose wakes who waits and frees idle sessions; leases go on.
func poolClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("pool")
	if err != nil {
		return nil, err
	}
	if pool, ok := s.pools.take(id); ok {
		return nil, pool.Close()
	}
	return nil, nil
}
