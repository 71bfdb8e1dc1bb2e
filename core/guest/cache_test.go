package guest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// start makes a runtime with its cache in dir; it reports whether it had to compile, and the warnings.
func start(t *testing.T, dir string) (compiled bool, warnings []string) {
	t.Helper()
	ctx := context.Background()
	r, err := NewRuntime(ctx, Config{
		CacheDir: dir,
		Progress: func(string) { compiled = true },
		Warn:     func(text string) { warnings = append(warnings, text) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.probe(); err != nil {
		t.Error(err)
	}
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
	return compiled, warnings
}

// machineCode is the one file of machine code below dir.
func machineCode(t *testing.T, dir string) string {
	t.Helper()
	matches, err := filepath.Glob(filepath.Join(dir, "code-*", "wazero-*", "*"))
	if err != nil || len(matches) != 1 {
		t.Fatalf("files of machine code: %v, %v", matches, err)
	}
	return matches[0]
}

func flip(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCodeCache: two first starts at once both work; the next one compiles nothing; every kind of damage is
// noticed, told in one line, and repaired.
func TestCodeCache(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if compiled, warnings := start(t, dir); !compiled || len(warnings) > 0 {
				t.Errorf("first start: compiled %v, warnings %q", compiled, warnings)
			}
		}()
	}
	wg.Wait()
	if code, err := os.ReadFile(filepath.Join(dir, markPrefix+BuildID())); err != nil || string(code) != codeID() {
		t.Errorf("the mark of this build: %q, %v", code, err)
	}
	if compiled, warnings := start(t, dir); compiled || len(warnings) > 0 {
		t.Fatalf("second start: compiled %v, warnings %q", compiled, warnings)
	}
	for name, damage := range map[string]func(){
		"altered code":       func() { flip(t, machineCode(t, dir)) },
		"truncated code":     func() { truncate(t, machineCode(t, dir)) },
		"altered skeleton":   func() { flip(t, filepath.Join(dir, "code-"+codeID(), "skeleton.wasm")) },
		"truncated skeleton": func() { truncate(t, filepath.Join(dir, "code-"+codeID(), "skeleton.wasm")) },
	} {
		damage()
		if compiled, warnings := start(t, dir); !compiled || len(warnings) != 1 {
			t.Errorf("%s: compiled %v, warnings %q", name, compiled, warnings)
		}
		if compiled, warnings := start(t, dir); compiled || len(warnings) > 0 {
			t.Errorf("%s, after the repair: compiled %v, warnings %q", name, compiled, warnings)
		}
	}
}

func truncate(t *testing.T, name string) {
	t.Helper()
	stat, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, stat.Size()-3); err != nil {
		t.Fatal(err)
	}
}

// TestCodeCacheCannotBeWritten: a start without a usable cache works, and says why it is slow.
func TestCodeCacheCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if compiled, warnings := start(t, filepath.Join(file, "below")); !compiled || len(warnings) == 0 {
		t.Errorf("compiled %v, warnings %q", compiled, warnings)
	}
}
