package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// aged writes a file that was last changed some time ago.
func aged(t *testing.T, dir, name, content string, age time.Duration) {
	t.Helper()
	path := filepath.Join(dir, name)
	then := time.Now().Add(-age)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// used is a build's cache as it is when the build was used some time ago, and made a year before.
func used(t *testing.T, dir string, b build, age time.Duration) {
	t.Helper()
	aged(t, dir, markPrefix+b.id, b.code, age)
	for _, name := range []string{"image-" + b.id, "bytecode-" + b.id, "code-" + b.code} {
		aged(t, dir, name, "", 365*24*time.Hour)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

// TestOtherBuildsArePruned: the builds used last stay, whatever the age of their files; code that two builds share stays
// with either; what is young stays; files that are not the cache's stay.
func TestOtherBuildsArePruned(t *testing.T) {
	dir := t.TempDir()
	this := build{"this", "mine"}
	used(t, dir, this, time.Hour)
	for i := range keepBuilds + 2 { // b0 was used last
		used(t, dir, build{fmt.Sprintf("b%d", i), fmt.Sprintf("c%d", i%(keepBuilds+1))}, time.Duration(i+2)*time.Hour)
	}
	for _, name := range []string{"code-x", "image-x", "bytecode-x", "new-image-1", "removed-code-y", "others"} {
		aged(t, dir, name, "", time.Hour)
	}
	aged(t, dir, "image-young", "", settled/2)
	aged(t, dir, "new-image-young", "", settled/2)
	this.prune(dir)
	want := []string{"others", "image-young", "new-image-young"}
	for i, b := range []build{this, {"b0", "c0"}, {"b1", "c1"}, {"b2", "c2"}, {"b3", "c3"}} {
		want = append(want, markPrefix+b.id, "image-"+b.id, "bytecode-"+b.id, "code-"+b.code)
		if i > keepBuilds {
			t.Fatal("the test and keepBuilds do not fit")
		}
	}
	slices.Sort(want)
	if left := names(t, dir); !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}

// TestUnusedBuildsArePruned: fewer than the number that stays are not kept for ever, and a mark is renewed by use.
func TestUnusedBuildsArePruned(t *testing.T) {
	dir := t.TempDir()
	unused, again := build{"unused", "c1"}, build{"again", "c2"}
	used(t, dir, unused, keepFor+time.Hour)
	used(t, dir, again, keepFor+time.Hour)
	again.mark(dir)
	this := build{"this", "mine"}
	this.mark(dir)
	this.prune(dir)
	want := []string{"build-again", "build-this", "bytecode-again", "code-c2", "image-again"}
	if left := names(t, dir); !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}

// TestPruneAtOnce: builds that start and prune at the same time leave each other's caches alone, and each whole.
func TestPruneAtOnce(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 {
		id := fmt.Sprintf("old%d", i)
		used(t, dir, build{id, id}, 24*time.Hour)
	}
	builds := make([]build, keepBuilds+1)
	var wg sync.WaitGroup
	for i := range builds {
		builds[i] = build{fmt.Sprintf("b%d", i), "shared"}
		used(t, dir, builds[i], 23*time.Hour)
	}
	for _, b := range builds {
		for range 3 {
			wg.Go(func() {
				b.mark(dir)
				b.prune(dir)
			})
		}
	}
	wg.Wait()
	want := []string{"code-shared"}
	for _, b := range builds {
		want = append(want, markPrefix+b.id, "image-"+b.id, "bytecode-"+b.id)
	}
	slices.Sort(want)
	if left := names(t, dir); !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}
