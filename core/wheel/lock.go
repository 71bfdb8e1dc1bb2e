package wheel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A lock is a requirements file with one hash for each name and version, so that pip checks the hashes too.
var lockLine = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.+!_-]*) --hash=sha256:([0-9a-f]{64})$`)

// requiredName is the name at the beginning of a requirement.
var requiredName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

// writeLock records what was chosen, atomically.
func writeLock(name string, requirements []string, resolved []Resolved) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Chosen by Eryx for: %s\n# Delete this file to choose anew.\n", strings.Join(requirements, ", "))
	for _, r := range resolved {
		fmt.Fprintf(&b, "%s==%s --hash=sha256:%s\n", r.Name, r.Version, r.SHA256)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("the lock file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-lock-")
	if err != nil {
		return fmt.Errorf("the lock file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(b.String())
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("the lock file: %w", err)
	}
	return nil
}

// parseLock reads a lock; everything but the path of each wheel.
func parseLock(text string) ([]Resolved, error) {
	var locked []Resolved
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := lockLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("the line %.200q is not of the form name==version --hash=sha256:…", line)
		}
		locked = append(locked, Resolved{Name: m[1], Version: m[2], SHA256: m[3]})
	}
	return locked, nil
}

// fetchLocked is the wheels that a lock names: from the cache, else fetched again. One whose hash is another is
// refused.
func (r resolver) fetchLocked(ctx context.Context, requirements []string, lockFile, text string) ([]Resolved, error) {
	locked, err := parseLock(text)
	if err != nil {
		return nil, refuse(lockFile, "%w", err)
	}
	if missing := notLocked(requirements, locked); missing != "" {
		return nil, refuse(lockFile, "the lock file is of other requirements: it has no %s; delete it to choose anew", missing)
	}
	if found, ok := r.cached(locked); ok {
		return found, nil
	}
	absolute, err := filepath.Abs(lockFile)
	if err != nil {
		return nil, err
	}
	// The native platform has the pure wheels too; the hash says which one is meant.
	files, err := r.download(ctx, platformNative, false, "--require-hashes", "--requirement", absolute)
	if err != nil {
		return nil, err
	}
	if _, err := r.adopt(files); err != nil {
		return nil, err
	}
	found, ok := r.cached(locked)
	if !ok {
		return nil, refuse(lockFile, "what was fetched does not have the hashes of the lock file")
	}
	return found, nil
}

// notLocked is a required package that a lock does not name, "" for none. What a marker may exclude is not missed.
func notLocked(requirements []string, locked []Resolved) string {
	for _, r := range requirements {
		name := requiredName.FindString(r)
		if strings.Contains(r, ";") {
			continue
		}
		if !slices.ContainsFunc(locked, func(l Resolved) bool { return normalize(l.Name) == normalize(name) }) {
			return name
		}
	}
	return ""
}

// cached is the locked wheels, if the cache has all of them, with the right content.
func (r resolver) cached(locked []Resolved) ([]Resolved, bool) {
	files, err := filepath.Glob(filepath.Join(r.wheels, "*.whl"))
	if err != nil {
		return nil, false
	}
	var found []Resolved
	for _, l := range locked {
		i := slices.IndexFunc(files, func(file string) bool {
			name, ok := parseName(filepath.Base(file))
			if !ok || normalize(name.name) != normalize(l.Name) || name.version != l.Version {
				return false
			}
			d, err := describe(file)
			return err == nil && d.SHA256 == l.SHA256
		})
		if i < 0 {
			return nil, false
		}
		d, err := describe(files[i])
		if err != nil {
			return nil, false
		}
		found = append(found, d)
	}
	return found, true
}
