// Package wasip1 is the host side of wasi_snapshot_preview1: the system calls
// with which the guest's libc reaches files, clocks, randomness and its own
// exit.
//
// All state of one guest lives in a [Process], a plain Go object outside the
// wazero module instance. So an instance can be recycled ([Process.Reset]),
// and a guest can be forked or imaged ([Process.Descriptors],
// [Process.Reopen]), without touching the module. The host module is
// registered once per runtime ([Instantiate]) and finds the calling guest's
// Process in the context of the call ([WithProcess]). Why this is not wazero's
// own implementation: docs/decisions/0003-own-wasi.md.
//
// Everything that a guest passes is hostile: pointers, lengths, counts,
// descriptors, flags, cookies. Each is checked before use, a bad one is an
// errno, and nothing is allocated in proportion to a number of the guest's.
//
// The filesystem is given as one [sys.FS], which this package hands paths that
// are relative to its root (the root itself is "."), as the guest wrote them:
// with "..", double and trailing slashes. The sys.FS walks them and keeps ".."
// inside its root. A raw sysfs.DirFS does not, so it must not be used here
// outside of tests.
package wasip1
