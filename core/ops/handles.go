package ops

import (
	"maps"
	"slices"
	"sync"

	"github.com/eryx-go/eryx/core"
)

// handles are the things of one kind that the other side knows by id.
type handles[T any] struct {
	mu    sync.Mutex
	items map[uint64]T
}

func (h *handles[T]) put(id uint64, item T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.items == nil {
		h.items = map[uint64]T{}
	}
	h.items[id] = item
}

func (h *handles[T]) get(id uint64) (T, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	item, ok := h.items[id]
	return item, ok
}

// take removes an item.
func (h *handles[T]) take(id uint64) (T, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	item, ok := h.items[id]
	delete(h.items, id)
	return item, ok
}

func (h *handles[T]) takeAll() []T {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Collect(maps.Values(h.items))
	h.items = nil
	return all
}

func (h *handles[T]) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.items)
}

// errClosed is the error of a handle that is closed or never was.
func errClosed(kind string) error {
	return &core.Error{Code: core.CodeClosed, Message: "the " + kind + " is closed"}
}
