package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	eryx "github.com/eryx-go/eryx"
	"github.com/eryx-go/eryx/capi/precompiled"
	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/ops"
	"github.com/eryx-go/eryx/core/wire"
)

// library is all that there is in a process: the service and the queues.
var library struct {
	mu      sync.RWMutex
	service *ops.Service
	closed  bool
	queues  map[uint64]*queue
	waiting map[uint64]*waiting
}

// waiting is a queue that threads poll; it is found by the queue's id also when the queue is closed.
type waiting struct {
	queue *queue
	count int
}

// service is the library's service, nil before init and after shutdown.
func service() *ops.Service {
	library.mu.RLock()
	defer library.mu.RUnlock()
	if library.closed {
		return nil
	}
	return library.service
}

// find gives the queue of an id.
func find(id uint64) (*queue, int32) {
	library.mu.RLock()
	defer library.mu.RUnlock()
	if library.service == nil || library.closed {
		return nil, statusClosed
	}
	q := library.queues[id]
	if q == nil {
		return nil, statusHandle
	}
	return q, statusOK
}

// start makes the service with an encoded configuration.
func start(abi uint32, encoded []byte) int32 {
	if abi != abiVersion {
		return statusABI
	}
	library.mu.Lock()
	defer library.mu.Unlock()
	switch {
	case library.closed:
		return statusClosed
	case library.service != nil:
		return statusOK
	}
	config, err := readSettings(encoded)
	if err != nil {
		return statusMessage
	}
	library.service = ops.NewService(config.runtime, eryx.Version)
	if config.codeFile != "" {
		library.service.BeforeStart(config.unpack)
	}
	library.queues = map[uint64]*queue{}
	library.waiting = map[uint64]*waiting{}
	return statusOK
}

// settings are what eryx_init is given.
type settings struct {
	runtime  core.RuntimeConfig
	codeFile string // precompiled code that a package came with
}

// unpack puts the package's code into the cache. Where that cannot be done the interpreter is compiled, as without it.
func (s settings) unpack() {
	dir := s.runtime.CacheDir
	if dir == core.NoCache {
		return
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return
		}
		dir = filepath.Join(user, "eryx")
	}
	_ = precompiled.Unpack(s.codeFile, dir)
}

// readSettings reads eryx_init's map and applies what concerns Go's own runtime.
func readSettings(encoded []byte) (settings, error) {
	var config settings
	if len(encoded) == 0 {
		return config, nil
	}
	value, err := wire.Decode(encoded)
	if err != nil {
		return config, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return config, fmt.Errorf("settings are a map")
	}
	numbers := map[string]int64{}
	for name, v := range fields {
		switch v := v.(type) {
		case nil:
		case string:
			switch name {
			case "cache_dir":
				config.runtime.CacheDir = v
			case "code_file":
				config.codeFile = v
			default:
				return config, fmt.Errorf("setting %q", name)
			}
		case int64:
			numbers[name] = v
		default:
			return config, fmt.Errorf("setting %q", name)
		}
	}
	return config, applySettings(numbers)
}

// applySettings checks all numbers first, so that a refused message changes nothing.
func applySettings(numbers map[string]int64) error {
	for name, v := range numbers {
		switch name {
		case "gc_percent", "memory_limit_bytes", "max_procs":
			if v < 1 || (name != "memory_limit_bytes" && v > math.MaxInt32) {
				return fmt.Errorf("setting %q is %d", name, v)
			}
		default:
			return fmt.Errorf("unknown setting %q", name)
		}
	}
	if v, ok := numbers["gc_percent"]; ok {
		debug.SetGCPercent(int(v))
	}
	if v, ok := numbers["memory_limit_bytes"]; ok {
		debug.SetMemoryLimit(v)
	}
	if v, ok := numbers["max_procs"]; ok {
		runtime.GOMAXPROCS(int(v))
	}
	return nil
}

// openQueue makes a queue.
func openQueue() (uint64, int32) {
	library.mu.Lock()
	defer library.mu.Unlock()
	if library.service == nil || library.closed {
		return 0, statusClosed
	}
	id := library.service.NextID()
	library.queues[id] = &queue{}
	return id, statusOK
}

// closeQueue cancels what was submitted to a queue, and closes it.
func closeQueue(id uint64) int32 {
	q, status := find(id)
	if status != statusOK {
		return status
	}
	library.mu.Lock()
	delete(library.queues, id)
	s := library.service
	library.mu.Unlock()
	s.CancelAll(q)
	q.close()
	return statusOK
}

// submit decodes a request and begins it.
func submit(queueID uint64, message []byte) (uint64, int32) {
	s := service()
	if s == nil {
		return 0, statusClosed
	}
	var sink ops.Sink
	if queueID != 0 {
		q, status := find(queueID)
		if status != statusOK {
			return 0, status
		}
		sink = q
	}
	value, err := wire.Decode(message)
	if err != nil {
		return 0, statusMessage
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return 0, statusMessage
	}
	if name, ok := fields["op"].(string); !ok || name == "" {
		return 0, statusMessage
	}
	id := s.Submit(fields, sink)
	if id == 0 {
		return 0, statusClosed
	}
	return id, statusOK
}

// beginWait gives the descriptor to poll and keeps it open until endWait.
func beginWait(id uint64) (fd int, pending *int32, status int32) {
	q, status := find(id)
	if status != statusOK {
		return 0, nil, status
	}
	fd, pending, status = q.descriptor(true)
	if status != statusOK {
		return 0, nil, status
	}
	library.mu.Lock()
	defer library.mu.Unlock()
	w := library.waiting[id]
	if w == nil {
		w = &waiting{queue: q}
		library.waiting[id] = w
	}
	w.count++
	return fd, pending, statusOK
}

func endWait(id uint64) {
	library.mu.Lock()
	w := library.waiting[id]
	if w != nil {
		if w.count--; w.count == 0 {
			delete(library.waiting, id)
		}
	}
	library.mu.Unlock()
	if w != nil {
		w.queue.waited()
	}
}

// shutdown closes everything; nothing can be called afterwards.
func shutdown(timeout time.Duration) int32 {
	library.mu.Lock()
	if library.service == nil || library.closed {
		library.mu.Unlock()
		return statusClosed
	}
	library.closed = true
	s, queues := library.service, library.queues
	library.queues = nil
	library.mu.Unlock()
	finished := s.Close(timeout)
	for _, q := range queues {
		q.close()
	}
	if !finished {
		return statusMore
	}
	return statusOK
}
