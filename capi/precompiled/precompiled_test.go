package precompiled

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPackAndUnpack(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "not", "there", "yet")
	write(t, filepath.Join(from, "code-1", "skeleton.wasm"), "skeleton")
	write(t, filepath.Join(from, "code-1", "wazero", "key"), "machine code")
	write(t, filepath.Join(from, "image-1"), "not packed")
	file := filepath.Join(t.TempDir(), "code.tar.zst")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := Pack(out, from); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(file, to); err != nil {
		t.Fatal(err)
	}
	code := filepath.Join(to, "code-1", "wazero", "key")
	if got, _ := os.ReadFile(code); string(got) != "machine code" {
		t.Errorf("unpacked %q", got)
	}
	write(t, code, "changed")
	if err := Unpack(file, to); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(code); string(got) != "changed" {
		t.Errorf("what was there is %q", got)
	}
	if entries, _ := os.ReadDir(to); len(entries) != 1 {
		t.Errorf("%d entries in the cache, want 1", len(entries))
	}
}

func TestPackWantsOneInterpreter(t *testing.T) {
	dir := t.TempDir()
	if Pack(&discard{}, dir) == nil {
		t.Error("an empty cache was packed")
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

// TestHostileFiles: names that lead outside, links, and garbage are refused, and leave nothing.
func TestHostileFiles(t *testing.T) {
	for _, header := range []tar.Header{
		{Typeflag: tar.TypeReg, Name: "../code-1/x"},
		{Typeflag: tar.TypeReg, Name: "code-1/../../x"},
		{Typeflag: tar.TypeReg, Name: "/code-1/x"},
		{Typeflag: tar.TypeReg, Name: "image-1/x"},
		{Typeflag: tar.TypeReg, Name: "code-1"},
		{Typeflag: tar.TypeSymlink, Name: "code-1/x", Linkname: "/etc/passwd"},
	} {
		dir := t.TempDir()
		file, to := filepath.Join(dir, "file"), filepath.Join(dir, "cache")
		out, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		compressed, _ := zstd.NewWriter(out)
		archive := tar.NewWriter(compressed)
		if err := archive.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		_ = archive.Close()
		_ = compressed.Close()
		_ = out.Close()
		if Unpack(file, to) == nil {
			t.Errorf("%q was unpacked", header.Name)
		}
		if entries, _ := os.ReadDir(to); len(entries) != 0 {
			t.Errorf("%q left something", header.Name)
		}
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	write(t, garbage, "garbage")
	if Unpack(garbage, t.TempDir()) == nil {
		t.Error("garbage was unpacked")
	}
}
