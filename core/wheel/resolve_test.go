package wheel

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestResolve: pip chooses and fetches; the lock then gives the same again without pip, and is checked.
func TestResolve(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, "requirements.lock")
	resolve := func(pip ...string) ([]Resolved, error) {
		return Resolve(t.Context(), []string{"jinja2>=3,<4"}, ResolveConfig{CacheDir: dir, LockFile: lock, Pip: pip})
	}
	first, err := resolve()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range first {
		names = append(names, normalize(r.Name))
		if _, err := Open(r.Path, Options{DropNative: r.DropNative}); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(names, []string{"jinja2", "markupsafe"}) {
		t.Errorf("resolved %q", names)
	}
	again, err := resolve("/nonexistent/pip")
	if err != nil || !slices.Equal(again, first) {
		t.Errorf("with the lock: %v, %v, first %v", err, again, first)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "wheels", "new-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	// A lock of other requirements says so, instead of leaving out what is required.
	_, err = Resolve(t.Context(), []string{"jinja2", "tabulate"}, ResolveConfig{CacheDir: dir, LockFile: lock})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no tabulate") {
		t.Errorf("other requirements: %v", err)
	}
	// A wheel that was changed in the cache is fetched again.
	if err := os.WriteFile(first[0].Path, []byte("altered"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve("/nonexistent/pip"); err == nil {
		t.Error("an altered wheel of the cache was used")
	}
	if again, err = resolve(); err != nil || !slices.Equal(again, first) {
		t.Errorf("fetched again: %v, %v", err, again)
	}
	// A lock with another hash is not satisfied by what is there.
	text, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), first[0].SHA256, strings.Repeat("0", 64), 1)
	if err := os.WriteFile(lock, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(); !errors.Is(err, ErrRefused) {
		t.Errorf("another hash: %v", err)
	}
}

func TestResolveRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := Resolve(t.Context(), []string{"ujson"}, ResolveConfig{CacheDir: dir})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no pure-Python wheel") {
		t.Errorf("a package with native wheels only: %v", err)
	}
	for _, r := range []string{
		"", "-r /etc/passwd", "--index-url=http://evil", "./local", "/tmp/x", "a @ file:///tmp/x", "git+https://x/y", "https://x/y.whl",
		"a\n--pre", "a; x @ y", "..", "a b", "a==1 --hash=sha256:0",
	} {
		// pip would be missed with another error.
		if _, err := Resolve(t.Context(), []string{r}, ResolveConfig{CacheDir: dir, Pip: []string{"/nonexistent/pip"}}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "not a requirement") {
			t.Errorf("%q: %v", r, err)
		}
	}
	for _, r := range []string{"a", "A.b-c_d", "a[x,y]>=1", "a >= 1, < 2", "a==1.*", "a~=1.0; python_version < '4'", "a (>=1)", "a!=1.0+local"} {
		if !requirementForm.MatchString(r) {
			t.Errorf("%q is a requirement", r)
		}
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sub", "lock")
	want := []Resolved{{Name: "a_b", Version: "1.0+x", SHA256: strings.Repeat("a", 64)}}
	if err := writeLock(name, []string{"a-b"}, want); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseLock(string(text)); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"a==1", "-r x", "--index-url http://evil", "a==1 --hash=sha256:00", "a==1 --hash=md5:" + strings.Repeat("0", 64)} {
		if _, err := parseLock(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
