package ops

import "github.com/eryx-go/eryx/core"

var volumeModes = map[string]core.VolumeMode{
	"":              core.VolumeReadOnly,
	"read_only":     core.VolumeReadOnly,
	"read_write":    core.VolumeReadWrite,
	"copy_on_write": core.VolumeCopyOnWrite,
}

// readVolumes reads the field "volumes".
func readVolumes(f fields) (volumes []core.Volume, err error) {
	err = f.each("volumes", "host_path guest_path mode quota_bytes", func(item fields) (err error) {
		var v core.Volume
		if v.HostPath, err = item.text("host_path"); err != nil {
			return err
		}
		if v.GuestPath, err = item.text("guest_path"); err != nil {
			return err
		}
		if v.QuotaBytes, err = item.integer("quota_bytes"); err != nil {
			return err
		}
		mode, err := item.text("mode")
		if err != nil {
			return err
		}
		known := false
		if v.Mode, known = volumeModes[mode]; !known {
			return badField("mode", "read_only, read_write or copy_on_write", mode)
		}
		volumes = append(volumes, v)
		return nil
	})
	return volumes, err
}

// readPackages reads the field "packages".
func readPackages(f fields) (packages []core.Package, err error) {
	err = f.each("packages", "path data drop_native", func(item fields) (err error) {
		var p core.Package
		if p.Path, err = item.text("path"); err != nil {
			return err
		}
		if p.Data, err = get[[]byte](item, "data", "bytes"); err != nil {
			return err
		}
		if p.DropNative, err = item.flag("drop_native"); err != nil {
			return err
		}
		packages = append(packages, p)
		return nil
	})
	return packages, err
}
