package wasip1

import "github.com/tetratelabs/wazero/experimental/sys"

const (
	// firstFree is the lowest number a guest can open: after the standard
	// streams and the root.
	firstFree = 4
	// rootPath is how a sys.FS names its own root.
	rootPath = "."
)

// kind says what a descriptor number stands for.
type kind uint8

const (
	kindFree     kind = iota // not open
	kindStream               // standard input, output or error
	kindRoot                 // the preopened root directory
	kindFile                 // a file or directory the guest opened
	kindReserved             // taken by adapter_open_badfd: EBADF for every call
	kindSocket               // a socket; without a file, one that did not survive an image
)

// descriptor is one entry of the table. The zero value is not open.
type descriptor struct {
	kind    kind
	dir     bool      // a directory
	stream  int8      // kindStream: 0, 1 or 2, whatever number it has now
	flags   uint16    // fdflags
	access  sys.Oflag // O_RDONLY, O_WRONLY or O_RDWR, as opened
	rights  uint64
	inherit uint64   // rights of what is opened through this directory
	file    sys.File // nil for a stream, and for the root until it is needed
	path    string   // from the root of the filesystem
	list    *listing // fd_readdir's place, nil until it is called
}

// lost reports a socket that was open when an image was taken: its number is in use, and can only be closed.
func (d *descriptor) lost() bool { return d.kind == kindSocket && d.file == nil }

// stream is a fresh standard stream.
func (p *Process) stream(n int8) descriptor {
	d := descriptor{kind: kindStream, stream: n, rights: rightsOutput}
	if n == 0 {
		d.rights = rightsStdin
	}
	return d
}

// lookup finds an open descriptor and checks that it has a right; 0 needs
// none. The pointer is valid until the table changes.
func (p *Process) lookup(fd int32, right uint64) (*descriptor, errno) {
	if uint(fd) >= uint(len(p.fds)) {
		return nil, ebadf
	}
	d := &p.fds[fd]
	if d.kind == kindFree || d.kind == kindReserved || d.lost() {
		return nil, ebadf
	}
	if d.rights&right != right {
		return nil, denied(right)
	}
	return d, success
}

// lookupFile is lookup for calls that make no sense on a standard stream,
// which answers them with EINVAL.
func (p *Process) lookupFile(fd int32, right uint64) (*descriptor, sys.File, errno) {
	d, e := p.lookup(fd, right)
	if e != success {
		return nil, nil, e
	}
	if d.kind == kindStream {
		return nil, nil, einval
	}
	f, e := p.file(d)
	return d, f, e
}

// file is the open file of a descriptor that is not a stream. The root is
// opened on first use: most guests never need it.
func (p *Process) file(d *descriptor) (sys.File, errno) {
	if d.file == nil {
		f, e := p.cfg.FS.OpenFile(d.path, sys.O_RDONLY|sys.O_DIRECTORY, 0)
		if e != 0 {
			return nil, toErrno(e)
		}
		d.file = f
	}
	return d.file, success
}

// nextFree is the lowest number that is not in use, or EMFILE.
func (p *Process) nextFree() (int32, errno) {
	for p.free < len(p.fds) && p.fds[p.free].kind != kindFree {
		p.free++
	}
	if p.free >= p.cfg.MaxOpenFiles {
		return 0, emfile
	}
	return int32(p.free), success
}

// put enters d under a number that is below the limit and not in use.
func (p *Process) put(fd int32, d descriptor) {
	for int(fd) >= len(p.fds) {
		p.fds = append(p.fds, descriptor{})
	}
	p.fds[fd] = d
}

// drop frees a number and closes its file.
func (p *Process) drop(fd int32) errno {
	d := &p.fds[fd]
	f := d.file
	*d = descriptor{}
	p.free = min(p.free, int(fd))
	if f == nil {
		return success
	}
	return toErrno(f.Close())
}

// closeAll leaves an empty table that keeps its memory.
func (p *Process) closeAll() {
	for i := range p.fds {
		if f := p.fds[i].file; f != nil {
			// The guest is gone: nobody is left to tell about a failed close.
			_ = f.Close()
		}
	}
	clear(p.fds)
	p.fds, p.free = p.fds[:0], 0
}

// fdClose implements fd_close. The root stays open: os.closerange(3, n) must
// not cost a guest its filesystem.
func (p *Process) fdClose(c call) errno {
	if fd := c.fd(0); uint(fd) < uint(len(p.fds)) && p.fds[fd].lost() {
		return p.drop(fd)
	}
	d, e := p.lookup(c.fd(0), 0)
	if e != success {
		return e
	}
	if d.kind == kindRoot {
		return enotsup
	}
	return p.drop(c.fd(0))
}

// fdRenumber implements fd_renumber: from takes the number to, closing what
// was there.
func (p *Process) fdRenumber(c call) errno {
	from, to := c.fd(0), c.fd(1)
	d, e := p.lookup(from, 0)
	if e != success {
		return e
	}
	if to < 0 || int(to) >= p.cfg.MaxOpenFiles {
		return ebadf
	}
	if from == to {
		return success
	}
	taken := int(to) < len(p.fds) && p.fds[to].kind != kindFree
	if d.kind == kindRoot || taken && p.fds[to].kind == kindRoot {
		return enotsup
	}
	if taken && p.fds[to].kind == kindReserved {
		return ebadf
	}
	moved := *d
	*d = descriptor{}
	if taken {
		// As dup2: an error of the implicit close is not reported.
		_ = p.drop(to)
	}
	p.put(to, moved)
	p.free = min(p.free, int(from))
	return success
}

// adapterOpenBadfd implements adapter_open_badfd: it takes a number out of use
// that every other call answers with EBADF. wasi-libc keeps objects of its own
// under such numbers.
func (p *Process) adapterOpenBadfd(c call) errno {
	out, ok := c.out(0, 4)
	if !ok {
		return efault
	}
	fd, e := p.nextFree()
	if e != success {
		return e
	}
	p.put(fd, descriptor{kind: kindReserved})
	le.PutUint32(out, uint32(fd))
	return success
}

// adapterCloseBadfd implements adapter_close_badfd.
func (p *Process) adapterCloseBadfd(c call) errno {
	fd := c.fd(0)
	if uint(fd) >= uint(len(p.fds)) || p.fds[fd].kind != kindReserved {
		return ebadf
	}
	return p.drop(fd)
}

// notSocket answers the four sock functions: the guest's sockets do not come
// through WASI.
func (p *Process) notSocket(c call) errno {
	if _, e := p.lookup(c.fd(0), 0); e != success {
		return e
	}
	return enotsock
}
