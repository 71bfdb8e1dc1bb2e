package ops

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/guestfs"
)

// transferEvery is how often an import or export tells of its progress.
const transferEvery = 50 * time.Millisecond

// progress tells of an import or export with "transfer" events, when they are asked for.
func (r *request) progress() (guestfs.ProgressFunc, func(), error) {
	wanted, err := r.fields.flag("transfer_events")
	if err != nil || !wanted {
		return nil, func() {}, err
	}
	var last guestfs.Progress
	told := time.Now()
	tell := func() { r.emit("transfer", nameValue(last.Path), last.Files, last.Bytes) }
	report := func(p guestfs.Progress) error {
		last = p
		if now := time.Now(); now.Sub(told) >= transferEvery {
			told = now
			tell()
			if r.sink != nil {
				r.sink.Wait(r.ctx)
			}
		}
		return nil
	}
	return report, tell, nil
}

// vfsLoad copies a directory or zip file of the host ("host_path"), or a zip file ("data"), into the directory "path".
func vfsLoad(r *request, storage *core.Storage, path string) error {
	source, err := r.fields.text("host_path")
	if err != nil {
		return err
	}
	data, err := get[[]byte](r.fields, "data", "bytes")
	if err != nil {
		return err
	}
	report, tell, err := r.progress()
	if err != nil {
		return err
	}
	switch {
	case data == nil && source == "":
		return badField("host_path", "a path", nil)
	case data != nil:
		err = storage.LoadZip(r.ctx, bytes.NewReader(data), int64(len(data)), path, report)
	default:
		err = loadHost(r, storage, source, path, report)
	}
	if err == nil {
		tell()
	}
	return r.cancelled(err)
}

// loadHost copies a directory or zip file of the host.
func loadHost(r *request, storage *core.Storage, source, path string, report guestfs.ProgressFunc) error {
	st, err := os.Stat(source)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return storage.LoadDir(r.ctx, source, path, report)
	}
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	return storage.LoadZip(r.ctx, f, st.Size(), path, report)
}

// vfsSave copies the directory "path" to a directory or, with "zip", a zip file of the host ("host_path"), and without
// one answers {"data": a zip file}.
func vfsSave(_ *Service, r *request, storage *core.Storage) (map[string]any, error) {
	target, err := r.fields.text("host_path")
	if err != nil {
		return nil, err
	}
	path, err := r.fields.pathname("path")
	if err != nil {
		return nil, err
	}
	asZip, err := r.fields.flag("zip")
	if err != nil {
		return nil, err
	}
	report, tell, err := r.progress()
	if err != nil {
		return nil, err
	}
	var value map[string]any
	var archive bytes.Buffer
	switch {
	case target == "":
		err = storage.SaveZip(r.ctx, &archive, path, report)
		value = map[string]any{"data": archive.Bytes()}
	case asZip:
		err = saveZipFile(r, storage, path, target, report)
	default:
		err = storage.SaveDir(r.ctx, path, target, report)
	}
	if err == nil {
		tell()
	}
	return value, r.cancelled(err)
}

// saveZipFile writes a zip file; a failure leaves none, nor half of one.
func saveZipFile(r *request, storage *core.Storage, path, target string, report guestfs.ProgressFunc) (err error) {
	f, err := os.CreateTemp(filepath.Dir(target), ".eryx-*.zip")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error counts
		}
	}()
	err = errors.Join(storage.SaveZip(r.ctx, f, path, report), f.Chmod(newFileMode), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

// cancelled is err, or that the request was cancelled, if that is why.
func (r *request) cancelled(err error) error {
	if err != nil && r.ctx.Err() != nil {
		return &core.Error{Code: core.CodeCancelled, Message: "the request was cancelled", Cause: r.ctx.Err()}
	}
	return err
}
