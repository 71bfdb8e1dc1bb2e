package core_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/guest"
)

// TestCachePrunesOtherBuilds: a build whose image is new in a cache removes what others have left there.
func TestCachePrunesOtherBuilds(t *testing.T) {
	if _, err := core.DefaultRuntime(); err != nil { // the user's cache has the code
		t.Fatal(err)
	}
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(filepath.Join(user, "eryx", "build-"+guest.BuildID()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := "code-" + string(code)
	if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(user, "eryx", name))); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "image-other")
	then := time.Now().Add(-time.Hour)
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(other, then, then); err != nil {
		t.Fatal(err)
	}
	rt, err := core.NewRuntime(t.Context(), core.RuntimeConfig{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("another build's image after the start: %v", err)
	}
	for _, own := range []string{name, "image-" + guest.BuildID()} {
		if _, err := os.Stat(filepath.Join(dir, own)); err != nil {
			t.Error(err)
		}
	}
}
