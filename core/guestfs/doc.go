// Package guestfs holds every filesystem that a guest can see: the composed
// root ([Namespace]), files in memory ([MemFS], and [Storage] for the host's
// side of it), archives ([ArchiveFS]), directories and files of the host ([Volume]), a
// copy-on-write layer over any of them ([NewCow]) and any Go fs.FS ([AdaptFS]).
//
// # The contract between a Namespace and what is mounted in it
//
// All paths are walked by the Namespace: it alone knows "..", trailing slashes
// and symbolic links, because a link may lead into another mount. A mounted
// [sys.FS] is given clean paths relative to its root, which itself is ".",
// and never follows a link: when it meets one before the end of a path, or at
// the end in an operation that would follow it, it answers ELOOP. The
// Namespace then finds the link, replaces it by its target and asks again. So
// the common path without links is walked once, inside the filesystem and
// under its own lock. A foreign sys.FS that follows links by itself can be
// mounted too; its links then cannot leave it.
//
// Everything that comes from the guest is hostile: names, offsets, lengths,
// flags. A bad one is an errno. Nothing is allocated in proportion to a number
// of the guest's that is not first counted against a limit.
//
// A filesystem may be used by many goroutines at once, an opened [sys.File]
// by one at a time.
package guestfs
