package core_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zip"

	"github.com/eryx-go/eryx/core"
)

// manyModules is a wheel of a package that imports n modules of its own, each with functions and a class.
func manyModules(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	write := func(name, text string) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var all string
	for i := range n {
		all += fmt.Sprintf("from .m%d import total%d\n", i, i)
		text := "import os, json, re\n"
		for j := range 20 {
			text += fmt.Sprintf("def f%d(a, b=%d):\n    \"\"\"Add.\"\"\"\n    return [x + b for x in range(a) if x %% 2]\n", j, j)
		}
		text += fmt.Sprintf("class C:\n    def m(self): return %d\ntotal%d = f0(3)\n", i, i)
		write(fmt.Sprintf("many/m%d.py", i), text)
	}
	write("many/__init__.py", all)
	write("many-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: many\nVersion: 1.0\n")
	write("many-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkImport(b *testing.B) {
	many := []core.Package{{Path: "many-1.0-py3-none-any.whl", Data: manyModules(b, 200)}}
	for _, c := range []struct {
		name, module string
		packages     []core.Package
	}{
		{"200modules", "many", many},
		{"jinja2", "jinja2", wheels(b, "jinja2", "markupsafe")},
		{"networkx", "networkx", wheels(b, "networkx")},
	} {
		b.Run(c.name+"/session", func(b *testing.B) {
			for b.Loop() {
				s := newSession(b, core.Config{Packages: c.packages})
				execute(b, s, "import "+c.module)
				_ = s.Close()
			}
		})
		b.Run(c.name+"/build", func(b *testing.B) {
			for b.Loop() {
				f := newFactory(b, core.FactoryConfig{Packages: c.packages, Imports: []string{c.module}})
				_ = f.Close()
			}
		})
		f := newFactory(b, core.FactoryConfig{Packages: c.packages, Imports: []string{c.module}})
		b.Run(c.name+"/factory", func(b *testing.B) {
			for b.Loop() {
				s, err := f.NewSandbox(core.Config{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Execute(context.Background(), "import "+c.module); err != nil {
					b.Fatal(err)
				}
			}
		})
		data, err := f.Bytes()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name+"/load", func(b *testing.B) {
			b.ReportMetric(float64(len(data)), "file-bytes")
			for b.Loop() {
				loaded, err := testRuntime(b).LoadFactoryBytes(data)
				if err != nil {
					b.Fatal(err)
				}
				_ = loaded.Close()
			}
		})
	}
}
