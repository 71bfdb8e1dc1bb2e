package core

import "github.com/eryx-go/eryx/core/secret"

// capture keeps what an execution writes, up to its limit. It is used on the guest's goroutine only.
type capture struct {
	limit     int64 // bytes of both streams together; 0: none
	used      int64
	text      [2][]byte
	truncated [2]bool
	handlers  [2]func([]byte)
	overflow  func()              // called once, when the limit is passed
	scrub     [2]*secret.Scrubber // nil: output stays as it is
}

// write takes p, written to descriptor fd (1 or 2).
func (c *capture) write(fd int, p []byte) {
	if fd != 1 && fd != 2 {
		return
	}
	if s := c.scrub[fd-1]; s != nil {
		p = s.Write(p)
	}
	c.keep(fd, p)
}

// end takes what the scrubbers have held back.
func (c *capture) end() {
	for i, s := range c.scrub {
		if s != nil {
			c.keep(i+1, s.Flush())
		}
	}
}

// keep keeps p, of descriptor fd, and hands it to the stream's handler.
func (c *capture) keep(fd int, p []byte) {
	stream := fd - 1
	if c.limit > 0 && c.used+int64(len(p)) > c.limit {
		p = p[:max(0, c.limit-c.used)]
		if !c.truncated[stream] {
			c.truncated[stream] = true
			c.overflow()
		}
	}
	if len(p) == 0 {
		return
	}
	c.used += int64(len(p))
	c.text[stream] = append(c.text[stream], p...)
	if h := c.handlers[stream]; h != nil {
		protect(func() { h(p) })
	}
}

// protect keeps a panic of the caller's own function from unwinding the guest.
func protect(f func()) {
	defer func() { _ = recover() }()
	f()
}
