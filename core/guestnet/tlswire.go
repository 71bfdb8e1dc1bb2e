package guestnet

import (
	"io"
	"net"
	"sync"
	"time"
)

// memoryConn is the wire under a TLS engine: what the guest received from its peer and hands in, and what it is to
// send. While the handshake runs, on a goroutine of its own, Read waits for more; afterwards it never does.
type memoryConn struct {
	mu      sync.Mutex
	changed sync.Cond
	in      []byte
	ended   bool // the peer sends nothing more
	sawEnd  bool // and the engine knows
	closed  bool
	waits   bool // Read is to wait
	starved bool // Read does wait
	out     []byte
}

// Bounds of what one engine holds of the wire, in bytes. A handshake's largest message has 64 KiB and more of
// certificates.
const (
	maxWireIn  = 128 << 10
	maxWireOut = 256 << 10
)

// wouldBlock makes crypto/tls keep its state and try again later.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "more data is needed" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

func newMemoryConn() *memoryConn {
	c := &memoryConn{}
	c.changed.L = &c.mu
	return c
}

// feed takes what was received, as much as there is room for.
func (c *memoryConn) feed(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), maxWireIn-len(c.in))
	if n > 0 {
		c.in = append(c.in, p[:n]...)
		c.starved = false
		c.changed.Broadcast()
	}
	return n
}

// end says that the peer sends nothing more.
func (c *memoryConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.starved = true, false
	c.changed.Broadcast()
}

// take gives what is to be sent.
func (c *memoryConn) take(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.out)
	if c.out = c.out[n:]; len(c.out) == 0 {
		c.out = nil
	}
	return n
}

// passOn has send take what is to be sent, or a part of it.
func (c *memoryConn) passOn(send func([]byte) (int, Errno)) Errno {
	c.mu.Lock()
	out := c.out
	c.mu.Unlock()
	n, errno := send(out) // only appended to meanwhile
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out = c.out[n:]; len(c.out) == 0 {
		c.out = nil
	}
	return errno
}

// room is how much feed takes.
func (c *memoryConn) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maxWireIn - len(c.in)
}

// pending is how many bytes are to be sent.
func (c *memoryConn) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out)
}

// Read implements net.Conn.
func (c *memoryConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case len(c.in) > 0:
			n := copy(p, c.in)
			if c.in = c.in[n:]; len(c.in) == 0 {
				c.in = nil
			}
			return n, nil
		case c.ended:
			c.sawEnd = true
			return 0, io.EOF
		case !c.waits:
			return 0, wouldBlock{}
		}
		c.starved = true
		c.changed.Broadcast()
		c.changed.Wait()
	}
}

// Write implements net.Conn.
func (c *memoryConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

// Close implements net.Conn.
func (c *memoryConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr              { return memoryAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return memoryAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
