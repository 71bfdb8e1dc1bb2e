package wasip1

import (
	"bytes"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// This file is what preview1 lacks: calls for a guest that has another way than preview1 to ask for them.

// Chmod sets the permission bits of the file at an absolute path, for a guest that has another way to ask for it
// than preview1, which has none. The answer is an errno of preview1; 0 for success.
func (p *Process) Chmod(path []byte, mode uint32) uint16 {
	switch {
	case len(path) > maxPath:
		return uint16(enametoolong)
	case bytes.IndexByte(path, 0) >= 0:
		return uint16(einval)
	}
	return uint16(toErrno(p.cfg.FS.Chmod(string(path), fs.FileMode(mode).Perm())))
}

// shared is an open file that has several numbers.
type shared struct {
	sys.File
	numbers int
}

// Close implements sys.File: the last number closes the file.
func (s *shared) Close() sys.Errno {
	if s.numbers--; s.numbers > 0 {
		return 0
	}
	return s.File.Close()
}

// Dup gives what stands under the number from another number: to, whatever it was before, or the lowest that is
// free if to is negative. Both share the place in the file. It answers the number and an errno of preview1.
func (p *Process) Dup(from, to int32) (int32, uint16) {
	d, e := p.lookup(from, 0)
	if e == success && d.kind == kindRoot {
		e = enotsup
	}
	if e == success && to < 0 {
		to, e = p.nextFree()
	} else if e == success {
		e = p.vacate(from, to)
	}
	if e != success || from == to {
		return to, uint16(e)
	}
	p.share(from)
	copied := p.fds[from]
	copied.list = nil
	p.put(to, copied)
	return to, 0
}

// vacate closes what stands under the number to, unless it is from itself.
func (p *Process) vacate(from, to int32) errno {
	switch {
	case int(to) >= p.cfg.MaxOpenFiles:
		return ebadf
	case from == to || int(to) >= len(p.fds) || p.fds[to].kind == kindFree:
		return success
	case p.fds[to].kind == kindRoot:
		return enotsup
	case p.fds[to].kind == kindReserved:
		return ebadf
	}
	_ = p.drop(to) // as dup2: an error of the implicit close is not reported
	return success
}

// share notes one more number for the file of a descriptor.
func (p *Process) share(fd int32) {
	d := &p.fds[fd]
	if d.file == nil {
		return
	}
	if s, ok := d.file.(*shared); ok {
		s.numbers++
		return
	}
	d.file = &shared{File: d.file, numbers: 2}
}
