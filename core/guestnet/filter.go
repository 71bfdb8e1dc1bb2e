package guestnet

// Channel is whom a connection of the guest's leads to, as the host knows it.
type Channel struct {
	Peer
	// TLS says that the connection is one, whose plain text is filtered. Where the guest carries the bytes itself, there is
	// no address, and Names is what the peer has proven to be, or was to prove.
	TLS bool
	// Verified says that the peer of TLS has proven, to the host and by the host's roots, that it is Names[0].
	Verified bool
}

// Filter changes the plain text of one connection. Its methods for sending and those for receiving may be used by two
// goroutines. Results may alias the argument.
type Filter interface {
	// Outgoing takes what the guest sends and gives what is to be sent for it so far. An error is final.
	Outgoing(p []byte) ([]byte, error)
	// Reading says that the guest waits for an answer, and gives what must not be held back any longer.
	Reading() []byte
	// EndOutgoing says that the guest sends nothing more, and gives what was held back.
	EndOutgoing() []byte
	// Incoming takes what was received and gives what the guest may see so far.
	Incoming(p []byte) []byte
	// EndIncoming gives what was held back when the peer has sent its last.
	EndIncoming() []byte
}

// FilterFunc makes the filter of a connection that the guest has made; nil for none.
type FilterFunc func(Channel) Filter
