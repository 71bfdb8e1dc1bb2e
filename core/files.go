package core

import (
	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
)

// files is the filesystem of one session: the shared system, a private /tmp, and the writable /data.
type files struct {
	root   *guestfs.Namespace
	data   *guestfs.MemFS
	tmp    *guestfs.MemFS
	limits guestfs.Limits
	cwd    string
}

const dataPath = "/data"

// newFiles composes the filesystem that config asks for.
func (rt *Runtime) newFiles(_ Config, limits Limits) (*files, error) {
	root, err := rt.systemFiles()
	if err != nil {
		return nil, failure(CodeInternal, "compose the files: %w", err)
	}
	f := &files{root: root, cwd: dataPath}
	f.limits.MaxBytes = bound(limits.MaxVFSBytes)
	f.data, f.tmp = guestfs.NewMemFS(f.limits), guestfs.NewMemFS(f.limits)
	if err := root.Mount(dataPath, f.data, guestfs.MountOptions{}); err != nil {
		return nil, failure(CodeInternal, "mount %s: %w", dataPath, err)
	}
	if err := root.Mount("/tmp", f.tmp, guestfs.MountOptions{}); err != nil {
		return nil, failure(CodeInternal, "mount /tmp: %w", err)
	}
	return f, nil
}

// left is how many bytes may still be written to the writable area.
func (f *files) left() int64 { return max(0, f.data.Limits().MaxBytes-f.data.Usage().Bytes) }

// reset forgets what a Reset of the session must not keep.
func (f *files) reset() {}

func (f *files) close() {}

// idleHost answers a guest that runs an operation of the host's own, where no program is under way.
type idleHost struct{}

func (idleHost) Output(int, []byte)     {}
func (idleHost) Callback([]byte) int32  { return errnoInval }
func (idleHost) Emit([]byte) int32      { return errnoInval }
func (idleHost) Events() []byte         { return nil }
func (idleHost) EventsTaken()           {}
func (idleHost) Ready() <-chan struct{} { return nil }
func (idleHost) Busy()                  {}
func (idleHost) Query(int32) int64      { return -1 }

var _ guest.Host = idleHost{}
