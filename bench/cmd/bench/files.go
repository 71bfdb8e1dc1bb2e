package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/eryx-go/eryx/core"
)

// The programs of this file print how long they took, in seconds; measure.py has the same.
const (
	packageModules = 200
	importPackage  = "import time\nstart = time.perf_counter()\nimport benchpackage\nprint(time.perf_counter() - start)\n" +
		"assert len(benchpackage.modules) == 200\n"
	transfer = `
import time
block = bytes(range(256)) * 4096
start = time.perf_counter()
with open("/data/big", "wb") as file:
    for _ in range(100):
        file.write(block)
written = time.perf_counter()
with open("/data/big", "rb") as file:
    while part := file.read(1 << 20):
        assert len(part) == 1 << 20
print(written - start, time.perf_counter() - written)
assert part == b"" and file.closed
`
)

// filesMetrics are those of files and packages.
func (e *engine) filesMetrics() []metric {
	written := func(n int) ([]float64, error) { return e.printed(n, transfer, 0) }
	read := func(n int) ([]float64, error) { return e.printed(n, transfer, 1) }
	return []metric{
		{name: "files/write", what: "100 MiB written to a file in memory, 1 MiB at a time", unit: "s", count: 5, peer: "files/write", take: written},
		{name: "files/read", what: "and read back", unit: "s", count: 5, peer: "files/read", take: read},
		{name: "import_package", what: "first import of a package of 200 modules from a wheel", unit: "s", count: 5, peer: "import_package", take: e.importPackage},
	}
}

// printed is one of the figures that a program prints, each time in a fresh guest.
func (e *engine) printed(count int, code string, which int) ([]float64, error) {
	sandbox, err := e.rt.NewSandbox(core.Config{Limits: core.Limits{MaxVFSBytes: 256 << 20, MaxMemoryBytes: 512 << 20}})
	if err != nil {
		return nil, err
	}
	return e.figures(sandbox, count, code, which)
}

func (e *engine) figures(sandbox *core.Sandbox, count int, code string, which int) ([]float64, error) {
	var samples []float64
	for range count {
		result, err := sandbox.Execute(e.ctx, code)
		if err != nil {
			return samples, err
		}
		fields := strings.Fields(string(result.Stdout))
		if which >= len(fields) {
			return samples, fmt.Errorf("printed %q", result.Stdout)
		}
		seconds, err := strconv.ParseFloat(fields[which], 64)
		if err != nil {
			return samples, err
		}
		samples = append(samples, seconds)
	}
	return samples, nil
}

// importPackage times the first import of the package in a fresh guest.
func (e *engine) importPackage(count int) ([]float64, error) {
	wheel, err := packageWheel(e.options.root)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("benchpackage-%d-1.0-py3-none-any.whl", os.Getpid()))
	if err := os.WriteFile(path, wheel, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(path)
	factory, err := e.rt.NewFactory(e.ctx, core.FactoryConfig{Packages: []core.Package{{Path: path}}})
	if err != nil {
		return nil, err
	}
	defer factory.Close()
	sandbox, err := factory.NewSandbox(core.Config{})
	if err != nil {
		return nil, err
	}
	return e.figures(sandbox, count, importPackage, 0)
}

// packageWheel is a wheel of a package with 200 modules, which it imports.
func packageWheel(root string) ([]byte, error) {
	module, err := os.ReadFile(filepath.Join(root, "bench/package/module.py"))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, text string) {
		if err == nil {
			f, createErr := z.Create(name)
			if err = createErr; err == nil {
				_, err = f.Write([]byte(text))
			}
		}
	}
	var imports strings.Builder
	for i := range packageModules {
		fmt.Fprintf(&imports, "from . import module%d\n", i)
		add(fmt.Sprintf("benchpackage/module%d.py", i), string(module))
	}
	add("benchpackage/__init__.py", imports.String()+"modules = [n for n in dir() if n.startswith('module')]\n")
	add("benchpackage-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: benchpackage\nVersion: 1.0\n")
	add("benchpackage-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
	add("benchpackage-1.0.dist-info/RECORD", "")
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}
