package guest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A cache directory serves every build of the library that uses it: "code-" and a codeID, "image-" and
// "bytecode-" and a BuildID. Each build leaves a mark, "build-" and its BuildID, whose content is the codeID and
// whose time is that of its last use. Marks are files of their own because in a container's image setting the
// time of a large file would copy it.

const (
	// keepBuilds is how many other builds stay in the cache: those that were used last.
	keepBuilds = 4
	// keepFor is how long a build is kept that is not used.
	keepFor = 30 * 24 * time.Hour
	// settled is how old a file must be to be removed: younger ones may be a process's that is starting.
	settled = 10 * time.Minute
	// markEvery is how long a mark is good; more exact times would only cost writes.
	markEvery = time.Minute
)

const markPrefix = "build-"

// cachedKinds are the prefixes of what a build keeps; "removed-" is what prune was not able to finish, "new-" what a
// process that was killed has left.
var cachedKinds = []string{"code-", "image-", "bytecode-", "removed-", "new-"}

// build is one that uses a cache.
type build struct{ id, code string }

func thisBuild() build { return build{BuildID(), codeID()} }

// mark says in dir that b is used now. A cache that cannot be written is not pruned either.
func (b build) mark(dir string) {
	name := filepath.Join(dir, markPrefix+b.id)
	now := time.Now()
	if info, err := os.Stat(name); err == nil {
		if now.Sub(info.ModTime()) > markEvery {
			_ = os.Chtimes(name, now, now)
		}
		return
	}
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(dir, "new-build-")
	if err != nil {
		return
	}
	_, err = f.WriteString(b.code)
	// A rename: nobody reads half of a mark.
	if errors.Join(err, f.Close()) != nil || os.Rename(f.Name(), name) != nil {
		_ = os.Remove(f.Name())
	}
}

// prune removes from dir what belongs neither to b nor to the builds that were used last. What is in use elsewhere goes on
// working: code is in memory, images are open files. What fails is left for the next time.
func (b build) prune(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	kept := map[string]bool{"code-" + b.code: true, "image-" + b.id: true, "bytecode-" + b.id: true}
	for i, mark := range marks(entries) {
		name := mark.Name()
		id := strings.TrimPrefix(name, markPrefix)
		if id == b.id {
			continue
		}
		if i >= keepBuilds+1 || time.Since(mark.ModTime()) > keepFor {
			removeSettled(dir, name)
			continue
		}
		code, _ := os.ReadFile(filepath.Join(dir, name))
		kept["code-"+string(code)], kept["image-"+id], kept["bytecode-"+id] = true, true, true
	}
	for _, e := range entries {
		ours := slices.ContainsFunc(cachedKinds, func(kind string) bool { return strings.HasPrefix(e.Name(), kind) })
		if ours && !kept[e.Name()] {
			removeSettled(dir, e.Name())
		}
	}
}

// marks are those of entries, the last used first.
func marks(entries []os.DirEntry) []os.FileInfo {
	var found []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), markPrefix) {
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	return found
}

// removeSettled removes a file or directory that was not changed lately. It is renamed first: who looks for it at the same
// time finds all of it or nothing.
func removeSettled(dir, name string) {
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	if err != nil || time.Since(info.ModTime()) < settled {
		return
	}
	aside := path
	if !strings.HasPrefix(name, "removed-") {
		aside = filepath.Join(dir, "removed-"+name)
		if os.Rename(path, aside) != nil {
			return
		}
	}
	_ = os.RemoveAll(aside)
}
