package core

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/wheel"
)

// FactoryConfig says what a Factory prepares.
type FactoryConfig struct {
	// Packages are what programs may import.
	Packages []Package
	// Requirements are packages to be fetched, such as "jinja2>=3", with what they need; see ResolveRequirements.
	Requirements []string
	// Resolve says how Requirements are fetched.
	Resolve wheel.ResolveConfig
	// Imports are modules that are imported once, now: "jinja2", "os.path".
	Imports []string
	// SetupCode runs once, now, after the imports. Its globals are those of every sandbox and session; so are
	// the files that it leaves in /data and /tmp. Files and sockets that it leaves open are closed for them.
	SetupCode string
	// Callbacks are what SetupCode may await.
	Callbacks []Callback
	// Libraries are what Imports and SetupCode may use. As callbacks, they are not part of the factory: give them to
	// what it makes, too.
	Libraries []Library
	// Limits of the imports and of SetupCode, each; default as for a session, but 5 minutes and 1 GiB.
	Limits Limits
}

// Factory makes sandboxes and sessions that begin where its imports and set-up code ended, in no more time than
// others. Each has a copy of its own. A factory may be used by many goroutines, and what it made outlives it.
type Factory struct {
	rt      *Runtime
	origin  *origin
	closed  atomic.Bool
	cleanup runtime.Cleanup
}

const (
	buildTimeout     = 5 * time.Minute
	buildMemoryBytes = 1 << 30
	// roomBytes is what a program of a factory may use beside the factory's image, at least, by default.
	roomBytes = 64 << 20
)

var moduleName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$`)

// NewFactory fetches, opens and imports what config asks for. Errors: CodeInitialization, with Python where an
// import or the set-up code raised an exception; CodeInvalid; CodeCancelled.
func (rt *Runtime) NewFactory(ctx context.Context, config FactoryConfig) (*Factory, error) {
	for _, name := range config.Imports {
		if !moduleName.MatchString(name) {
			return nil, invalid("%q is not the name of a module", name)
		}
	}
	packages := config.Packages
	if len(config.Requirements) > 0 {
		resolved, err := ResolveRequirements(ctx, config.Requirements, config.Resolve)
		if err != nil {
			return nil, err
		}
		packages = append(append([]Package(nil), packages...), resolved...)
	}
	limits := config.Limits.over(Limits{ExecutionTimeout: buildTimeout, MaxMemoryBytes: buildMemoryBytes})
	o, err := rt.root().with(rt, packages)
	if err != nil {
		return nil, err
	}
	s, err := rt.newSession(Config{Callbacks: config.Callbacks, Libraries: config.Libraries, Limits: limits}, o)
	if err != nil {
		return nil, err
	}
	defer rt.closeSoon(s)
	if err := s.setUp(ctx, config); err != nil {
		return nil, err
	}
	extended, err := s.extend()
	if err != nil {
		return nil, err
	}
	return newFactory(rt, extended), nil
}

// newFactory is the factory of origin, whose owner it is from now on.
func newFactory(rt *Runtime, origin *origin) *Factory {
	f := &Factory{rt: rt, origin: origin}
	f.cleanup = runtime.AddCleanup(f, (*imageOwner).release, origin.owner)
	return f
}

// setUp runs the imports and the set-up code.
func (s *Session) setUp(ctx context.Context, config FactoryConfig) error {
	var imports strings.Builder
	for _, name := range config.Imports {
		fmt.Fprintf(&imports, "__import__(%q)\n", name) // a call, which binds no name
	}
	for _, step := range []struct{ what, file, code string }{
		{"imports", "<imports>", imports.String()},
		{"set-up code", "<setup>", config.SetupCode},
	} {
		if step.code == "" && !s.isFresh() {
			continue // but the first execution, an empty one too, begins the guest's life: it extends sys.path
		}
		_, err := s.Execute(ctx, step.code, WithFilename(step.file))
		if err == nil {
			continue
		}
		var e *Error
		if errors.As(err, &e) && (e.Code == CodeInvalid || e.Code == CodeCancelled) {
			return err
		}
		wrapped := failure(CodeInitialization, "the factory's %s failed: %w", step.what, err)
		if e != nil {
			wrapped.Python, wrapped.Limit = e.Python, e.Limit
		}
		return wrapped
	}
	return nil
}

// isFresh reports that the session has executed nothing yet.
func (s *Session) isFresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh
}

// closeSoon closes a session that runs nothing and is nobody else's, while the caller goes on.
func (rt *Runtime) closeSoon(s *Session) {
	rt.closing.Go(func() { _ = s.Close() }) // never fails
}

// extend is the origin of sessions that begin where s is now. s is of no use afterwards but to be closed.
func (s *Session) extend() (*origin, error) {
	if err := s.acquire(context.Background()); err != nil {
		return nil, err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	defer s.mu.Unlock()
	image, err := s.guest.ExtendImage(guest.Limits{Timeout: bound(s.limits.ExecutionTimeout)})
	s.dead = failure(CodeClosed, "the session has become a factory's image")
	if err != nil {
		return nil, failure(CodeInitialization, "take the factory's image: %w", err)
	}
	o := *s.origin
	o.image, o.owner = image, newImageOwner(s.rt.guests, image)
	o.data, o.tmp = keptFiles(s.files.data), keptFiles(s.files.tmp)
	return &o, nil
}

// keptFiles is a copy of what is in m, nil for nothing.
func keptFiles(m *guestfs.MemFS) *guestfs.Storage {
	if m.Usage().Files == 0 {
		return nil
	}
	return guestfs.StorageOf(m.Fork())
}

// NewSandbox makes a sandbox; config is as for Runtime.NewSandbox, its packages are added to the factory's.
// By default the memory limit leaves at least 64 MiB beside the factory's image.
func (f *Factory) NewSandbox(config Config) (*Sandbox, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(f) // its hold of the image, until the sandbox has one
	return f.origin.newSandbox(f.rt, f.origin.adjust(config))
}

// NewSession starts a session; config is as for NewSandbox.
func (f *Factory) NewSession(config Config) (*Session, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(f)
	return f.origin.newSession(f.rt, f.origin.adjust(config))
}

// NewSessionFrom starts a session from an image that Session.Snapshot returned for a session of this factory,
// or of one that was loaded from the same file.
func (f *Factory) NewSessionFrom(image []byte, config Config) (*Session, error) {
	s, err := f.NewSession(config)
	if err != nil {
		return nil, err
	}
	if err := s.Restore(image); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// adjust makes room for programs beside a large image.
func (o *origin) adjust(config Config) Config {
	if config.Limits.MaxMemoryBytes == 0 {
		config.Limits.MaxMemoryBytes = max(DefaultLimits().MaxMemoryBytes, o.image.SizeBytes()+roomBytes)
	}
	return config
}

func (f *Factory) check() error {
	if f.closed.Load() {
		return failure(CodeClosed, "the factory is closed")
	}
	return nil
}

// SizeBytes is the memory that the factory holds in bytes: the image, shared by all that start from it, and the
// packed packages.
func (f *Factory) SizeBytes() int64 {
	n := f.origin.image.SizeBytes()
	for _, site := range f.origin.sites {
		n += int64(len(site.Archive()))
	}
	return n
}

// Close lets go of the image. Sandboxes and sessions go on, and can still be used; the memory is freed with the
// last of them. Closing again does nothing.
func (f *Factory) Close() error {
	if f.closed.CompareAndSwap(false, true) {
		f.cleanup.Stop()
		f.origin.owner.release()
	}
	return nil
}
