package wasip1

import (
	"fmt"
	"io"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// DescriptorKind says what a descriptor stands for.
type DescriptorKind uint8

// The kinds of descriptors in a [DescriptorState].
const (
	DescriptorStream    DescriptorKind = DescriptorKind(kindStream)   // standard input, output, error
	DescriptorRoot      DescriptorKind = DescriptorKind(kindRoot)     // the root directory
	DescriptorFile      DescriptorKind = DescriptorKind(kindFile)     // an opened file
	DescriptorDirectory DescriptorKind = 0x10                         // an opened directory
	DescriptorReserved  DescriptorKind = DescriptorKind(kindReserved) // a number that is out of use
	DescriptorSocket    DescriptorKind = DescriptorKind(kindSocket)   // a socket, which only lives once
)

// DescriptorState describes one open descriptor, so that it can be opened
// again in another process. It holds no pointers and may be stored.
type DescriptorState struct {
	FD         int32
	Kind       DescriptorKind
	Stream     int32     // of a stream: which one, 0 to 2
	Path       string    // of a file or directory: from the root, relative
	Access     sys.Oflag // sys.O_RDONLY, O_WRONLY or O_RDWR
	Flags      uint16    // fdflags of preview1
	Rights     uint64
	Inheriting uint64
	Offset     int64 // of a file: bytes from its start
	// Lost is why the file cannot be opened again, empty when it can: its path
	// is gone or leads to another file.
	Lost string
}

// Descriptors lists what is open, by ascending number. It changes nothing.
func (p *Process) Descriptors() []DescriptorState {
	states := make([]DescriptorState, 0, len(p.fds))
	for i := range p.fds {
		if d := &p.fds[i]; d.kind != kindFree {
			states = append(states, p.state(int32(i), d))
		}
	}
	return states
}

// state describes one descriptor.
func (p *Process) state(fd int32, d *descriptor) DescriptorState {
	s := DescriptorState{
		FD: fd, Kind: DescriptorKind(d.kind), Stream: int32(d.stream), Path: d.path,
		Access: d.access, Flags: d.flags, Rights: d.rights, Inheriting: d.inherit,
	}
	if d.kind != kindFile {
		return s
	}
	if d.dir {
		s.Kind = DescriptorDirectory
	} else {
		at, se := d.file.Seek(0, io.SeekCurrent)
		if se != 0 {
			s.Lost = "its offset is unknown: " + se.Error()
		}
		s.Offset = at
	}
	if s.Lost == "" {
		s.Lost = p.lost(d)
	}
	return s
}

// lost says why d.path would not lead to the open file again.
func (p *Process) lost(d *descriptor) string {
	open, se := d.file.Stat()
	if se != 0 {
		return "it cannot be examined: " + se.Error()
	}
	named, se := p.cfg.FS.Stat(d.path)
	switch {
	case se == sys.ENOENT:
		return "it has been removed"
	case se != 0:
		return "it cannot be found: " + se.Error()
	case open.Ino != named.Ino || open.Dev != named.Dev:
		return "another file has taken its place"
	}
	return ""
}

// ReopenError says which descriptor could not be opened again, and why.
type ReopenError struct {
	FD     int32
	Path   string
	Reason string
}

// Error implements error.
func (e *ReopenError) Error() string {
	return fmt.Sprintf("cannot reopen descriptor %d (%q): %s", e.FD, e.Path, e.Reason)
}

// Reopen replaces the descriptor table by the described one, as
// [Process.Descriptors] of another process returned it. Files are neither
// created nor truncated. The error is a [*ReopenError]; the process then has
// the descriptors of a fresh one.
func (p *Process) Reopen(states []DescriptorState) error {
	p.closeAll()
	for _, s := range states {
		if err := p.reopen(s); err != nil {
			p.Reset(p.cfg)
			return err
		}
	}
	return nil
}

// reopen enters one described descriptor. A state may come from a stored
// image, so it is checked like anything from outside.
func (p *Process) reopen(s DescriptorState) error {
	fail := func(reason string) error { return &ReopenError{FD: s.FD, Path: s.Path, Reason: reason} }
	switch {
	case s.FD < 0 || int(s.FD) >= p.cfg.MaxOpenFiles:
		return fail("its number is out of range")
	case int(s.FD) < len(p.fds) && p.fds[s.FD].kind != kindFree:
		return fail("its number is taken")
	case s.Lost != "":
		return fail(s.Lost)
	}
	d := descriptor{kind: kind(s.Kind), flags: s.Flags & fdflagsAll, rights: s.Rights, inherit: s.Inheriting}
	switch s.Kind {
	case DescriptorStream:
		if s.Stream < 0 || s.Stream > 2 {
			return fail("there is no such stream")
		}
		d.stream = int8(s.Stream)
		d.rights &= p.stream(d.stream).rights
	case DescriptorRoot:
		d.path, d.dir = rootPath, true
		d.rights, d.inherit = d.rights&rightsDir, d.inherit&(rightsDir|rightsFile)
	case DescriptorReserved, DescriptorSocket:
		// A socket does not live on: its number stays in use until the guest closes it.
		d.rights, d.inherit, d.flags = 0, 0, 0
	case DescriptorFile, DescriptorDirectory:
		if err := p.reopenFile(s, &d); err != nil {
			return err
		}
	default:
		return fail("its kind is unknown")
	}
	p.put(s.FD, d)
	return nil
}

// reopenFile opens a described file at its offset.
func (p *Process) reopenFile(s DescriptorState, d *descriptor) error {
	fail := func(reason string) error { return &ReopenError{FD: s.FD, Path: s.Path, Reason: reason} }
	if s.Access != sys.O_RDONLY && s.Access != sys.O_WRONLY && s.Access != sys.O_RDWR {
		return fail("its access mode is unknown")
	}
	d.kind, d.path, d.access = kindFile, s.Path, s.Access
	flags := openFlags(lookupFollow, 0, uint32(d.flags))
	if s.Kind == DescriptorDirectory {
		flags |= sys.O_DIRECTORY
	}
	if e := p.open(d, flags); e != success {
		return fail(e.Error())
	}
	switch {
	case d.dir != (s.Kind == DescriptorDirectory):
		_ = d.file.Close() // refused: only the reason matters
		return fail("it is a directory now")
	case d.dir:
		return nil
	}
	if _, se := d.file.Seek(s.Offset, io.SeekStart); se != 0 {
		_ = d.file.Close()
		return fail("cannot seek: " + se.Error())
	}
	return nil
}
