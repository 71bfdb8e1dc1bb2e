package wasip1

import (
	"errors"
	"io"
	"math"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// transfer moves the buffers of a list through op until one is moved in part.
// What was moved before an error counts, as in POSIX; the error comes again
// with the next call.
func transfer(v *iovecs, op func([]byte) (int, sys.Errno)) (uint32, errno) {
	var total uint32
	for {
		buf, e := v.next()
		if buf == nil {
			if total > 0 {
				e = success
			}
			return total, e
		}
		n, se := op(buf)
		n = max(0, min(n, len(buf)))
		total += uint32(n)
		if se != 0 && total == 0 {
			return 0, toErrno(se)
		}
		if se != 0 || n < len(buf) {
			return total, success
		}
	}
}

// begin checks what the four transfers have in common: the buffer list in
// arguments 1 and 2 and room for the number of bytes at argument result.
func (p *Process) begin(c call, result int) (iovecs, []byte, errno) {
	out, ok := c.out(result, 4)
	if !ok {
		return iovecs{}, nil, efault
	}
	v, e := c.iovecs(1, p.cfg.MaxIOBytes)
	return v, out, e
}

// fdRead implements fd_read.
func (p *Process) fdRead(c call) errno {
	d, e := p.lookup(c.fd(0), 0)
	if e != success {
		return e
	}
	if d.dir {
		return eisdir
	}
	if d.rights&rightFDRead == 0 {
		return ebadf
	}
	v, out, e := p.begin(c, 3)
	if e != success {
		return e
	}
	var n uint32
	if d.kind == kindStream {
		n, e = transfer(&v, func(b []byte) (int, sys.Errno) { return p.readStdin(c, b) })
	} else if d.kind == kindSocket {
		n, e = one(&v, d.file.Read)
	} else {
		n, e = transfer(&v, d.file.Read)
	}
	if e != success {
		return e
	}
	le.PutUint32(out, n)
	return success
}

// readStdin reads standard input once, never beyond b.
func (p *Process) readStdin(c call, b []byte) (int, sys.Errno) {
	if p.cfg.Stdin == nil {
		return 0, 0
	}
	var n int
	var err error
	if r, ok := p.cfg.Stdin.(ContextReader); ok {
		n, err = r.ReadContext(c.ctx, b)
	} else {
		n, err = p.cfg.Stdin.Read(b)
	}
	switch {
	case err == nil || n > 0 || errors.Is(err, io.EOF):
		return n, 0
	case c.ctx.Err() != nil, errors.Is(err, sys.EINTR):
		return 0, sys.EINTR
	default:
		return 0, sys.EIO
	}
}

// fdWrite implements fd_write.
func (p *Process) fdWrite(c call) errno {
	d, e := p.lookup(c.fd(0), rightFDWrite)
	if e != success {
		return e
	}
	v, out, e := p.begin(c, 3)
	if e != success {
		return e
	}
	var n uint32
	if d.kind == kindStream {
		stream := int32(d.stream)
		n, e = transfer(&v, func(b []byte) (int, sys.Errno) {
			if se := p.cfg.Output(stream, b); se != 0 {
				return 0, se
			}
			return len(b), 0
		})
	} else if d.kind == kindSocket {
		n, e = one(&v, d.file.Write)
	} else {
		n, e = transfer(&v, d.file.Write)
	}
	if e != success {
		return e
	}
	le.PutUint32(out, n)
	return success
}

// fdPread implements fd_pread.
func (p *Process) fdPread(c call) errno {
	d, e := p.lookup(c.fd(0), 0)
	if e != success {
		return e
	}
	if d.dir {
		return eisdir
	}
	return p.transferAt(c, d, rightFDRead, sys.File.Pread)
}

// fdPwrite implements fd_pwrite.
func (p *Process) fdPwrite(c call) errno {
	d, e := p.lookup(c.fd(0), rightFDWrite)
	if e != success {
		return e
	}
	return p.transferAt(c, d, rightFDWrite, sys.File.Pwrite)
}

// transferAt is fd_pread and fd_pwrite: at an offset (argument 3), without
// moving the descriptor's own.
func (p *Process) transferAt(c call, d *descriptor, right uint64, op func(sys.File, []byte, int64) (int, sys.Errno)) errno {
	if d.rights&right == 0 {
		return denied(right)
	}
	if d.kind == kindStream || d.rights&rightFDSeek == 0 {
		return espipe
	}
	if c.u64(3) > math.MaxInt64 {
		return einval
	}
	v, out, e := p.begin(c, 4)
	if e != success {
		return e
	}
	at := int64(c.u64(3))
	n, e := transfer(&v, func(b []byte) (int, sys.Errno) {
		if at > math.MaxInt64-int64(len(b)) {
			return 0, EFBIG
		}
		n, se := op(d.file, b, at)
		at += int64(n)
		return n, se
	})
	if e != success {
		return e
	}
	le.PutUint32(out, n)
	return success
}

// fdSeek implements fd_seek.
func (p *Process) fdSeek(c call) errno {
	if c.u32(2) > io.SeekEnd {
		return einval
	}
	return p.seek(c, rightFDSeek, int64(c.u64(1)), int(c.u32(2)), 3)
}

// fdTell implements fd_tell.
func (p *Process) fdTell(c call) errno {
	return p.seek(c, rightFDTell, 0, io.SeekCurrent, 1)
}

// seek moves a file's offset and writes the new one to argument result.
// Directories have none.
func (p *Process) seek(c call, right uint64, offset int64, whence, result int) errno {
	d, e := p.lookup(c.fd(0), 0)
	switch {
	case e != success:
		return e
	case d.dir:
		return ebadf
	case d.kind == kindSocket:
		return espipe
	case d.rights&right == 0:
		return denied(right)
	case d.kind == kindStream:
		return espipe
	}
	out, ok := c.out(result, 8)
	if !ok {
		return efault
	}
	at, se := d.file.Seek(offset, whence)
	if se != 0 {
		return toErrno(se)
	}
	le.PutUint64(out, uint64(at))
	return success
}
