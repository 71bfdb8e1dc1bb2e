package wasip1

import (
	"path"
	"strings"
)

// pathCreateDirectory implements path_create_directory.
func (p *Process) pathCreateDirectory(c call) errno {
	name, e := p.at(c, c.fd(0), rightPathCreateDirectory, 1)
	if e != success {
		return e
	}
	return toErrno(p.cfg.FS.Mkdir(name, newDirMode))
}

// pathRemoveDirectory implements path_remove_directory.
func (p *Process) pathRemoveDirectory(c call) errno {
	name, e := p.at(c, c.fd(0), rightPathRemoveDirectory, 1)
	if e != success {
		return e
	}
	return toErrno(p.cfg.FS.Rmdir(name))
}

// pathUnlinkFile implements path_unlink_file.
func (p *Process) pathUnlinkFile(c call) errno {
	name, e := p.at(c, c.fd(0), rightPathUnlinkFile, 1)
	if e != success {
		return e
	}
	return toErrno(p.cfg.FS.Unlink(name))
}

// pathLink implements path_link. sys.FS links to a symbolic link itself, never
// to what it points to.
func (p *Process) pathLink(c call) errno {
	if c.u32(1)&^uint32(lookupFollow) != 0 {
		return einval
	}
	from, e := p.at(c, c.fd(0), rightPathLinkSource, 2)
	if e != success {
		return e
	}
	to, e := p.at(c, c.fd(4), rightPathLinkTarget, 5)
	if e != success {
		return e
	}
	if c.u32(1)&lookupFollow != 0 {
		if e := p.refuseLink(from); e != success {
			return e
		}
	}
	return toErrno(p.cfg.FS.Link(from, to))
}

// pathSymlink implements path_symlink. The target is kept as it is: it means
// something only when the link is followed.
func (p *Process) pathSymlink(c call) errno {
	target, e := c.guestPath(0)
	if e != success {
		return e
	}
	name, e := p.at(c, c.fd(2), rightPathSymlink, 3)
	if e != success {
		return e
	}
	return toErrno(p.cfg.FS.Symlink(string(target), name))
}

// pathReadlink implements path_readlink: a target that is longer than the
// buffer is cut off, as in POSIX.
func (p *Process) pathReadlink(c call) errno {
	name, e := p.at(c, c.fd(0), rightPathReadlink, 1)
	if e != success {
		return e
	}
	buf, ok := c.bytes(c.u32(3), c.u32(4))
	if !ok {
		return efault
	}
	used, ok := c.out(5, 4)
	if !ok {
		return efault
	}
	if len(buf) == 0 {
		return einval
	}
	target, se := p.cfg.FS.Readlink(name)
	if se != 0 {
		return toErrno(se)
	}
	le.PutUint32(used, uint32(copy(buf, target)))
	return success
}

// pathRename implements path_rename.
func (p *Process) pathRename(c call) errno {
	from, e := p.at(c, c.fd(0), rightPathRenameSource, 1)
	if e != success {
		return e
	}
	to, e := p.at(c, c.fd(3), rightPathRenameTarget, 4)
	if e != success {
		return e
	}
	if se := p.cfg.FS.Rename(from, to); se != 0 {
		return toErrno(se)
	}
	p.moved(from, to)
	return success
}

// moved gives open descriptors below a renamed path their new one, for openat
// and for Descriptors. Paths are compared as text: one that was opened through
// a link or ".." keeps its old path, which Descriptors then finds out.
func (p *Process) moved(from, to string) {
	from, to = clean(from), clean(to)
	for i := range p.fds {
		d := &p.fds[i]
		if d.kind != kindFile {
			continue
		}
		rest, ok := strings.CutPrefix(clean(d.path), from)
		if ok && (rest == "" || rest[0] == '/') && len(to)+len(rest) <= maxPath {
			d.path = to + rest
		}
	}
}

// clean removes what does not matter in a path. One with ".." stays as it is,
// because only a walk can tell where that leads.
func clean(name string) string {
	if strings.Contains(name, "..") {
		return name
	}
	return path.Clean(name)
}
