package wasip1

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	defaultMaxOpenFiles = 256
	defaultMaxIOBytes   = 16 << 20
)

// Config is what one guest is given. The zero value gives nothing: no files,
// no input, output thrown away. Functions are called on the goroutine that
// runs the guest, while it waits for the answer.
type Config struct {
	// FS is the root filesystem, seen as "/" through descriptor 3.
	FS sys.FS
	// Args is the command line, Args[0] the program's name.
	Args []string
	// Env holds the environment, each entry "NAME=value".
	Env []string
	// Stdin is descriptor 0; nil is empty. Its Read should not block, because
	// it cannot be interrupted; one that blocks implements [ContextReader].
	Stdin io.Reader
	// Output gets every write to standard output (1) and error (2). p is the
	// guest's memory and is only valid during the call: copy it. All of p is
	// taken, or an error is returned.
	Output func(fd int32, p []byte) sys.Errno
	// Wait sleeps for d, or returns EINTR early when the execution is
	// interrupted. With d == 0 it only asks whether it has been; a negative d
	// never passes by itself.
	Wait func(ctx context.Context, d time.Duration) sys.Errno
	// Random is the source of random_get; nil is crypto/rand.
	Random io.Reader
	// WallClock is the time since 1970, UTC; nil is the host's clock. The
	// guest sees it rounded down to a microsecond.
	WallClock func() (sec int64, nsec int32)
	// Monotonic is a time in nanoseconds that never goes back; nil is the
	// time since the process began. Rounded like WallClock.
	Monotonic func() int64
	// Exit is called by proc_exit and must not return: it panics to unwind
	// the guest. Nil panics with wazero's sys.ExitError.
	Exit func(code uint32)
	// MaxOpenFiles bounds the descriptor numbers, standard streams and root
	// included; 0 is 256. Beyond it the guest sees EMFILE.
	MaxOpenFiles int
	// MaxIOBytes bounds what one read or write moves, so that a call ends
	// soon; 0 is 16 MiB. Beyond it the transfer is short, as POSIX allows.
	MaxIOBytes int
}

// ContextReader is a Stdin that may block. ctx is the context of the guest's
// call; when it is done, ReadContext returns its error and the guest EINTR. So
// it is for the error EINTR of package experimental/sys.
type ContextReader interface {
	ReadContext(ctx context.Context, p []byte) (int, error)
}

// Process is the WASI state of one guest: arguments, environment, descriptors,
// clocks. It is not safe for concurrent use: one goroutine runs a guest.
type Process struct {
	cfg  Config
	fds  []descriptor // by number
	free int          // no number below it is free

	failures uint32 // calls that have failed
}

// NewProcess makes the state of a fresh guest: the three standard streams and
// the root directory as descriptor 3.
func NewProcess(cfg Config) *Process {
	p := &Process{fds: make([]descriptor, 0, 16)}
	p.Reset(cfg)
	return p
}

// Reset closes everything that is open and starts anew with cfg, as
// NewProcess does, but keeps what is allocated. A recycled guest gets its
// process in well under a microsecond.
func (p *Process) Reset(cfg Config) {
	p.closeAll()
	p.cfg = cfg
	p.setDefaults()
	p.fds = append(p.fds, p.stream(0), p.stream(1), p.stream(2), descriptor{
		kind: kindRoot, dir: true, path: rootPath, rights: rightsDir, inherit: rightsDir | rightsFile,
	})
	p.free = len(p.fds)
}

// Close closes every descriptor and lets go of the filesystem, the input and
// the output, so that an idle instance keeps nothing of its last guest alive.
// The process can only be Reset afterwards.
func (p *Process) Close() {
	p.closeAll()
	c := &p.cfg
	c.FS, c.Stdin, c.Output, c.Args, c.Env = sys.UnimplementedFS{}, nil, discard, nil, nil
}

func (p *Process) setDefaults() {
	c := &p.cfg
	if c.FS == nil {
		c.FS = sys.UnimplementedFS{}
	}
	if c.Output == nil {
		c.Output = discard
	}
	if c.Wait == nil {
		c.Wait = sleep
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.WallClock == nil {
		c.WallClock = hostWallClock
	}
	if c.Monotonic == nil {
		start := time.Now()
		c.Monotonic = func() int64 { return int64(time.Since(start)) }
	}
	if c.MaxOpenFiles <= 0 {
		c.MaxOpenFiles = defaultMaxOpenFiles
	}
	c.MaxOpenFiles = max(c.MaxOpenFiles, firstFree)
	if c.MaxIOBytes <= 0 {
		c.MaxIOBytes = defaultMaxIOBytes
	}
	c.MaxIOBytes = min(c.MaxIOBytes, 1<<30)
}

func discard(int32, []byte) sys.Errno { return 0 }

func hostWallClock() (sec int64, nsec int32) {
	now := time.Now()
	return now.Unix(), int32(now.Nanosecond())
}

// sleep is Config.Wait where none is given: only ctx interrupts it.
func sleep(ctx context.Context, d time.Duration) sys.Errno {
	if ctx.Err() != nil {
		return sys.EINTR
	}
	if d == 0 {
		return 0
	}
	var elapsed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		elapsed = timer.C
	}
	select {
	case <-ctx.Done():
		return sys.EINTR
	case <-elapsed:
		return 0
	}
}

// checkpoint asks in the middle of a long call whether to give up.
func (p *Process) checkpoint(c call) errno { return toErrno(p.cfg.Wait(c.ctx, 0)) }
