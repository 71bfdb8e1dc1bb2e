package guestfs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// isSlashSystem is true where only "/" separates the parts of a path.
const isSlashSystem = filepath.Separator == '/'

// maxMoved is how many entries are looked at before a directory is moved
// closer to the root of a volume.
const maxMoved = 10_000

// linksStayInside checks that what is moved to another depth has no links that
// would then lead out of the volume: a guest could otherwise make one deep in
// the volume and lift it. EPERM if it has, or is too large to tell.
func linksStayInside(at spot, info fs.FileInfo, depth int) sys.Errno {
	if depth >= at.depth {
		return 0
	}
	c := linkCheck{left: maxMoved}
	return toErrno(c.check(at.dir, at.name, info.Mode(), depth))
}

// linkCheck looks at all links in a directory.
type linkCheck struct{ left int }

// check looks at one entry that comes to lie below depth directories.
func (c *linkCheck) check(dir *os.Root, name string, mode fs.FileMode, depth int) error {
	if c.left--; c.left < 0 {
		return Error{sys.EPERM}
	}
	switch {
	case mode&fs.ModeSymlink != 0:
		target, err := dir.Readlink(name)
		if err == nil && !staysInside(target, depth) {
			err = Error{sys.EPERM}
		}
		return err
	case mode.IsDir():
		inner, err := dir.OpenRoot(name + "/.")
		if err != nil {
			return err
		}
		defer inner.Close()
		return c.checkAll(inner, depth+1)
	}
	return nil
}

// checkAll looks at the entries of a directory.
func (c *linkCheck) checkAll(dir *os.Root, depth int) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		page, err := f.ReadDir(256)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := c.check(dir, e.Name(), e.Type(), depth); err != nil {
				return err
			}
		}
	}
}
