package main

import (
	"archive/tar"
	"archive/zip"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/inputs"
)

const (
	library = "lib/python3.14/"
	zones   = "share/zoneinfo/"
)

// excluded parts of the standard library need what no sandbox has: a display, a terminal, an installer.
var excluded = []string{"idlelib/", "turtledemo/", "tkinter/", "turtle.py", "ensurepip/", "venv/", "_pyrepl/", "curses/", "__phello__/", "config-3.14-wasm32-wasi/"}

// kept in spite of that: pydoc, and so help(), imports them, and pdb, and so doctest.
var kept = []string{"_pyrepl/__init__.py", "_pyrepl/pager.py", "_pyrepl/trace.py", "_pyrepl/types.py", "_pyrepl/utils.py"}

// collect reads every file of the archive, by its path below /usr.
func collect(tree inputs.Tree) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := readLibrary(tree.Stdlib(), files); err != nil {
		return nil, err
	}
	if err := readZones(tree, files); err != nil {
		return nil, err
	}
	if err := readPickler(tree, files); err != nil {
		return nil, err
	}
	return files, readReplacements(filepath.Join(tree.Source, "guest", "lib"), files)
}

func readLibrary(name string, files map[string][]byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		file := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || strings.Contains(file, "__pycache__") || skip(file) {
			continue
		}
		if files[library+file], err = io.ReadAll(r); err != nil {
			return err
		}
	}
}

func skip(file string) bool {
	if slices.Contains(kept, file) {
		return false
	}
	for _, prefix := range excluded {
		if strings.HasPrefix(file, prefix) {
			return true
		}
	}
	return false
}

// readZones takes the compiled time zones out of the tzdata wheel.
func readZones(tree inputs.Tree, files map[string][]byte) error {
	return readWheel(tree, "tzdata", func(name string) string {
		zone, ok := strings.CutPrefix(name, "tzdata/zoneinfo/")
		if !ok || strings.HasSuffix(zone, ".py") {
			return ""
		}
		return zones + zone
	}, files)
}

// readPickler takes cloudpickle, which snapshots of a session's state are made with.
func readPickler(tree inputs.Tree, files map[string][]byte) error {
	return readWheel(tree, "cloudpickle", func(name string) string {
		if !strings.HasPrefix(name, "cloudpickle/") {
			return ""
		}
		return library + name
	}, files)
}

// readWheel takes files out of a wheel: target tells where each goes, "" for nowhere.
func readWheel(tree inputs.Tree, name string, target func(string) string, files map[string][]byte) error {
	pins, err := tree.Pins()
	if err != nil {
		return err
	}
	wheel, err := pins.Wheel(name)
	if err != nil {
		return err
	}
	z, err := zip.OpenReader(filepath.Join(tree.Build, "downloads", wheel.File))
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		to := target(f.Name)
		if to == "" || strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		files[to], err = io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// readReplacements adds our own modules to the standard library, over those of the same name.
func readReplacements(dir string, files map[string][]byte) error {
	return filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".py" {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		files[library+filepath.ToSlash(relative)] = data
		return err
	})
}
