package guest

import (
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// TestAllocator drives the guest's allocator of small blocks (wasm/guest/shim/alloc.c) through Python objects.
func TestAllocator(t *testing.T) {
	runAll(t, []program{
		{name: "blocks do not overlap", code: `
import random
draw = random.Random(7)
live = []
for step in range(60_000):
    if live and draw.random() < (0.45 if step % 20_000 < 12_000 else 0.6):
        i = draw.randrange(len(live))
        live[i], live[-1] = live[-1], live[i]
        value, n, fill = live.pop()
        assert len(value) == n and value.count(fill) == n, (n, fill)
    else:
        n, fill = draw.randrange(700), draw.randrange(256)
        value = bytearray([fill]) * n
        live.append([value, n, fill])
    if live and step % 7 == 0:  # grows or shrinks in place or moves
        entry = draw.choice(live)
        n = draw.randrange(700)
        if n < entry[1]:
            del entry[0][n:]
        else:
            entry[0].extend([entry[2]] * (n - entry[1]))
        entry[1] = n
assert all(value.count(fill) == len(value) == n for value, n, fill in live)
print("ok")
`, want: "ok"},
		{name: "tracemalloc sees what is allocated while it traces", code: `
import tracemalloc
before = [bytes(100) for _ in range(1000)]
tracemalloc.start()
during = [bytes(100) for _ in range(1000)]
traced = tracemalloc.get_traced_memory()[0]
del before
mixed = [bytes(i) for i in range(2000)]
kept = tracemalloc.get_traced_memory()[0]
del during, mixed
left = tracemalloc.get_traced_memory()[0]
tracemalloc.stop()
after = [bytes(i) for i in range(2000)]
print(100_000 < traced < 250_000, kept > traced + 1_000_000, left < 50_000, sum(map(len, after)))
`, want: "True True True 1999000"},
	})
}

// TestAllocatorReturnsMemory frees small blocks of one size, in a sandbox that has no room for both, and allocates others.
func TestAllocatorReturnsMemory(t *testing.T) {
	sandbox, err := runtime.NewSandbox(core.Config{Limits: core.Limits{MaxMemoryBytes: 128 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(t.Context(), `
for _ in range(3):
    many = [bytes(40) for _ in range(700_000)]
    del many
    others = [bytes(300) for _ in range(120_000)]
    del others
    large = bytes(40 << 20)
    del large
try:
    keep = []
    while True:
        keep.append([])
except MemoryError as error:
    keep = None
    print("full", type(error).__name__)
print(len(bytes(16 << 20)))
`, core.WithTimeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "stdout", string(result.Stdout), "full MemoryError\n16777216")
}
