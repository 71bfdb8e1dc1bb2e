package wheel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ResolveConfig says how requirements are resolved and fetched.
type ResolveConfig struct {
	// CacheDir keeps wheels and locks between runs; "" is the directory "eryx/packages" in the user's cache
	// directory.
	CacheDir string
	// LockFile records what was chosen, as a requirements file with hashes. If it is there, exactly that is
	// used; "" keeps a lock for each set of requirements in CacheDir. Delete it to resolve anew.
	LockFile string
	// Pip is the command to run, such as {"python3", "-m", "pip"}; by default pip is looked for, then uv.
	Pip []string
	// PureFallback are names of packages that have no pure-Python wheel but work without their native parts,
	// beside those that are known: markupsafe, pyyaml and some others.
	PureFallback []string
}

// pureFallbacks work without their extension modules, and publish wheels that have them only.
var pureFallbacks = []string{
	"markupsafe", "pyyaml", "msgpack", "multidict", "frozenlist", "propcache", "yarl", "simplejson", "wrapt",
	"coverage", "tornado", "websockets", "zope-interface",
}

// Resolved is a wheel that Resolve has chosen.
type Resolved struct {
	Path       string // of the file in the cache
	Name       string
	Version    string
	SHA256     string // in hexadecimal
	DropNative bool   // it is to be opened with this option
}

// requirementForm is a name with extras, versions and a marker. URLs, paths and pip's options are not
// requirements: pip would run the code of what they name.
var requirementForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[A-Za-z0-9._,\s-]*\])?\s*\(?([<>=!~]=?=?\s*[A-Za-z0-9.*+!_-]+\s*,?\s*)*\)?\s*(;[^@\n\r\\]*)?$`)

// Resolve has pip choose and fetch wheels for the requirements and all that they need. Only wheels are
// fetched, so nothing of a package runs on the host. Errors wrap ErrRefused where a package cannot be used, and
// say what pip said.
func Resolve(ctx context.Context, requirements []string, config ResolveConfig) ([]Resolved, error) {
	for _, r := range requirements {
		if !requirementForm.MatchString(r) {
			return nil, refuse(r, "not a requirement such as name, name[extra] or name>=1,<2")
		}
	}
	dir, err := config.cacheDir()
	if err != nil {
		return nil, err
	}
	r := resolver{config: config, wheels: filepath.Join(dir, "wheels")}
	if err := os.MkdirAll(r.wheels, 0o700); err != nil {
		return nil, fmt.Errorf("the cache of packages: %w", err)
	}
	lockFile := config.LockFile
	if lockFile == "" {
		lockFile = filepath.Join(dir, "locks", lockName(requirements)+".txt")
	}
	text, err := os.ReadFile(lockFile)
	if err == nil {
		return r.fetchLocked(ctx, requirements, lockFile, string(text))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the lock file: %w", err)
	}
	resolved, err := r.resolve(ctx, requirements)
	if err != nil {
		return nil, err
	}
	return resolved, writeLock(lockFile, requirements, resolved)
}

func (c ResolveConfig) cacheDir() (string, error) {
	if c.CacheDir != "" {
		return c.CacheDir, nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no directory for packages: %w", err)
	}
	return filepath.Join(user, "eryx", "packages"), nil
}

// lockName names the lock of a set of requirements.
func lockName(requirements []string) string {
	sorted := slices.Sorted(slices.Values(requirements))
	sum := sha256.Sum256([]byte(strings.Join(sorted, "\n")))
	return hex.EncodeToString(sum[:12])
}

// resolver runs pip.
type resolver struct {
	config ResolveConfig
	wheels string // the folder of all wheels that were ever fetched
}

// resolve chooses among pure wheels, else among all and then replaces those that are not pure.
func (r resolver) resolve(ctx context.Context, requirements []string) ([]Resolved, error) {
	files, err := r.download(ctx, platformPure, true, requirements...)
	if err == nil {
		return r.adopt(files)
	}
	files, nativeErr := r.download(ctx, platformNative, true, requirements...)
	if nativeErr != nil {
		return nil, nativeErr
	}
	defer removeAll(files)
	var all []string
	for _, file := range files {
		pure, err := r.pure(ctx, file)
		if err != nil {
			return nil, err
		}
		all = append(all, pure)
	}
	return r.adopt(all)
}

// pure is a pure wheel of the same version as the wheel file, or file where its package works without its
// native parts.
func (r resolver) pure(ctx context.Context, file string) (string, error) {
	name, ok := parseName(filepath.Base(file))
	if !ok {
		return "", refuse(filepath.Base(file), "its name is not a wheel's")
	}
	reason := checkTags(name.tags, false)
	if reason == nil {
		return file, nil
	}
	if files, err := r.download(ctx, platformPure, false, name.name+"=="+name.version); err == nil && len(files) == 1 {
		return files[0], nil
	}
	if r.works(name.name) {
		return file, nil
	}
	return "", refuse(name.name+" "+name.version, "it has no pure-Python wheel: %w", reason)
}

// works reports that a package works without its native parts.
func (r resolver) works(name string) bool {
	same := func(other string) bool { return normalize(other) == normalize(name) }
	return slices.ContainsFunc(pureFallbacks, same) || slices.ContainsFunc(r.config.PureFallback, same)
}

// adopt moves wheels from where they were downloaded into the cache.
func (r resolver) adopt(files []string) ([]Resolved, error) {
	defer removeAll(files)
	var all []Resolved
	for _, file := range files {
		resolved, err := describe(file)
		if err != nil {
			return nil, err
		}
		target := filepath.Join(r.wheels, filepath.Base(file))
		if err := os.Rename(file, target); err != nil {
			return nil, fmt.Errorf("the cache of packages: %w", err)
		}
		resolved.Path = target
		all = append(all, resolved)
	}
	slices.SortFunc(all, func(a, b Resolved) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// describe is what the name and the content of a wheel say.
func describe(file string) (Resolved, error) {
	name, ok := parseName(filepath.Base(file))
	if !ok {
		return Resolved{}, refuse(filepath.Base(file), "its name is not a wheel's")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Resolved{}, err
	}
	sum := sha256.Sum256(data)
	return Resolved{
		Path: file, Name: name.name, Version: name.version, SHA256: hex.EncodeToString(sum[:]),
		DropNative: checkTags(name.tags, false) != nil,
	}, nil
}

// removeAll removes the folders that downloads left.
func removeAll(files []string) {
	for _, file := range files {
		_ = os.RemoveAll(filepath.Dir(file)) // a folder of our own making
	}
}
