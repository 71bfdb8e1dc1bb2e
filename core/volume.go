package core

import (
	"path"
	"strings"

	"github.com/eryx-go/eryx/core/guestfs"
)

// Volume shows a directory or a single file of the host to the program.
type Volume struct {
	// HostPath is the directory or file; it must exist.
	HostPath string
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
	clean := path.Clean(v.GuestPath)
	_, known := volumeModes[v.Mode]
	switch {
	case v.HostPath == "":
		return invalid("a volume has no host path")
	case strings.ContainsRune(v.HostPath+v.GuestPath, 0):
		return invalid("volume %q: a path contains a NUL byte", v.HostPath)
	case !path.IsAbs(v.GuestPath) || clean == "/":
		return invalid("volume %q: the guest path %q is not an absolute path below /", v.HostPath, v.GuestPath)
	case clean == systemPath || strings.HasPrefix(clean, systemPath+"/"):
		return invalid("volume %q: the guest path %q is the interpreter's own; use another", v.HostPath, v.GuestPath)
	case !known:
		return invalid("volume %q: there is no mode %d", v.HostPath, v.Mode)
	case v.QuotaBytes < 0:
		return invalid("volume %q: the quota of %d bytes is negative", v.HostPath, v.QuotaBytes)
	}
	return nil
}

// open opens the volume; memory bounds what copy on write keeps.
func (v Volume) open(memory guestfs.Limits) (*guestfs.Volume, error) {
	if v.QuotaBytes > 0 {
		memory.MaxBytes = v.QuotaBytes
	}
	opened, err := guestfs.OpenVolume(v.HostPath, guestfs.VolumeOptions{
		Mode: volumeModes[v.Mode], QuotaBytes: v.QuotaBytes, Limits: memory,
	})
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
		opened, err := v.open(guestfs.Limits{})
		if err != nil {
			return err
		}
		if err := opened.Close(); err != nil {
			return failure(CodeInternal, "close the volume %q: %w", v.HostPath, err)
		}
	}
	return nil
}
