package core

import (
	"io/fs"
	"path"
	"strings"

	"github.com/eryx-go/eryx/core/guestfs"
)

// Volume shows a directory or a single file of the host to the program.
type Volume struct {
	// HostPath is the directory or file; it must exist.
	HostPath string
	// FS is shown instead of something of the host's; it must be safe for use by many goroutines. A program that may
	// write to it (VolumeCopyOnWrite) changes nothing outside of its session, so VolumeReadWrite is refused.
	FS fs.FS
	// GuestPath is the absolute path at which the program sees it. At /data or /tmp it takes the place of
	// the writable files there.
	GuestPath string
	// Mode says what the program may do; the zero value is read only.
	Mode VolumeMode
	// QuotaBytes bounds by how much the program can make a writable volume grow; 0 is no bound for
	// VolumeReadWrite, and Limits.MaxVFSBytes for VolumeCopyOnWrite.
	QuotaBytes int64
}

// VolumeMode says what a program may do to a volume.
type VolumeMode uint8

const (
	// VolumeReadOnly refuses every change.
	VolumeReadOnly VolumeMode = iota
	// VolumeReadWrite changes the host's files.
	VolumeReadWrite
	// VolumeCopyOnWrite keeps changes in memory, until the session ends.
	VolumeCopyOnWrite
)

var volumeModes = map[VolumeMode]guestfs.VolumeMode{
	VolumeReadOnly:    guestfs.VolumeReadOnly,
	VolumeReadWrite:   guestfs.VolumeReadWrite,
	VolumeCopyOnWrite: guestfs.VolumeCow,
}

const systemPath = "/usr"

// validate reports what makes no sense without looking at the host's files.
func (v Volume) validate() error {
	_, known := volumeModes[v.Mode]
	if err := validateGuestPath(v.GuestPath); err != nil {
		return invalid("volume %q: the guest path %w", v.HostPath, err)
	}
	switch {
	case v.HostPath == "" && v.FS == nil:
		return invalid("a volume has no host path")
	case v.HostPath != "" && v.FS != nil:
		return invalid("volume %q: it has both a host path and an FS", v.HostPath)
	case v.FS != nil && v.Mode == VolumeReadWrite:
		return invalid("the volume at %q: an FS cannot be written to; use read only or copy on write", v.GuestPath)
	case strings.ContainsRune(v.HostPath, 0):
		return invalid("volume %q: a path contains a NUL byte", v.HostPath)
	case !known:
		return invalid("volume %q: there is no mode %d", v.HostPath, v.Mode)
	case v.QuotaBytes < 0:
		return invalid("volume %q: the quota of %d bytes is negative", v.HostPath, v.QuotaBytes)
	}
	return nil
}

// open opens the volume; memory bounds what copy on write keeps, unless the volume has a quota of its own.
func (v Volume) open(memory *guestfs.Budget) (*guestfs.Volume, error) {
	if v.QuotaBytes > 0 {
		limits := memory.Limits()
		limits.MaxBytes = v.QuotaBytes
		memory = guestfs.NewBudget(limits)
	}
	options := guestfs.VolumeOptions{Mode: volumeModes[v.Mode], QuotaBytes: v.QuotaBytes, Budget: memory}
	if v.FS != nil {
		return guestfs.VolumeOf(v.FS, options), nil
	}
	opened, err := guestfs.OpenVolume(v.HostPath, options)
	if err != nil {
		return nil, invalid("volume %q: %w", v.HostPath, err)
	}
	return opened, nil
}

// validateVolumes checks each volume, and that no two are at the same place.
func validateVolumes(volumes []Volume) error {
	seen := map[string]bool{}
	for _, v := range volumes {
		if err := v.validate(); err != nil {
			return err
		}
		clean := path.Clean(v.GuestPath)
		if seen[clean] {
			return invalid("two volumes have the guest path %q", clean)
		}
		seen[clean] = true
	}
	return nil
}

// checkVolumes reports a volume that cannot be opened now.
func checkVolumes(volumes []Volume) error {
	for _, v := range volumes {
		opened, err := v.open(guestfs.NewBudget(guestfs.Limits{}))
		if err != nil {
			return err
		}
		if err := opened.Close(); err != nil {
			return failure(CodeInternal, "close the volume %q: %w", v.HostPath, err)
		}
	}
	return nil
}
