package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/tetratelabs/wazero/experimental/sysfs"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	wasmguest "github.com/eryx-go/eryx/wasm/guest"
)

// compile lets the guest compile every module in stage, and adds the .pyc files to files.
// They are of the kind that is never checked against its source: the archive cannot change.
func compile(ctx context.Context, files map[string][]byte, stage string) error {
	if err := os.RemoveAll(stage); err != nil {
		return err
	}
	for name, data := range files {
		target := filepath.Join(stage, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
	}
	root := guestfs.NewNamespace()
	if err := root.Mount("/usr", sysfs.DirFS(stage), guestfs.MountOptions{}); err != nil {
		return err
	}
	if err := root.Mount(wasmguest.RuntimePath, &sysfs.AdaptFS{FS: wasmguest.Runtime()}, guestfs.MountOptions{}); err != nil {
		return err
	}
	rt, err := guest.NewRuntime(ctx, guest.Config{})
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	image, err := rt.BootImage(ctx, guest.Options{FS: root}, []string{"eryx.compile_stdlib"})
	if err != nil {
		return err
	}
	defer image.Close()
	return readCompiled(stage, files)
}

func readCompiled(stage string, files map[string][]byte) error {
	return filepath.WalkDir(stage, func(name string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".pyc" {
			return err
		}
		relative, err := filepath.Rel(stage, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		files[filepath.ToSlash(relative)] = data
		return err
	})
}

// pack makes the archive: sorted, with one fixed time, so that the same files give the same bytes.
func pack(files map[string][]byte) ([]byte, error) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	// Our own compressor, pinned in go.mod: the standard library's may change with the toolchain.
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	for _, name := range names {
		if path.IsAbs(name) || strings.Contains(name, "..") {
			return nil, fmt.Errorf("unexpected name %q", name)
		}
		entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
