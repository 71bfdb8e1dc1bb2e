package ops

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/mcp"
)

// Names are the operations there are, sorted.
func Names() []string { return slices.Sorted(maps.Keys(table)) }

// Service performs operations and owns all that they make. It may be used from many goroutines.
type Service struct {
	config  core.RuntimeConfig
	version string
	prepare func() // called before the interpreter starts; may be nil

	lastID    atomic.Uint64
	sandboxes handles[*core.Sandbox]
	sessions  handles[openSession]
	factories handles[*core.Factory]
	pools     handles[*core.Pool]
	stores    handles[*core.SessionStore]
	managers  handles[*mcp.Manager]
	storages  handles[*core.Storage]
	calls     handles[*pendingCall]
	serveOn   mcp.Transport // of mcp.serve: the process's standard input and output

	starting sync.Mutex // held while the interpreter starts
	rt       *core.Runtime

	mu       sync.Mutex
	requests map[uint64]*request
	closed   bool
	idle     chan struct{} // closed when closed and the last request has finished
}

// NewService makes a service. The interpreter starts when the first operation needs it.
func NewService(config core.RuntimeConfig, version string) *Service {
	return &Service{config: config, version: version, requests: map[uint64]*request{}, idle: make(chan struct{}), serveOn: mcp.Stdio()}
}

// BeforeStart has prepare called before the interpreter starts. It must be set before the first Submit.
func (s *Service) BeforeStart(prepare func()) { s.prepare = prepare }

// NextID is an id that was never used: above 0 and, for a thousand years, below 2^53.
func (s *Service) NextID() uint64 { return s.lastID.Add(1) }

// Submit begins the operation that message["op"] names and returns its request's id; 0 when the service is closed.
// All else that may be wrong is an error of the request. The events go to sink, the last of them is
// ["done", id, value, error].
func (s *Service) Submit(message map[string]any, sink Sink) uint64 {
	r := &request{id: s.NextID(), fields: fields{message}, sink: sink, service: s}
	r.ctx, r.cancel = context.WithCancel(context.WithValue(context.Background(), requestKey{}, r))
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		r.cancel()
		return 0
	}
	s.requests[r.id] = r
	s.mu.Unlock()
	name, _ := message["op"].(string)
	op, ok := table[name]
	if !ok {
		r.finish(nil, &core.Error{Code: core.CodeUnsupported, Message: "there is no operation \"" + name + "\" in this version"})
		return r.id
	}
	if op.starts {
		s.run(op, r)
	} else {
		go s.run(op, r)
	}
	return r.id
}

// Cancel ends a request early; false when it has ended.
func (s *Service) Cancel(id uint64) bool {
	s.mu.Lock()
	r := s.requests[id]
	s.mu.Unlock()
	if r == nil {
		return false
	}
	r.cancel()
	return true
}

// CancelAll cancels the requests of one sink.
func (s *Service) CancelAll(sink Sink) {
	for _, r := range s.open() {
		if r.sink == sink {
			r.cancel()
		}
	}
}

func (s *Service) open() []*request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.requests))
}

// forget takes r off the list of open requests.
func (s *Service) forget(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, r.id)
	if s.closed && len(s.requests) == 0 {
		close(s.idle)
	}
}

// Close cancels every request, waits up to timeout for them and closes all that is open; false when something still
// ran after the timeout. Nothing can be submitted afterwards.
func (s *Service) Close(timeout time.Duration) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return true
	}
	s.closed = true
	if len(s.requests) == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	for _, r := range s.open() {
		r.cancel()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-s.idle
		for _, session := range s.sessions.takeAll() {
			_ = session.close()
		}
		for _, store := range s.stores.takeAll() {
			_ = store.Close()
		}
		for _, pool := range s.pools.takeAll() {
			_ = pool.Close()
		}
		for _, factory := range s.factories.takeAll() {
			_ = factory.Close()
		}
		for _, manager := range s.managers.takeAll() {
			_ = manager.Close()
		}
		s.sandboxes.takeAll()
		s.storages.takeAll()
		s.closeRuntime()
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

func (s *Service) closeRuntime() {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.rt != nil {
		_ = s.rt.Close()
		s.rt = nil
	}
}

// runtime is the interpreter, started by the first request that needs it, which is told of the progress.
func (s *Service) runtime(r *request) (*core.Runtime, error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.rt != nil {
		return s.rt, nil
	}
	if s.prepare != nil {
		s.prepare()
	}
	config := s.config
	config.Progress = func(text string) { r.emit("progress", text) }
	config.Warn = func(text string) { r.emit("warning", text) }
	rt, err := core.NewRuntime(context.WithoutCancel(r.ctx), config)
	if err != nil {
		return nil, err
	}
	s.rt = rt
	return rt, nil
}

func (s *Service) loaded() bool {
	if !s.starting.TryLock() {
		return false // it is starting
	}
	defer s.starting.Unlock()
	return s.rt != nil
}
