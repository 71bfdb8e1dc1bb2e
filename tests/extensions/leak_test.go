package extensions_test

import (
	"runtime"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// TestNothingIsLeft checks that the host keeps nothing of guests that had loaded extensions: not freeing their
// instances would keep a hundred kilobytes of each.
func TestNothingIsLeft(t *testing.T) {
	const rounds, most = 200, 4 << 20
	packages := samples(t)
	once := func() {
		s, err := rt.NewSession(core.Config{Packages: packages})
		if err != nil {
			t.Fatal(err)
		}
		prints(t, s, "import sample, second", "")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	heap := func() uint64 {
		var stats runtime.MemStats
		for range 3 { // finalizers and cleanups too
			runtime.GC()
		}
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	for range 20 {
		once()
	}
	before := heap()
	for range rounds {
		once()
	}
	if after := heap(); after > before+most {
		t.Errorf("%d sessions left %d bytes on the heap", rounds, after-before)
	}
}
