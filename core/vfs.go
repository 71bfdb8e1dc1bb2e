package core

import (
	"path"
	"strings"

	"github.com/eryx-go/eryx/core/guestfs"
)

// Storage is files in memory that the host's program reads and writes too, and that sessions can share: Config.VFS. It
// survives them, and what they do to it is at once seen by all. A snapshot, a checkpoint or a fork of a session does not
// hold it; Storage has its own. Any number of goroutines may use it.
type Storage = guestfs.Storage

// StorageLimits bound a Storage. Beyond them a program sees ENOSPC.
type StorageLimits = guestfs.Limits

// NewStorage is an empty storage.
func NewStorage(limits StorageLimits) *Storage { return guestfs.NewStorage(limits) }

// mountPath is where the writable files are.
func (c Config) mountPath() string {
	if c.VFSMountPath == "" {
		return dataPath
	}
	return path.Clean(c.VFSMountPath)
}

// validateVFS checks where the writable files are to be.
func (c Config) validateVFS() error {
	if c.VFSMountPath == "" {
		return nil
	}
	if err := validateGuestPath(c.VFSMountPath); err != nil {
		return invalid("the VFS's mount path %w", err)
	}
	at := c.mountPath()
	if at == tmpPath || strings.HasPrefix(at, tmpPath+"/") {
		return invalid("the VFS's mount path %q is inside of %s, which is there already; use another", at, tmpPath)
	}
	for _, v := range c.Volumes {
		if path.Clean(v.GuestPath) == at {
			return invalid("the VFS and the volume %q have the same guest path %q", v.HostPath, at)
		}
	}
	return nil
}

// validateGuestPath reports why nothing can be shown to a program at p.
func validateGuestPath(p string) error {
	clean := path.Clean(p)
	switch {
	case strings.ContainsRune(p, 0):
		return invalid("%q contains a NUL byte", p)
	case !path.IsAbs(p) || clean == "/":
		return invalid("%q is not an absolute path below /", p)
	case clean == systemPath || strings.HasPrefix(clean, systemPath+"/"):
		return invalid("%q is the interpreter's own; use another", p)
	}
	return nil
}
