package wheel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A source distribution is never built: that would run its code on the host. What is importable in it is found
// by its layout, and its metadata is PKG-INFO. Extensions in C are left behind; a package that needs one fails
// when it is imported.

// finishSource makes site-packages content of a project below root ("" for the top).
func (p *Package) finishSource(root string) error {
	all := p.files
	if root != "" {
		all = below(all, root)
	}
	info, found := content(all, "PKG-INFO")
	if found {
		p.Name, p.Version = nameVersion(string(info))
	}
	base, tops := layout(all, p.Name)
	if len(tops) == 0 {
		return errors.New("no pure-Python package was found in this source distribution")
	}
	p.files = nil
	for _, f := range below(all, base) {
		top, _, _ := strings.Cut(f.path, "/")
		if slices.Contains(tops, top) {
			p.files = append(p.files, f)
		}
	}
	if found && p.Name != "" {
		p.addMetadata(info, all)
	}
	return nil
}

// below is the files below a directory, with paths relative to it.
func below(files []file, dir string) []file {
	if dir == "" {
		return files
	}
	var found []file
	for _, f := range files {
		if rest, ok := strings.CutPrefix(f.path, dir+"/"); ok {
			f.path = rest
			found = append(found, f)
		}
	}
	return found
}

func content(files []file, path string) ([]byte, bool) {
	for _, f := range files {
		if f.path == path {
			return f.data, true
		}
	}
	return nil, false
}

// layout finds the directory that holds what is importable, and the names there that are: those that
// setuptools recorded, else packages and modules by convention.
func layout(files []file, name string) (base string, tops []string) {
	bases := []string{"src", "", "lib", "python"}
	if names := recordedTops(files); len(names) > 0 {
		for _, base := range bases {
			if tops := present(below(files, base), names); len(tops) > 0 {
				return base, tops
			}
		}
	}
	if tops := modulesOf(below(files, "src")); len(tops) > 0 {
		return "src", tops // such a folder has what is distributed, and nothing else
	}
	wanted := []string{strings.ReplaceAll(strings.ToLower(name), "-", "_"), strings.ReplaceAll(name, "-", "_"), name}
	for _, base := range bases {
		if tops := present(below(files, base), wanted); len(tops) > 0 {
			return base, tops
		}
	}
	for _, base := range bases {
		if tops := packages(below(files, base)); len(tops) > 0 {
			return base, tops
		}
	}
	return "", nil
}

// recordedTops is the content of NAME.egg-info/top_level.txt.
func recordedTops(files []file) []string {
	for _, f := range files {
		if strings.HasSuffix(f.path, ".egg-info/top_level.txt") {
			return strings.Fields(string(f.data))
		}
	}
	return nil
}

// present is those of names that are a module or a package with a Python file in it.
func present(files []file, names []string) []string {
	var found []string
	for _, name := range names {
		if name == "" {
			continue
		}
		for _, f := range files {
			top := ""
			if f.path == name+".py" {
				top = f.path
			} else if strings.HasPrefix(f.path, name+"/") && strings.HasSuffix(f.path, ".py") {
				top = name
			}
			if top != "" && !slices.Contains(found, top) {
				found = append(found, top)
			}
		}
	}
	return found
}

// modulesOf is all modules and all directories with Python files.
func modulesOf(files []file) []string {
	var tops []string
	for _, f := range files {
		top, _, _ := strings.Cut(f.path, "/")
		if strings.HasSuffix(f.path, ".py") && !slices.Contains(tops, top) {
			tops = append(tops, top)
		}
	}
	return tops
}

// notImportable are directories and modules of a project that are not part of what it distributes.
var notImportable = []string{"tests", "test", "docs", "doc", "examples", "benchmarks", "tools", "scripts", "setup.py", "conftest.py", "noxfile.py"}

// packages is the directories with an __init__.py, else the modules.
func packages(files []file) []string {
	var dirs, modules []string
	for _, f := range files {
		top, rest, inside := strings.Cut(f.path, "/")
		switch {
		case slices.Contains(notImportable, top):
		case inside && rest == "__init__.py":
			dirs = append(dirs, top)
		case !inside && strings.HasSuffix(top, ".py"):
			modules = append(modules, top)
		}
	}
	if len(dirs) > 0 {
		return dirs
	}
	return modules
}

// nameVersion reads two fields of a metadata file's header.
func nameVersion(metadata string) (name, version string) {
	for line := range strings.Lines(metadata) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "Name":
			name = strings.TrimSpace(value)
		case "Version":
			version = strings.TrimSpace(value)
		}
	}
	if clean, err := cleanPath(name + "-" + version); err != nil || strings.Contains(clean, "/") {
		return "", ""
	}
	return name, version
}

// addMetadata makes the .dist-info directory that an installer would have made.
func (p *Package) addMetadata(info []byte, project []file) {
	dir := strings.ReplaceAll(p.Name, "-", "_") + "-" + p.Version + ".dist-info/"
	var record strings.Builder
	for _, f := range p.files {
		fmt.Fprintf(&record, "%s,,\n", quoteCSV(f.path))
	}
	p.add(dir+"METADATA", info)
	for _, name := range []string{"top_level.txt", "entry_points.txt"} {
		for _, f := range project {
			if strings.HasSuffix(f.path, ".egg-info/"+name) {
				p.add(dir+name, f.data)
				break
			}
		}
	}
	fmt.Fprintf(&record, "%sMETADATA,,\n%sRECORD,,\n", dir, dir)
	p.add(dir+"RECORD", []byte(record.String()))
}

func quoteCSV(text string) string {
	if !strings.ContainsAny(text, ",\"\n") {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// readMetadata finds name and version of what already is in the form of site-packages; several distributions
// have no one name.
func (p *Package) readMetadata() {
	found := 0
	for _, f := range p.files {
		dir, name, _ := strings.Cut(f.path, "/")
		if name == "METADATA" && strings.HasSuffix(dir, ".dist-info") {
			p.Name, p.Version = nameVersion(string(f.data))
			found++
		}
	}
	if found != 1 {
		p.Name, p.Version = "", ""
	}
}
