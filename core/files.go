package core

import (
	"path"
	"slices"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
)

// files is the filesystem of one session: the shared system, a private /tmp, the writable /data, and volumes.
type files struct {
	root    *guestfs.Namespace
	data    *guestfs.MemFS // the session's own writable files, though Config.VFS may hide them
	tmp     *guestfs.MemFS
	shared  *Storage // Config.VFS
	volumes []*guestfs.Volume
	budget  *guestfs.Budget // of data, tmp and copies on write, together
	cwd     string          // where the writable files are
}

const (
	dataPath = "/data"
	tmpPath  = "/tmp"
)

// newFiles composes the filesystem that config asks for.
func (rt *Runtime) newFiles(config Config, limits Limits, origin *origin) (*files, error) {
	root, err := rt.systemFiles()
	if err != nil {
		return nil, failure(CodeInternal, "compose the files: %w", err)
	}
	f := &files{root: root, cwd: config.mountPath(), shared: config.VFS}
	f.budget = guestfs.NewBudget(guestfs.Limits{MaxBytes: bound(limits.MaxVFSBytes)})
	f.data, f.tmp = guestfs.NewMemFSOf(f.budget), guestfs.NewMemFSOf(f.budget)
	f.data.SetMask(config.masks())
	f.tmp.SetMask(config.masks())
	origin.fill(f)
	if err := origin.mount(root); err != nil {
		return nil, err
	}
	if err := rt.mountLibraries(f, config.prepared, origin); err != nil {
		return nil, err
	}
	if err := f.mount(config.Volumes); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// mount puts the volumes and the writable areas into the root; a volume may take the place of an area.
func (f *files) mount(volumes []Volume) error {
	for _, v := range volumes {
		opened, err := v.open(f.budget)
		if err != nil {
			return err
		}
		f.volumes = append(f.volumes, opened)
		if err := f.root.Mount(path.Clean(v.GuestPath), opened, guestfs.MountOptions{}); err != nil {
			return invalid("volume %q: %w", v.HostPath, err)
		}
	}
	writable := f.data
	if f.shared != nil {
		writable = f.shared.FS()
	}
	for at, area := range map[string]*guestfs.MemFS{f.cwd: writable, tmpPath: f.tmp} {
		if slices.ContainsFunc(volumes, func(v Volume) bool { return path.Clean(v.GuestPath) == at }) {
			continue
		}
		if err := f.root.Mount(at, area, guestfs.MountOptions{}); err != nil {
			return invalid("the writable files at %s: %w", at, err)
		}
	}
	return nil
}

// left is how many bytes may still be written to the writable files.
func (f *files) left() int64 {
	if f.shared != nil {
		return f.shared.FS().Budget().LeftBytes()
	}
	return f.budget.LeftBytes()
}

// reset forgets what a Reset of the session must not keep.
func (f *files) reset() {}

// close lets go of the host's directories.
func (f *files) close() {
	for _, v := range f.volumes {
		_ = v.Close() // a directory handle; nothing is lost
	}
	f.volumes = nil
}

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
