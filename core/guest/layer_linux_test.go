//go:build linux

package guest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// noise is memory with some pages of zeros.
func noise(r *rand.Rand, pages int) []byte {
	b := make([]byte, pages*pageSize)
	for at := 0; at < len(b); at += pageSize {
		if r.IntN(4) > 0 {
			for i := range 64 {
				b[at+i*61] = byte(r.Uint32())
			}
		}
	}
	return b
}

// testImage is an image of noise, and an extended one.
func testImage(t *testing.T, r *rand.Rand) (root, extended *Image) {
	t.Helper()
	root, err := imageFrom(noise(r, 160), 8, 64)
	if err != nil {
		t.Fatal(err)
	}
	memory := make([]byte, 240*pageSize)
	pristine, err := root.pristine()
	if err != nil {
		t.Fatal(err)
	}
	copy(memory, pristine)
	copy(memory[150*pageSize:], noise(r, 60))
	for _, page := range []int{3, 9, 100} {
		memory[page*pageSize+5]++
	}
	over := newOverlay(memory, differing(memory, pristine, []span{{0, uint64(len(memory))}}))
	extended = root.extended(over, uint64(len(memory)), 16)
	t.Cleanup(func() { _ = extended.Close(); _ = root.Close() })
	if got, err := extended.pristine(); err != nil || !bytes.Equal(got, memory) {
		t.Fatalf("the extended image is not what it was made of (%v)", err)
	}
	return root, extended
}

// imageRegion is a region of img with room behind it.
func imageRegion(t *testing.T, img *Image) *region {
	t.Helper()
	r, err := newRegion(400 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Free)
	r.size = 400 * pageSize
	if err := r.lay(img, 0, img.size); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRegionsWithLayers: whatever is mapped over a region, it reads as it should, differs from its image where it
// should, and is the image again when it was restored.
func TestRegionsWithLayers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	root, extended := testImage(t, random)
	held := arena.usedBytes()
	for _, img := range []*Image{root, extended} {
		pristine, err := img.pristine()
		if err != nil {
			t.Fatal(err)
		}
		fresh := make([]byte, 400*pageSize)
		copy(fresh, pristine)
		r := imageRegion(t, img)
		maps := segmentMaps.Load()
		for round := range 20 {
			want := bytes.Clone(fresh)
			for range 5 {
				change(t, random, r, want)
			}
			own, err := r.ownPages(img)
			if err != nil {
				t.Fatal(err)
			}
			changed := differing(want, pristine, []span{{0, r.size}})
			if missing := without(without(changed, own), r.ownSegments()); len(missing) > 0 {
				t.Fatalf("round %d: changed pages %v were not found", round, missing)
			}
			if err := r.restore(img); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.space[:r.size], fresh) {
				t.Fatalf("round %d: restored memory is not the image", round)
			}
			if want := len(imageSegments(img)); len(r.segments) != want || segmentMaps.Load() != maps {
				t.Fatalf("round %d: %d segments, the image has %d; %d mappings are counted, %d before", round, len(r.segments), want, segmentMaps.Load(), maps)
			}
			if n := arena.usedBytes(); n != held {
				t.Fatalf("round %d: %d bytes of layers are left", round, n-held)
			}
		}
	}
}

func imageSegments(img *Image) []segment {
	if img.over == nil {
		return nil
	}
	return img.over.segments
}

// change writes to pages of r, or maps a layer over some of them, and does the same to want.
func change(t *testing.T, random *rand.Rand, r *region, want []byte) {
	t.Helper()
	start := random.IntN(380)
	end := start + 1 + random.IntN(min(60, 399-start))
	s := span{uint64(start) * pageSize, uint64(end) * pageSize}
	text := noise(random, end-start)
	copy(want[s.start:], text)
	if random.IntN(2) == 0 {
		copy(r.space[s.start:s.end], text)
		return
	}
	segments, err := newLayer(text, []span{{0, s.size()}})
	if err != nil {
		t.Fatal(err)
	}
	segments[0].span = s
	if _, err := r.take(segments); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.space[:r.size], want) {
		t.Fatal("the region does not read as what was mapped over it")
	}
}

// TestNoMappingsLeft: when the process has as many mappings as it may, layers are copied, and nothing else changes.
func TestNoMappingsLeft(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	_, extended := testImage(t, random)
	segmentMaps.Add(maxSegmentMaps())
	defer segmentMaps.Add(-maxSegmentMaps())
	r := imageRegion(t, extended)
	pristine, err := extended.pristine()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.segments) != 0 || !bytes.Equal(r.space[:extended.size], pristine) {
		t.Fatalf("%d segments are mapped, or the memory is not the image", len(r.segments))
	}
	clear(r.space[:r.size])
	if err := r.drop(extended, 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.space[:extended.size], pristine) {
		t.Error("what was dropped is not the image")
	}
}

// TestManyOwnPages: more runs than the system tells at once are all found.
func TestManyOwnPages(t *testing.T) {
	img, err := imageFrom(make([]byte, 4*scanRegions*pageSize), 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	r, err := newRegion(img.size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Free()
	r.size = img.size
	if err := r.lay(img, 0, img.size); err != nil {
		t.Fatal(err)
	}
	var want []span
	for at := uint64(0); at < r.size; at += 2 * pageSize {
		r.space[at] = 1
		want = append(want, span{at, at + pageSize})
	}
	// Pages that the system has swapped out, if it can, are the guest's own as well.
	_ = unix.Madvise(r.space, unix.MADV_PAGEOUT)
	for name, find := range map[string]func() ([]span, error){"scan": r.scanPages, "read": r.readPages} {
		got, err := find()
		if name == "scan" && (err == unix.ENOTTY || err == unix.ENOSYS) {
			continue // a kernel before 6.7, or an emulator: then the pages are read
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d runs of %d were found (%v)", name, len(got), len(want), err)
		}
	}
}

// TestLargePages: a kernel with larger pages is refused by name, not by a mapping that fails.
func TestLargePages(t *testing.T) {
	for _, size := range []int{4096, os.Getpagesize()} {
		if err := checkPages(size); err != nil {
			t.Errorf("pages of %d bytes: %v", size, err)
		}
	}
	for _, size := range []int{16384, 65536} {
		if err := checkPages(size); err == nil || !strings.Contains(err.Error(), strconv.Itoa(size)) {
			t.Errorf("pages of %d bytes: %v", size, err)
		}
	}
}

// TestArena: freed memory is used again.
func TestArena(t *testing.T) {
	before, end := arena.usedBytes(), arena.end
	var taken []span
	for i := range uint64(20) {
		s, err := arena.take((i%5 + 1) * pageSize)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, s)
	}
	high := arena.end
	for _, i := range []int{3, 4, 11, 0, 7} {
		arena.give(taken[i])
	}
	again, err := arena.take(2 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	if arena.end != high {
		t.Errorf("the arena has grown to %d although there was room below %d", arena.end, high)
	}
	arena.give(again)
	for i, s := range taken {
		if !slices.Contains([]int{3, 4, 11, 0, 7}, i) {
			arena.give(s)
		}
	}
	if arena.usedBytes() != before || arena.end > end {
		t.Errorf("%d bytes and the end at %d are left, before %d and %d", arena.usedBytes(), arena.end, before, end)
	}
}

// usedBytes is how much memory the layers take.
func (a *arenaFile) usedBytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int64(a.end - total(a.free))
}
