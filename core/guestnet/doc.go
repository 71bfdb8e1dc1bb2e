// Package guestnet is the network of a guest: the policy that decides what it may reach, name resolution, and the
// sockets behind the guest's libc. It knows nothing of WebAssembly: core/guest copies bytes and calls it.
//
// Everything that comes from the guest is hostile. The one decision that counts is made on the address that is
// dialled (Policy.Dial); what a name resolves to is looked up on the host and never taken from the guest.
package guestnet
