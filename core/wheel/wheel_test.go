package wheel

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zip"
	"github.com/tetratelabs/wazero/experimental/sys"
)

const wheelText = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

// entry is one entry of an archive that a test makes.
type entry struct {
	name, text string
	mode       fs.FileMode
}

// wheelOf is a wheel with entries, and metadata unless an entry is WHEEL.
func wheelOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	if !slices.ContainsFunc(entries, func(e entry) bool { return strings.HasSuffix(e.name, "/WHEEL") }) {
		entries = append(entries, entry{name: "p-1.0.dist-info/WHEEL", text: wheelText}, entry{name: "p-1.0.dist-info/METADATA", text: "Name: p\nVersion: 1.0\n"})
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode | 0o644)
		f, err := w.CreateHeader(header)
		if err == nil {
			_, err = f.Write([]byte(e.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarOf is a .tar.gz.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		text := h.PAXRecords["text"] // the content is handed over here
		h.PAXRecords = nil
		h.Size = int64(len(text))
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		err := w.WriteHeader(&h)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func text(name, content string) tar.Header {
	return tar.Header{Name: name, Mode: 0o644, PAXRecords: map[string]string{"text": content}}
}

// paths is what a site of the packages holds.
func paths(t testing.TB, packages ...*Package) []string {
	t.Helper()
	s, err := NewSite(packages)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(s.Archive()), int64(len(s.Archive())))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range r.File {
		all = append(all, f.Name)
	}
	slices.Sort(all)
	return all
}

func content0(t testing.TB, s *Site, path string) string {
	t.Helper()
	f, errno := s.FS().OpenFile(path, sys.O_RDONLY, 0)
	if errno != 0 {
		t.Fatalf("%s: %v", path, errno)
	}
	defer f.Close()
	data := make([]byte, 1000)
	n, errno := f.Read(data)
	if errno != 0 {
		t.Fatalf("%s: %v", path, errno)
	}
	return string(data[:n])
}

// TestRefusals: archives that attack, or that are for somebody else, are refused with the reason.
func TestRefusals(t *testing.T) {
	good := entry{name: "p/__init__.py"}
	for _, c := range []struct {
		name, file, reason string
		data               []byte
	}{
		{"slip", "p-1-py3-none-any.whl", "leads outside", wheelOf(t, entry{name: "../../etc/passwd"})},
		{"slip inside", "p-1-py3-none-any.whl", "leads outside", wheelOf(t, entry{name: "p/../../x"})},
		{"absolute", "p-1-py3-none-any.whl", "absolute", wheelOf(t, entry{name: "/etc/passwd"})},
		{"drive", "p-1-py3-none-any.whl", "absolute", wheelOf(t, entry{name: "C:/x"})},
		{"backslash", "p-1-py3-none-any.whl", "backslash", wheelOf(t, entry{name: `..\x`})},
		{"link", "p-1-py3-none-any.whl", "symbolic link", wheelOf(t, entry{name: "p/x", text: "/etc/passwd", mode: fs.ModeSymlink})},
		{"device", "p-1-py3-none-any.whl", "special file", wheelOf(t, entry{name: "p/x", mode: fs.ModeDevice})},
		{"long name", "p-1-py3-none-any.whl", "too long", wheelOf(t, entry{name: strings.Repeat("x", 2000)})},
		{"no wheel", "p-1-py3-none-any.whl", "no .dist-info/WHEEL", wheelOf(t, good, entry{name: "q/WHEEL"})},
		{"no zip", "p-1-py3-none-any.whl", "no zip archive", []byte("hello")},
		{"truncated", "p-1-py3-none-any.whl", "no zip archive", wheelOf(t, good)[:100]},
		{"future format", "p-1-py3-none-any.whl", "version", wheelOf(t, entry{name: "p-1.dist-info/WHEEL", text: "Wheel-Version: 2.0\nTag: py3-none-any\n"})},
		{"linux", "p-1-cp314-cp314-manylinux_2_17_x86_64.whl", "platform manylinux_2_17_x86_64", wheelOf(t, good)},
		{"mac", "p-1-cp314-abi3-macosx_11_0_arm64.whl", "platform macosx_11_0_arm64", wheelOf(t, good)},
		{"windows", "p-1-py3-none-win_amd64.whl", "platform win_amd64", wheelOf(t, good)},
		{"python 2", "p-1-py2-none-any.whl", "another Python (py2-none-any)", wheelOf(t, good)},
		{"newer", "p-1-py315-none-any.whl", "another Python", wheelOf(t, good)},
		{"pypy", "p-1-pp311-none-any.whl", "another Python", wheelOf(t, good)},
		{"other abi", "p-1-cp313-cp313-wasi_0_0_0_wasm32.whl", "another Python", wheelOf(t, good)},
		{"tag inside", "renamed.whl", "platform linux_x86_64", wheelOf(t, good, entry{name: "p-1.dist-info/WHEEL", text: "Wheel-Version: 1.0\nTag: cp314-cp314-linux_x86_64\n"})},
		{"no tag", "", "does not say", wheelOf(t, good, entry{name: "p-1.dist-info/WHEEL", text: "Wheel-Version: 1.0\n"})},
		{"tar slip", "p-1.tar.gz", "leads outside", tarOf(t, text("p-1/../../x", ""))},
		{"tar absolute", "p-1.tar.gz", "absolute", tarOf(t, text("/x", ""))},
		{"tar link", "p-1.tgz", "leads outside", tarOf(t, tar.Header{Name: "p-1/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})},
		{"tar link up", "p-1.tgz", "leads outside", tarOf(t, tar.Header{Name: "p-1/x", Typeflag: tar.TypeSymlink, Linkname: "../../etc/passwd"})},
		{"tar link inside", "p-1.tgz", "it is a link", tarOf(t, text("p-1/PKG-INFO", "Name: p\nVersion: 1\n"), text("p-1/p/__init__.py", ""),
			tar.Header{Name: "p-1/p/x", Typeflag: tar.TypeSymlink, Linkname: "__init__.py"})},
		{"tar hard link", "p-1.tgz", "link", tarOf(t, tar.Header{Name: "p-1/x", Typeflag: tar.TypeLink, Linkname: "p-1/y"})},
		{"tar fifo", "p-1.tgz", "special file", tarOf(t, tar.Header{Name: "p-1/x", Typeflag: tar.TypeFifo})},
		{"tar directory slip", "p-1.tgz", "leads outside", tarOf(t, tar.Header{Name: "../", Typeflag: tar.TypeDir})},
		{"no gzip", "p-1.tar.gz", "not compressed", []byte("hello")},
		{"cut gzip", "p-1.tar.gz", "read the archive", tarOf(t, text("p-1/x", "y"))[:40]},
		{"empty source", "p-1.tar.gz", "no pure-Python package", tarOf(t, text("p-1/PKG-INFO", "Name: p\nVersion: 1\n"), text("p-1/src/p.c", ""))},
		{"unknown", "p-1.rar", "neither", []byte("Rar!")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse(c.file, c.data, FormatUnknown, Options{})
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("want a refusal with %q, got %v, %v", c.reason, p, err)
			}
		})
	}
}

// TestBomb: what claims or unpacks to too much is refused, and no memory is taken on its word.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "p/x", Method: zip.Deflate, CompressedSize64: 3, UncompressedSize64: 1 << 40})
	if err == nil {
		_, err = f.Write([]byte{1, 2, 3})
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("p-1-py3-none-any.whl", b.Bytes(), FormatUnknown, Options{}); !errors.Is(err, ErrRefused) {
		t.Errorf("a wheel that claims a terabyte: %v", err)
	}
	var z bytes.Buffer
	packed := gzip.NewWriter(&z)
	tw := tar.NewWriter(packed)
	if err := tw.WriteHeader(&tar.Header{Name: "p-1/x", Size: 300 << 20, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_ = packed.Close()
	if _, err := Parse("p-1.tar.gz", z.Bytes(), FormatUnknown, Options{}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "too many") {
		t.Errorf("a source distribution with a huge file: %v", err)
	}
}

func TestWheelLayout(t *testing.T) {
	data := wheelOf(t,
		entry{name: "p/__init__.py", text: "x = 1"}, entry{name: "p/data/t.txt", text: "data"}, entry{name: "p/", mode: fs.ModeDir | 0o755},
		entry{name: "p/__pycache__/x.cpython-313.pyc"}, entry{name: "p/_fast.cpython-314-x86_64-linux-gnu.so"},
		entry{name: "p-1.0.data/purelib/q.py"}, entry{name: "p-1.0.data/scripts/run"}, entry{name: "p-1.0.data/data/share/x"},
	)
	p, err := Parse("p-1.0-cp314-cp314-manylinux2014_x86_64.whl", data, FormatUnknown, Options{DropNative: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "p" || p.Version != "1.0" {
		t.Errorf("%q %q", p.Name, p.Version)
	}
	want := []string{"p-1.0.data/data/share/x", "p-1.0.dist-info/METADATA", "p-1.0.dist-info/WHEEL", "p/__init__.py", "p/data/t.txt", "q.py"}
	if got := paths(t, p); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	data = wheelOf(t, entry{name: "p/__init__.py"})
	for _, file := range []string{"p-1-py3-none-any.whl", "p-1-py2.py3-none-any.whl", "p-1-7-py38-none-any.whl", "p-1-cp314-none-any.whl", "p-1-cp314-cp314-wasi_0_0_0_wasm32.whl", "p-1-cp312-abi3-wasi_0_0_wasm32.whl", "p-1-cp314-cp314-wasm32_wasi.whl", ""} {
		if _, err := Parse(file, data, FormatUnknown, Options{}); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestSourceLayouts(t *testing.T) {
	info := text("n-p-2.0/PKG-INFO", "Metadata-Version: 2.1\nName: n-p\nVersion: 2.0\n\nText\n")
	for name, c := range map[string]struct {
		headers []tar.Header
		want    string
	}{
		"src": {[]tar.Header{info, text("n-p-2.0/src/n_p/__init__.py", ""), text("n-p-2.0/src/n_p/t/x.html", ""), text("n-p-2.0/tests/test_a.py", ""), text("n-p-2.0/src/second/a.py", ""),
			{Name: "n-p-2.0/docs/README", Typeflag: tar.TypeSymlink, Linkname: "../README"}}, "n_p/__init__.py n_p/t/x.html second/a.py"},
		"flat":     {[]tar.Header{info, text("n-p-2.0/n_p/__init__.py", ""), text("n-p-2.0/setup.py", ""), text("n-p-2.0/docs/conf.py", "")}, "n_p/__init__.py"},
		"module":   {[]tar.Header{info, text("n-p-2.0/n_p.py", ""), text("n-p-2.0/setup.py", "")}, "n_p.py"},
		"lib":      {[]tar.Header{info, text("n-p-2.0/lib/other/__init__.py", ""), text("n-p-2.0/tests/__init__.py", "")}, "other/__init__.py"},
		"recorded": {[]tar.Header{info, text("n-p-2.0/lib/n.egg-info/top_level.txt", "_c\nreal\n"), text("n-p-2.0/lib/real/a.py", ""), text("n-p-2.0/lib/n_p/a.py", "")}, "n_p-2.0.dist-info/top_level.txt real/a.py"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse("n-p-2.0.tar.gz", tarOf(t, c.headers...), FormatUnknown, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, path := range paths(t, p) {
				if path != "n_p-2.0.dist-info/METADATA" && path != "n_p-2.0.dist-info/RECORD" {
					got = append(got, path)
				}
			}
			if strings.Join(got, " ") != c.want || p.Name != "n-p" || p.Version != "2.0" {
				t.Errorf("got %q of %q %q, want %q", got, p.Name, p.Version, c.want)
			}
		})
	}
	plain, err := Parse("site.tgz", tarOf(t, tar.Header{Name: "./", Typeflag: tar.TypeDir}, text("./a/__init__.py", ""), text("b.py", "")), FormatUnknown, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := paths(t, plain); !slices.Equal(got, []string{"a/__init__.py", "b.py"}) {
		t.Errorf("an archive of site-packages: %q", got)
	}
}

func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("site/a/__init__.py", "")
	write("site/a/__pycache__/x.pyc", "")
	write("site/b.py", "")
	write("site/b-1.dist-info/METADATA", "Name: b\nVersion: 1\n")
	write("project/pyproject.toml", "")
	write("project/src/lib1/__init__.py", "")
	write("project/tests/test.py", "")
	for path, want := range map[string]string{
		"site":    "a/__init__.py b-1.dist-info/METADATA b.py",
		"site/a":  "a/__init__.py",
		"project": "lib1/__init__.py",
	} {
		p, err := Open(filepath.Join(dir, path), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(paths(t, p), " "); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "site", "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "site"), Options{}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a directory with a link: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none"), Options{}); !errors.Is(err, ErrRefused) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

// TestMerge: the first package's file is taken, what does not fit together is refused, the result is the same
// bytes each time.
func TestMerge(t *testing.T) {
	parse := func(name string, entries ...entry) *Package {
		t.Helper()
		dir := name + "-1.dist-info/"
		entries = append(entries, entry{name: dir + "WHEEL", text: wheelText}, entry{name: dir + "METADATA", text: "Name: " + name + "\n"})
		p, err := Parse(name+"-1-py3-none-any.whl", wheelOf(t, entries...), FormatUnknown, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a := parse("a", entry{name: "ns/a.py", text: "a"}, entry{name: "tests/__init__.py", text: "of a"})
	b := parse("b", entry{name: "ns/b.py", text: "b"}, entry{name: "tests/__init__.py", text: "of b"})
	s, err := NewSite([]*Package{a, b})
	if err != nil {
		t.Fatal(err)
	}
	if got := content0(t, s, "tests/__init__.py") + content0(t, s, "ns/a.py") + content0(t, s, "ns/b.py"); got != "of aab" {
		t.Errorf("got %q", got)
	}
	again, err := NewSite([]*Package{a, b})
	if err != nil || again.Digest() != s.Digest() {
		t.Errorf("the same packages gave other bytes (%v)", err)
	}
	if _, err := SiteOf(s.Archive()); err != nil {
		t.Error(err)
	}
	for name, second := range map[string]*Package{
		"twice": parse("A"), "file below a file": parse("c", entry{name: "ns/a.py/x"}), "file for a directory": parse("d", entry{name: "ns", text: "x"}),
	} {
		if _, err := NewSite([]*Package{a, second}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, archive := range map[string][]byte{
		"link": wheelOf(t, entry{name: "x", mode: fs.ModeSymlink}), "slip": wheelOf(t, entry{name: "../x"}), "none": nil,
	} {
		if _, err := SiteOf(archive); !errors.Is(err, ErrRefused) {
			t.Errorf("a site's archive with %s: %v", name, err)
		}
	}
}

// FuzzParse: whatever the bytes, there is a package or a refusal.
func FuzzParse(f *testing.F) {
	f.Add(wheelOf(f, entry{name: "p/__init__.py", text: "x"}))
	f.Add(tarOf(f, text("p-1/PKG-INFO", "Name: p\nVersion: 1\n"), text("p-1/p.py", "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("", data, FormatUnknown, Options{})
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		if _, err := NewSite([]*Package{p}); err != nil && !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
	})
}
