package wasip1

import (
	"bytes"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

const (
	// maxPath is the longest path in bytes, Linux's PATH_MAX.
	maxPath = 4096
	// preview1 has no mode argument: these are what an umask of 022 leaves.
	newFileMode fs.FileMode = 0o644
	newDirMode  fs.FileMode = 0o755
	// lookupFollow is the only lookup flag: follow a link at the path's end.
	lookupFollow = 1
)

// Open flags of preview1.
const (
	oflagCreat = 1 << iota
	oflagDirectory
	oflagExcl
	oflagTrunc
	oflagsAll = 1<<iota - 1
)

// guestPath is the path at argument i, of the length in argument i+1.
func (c call) guestPath(i int) ([]byte, errno) {
	n := c.u32(i + 1)
	if n == 0 {
		return nil, enoent
	}
	if n > maxPath {
		return nil, enametoolong
	}
	b, ok := c.out(i, n)
	if !ok {
		return nil, efault
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, einval
	}
	return b, success
}

// at is a path seen from the root: the one at argument i, relative to the
// directory fd, which must have a right.
//
// A directory is known by the path under which it was opened (sys.FS has no
// openat), so one that is renamed by another guest is not found again. A
// rename by this guest is followed, see moved.
func (p *Process) at(c call, fd int32, right uint64, i int) (string, errno) {
	d, e := p.lookup(fd, 0)
	if e != success {
		return "", e
	}
	if !d.dir {
		return "", enotdir
	}
	if d.rights&right != right {
		return "", denied(right)
	}
	b, e := c.guestPath(i)
	if e != success {
		return "", e
	}
	switch {
	case b[0] == '/': // wasi-libc has already made it relative to the root
		return "", eperm
	case d.path == rootPath:
		return string(b), success
	case len(d.path)+1+len(b) > maxPath:
		return "", enametoolong
	}
	return d.path + "/" + string(b), success
}

// pathOpen implements path_open.
func (p *Process) pathOpen(c call) errno {
	oflags, fdflags := c.u32(4), c.u32(7)
	if c.u32(1)&^uint32(lookupFollow) != 0 || oflags&^uint32(oflagsAll) != 0 || fdflags&^uint32(fdflagsAll) != 0 ||
		oflags&(oflagCreat|oflagDirectory) == oflagCreat|oflagDirectory {
		return einval
	}
	path, e := p.at(c, c.fd(0), openRight(oflags), 2)
	if e != success {
		return e
	}
	out, ok := c.out(8, 4)
	if !ok {
		return efault
	}
	fd, e := p.nextFree()
	if e != success {
		return e
	}
	// What is asked for beyond the parent's rights is not given.
	inherit := p.fds[c.fd(0)].inherit
	d := descriptor{
		kind: kindFile, path: path, flags: uint16(fdflags),
		rights: c.u64(5) & inherit, inherit: c.u64(6) & inherit,
	}
	d.access = accessMode(d.rights)
	if e := p.open(&d, openFlags(c.u32(1), oflags, fdflags)); e != success {
		return e
	}
	p.put(fd, d)
	le.PutUint32(out, uint32(fd))
	return success
}

// openRight is what a directory must allow to open something in it.
func openRight(oflags uint32) uint64 {
	right := rightPathOpen
	if oflags&oflagCreat != 0 {
		right |= rightPathCreateFile
	}
	if oflags&oflagTrunc != 0 {
		right |= rightPathSetSize
	}
	return right
}

// openFlags translates the flags of path_open, except the access mode.
func openFlags(lookup, oflags, fdflags uint32) sys.Oflag {
	var flags sys.Oflag
	set := func(on bool, flag sys.Oflag) {
		if on {
			flags |= flag
		}
	}
	set(lookup&lookupFollow == 0, sys.O_NOFOLLOW)
	set(oflags&oflagCreat != 0, sys.O_CREAT)
	set(oflags&oflagDirectory != 0, sys.O_DIRECTORY)
	set(oflags&oflagExcl != 0, sys.O_EXCL)
	set(oflags&oflagTrunc != 0, sys.O_TRUNC)
	set(fdflags&uint32(fdflagAppend) != 0, sys.O_APPEND)
	set(fdflags&uint32(fdflagDsync) != 0, sys.O_DSYNC)
	set(fdflags&uint32(fdflagRsync) != 0, sys.O_RSYNC)
	set(fdflags&uint32(fdflagSync) != 0, sys.O_SYNC)
	return flags
}

// accessMode is the mode that a file must be opened in for its rights.
func accessMode(rights uint64) sys.Oflag {
	switch rights & (rightFDRead | rightFDWrite) {
	case rightFDRead | rightFDWrite:
		return sys.O_RDWR
	case rightFDWrite:
		return sys.O_WRONLY
	default:
		return sys.O_RDONLY
	}
}

// open opens d.path for d.access, and reduces the rights to those that make
// sense for what was found there.
func (p *Process) open(d *descriptor, flags sys.Oflag) errno {
	f, se := p.cfg.FS.OpenFile(d.path, flags|d.access, newFileMode)
	if se != 0 {
		return toErrno(se)
	}
	dir, se := f.IsDir()
	e := toErrno(se)
	switch {
	case e != success:
	case dir && d.access != sys.O_RDONLY:
		e = eisdir
	case !dir && flags&sys.O_DIRECTORY != 0:
		e = enotdir
	}
	if e != success {
		_ = f.Close() // the open has failed already
		return e
	}
	d.file, d.dir = f, dir
	if dir {
		d.rights &= rightsDir
	} else {
		d.rights, d.inherit = d.rights&rightsFile, 0
	}
	return success
}

// pathFilestatGet implements path_filestat_get.
func (p *Process) pathFilestatGet(c call) errno {
	if c.u32(1)&^uint32(lookupFollow) != 0 {
		return einval
	}
	path, e := p.at(c, c.fd(0), rightPathStat, 2)
	if e != success {
		return e
	}
	out, ok := c.out(4, 64)
	if !ok {
		return efault
	}
	var st wazerosys.Stat_t
	var se sys.Errno
	if c.u32(1)&lookupFollow != 0 {
		st, se = p.cfg.FS.Stat(path)
	} else {
		st, se = p.cfg.FS.Lstat(path)
	}
	if se != 0 {
		return toErrno(se)
	}
	putFilestat(out, &st)
	return success
}

// pathFilestatSetTimes implements path_filestat_set_times. sys.FS cannot set
// the times of a link itself.
func (p *Process) pathFilestatSetTimes(c call) errno {
	if c.u32(1)&^uint32(lookupFollow) != 0 {
		return einval
	}
	path, e := p.at(c, c.fd(0), rightPathSetTimes, 2)
	if e != success {
		return e
	}
	atim, mtim, e := p.times(c.u64(4), c.u64(5), c.u32(6))
	if e != success {
		return e
	}
	if c.u32(1)&lookupFollow == 0 {
		if e := p.refuseLink(path); e != success {
			return e
		}
	}
	return toErrno(p.cfg.FS.Utimens(path, atim, mtim))
}

// refuseLink is ENOTSUP when path is a symbolic link.
func (p *Process) refuseLink(path string) errno {
	st, se := p.cfg.FS.Lstat(path)
	if se == 0 && st.Mode&fs.ModeSymlink != 0 {
		return enotsup
	}
	return toErrno(se)
}
