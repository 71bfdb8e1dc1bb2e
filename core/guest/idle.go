package guest

import "sync"

const (
	// maxIdle is how many instances of an image are kept, and maxSpare how many are made ahead of demand.
	maxIdle  = 16
	maxSpare = 4
	// manyMisses is how many new instances in a row show that there is demand.
	manyMisses = 3
)

// pool keeps instances that are as their image, ready to run: used ones that have been restored, and while the
// program wants ever more of them, a few that are made ahead, because making one takes most of a millisecond.
type pool struct {
	mu     sync.Mutex
	idle   map[*Image][]*Guest
	misses int // since an instance was given back
	closed bool

	stocking *Image        // what instances are being made of now, nil for none
	stopping bool          // that is to end
	stocked  chan struct{} // closed when it has ended
}

// take removes an idle instance of img whose memory fits limit.
func (p *pool) take(img *Image, limit uint64) *Guest {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[img]
	for i := len(list) - 1; i >= 0; i-- {
		g := list[i]
		if g.memory.size <= limit && g.memory.capacity() >= min(limit, reserveFor(limit)) {
			p.idle[img] = append(list[:i], list[i+1:]...)
			return g
		}
	}
	return nil
}

// give keeps g for reuse; false when there are enough.
func (p *pool) give(g *Guest) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misses = 0
	return p.keep(g, maxIdle)
}

// keep adds g to the idle instances, if that makes them no more than limit. Under mu.
func (p *pool) keep(g *Guest, limit int) bool {
	if p.closed || len(p.idle[g.image]) >= limit {
		return false
	}
	if p.idle == nil {
		p.idle = map[*Image][]*Guest{}
	}
	p.idle[g.image] = append(p.idle[g.image], g)
	return true
}

// wanted notes that an instance of img is wanted, which the caller holds, and whether one was idle. When there is
// demand, some are made.
func (r *Runtime) wanted(img *Image, reserve uint64, idle bool) {
	p := &r.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if !idle {
		p.misses++
	}
	if p.misses < manyMisses || len(p.idle[img]) >= maxSpare || p.stocking != nil || p.closed {
		return
	}
	p.stocking, p.stopping, p.stocked = img, false, make(chan struct{})
	go r.stock(img, reserve)
}

// stock makes spare instances of img.
func (r *Runtime) stock(img *Image, reserve uint64) {
	p := &r.pool
	for more := true; more; {
		g, err := r.instantiate(img, reserve)
		if err == nil {
			g.memory.warm(img)
		}
		p.mu.Lock()
		more = err == nil && !p.stopping && p.keep(g, maxSpare)
		p.mu.Unlock()
		if err == nil && !more {
			g.free()
		}
	}
	p.mu.Lock()
	p.stocking = nil
	close(p.stocked)
	p.mu.Unlock()
}

// warm makes pages the region's own that a program is likely to write to, while nobody waits for them.
func (r *region) warm(img *Image) {
	usual := img.usual.Load()
	pristine, err := img.pristine()
	if usual == nil || err != nil {
		return
	}
	for _, s := range *usual {
		copy(r.space[s.start:s.end], pristine[s.start:s.end])
	}
}

// maxUsual is how many bytes of pages are remembered as written to by most programs.
const maxUsual = 256 * pageSize

// learn remembers which pages of the image a program has made its own.
func (i *Image) learn(own []span) {
	if i.usual.Load() != nil {
		return
	}
	var usual []span
	left := uint64(maxUsual)
	for _, s := range own {
		if s = s.cut(0, i.size); s.size() > left {
			break
		}
		left -= s.size()
		if s.size() > 0 {
			usual = append(usual, s)
		}
	}
	i.usual.Store(&usual)
}

// stop ends the making of instances of img, or of any when it is nil, and waits for that.
func (p *pool) stop(img *Image) {
	p.mu.Lock()
	stocked := p.stocked
	if p.stocking == nil || img != nil && p.stocking != img {
		p.mu.Unlock()
		return
	}
	p.stopping = true
	p.mu.Unlock()
	<-stocked
}

// Forget frees the idle instances of img, which is about to be closed.
func (r *Runtime) Forget(img *Image) {
	r.pool.stop(img)
	r.pool.mu.Lock()
	list := r.pool.idle[img]
	delete(r.pool.idle, img)
	r.pool.mu.Unlock()
	for _, g := range list {
		g.free()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop(nil)
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, list := range idle {
		for _, g := range list {
			g.free()
		}
	}
}
