package inputs

import (
	"archive/tar"
	"bytes"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

func compress(t *testing.T, data []byte, options ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.EncodeAll(data, nil)
}

func sharedLibrary(name string) []byte {
	m := &wasmbin.Module{Customs: []wasmbin.Custom{
		{Name: "dylink.0"}, {Name: "name", Data: append([]byte{0, byte(len(name) + 1)}, wasmbin.AppendName(nil, name)...)},
	}}
	return wasmbin.Encode(m)
}

func stdlib(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"abc.py", "os.py"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFrames finds frames of several kinds among other bytes, some directly behind one another.
func TestFrames(t *testing.T) {
	noise := make([]byte, 300_000)
	rand.New(rand.NewSource(1)).Read(noise)
	want := [][]byte{
		compress(t, []byte("short")),
		compress(t, noise),
		compress(t, make([]byte, 1<<20), zstd.WithEncoderCRC(false)),
		compress(t, bytes.Repeat([]byte("text "), 100_000), zstd.WithSingleSegment(true)),
	}
	file := slicesJoin([]byte("\x7fELF"), magic[:3], want[0], want[1], []byte("between"), magic, want[2], want[3], magic)
	have := frames(file)
	for _, frame := range want {
		found := false
		for _, h := range have {
			found = found || bytes.Equal(h, frame)
		}
		if !found {
			t.Errorf("a frame of %d bytes was not found", len(frame))
		}
	}
	for n := range want[3] {
		if frameLength(want[3][:n]) != 0 {
			t.Errorf("a frame cut at %d of %d bytes was accepted", n, len(want[3]))
		}
	}
}

func slicesJoin(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestIdentify(t *testing.T) {
	for want, data := range map[string][]byte{
		"libx.so": sharedLibrary("libx.so"), "stdlib.tar": stdlib(t), "": []byte("neither"),
	} {
		if have := identify(data); have != want {
			t.Errorf("%q was taken for %q", want, have)
		}
	}
	if have := identify(wasmbin.Encode(&wasmbin.Module{})); have != "" {
		t.Errorf("a module that is no library was taken for %q", have)
	}
}

func TestSaveFrames(t *testing.T) {
	tree := Tree{Build: t.TempDir()}
	if err := os.Mkdir(filepath.Join(tree.Build, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	x := compress(t, sharedLibrary("libx.so"))
	file := slicesJoin(compress(t, sharedLibrary("liby.so")), x, compress(t, stdlib(t)))
	found, err := tree.saveFrames(file, []string{"libx.so", "libz.so"})
	if err != nil || len(found) != 2 || !found["libx.so"] || !found["stdlib.tar"] {
		t.Errorf("found %v, %v", found, err)
	}
	if have, err := os.ReadFile(tree.Library("libx.so")); err != nil || !bytes.Equal(have, sharedLibrary("libx.so")) {
		t.Errorf("libx.so: %d bytes, %v", len(have), err)
	}
	if _, err := tree.saveFrames(slicesJoin(x, x), []string{"libx.so"}); err == nil {
		t.Error("two libraries of one name were accepted")
	}
}

// TestPins checks that inputs.json pins every wheel by hash and names the libraries.
func TestPins(t *testing.T) {
	pins, err := Tree{Source: filepath.Join("..", "..")}.Pins()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range pins.Wheels {
		if len(w.SHA256) != 64 || w.Version == "" || w.File == "" {
			t.Errorf("%s is not pinned: %+v", w.Name, w)
		}
	}
	if len(pins.Libraries) == 0 || pins.Libraries[len(pins.Libraries)-1] != "libc.so" {
		t.Errorf("libraries are %v: libc must be the last, since its constructors run first", pins.Libraries)
	}
	if _, err := pins.Wheel("unknown"); err == nil {
		t.Error("an unknown wheel was found")
	}
}
