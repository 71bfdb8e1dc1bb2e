package core

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/wheel"
)

// A factory's file is: magic, build id, the sha256 of what follows, then parts, each with its length before it:
// the image's difference to the interpreter's, the files in /data and /tmp, and each archive of packages. All of
// it is data of the guest's.
const (
	factoryMagic    = "eryx-factory-1\n"
	maxFactoryBytes = 4 << 30
	maxSites        = 2
)

// Bytes is the factory as bytes, for LoadFactoryBytes of the same build of Eryx on any machine.
func (f *Factory) Bytes() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(f)
	if !f.origin.owner.tryHold() {
		return nil, failure(CodeClosed, "the factory is closed")
	}
	defer f.origin.owner.release()
	parts, err := f.origin.parts()
	if err != nil {
		return nil, failure(CodeSnapshot, "save the factory: %w", err)
	}
	var body []byte
	for _, part := range parts {
		body = binary.LittleEndian.AppendUint64(body, uint64(len(part)))
		body = append(body, part...)
	}
	sum := sha256.Sum256(body)
	out := append([]byte(factoryMagic), guest.BuildID()...)
	return append(append(out, sum[:]...), body...), nil
}

// parts encodes the origin.
func (o *origin) parts() ([][]byte, error) {
	image, err := o.image.AppendDifference(nil)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{image}
	for _, files := range []*guestfs.Storage{o.data, o.tmp} {
		var archive []byte
		if files != nil {
			if archive, err = files.Snapshot(); err != nil {
				return nil, err
			}
		}
		parts = append(parts, archive)
	}
	for _, site := range o.sites {
		parts = append(parts, site.Archive())
	}
	return parts, nil
}

// Save writes the factory to a file, atomically.
func (f *Factory) Save(path string) error {
	data, err := f.Bytes()
	if err != nil {
		return err
	}
	if err := writeFile(path, data); err != nil {
		return failure(CodeSnapshot, "save the factory: %w", err)
	}
	return nil
}

// writeFile writes a file that is whole or not there.
func writeFile(path string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// LoadFactory reads a factory that Save wrote. What the file holds is data that only guests work with, but a
// factory decides what their programs see: load factories from whom you would take packages. A file of another
// build, a truncated or an altered one is CodeSnapshot.
func (rt *Runtime) LoadFactory(path string) (*Factory, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, failure(CodeSnapshot, "load a factory: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFactoryBytes+1))
	if err != nil {
		return nil, failure(CodeSnapshot, "load a factory: %w", err)
	}
	return rt.LoadFactoryBytes(data)
}

// LoadFactoryBytes is LoadFactory of what Bytes returned. The bytes must not be changed afterwards.
func (rt *Runtime) LoadFactoryBytes(data []byte) (*Factory, error) {
	body, err := factoryBody(data)
	if err != nil {
		return nil, failure(CodeSnapshot, "load a factory: %w", err)
	}
	o, err := rt.loadOrigin(body)
	if err != nil {
		return nil, failure(CodeSnapshot, "load a factory: %w", err)
	}
	return newFactory(rt, o), nil
}

// factoryBody checks the head of a factory's file.
func factoryBody(data []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(data, []byte(factoryMagic))
	if !ok {
		return nil, errors.New("it is no factory, or it is cut short")
	}
	id := guest.BuildID()
	if len(rest) < len(id)+sha256.Size {
		return nil, errors.New("it is cut short")
	}
	if found := rest[:len(id)]; string(found) != id {
		return nil, errors.New("it was made by another build of Eryx; make it again")
	}
	sum, body := rest[len(id):len(id)+sha256.Size], rest[len(id)+sha256.Size:]
	if real := sha256.Sum256(body); !bytes.Equal(sum, real[:]) {
		return nil, errors.New("it is cut short or altered: its checksum is wrong")
	}
	return body, nil
}

// loadOrigin decodes what parts made.
func (rt *Runtime) loadOrigin(body []byte) (*origin, error) {
	parts, err := splitParts(body)
	if err != nil {
		return nil, err
	}
	o := &origin{}
	for i, target := range []**guestfs.Storage{&o.data, &o.tmp} {
		if archive := parts[1+i]; len(archive) > 0 {
			*target = guestfs.NewStorage(guestfs.Limits{MaxBytes: maxFactoryBytes})
			if err := (*target).Restore(archive); err != nil {
				return nil, err
			}
		}
	}
	for _, archive := range parts[3:] {
		site, err := wheel.SiteOf(archive)
		if err != nil {
			return nil, err
		}
		rt.compileFor(site)
		o.sites = append(o.sites, site)
	}
	if o.image, err = rt.image.Derive(parts[0]); err != nil {
		return nil, err
	}
	o.owner = newImageOwner(rt.guests, o.image)
	return o, nil
}

// splitParts divides the body of a factory's file.
func splitParts(body []byte) ([][]byte, error) {
	var parts [][]byte
	for len(body) > 0 {
		if len(body) < 8 || len(parts) >= 3+maxSites {
			return nil, errors.New("its parts make no sense")
		}
		n := binary.LittleEndian.Uint64(body)
		body = body[8:]
		if n > uint64(len(body)) {
			return nil, errors.New("one of its parts is cut short")
		}
		parts = append(parts, body[:n:n])
		body = body[n:]
	}
	if len(parts) < 3 {
		return nil, errors.New("parts of it are missing")
	}
	return parts, nil
}
