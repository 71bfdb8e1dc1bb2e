package wasip1

import (
	"io"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	// direntHead is the size of an entry of fd_readdir without its name.
	direntHead = 24
	// listingPage is how many entries are read at once, and all that is kept.
	listingPage = 128
	// dots is the number of entries that the filesystem does not list.
	dots = 2
)

// listing is a place in a directory: one page of its entries. The cookie of an
// entry is its index, "." and ".." being 0 and 1. A guest only ever asks again
// for the entry that did not fit, so one page is enough; for an earlier cookie
// the directory is read again from its start.
type listing struct {
	first uint64 // cookie of page[0]
	page  []sys.Dirent
	end   bool // nothing comes after the page
}

// rewind goes back to the start of the directory.
func (l *listing) rewind(f sys.File) errno {
	*l = listing{first: dots}
	_, se := f.Seek(0, io.SeekStart)
	return toErrno(se)
}

// at is the entry with a cookie of 2 or more; nil after the last one.
func (l *listing) at(p *Process, c call, f sys.File, cookie uint64) (*sys.Dirent, errno) {
	if cookie < l.first {
		if e := l.rewind(f); e != success {
			return nil, e
		}
	}
	for cookie-l.first >= uint64(len(l.page)) {
		if l.end {
			return nil, success
		}
		// A large directory takes many pages: do not hold up an interruption.
		if e := p.checkpoint(c); e != success {
			return nil, e
		}
		page, se := f.Readdir(listingPage)
		if se != 0 {
			return nil, toErrno(se)
		}
		l.first += uint64(len(l.page))
		l.page, l.end = page, len(page) < listingPage
	}
	return &l.page[cookie-l.first], success
}

// fdReaddir implements fd_readdir: it fills the buffer with entries from the
// cookie on. The last may be cut off; a buffer that is not full is the end.
func (p *Process) fdReaddir(c call) errno {
	d, e := p.lookup(c.fd(0), 0)
	switch {
	case e != success:
		return e
	case !d.dir:
		return enotdir
	case d.rights&rightFDReaddir == 0:
		return denied(rightFDReaddir)
	}
	used, ok := c.out(4, 4)
	if !ok {
		return efault
	}
	buf, ok := c.bytes(c.u32(1), c.u32(2))
	if !ok {
		return efault
	}
	f, e := p.file(d)
	if e != success {
		return e
	}
	n, e := p.list(c, d, f, buf, c.u64(3))
	if e != success {
		return e
	}
	le.PutUint32(used, uint32(n))
	return success
}

// list writes entries until buf is full or the directory ends.
func (p *Process) list(c call, d *descriptor, f sys.File, buf []byte, cookie uint64) (int, errno) {
	if d.list == nil {
		d.list = &listing{first: dots}
	} else if cookie == 0 {
		if e := d.list.rewind(f); e != success {
			return 0, e
		}
	}
	n := 0
	for ; n < len(buf); cookie++ {
		entry, e := p.entry(c, d, f, cookie)
		if e != success {
			return 0, e
		}
		if entry == nil {
			break
		}
		n += putDirent(buf[n:], entry, cookie+1)
	}
	return n, success
}

// entry is the directory entry with a cookie, nil after the last.
func (p *Process) entry(c call, d *descriptor, f sys.File, cookie uint64) (*sys.Dirent, errno) {
	if cookie >= dots {
		return d.list.at(p, c, f, cookie)
	}
	// Entries without an inode number would cost wasi-libc a stat each.
	ino, se := f.Ino()
	if se != 0 {
		return nil, toErrno(se)
	}
	if cookie == 0 {
		return &sys.Dirent{Name: ".", Ino: ino, Type: fs.ModeDir}, success
	}
	if d.path != rootPath {
		if st, se := p.cfg.FS.Stat(d.path + "/.."); se == 0 {
			ino = st.Ino
		}
	}
	return &sys.Dirent{Name: "..", Ino: ino, Type: fs.ModeDir}, success
}

// putDirent writes an entry, as much of it as fits.
func putDirent(buf []byte, entry *sys.Dirent, next uint64) int {
	var head [direntHead]byte
	le.PutUint64(head[:], next)
	le.PutUint64(head[8:], entry.Ino)
	le.PutUint32(head[16:], uint32(len(entry.Name)))
	le.PutUint32(head[20:], uint32(filetype(entry.Type)))
	n := copy(buf, head[:])
	return n + copy(buf[n:], entry.Name)
}
