// Package wheel reads Python packages for the guest: wheels, source distributions of pure Python, archives
// and directories, from files or from memory ([Open], [Parse]); merges them into one read-only site-packages
// directory ([NewSite]); and has the host's own pip fetch what requirements name ([Resolve]).
//
// A package is untrusted data. It is never run on the host, a path in it that leads outside is refused and so
// are links, and what it may unpack to is bounded.
package wheel
