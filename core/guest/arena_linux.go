//go:build linux

package guest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// arenaFile is memory without a name that holds the layers of all guests: one descriptor, whatever their number.
type arenaFile struct {
	mu   sync.Mutex
	fd   int
	open bool
	end  uint64
	free []span // before end
}

var arena arenaFile

// take reserves size bytes, a multiple of the page.
func (a *arenaFile) take(size uint64) (span, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open {
		fd, err := unix.MemfdCreate("eryx-layers", unix.MFD_CLOEXEC)
		if err != nil {
			return span{}, fmt.Errorf("create shared memory: %w", err)
		}
		a.fd, a.open = fd, true
	}
	for _, f := range a.free {
		if f.size() >= size {
			taken := span{f.start, f.start + size}
			a.free = without(a.free, []span{taken})
			return taken, nil
		}
	}
	taken := span{a.end, a.end + size}
	a.end = taken.end
	return taken, nil
}

// give returns memory that nobody maps any more to the system.
func (a *arenaFile) give(s span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// What cannot be freed is kept by nobody's fault, and written over by who takes it next.
	_ = unix.Fallocate(a.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(s.start), int64(s.size()))
	a.free = union(a.free, []span{s})
	if last := len(a.free) - 1; a.free[last].end == a.end {
		a.end = a.free[last].start
		a.free = a.free[:last]
	}
}

// write copies p to offset at of the arena.
func (a *arenaFile) write(p []byte, at uint64) error {
	for len(p) > 0 {
		n, err := unix.Pwrite(a.fd, p, int64(at))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write shared memory: %w", err)
		}
		p, at = p[n:], at+uint64(n)
	}
	return nil
}

// read fills p from offset at of the arena.
func (a *arenaFile) read(p []byte, at uint64) error {
	for len(p) > 0 {
		n, err := unix.Pread(a.fd, p, int64(at))
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			err = fmt.Errorf("it ends at %d", at)
		}
		if err != nil {
			return fmt.Errorf("read shared memory: %w", err)
		}
		p, at = p[n:], at+uint64(n)
	}
	return nil
}

// A process may have vm.max_map_count mappings, 65530 by default; every guest needs two. Segments may take a third of
// them; what is beyond is copied instead.
var (
	segmentMaps    atomic.Int64
	maxSegmentMaps = sync.OnceValue(func() int64 {
		n, err := strconv.ParseInt(mostMappings(), 10, 64)
		if err != nil {
			n = 65530
		}
		return n / 3
	})
)

// mostMappings is vm.max_map_count, in digits.
func mostMappings() string {
	text, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if err != nil {
		return "65530"
	}
	return strings.TrimSpace(string(text))
}

// mapsOfSegment is how many mappings one more makes of what it lies in.
const mapsOfSegment = 2
