package core

import (
	"context"
	"slices"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/wheel"
)

// Package is a Python package that programs may import: a wheel, a source distribution of pure Python, a
// .tar.gz of what belongs into site-packages, or a directory. Wheels for another platform or another Python,
// links, and paths that lead outside are refused.
type Package struct {
	// Path is the file or directory on the host. A directory is read when the sandbox, session or factory is
	// made; later changes are not seen.
	Path string
	// Data is the file's content instead; Path then is only its name, and may be "". It must not be changed.
	Data []byte
	// Format says what Data is; by default its name or its first bytes tell.
	Format wheel.Format
	// DropNative takes a wheel built for some platform without its machine code, for packages that work
	// without it, such as markupsafe and pyyaml.
	DropNative bool
}

// PackagePaths is the packages at paths of the host.
func PackagePaths(paths ...string) []Package {
	packages := make([]Package, len(paths))
	for i, path := range paths {
		packages[i].Path = path
	}
	return packages
}

// open reads the package.
func (p Package) open() (*wheel.Package, error) {
	options := wheel.Options{DropNative: p.DropNative}
	if p.Data != nil {
		return wheel.Parse(p.Path, p.Data, p.Format, options)
	}
	return wheel.Open(p.Path, options)
}

// openSite merges packages; nil for none.
func (rt *Runtime) openSite(packages []Package) (*wheel.Site, error) {
	if len(packages) == 0 {
		return nil, nil
	}
	opened := make([]*wheel.Package, len(packages))
	for i, p := range packages {
		var err error
		if opened[i], err = p.open(); err != nil {
			return nil, failure(CodeInitialization, "open a package: %w", err)
		}
	}
	site, err := wheel.NewSite(opened)
	if err != nil {
		return nil, failure(CodeInitialization, "merge the packages: %w", err)
	}
	rt.compileFor(site)
	return site, nil
}

// origin is what sessions start from: an image, packages, and files. It is immutable and shared.
type origin struct {
	image *guest.Image
	sites []*wheel.Site // merged packages, each a directory of sys.path
	data  *guestfs.Storage
	tmp   *guestfs.Storage // what /data and /tmp hold at first; nil for nothing
	owner *imageOwner      // of a factory's image; nil for the runtime's own
}

// root is the origin of sessions that have no factory.
func (rt *Runtime) root() *origin { return &origin{image: rt.image} }

// resolveTimeout bounds how long the requirements of a sandbox or session may take to be fetched.
const resolveTimeout = 5 * time.Minute

// withConfig is o with the packages and requirements of a configuration.
func (o *origin) withConfig(rt *Runtime, config Config) (*origin, error) {
	packages := config.Packages
	if len(config.Requirements) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
		defer cancel()
		resolved, err := ResolveRequirements(ctx, config.Requirements, config.Resolve)
		if err != nil {
			return nil, err
		}
		packages = append(slices.Clip(packages), resolved...)
	}
	return o.with(rt, packages)
}

// with is o with more packages.
func (o *origin) with(rt *Runtime, packages []Package) (*origin, error) {
	site, err := rt.openSite(packages)
	if err != nil || site == nil {
		return o, err
	}
	extended := *o
	extended.sites = append(append([]*wheel.Site(nil), o.sites...), site)
	return &extended, nil
}

const sitePath = "/usr/lib/python3.14/site-packages"

// paths is where the sites are mounted.
func (o *origin) paths() []string {
	var paths []string
	for i := range o.sites {
		path := sitePath
		if i > 0 {
			path += "-" + string(rune('0'+i)) // a factory's, and a session's own
		}
		paths = append(paths, path)
	}
	return paths
}

// mount makes the packages visible in root.
func (o *origin) mount(root *guestfs.Namespace) error {
	for i, path := range o.paths() {
		if err := root.Mount(path, o.sites[i].FS(), guestfs.MountOptions{}); err != nil {
			return failure(CodeInternal, "mount the packages: %w", err)
		}
	}
	return nil
}

// fill gives a new session's files what the origin has.
func (o *origin) fill(f *files) {
	if o.data != nil {
		guestfs.StorageOf(f.data).Become(o.data.Fork())
	}
	if o.tmp != nil {
		guestfs.StorageOf(f.tmp).Become(o.tmp.Fork())
	}
}

// ResolveRequirements has the host's own pip choose and fetch wheels for requirements such as "jinja2>=3" and
// all that they need, into a cache with a lock file of hashes. Only pure-Python wheels are taken, and nothing of
// a package runs on the host. pip judges markers such as sys_platform by the host's Python. Errors:
// CodeInitialization, with what pip said.
func ResolveRequirements(ctx context.Context, requirements []string, config wheel.ResolveConfig) ([]Package, error) {
	resolved, err := wheel.Resolve(ctx, requirements, config)
	if err != nil {
		if ctx.Err() != nil {
			return nil, &Error{Code: CodeCancelled, Message: "cancelled while fetching packages", Cause: ctx.Err()}
		}
		return nil, failure(CodeInitialization, "fetch the requirements: %w", err)
	}
	packages := make([]Package, len(resolved))
	for i, r := range resolved {
		packages[i] = Package{Path: r.Path, DropNative: r.DropNative}
	}
	return packages, nil
}
