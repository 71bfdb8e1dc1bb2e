package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core"
)

const (
	dictionary = "data = {f'key{i}': i for i in range(10_000)}"
	megabyte   = "import os\ndata = os.urandom(1 << 20)"
	loop       = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i * i % 7\n    return total\n"
)

// prepared is a fresh session that has run a program.
func (e *engine) prepared(config core.Config, code string) (*core.Session, error) {
	session, err := e.rt.NewSession(config)
	if err != nil {
		return nil, err
	}
	if _, err := session.Execute(e.ctx, code); err != nil {
		session.Close()
		return nil, err
	}
	return session, nil
}

func (e *engine) snapshotState(count int) ([]float64, error) {
	session, err := e.prepared(core.Config{}, dictionary)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return timed(count, func() error {
		_, unsaved, err := session.SnapshotState(e.ctx)
		if err == nil && len(unsaved) > 0 {
			err = fmt.Errorf("not saved: %v", unsaved)
		}
		return err
	})
}

func (e *engine) imageTake(count int) ([]float64, error) {
	session, err := e.prepared(core.Config{}, megabyte)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return timed(count, func() error {
		_, err := session.Snapshot()
		return err
	})
}

func (e *engine) imageRestore(count int) ([]float64, error) {
	session, err := e.prepared(core.Config{}, megabyte)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	image, err := session.Snapshot()
	if err != nil {
		return nil, err
	}
	return timed(count, func() error { return session.Restore(image) })
}

// fork times only the making of a fork, not its end.
func (e *engine) fork(count int) ([]float64, error) {
	session, err := e.prepared(core.Config{}, megabyte)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	var forks []*core.Session
	defer func() { closeAll(forks) }()
	return timed(count, func() error {
		fork, err := session.Fork()
		forks = append(forks, fork)
		return err
	})
}

// forkChanged is fork of a session that runs between two forks.
func (e *engine) forkChanged(count int) ([]float64, error) {
	session, err := e.prepared(core.Config{}, megabyte)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	var forks []*core.Session
	defer func() { closeAll(forks) }()
	var samples []float64
	for range count {
		if _, err := session.Execute(e.ctx, hello); err != nil {
			return samples, err
		}
		one, err := timed(1, func() error {
			fork, err := session.Fork()
			forks = append(forks, fork)
			return err
		})
		if err != nil {
			return samples, err
		}
		samples = append(samples, one...)
	}
	return samples, nil
}

// imageBytes is the size of an image of a session that has printed.
func (e *engine) imageBytes(int) ([]float64, error) {
	session, err := e.session(core.Config{})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	image, err := session.Snapshot()
	return []float64{float64(len(image))}, err
}

// checkpointCost is the second execute in a session with checkpoints, in times of one without.
func (e *engine) checkpointCost(count int) ([]float64, error) {
	plain, err := e.prepared(core.Config{}, megabyte)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	safe, err := e.prepared(core.Config{Checkpoint: true}, megabyte)
	if err != nil {
		return nil, err
	}
	defer safe.Close()
	run := func(session *core.Session) func() (float64, error) {
		return func() (float64, error) {
			start := time.Now()
			_, err := session.Execute(e.ctx, hello)
			return time.Since(start).Seconds(), err
		}
	}
	return factors(count, run(plain), run(safe))
}

// storeReturn is an execution of a session that its store has moved to disk, which moves another one there.
func (e *engine) storeReturn(count int) ([]float64, error) {
	store, err := e.rt.NewSessionStore(core.StoreConfig{MaxResident: 1})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var sessions [2]*core.Session
	for i := range sessions {
		if sessions[i], err = e.prepared(core.Config{Store: store}, megabyte); err != nil {
			return nil, err
		}
	}
	turn := 0
	return timed(count, func() error {
		_, err := sessions[turn%2].Execute(e.ctx, hello)
		turn++
		return err
	})
}

// forkMemory is the private bytes of each of 100 forks of a session that holds 16 MiB.
func (e *engine) forkMemory() (float64, error) {
	const forks = 100
	session, err := e.prepared(core.Config{}, "import os\ndata = os.urandom(16 << 20)")
	if err != nil {
		return 0, err
	}
	defer session.Close()
	warm, err := session.Fork() // the first one makes what all share
	if err != nil {
		return 0, err
	}
	defer warm.Close()
	live := make([]*core.Session, forks)
	defer closeAll(live)
	return perEach(forks, privateDirty, func(i int) error {
		live[i], err = session.Fork()
		return err
	})
}

func (e *engine) factoryBuild(count int) ([]float64, error) {
	return timed(count, func() error {
		factory, err := e.rt.NewFactory(e.ctx, core.FactoryConfig{Imports: factoryImports})
		if err != nil {
			return err
		}
		return factory.Close()
	})
}

// factoryFactor is how many times as long as its imports a factory takes.
func (e *engine) factoryFactor(count int) ([]float64, error) {
	return factors(count, func() (float64, error) {
		session, err := e.session(core.Config{})
		if err != nil {
			return 0, err
		}
		defer session.Close()
		start := time.Now()
		_, err = session.Execute(e.ctx, "import "+strings.Join(factoryImports, ", "))
		return time.Since(start).Seconds(), err
	}, func() (float64, error) {
		samples, err := e.factoryBuild(1)
		if err != nil {
			return 0, err
		}
		return samples[0], nil
	})
}

// traceFactor is how many times as long a loop takes when every line of it is traced and kept.
func (e *engine) traceFactor(count int) ([]float64, error) {
	const turns = 20_000 // two events each, which fit into what is kept
	run := func(config core.Config) func() (float64, error) {
		return func() (float64, error) {
			session, err := e.prepared(config, loop)
			if err != nil {
				return 0, err
			}
			defer session.Close()
			start := time.Now()
			result, err := session.Execute(e.ctx, fmt.Sprintf("f(%d)", turns))
			took := time.Since(start).Seconds()
			if err == nil && config.Trace && len(result.Trace) < 2*turns {
				err = fmt.Errorf("only %d events", len(result.Trace))
			}
			return took, err
		}
	}
	return factors(count, run(core.Config{}), run(core.Config{Trace: true}))
}

// factors are how many times as long as one thing another takes, measured in turns.
func factors(count int, one, other func() (float64, error)) ([]float64, error) {
	var samples []float64
	for range count {
		a, err := one()
		if err != nil {
			return samples, err
		}
		b, err := other()
		if err != nil {
			return samples, err
		}
		samples = append(samples, b/a)
	}
	return samples, nil
}
