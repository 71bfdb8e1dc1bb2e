package core

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/eryx-go/eryx/core/guestfs"
)

// Library is a bundle of what programs may use: host functions, Python modules, and type stubs. Several can be
// given to one sandbox (Config.Libraries); two that claim the same name are refused.
type Library struct {
	// Name is for error messages and stubs: 1 to 255 characters on one line.
	Name string
	// Callbacks are added to those of Config.
	Callbacks []Callback
	// Modules are Python sources by module name, such as "tools" or "tools.text". They are real modules, imported
	// from read-only files under /lib/python, so that tracebacks and line numbers are those of the sources. A
	// package that is not listed itself is empty. Names of the standard library and of packages are refused.
	Modules map[string]string
	// Stubs is .pyi text about the modules, for Sandbox.TypeStubs.
	Stubs string
}

// libraryPath is where the modules of libraries are, in the guest.
const libraryPath = "/lib/python"

// maxModuleName bounds a module's name in bytes.
const maxModuleName = 255

// maxModules bounds the bytes of all modules of a sandbox.
const maxModules = 64 << 20

var libraryName = regexp.MustCompile(`^[^\p{Cc}\x{2028}\x{2029}]{1,255}$`)

// checkModule reports why name cannot be a module's.
func checkModule(name string) error {
	if len(name) > maxModuleName || !moduleName.MatchString(name) {
		return errors.New("it is not a module's name")
	}
	if name == "__main__" || strings.HasPrefix(name+".", "__init__.") || strings.Contains(name+".", ".__init__.") {
		return errors.New("it is not importable by that name: a package's own source has the package's name")
	}
	return nil
}

// combine is the callbacks of config and of its libraries, and their modules' files: nil for none.
func (c *Config) combine() ([]Callback, map[string]string, error) {
	callbacks := c.withFetch(slices.Clone(c.Callbacks))
	owner := map[string]string{}
	for _, callback := range c.Callbacks {
		owner[callback.Name] = "the configuration"
	}
	modules := map[string]string{}
	moduleOwner := map[string]string{}
	for _, library := range c.Libraries {
		if !libraryName.MatchString(library.Name) {
			return nil, nil, invalid("library name %.300q: use 1 to %d characters on one line", library.Name, maxCallbackName)
		}
		for _, callback := range library.Callbacks {
			if other, taken := owner[callback.Name]; taken {
				return nil, nil, invalid("callback %q is in library %q and in %s", callback.Name, library.Name, other)
			}
			owner[callback.Name] = "library \"" + library.Name + "\""
			callbacks = append(callbacks, callback)
		}
		for name, source := range library.Modules {
			if err := checkModule(name); err != nil {
				return nil, nil, invalid("library %q: module %.300q: %v", library.Name, name, err)
			}
			if other, taken := moduleOwner[name]; taken {
				return nil, nil, invalid("module %q is in library %q and in library %q", name, library.Name, other)
			}
			if err := checkSource(source); err != nil {
				return nil, nil, invalid("library %q: module %q: %v", library.Name, name, err)
			}
			moduleOwner[name] = library.Name
			modules[name] = source
		}
	}
	return callbacks, modules, nil
}

// moduleFiles is the files of modules: "a/__init__.py" for a package, "a/b.py" for what contains no other.
func moduleFiles(modules map[string]string) map[string]string {
	packages := map[string]bool{}
	for name := range modules {
		for dot := strings.LastIndexByte(name, '.'); dot >= 0; dot = strings.LastIndexByte(name, '.') {
			name = name[:dot]
			packages[name] = true
		}
	}
	files := map[string]string{}
	for name := range packages {
		files[strings.ReplaceAll(name, ".", "/")+"/__init__.py"] = modules[name]
	}
	for name, source := range modules {
		if !packages[name] {
			files[strings.ReplaceAll(name, ".", "/")+".py"] = source
		}
	}
	return files
}

// newModuleFS is a filesystem with the files of modules, nil for none.
func newModuleFS(modules map[string]string) (*guestfs.MemFS, error) {
	if len(modules) == 0 {
		return nil, nil
	}
	files := moduleFiles(modules)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	storage := guestfs.NewStorage(guestfs.Limits{MaxBytes: maxModules})
	for _, name := range names {
		if dir := path.Dir(name); dir != "." {
			if err := storage.MkdirAll(dir, 0o755); err != nil {
				return nil, invalid("module file %q: %w", name, err)
			}
		}
		if err := storage.WriteFile(name, []byte(files[name]), 0o444); err != nil {
			return nil, invalid("module file %q: %w", name, err)
		}
	}
	return storage.FS(), nil
}

// checkModules reports a module of set that programs could not import, because Python itself or a package of origin has
// its name.
func (rt *Runtime) checkModules(set *callbackSet, origin *origin) error {
	for _, name := range set.topModules {
		if builtinModules[name] {
			return invalid("module %q of a library has the name of a module of Python's own", name)
		}
		for _, file := range []string{name + ".py", name} {
			if _, errno := rt.usr.Stat("lib/python3.14/" + file); errno == 0 {
				return invalid("module %q of a library has the name of a module of Python's own", name)
			}
			for _, site := range origin.sites {
				if _, errno := site.FS().Stat(file); errno == 0 {
					return invalid("module %q of a library has the name of a module of a package", name)
				}
			}
		}
	}
	return nil
}

// mountLibraries puts the modules of set into f.
func (rt *Runtime) mountLibraries(f *files, set *callbackSet, origin *origin) error {
	if set.modules == nil {
		return nil
	}
	if err := rt.checkModules(set, origin); err != nil {
		return err
	}
	if err := f.root.Mount(libraryPath, guestfs.ReadOnly(set.modules), guestfs.MountOptions{}); err != nil {
		return failure(CodeInternal, "mount %s: %w", libraryPath, err)
	}
	return nil
}

// topNames is the first parts of modules' names, each once.
func topNames(modules map[string]string) []string {
	var names []string
	for name := range modules {
		first, _, _ := strings.Cut(name, ".")
		if !slices.Contains(names, first) {
			names = append(names, first)
		}
	}
	sort.Strings(names)
	return names
}

// newPrepared checks the callbacks and libraries of a configuration.
func newPrepared(c *Config) (*callbackSet, error) {
	callbacks, modules, err := c.combine()
	if err != nil {
		return nil, err
	}
	set, err := newCallbackSet(callbacks)
	if err != nil {
		return nil, err
	}
	if set.modules, err = newModuleFS(modules); err != nil {
		return nil, err
	}
	set.topModules = topNames(modules)
	for _, library := range c.Libraries {
		if library.Stubs != "" {
			if set.stubs != "" {
				set.stubs += "\n"
			}
			set.stubs += "# " + library.Name + "\n" + strings.TrimRight(library.Stubs, "\n") + "\n"
		}
	}
	return set, nil
}
