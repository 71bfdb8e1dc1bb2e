package wasip1

import (
	"io/fs"
	"math"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// File types of preview1.
const (
	filetypeUnknown     = 0
	filetypeBlockDevice = 1
	filetypeCharDevice  = 2
	filetypeDirectory   = 3
	filetypeRegular     = 4
	filetypeSocket      = 6
	filetypeSymlink     = 7
)

// Descriptor flags of preview1.
const (
	fdflagAppend uint16 = 1 << iota
	fdflagDsync
	fdflagNonblock
	fdflagRsync
	fdflagSync
	fdflagsAll = 1<<iota - 1
)

// Flags of the two set_times functions.
const (
	fstflagAtim = 1 << iota
	fstflagAtimNow
	fstflagMtim
	fstflagMtimNow
	fstflagsAll = 1<<iota - 1
)

// maxAdvice is the last defined advice of fd_advise, "noreuse".
const maxAdvice = 5

// filetype is the type of a file in preview1's terms.
func filetype(mode fs.FileMode) byte {
	switch mode.Type() {
	case 0:
		return filetypeRegular
	case fs.ModeDir:
		return filetypeDirectory
	case fs.ModeSymlink:
		return filetypeSymlink
	case fs.ModeSocket:
		return filetypeSocket
	case fs.ModeDevice | fs.ModeCharDevice, fs.ModeCharDevice:
		return filetypeCharDevice
	case fs.ModeDevice:
		return filetypeBlockDevice
	default:
		return filetypeUnknown
	}
}

// putFilestat writes the 64 bytes of a filestat. The permissions, which preview1 does not know, stand in the
// padding behind the file type, where wasm/guest/shim/files.c looks for them and nobody else.
func putFilestat(out []byte, st *wazerosys.Stat_t) {
	le.PutUint64(out, st.Dev)
	le.PutUint64(out[8:], st.Ino)
	le.PutUint64(out[16:], uint64(filetype(st.Mode))|uint64(st.Mode.Perm())<<16)
	le.PutUint64(out[24:], st.Nlink)
	le.PutUint64(out[32:], uint64(st.Size))
	le.PutUint64(out[40:], uint64(st.Atim))
	le.PutUint64(out[48:], uint64(st.Mtim))
	le.PutUint64(out[56:], uint64(st.Ctim))
}

// stat is the state of an open file. A standard stream is an empty character
// device.
func (p *Process) stat(d *descriptor) (wazerosys.Stat_t, errno) {
	if d.kind == kindStream {
		return wazerosys.Stat_t{Mode: fs.ModeDevice | fs.ModeCharDevice | 0o620, Nlink: 1}, success
	}
	f, e := p.file(d)
	if e != success {
		return wazerosys.Stat_t{}, e
	}
	st, se := f.Stat()
	return st, toErrno(se)
}

// fdFdstatGet implements fd_fdstat_get. wasi-libc calls it on the root before
// every open, so a directory is answered without asking the filesystem.
func (p *Process) fdFdstatGet(c call) errno {
	d, e := p.lookup(c.fd(0), 0)
	if e != success {
		return e
	}
	out, ok := c.out(1, 24)
	if !ok {
		return efault
	}
	ft := byte(filetypeDirectory)
	if !d.dir {
		st, e := p.stat(d)
		if e != success {
			return e
		}
		ft = filetype(st.Mode)
	}
	le.PutUint64(out, uint64(ft)|uint64(d.flags)<<16)
	le.PutUint64(out[8:], d.rights)
	le.PutUint64(out[16:], d.inherit)
	return success
}

// fdFdstatSetFlags implements fd_fdstat_set_flags. Only append changes what
// happens, and nonblock for sockets; the sync flags are remembered like Linux
// remembers those it cannot change.
func (p *Process) fdFdstatSetFlags(c call) errno {
	d, e := p.lookup(c.fd(0), rightFDSetFlags)
	if e != success {
		return e
	}
	if c.u32(1)&^uint32(fdflagsAll) != 0 {
		return einval
	}
	flags := uint16(c.u32(1))
	if d.kind == kindFile && !d.dir && (flags^d.flags)&fdflagAppend != 0 {
		if se := d.file.SetAppend(flags&fdflagAppend != 0); se != 0 {
			return toErrno(se)
		}
	}
	if s, e := p.SocketAt(c.fd(0)); e == 0 {
		s.SetNonblocking(flags&fdflagNonblock != 0)
	}
	d.flags = flags
	return success
}

// fdFdstatSetRights implements fd_fdstat_set_rights: rights can be given up,
// never gained.
func (p *Process) fdFdstatSetRights(c call) errno {
	d, e := p.lookup(c.fd(0), 0)
	if e != success {
		return e
	}
	rights, inherit := c.u64(1), c.u64(2)
	if rights&^d.rights != 0 || inherit&^d.inherit != 0 {
		return enotcapable
	}
	d.rights, d.inherit = rights, inherit
	return success
}

// fdFilestatGet implements fd_filestat_get.
func (p *Process) fdFilestatGet(c call) errno {
	d, e := p.lookup(c.fd(0), rightFDStat)
	if e != success {
		return e
	}
	out, ok := c.out(1, 64)
	if !ok {
		return efault
	}
	st, e := p.stat(d)
	if e != success {
		return e
	}
	putFilestat(out, &st)
	return success
}

// fdFilestatSetSize implements fd_filestat_set_size.
func (p *Process) fdFilestatSetSize(c call) errno {
	_, f, e := p.lookupFile(c.fd(0), rightFDSetSize)
	if e != success {
		return e
	}
	if c.u64(1) > math.MaxInt64 {
		return einval
	}
	return toErrno(f.Truncate(int64(c.u64(1))))
}

// fdAllocate implements fd_allocate: the file becomes at least as long as the
// range, and never shorter.
func (p *Process) fdAllocate(c call) errno {
	_, f, e := p.lookupFile(c.fd(0), rightFDAllocate)
	if e != success {
		return e
	}
	offset, n := c.u64(1), c.u64(2)
	if n == 0 || offset > math.MaxInt64 {
		return einval
	}
	if n > math.MaxInt64-offset {
		return efbig
	}
	st, se := f.Stat()
	if se != 0 || uint64(max(st.Size, 0)) >= offset+n {
		return toErrno(se)
	}
	return toErrno(f.Truncate(int64(offset + n)))
}

// fdAdvise implements fd_advise: checked and otherwise ignored.
func (p *Process) fdAdvise(c call) errno {
	d, e := p.lookup(c.fd(0), 0)
	switch {
	case e != success:
		return e
	case d.kind == kindStream || d.kind == kindSocket:
		return espipe
	case d.rights&rightFDAdvise == 0:
		return denied(rightFDAdvise)
	case c.u32(3) > maxAdvice || c.u64(1) > math.MaxInt64 || c.u64(2) > math.MaxInt64:
		return einval
	}
	return success
}

// fdSync implements fd_sync.
func (p *Process) fdSync(c call) errno {
	_, f, e := p.lookupFile(c.fd(0), rightFDSync)
	if e != success {
		return e
	}
	return toErrno(f.Sync())
}

// fdDatasync implements fd_datasync.
func (p *Process) fdDatasync(c call) errno {
	_, f, e := p.lookupFile(c.fd(0), rightFDDatasync)
	if e != success {
		return e
	}
	return toErrno(f.Datasync())
}

// times reads the two times and flags that the set_times functions take.
func (p *Process) times(atim, mtim uint64, flags uint32) (a, m int64, e errno) {
	const bothA, bothM = fstflagAtim | fstflagAtimNow, fstflagMtim | fstflagMtimNow
	if flags&^uint32(fstflagsAll) != 0 || flags&bothA == bothA || flags&bothM == bothM {
		return 0, 0, einval
	}
	now, _ := p.now(clockRealtime)
	pick := func(value uint64, set, setNow uint32) int64 {
		switch {
		case flags&setNow != 0:
			return int64(now)
		case flags&set == 0:
			return sys.UTIME_OMIT
		case value > math.MaxInt64:
			e = einval
		}
		return int64(value)
	}
	a = pick(atim, fstflagAtim, fstflagAtimNow)
	m = pick(mtim, fstflagMtim, fstflagMtimNow)
	return a, m, e
}

// fdFilestatSetTimes implements fd_filestat_set_times.
func (p *Process) fdFilestatSetTimes(c call) errno {
	_, f, e := p.lookupFile(c.fd(0), rightFDSetTimes)
	if e != success {
		return e
	}
	atim, mtim, e := p.times(c.u64(1), c.u64(2), c.u32(3))
	if e != success {
		return e
	}
	return toErrno(f.Utimens(atim, mtim))
}

// fdPrestatGet implements fd_prestat_get. The only preopened directory is "/".
func (p *Process) fdPrestatGet(c call) errno {
	if d, e := p.lookup(c.fd(0), 0); e != success || d.kind != kindRoot {
		return ebadf
	}
	out, ok := c.out(1, 8)
	if !ok {
		return efault
	}
	le.PutUint32(out, 0) // a directory
	le.PutUint32(out[4:], uint32(len("/")))
	return success
}

// fdPrestatDirName implements fd_prestat_dir_name.
func (p *Process) fdPrestatDirName(c call) errno {
	if d, e := p.lookup(c.fd(0), 0); e != success || d.kind != kindRoot {
		return ebadf
	}
	if c.u32(2) < uint32(len("/")) {
		return enametoolong
	}
	out, ok := c.out(1, uint32(len("/")))
	if !ok {
		return efault
	}
	copy(out, "/")
	return success
}
