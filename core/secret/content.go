package secret

// content masks matches in a body whose content is interrupted by the framing of chunks. It holds back what may be the
// beginning of a match, with the framing in between.
type content struct {
	m       *matcher
	least   int // fewer bytes are not held back, but remembered
	pending []byte
	text    []byte // the content in pending, behind what was shown of a possible match
	place   []int  // where in pending each byte of text is; -1: shown already
}

// maxContent is how much is held back at most, in bytes; a peer that makes it more hides nothing by it but itself.
const maxContent = 1 << 20

// write takes a span, and gives it where there is nothing to decide.
func (c *content) write(p []byte, isText bool) []byte {
	if len(c.pending) == 0 && !isText {
		return p
	}
	if isText {
		for i := range p {
			c.place = append(c.place, len(c.pending)+i)
		}
		c.text = append(c.text, p...)
	}
	c.pending = append(c.pending, p...)
	if len(c.pending) < maxContent {
		return nil
	}
	return c.decide(true)
}

// sofar gives what is decided of all that was written.
func (c *content) sofar() []byte { return c.decide(false) }

// end gives all: nothing follows.
func (c *content) end() []byte { return c.decide(true) }

func (c *content) decide(everything bool) []byte {
	decided := c.maskAll()
	held := c.m.tail(c.text[decided:])
	if everything {
		held = 0
	}
	cut := len(c.pending)
	if first := len(c.text) - held; held >= max(1, c.least) && c.place[first] >= 0 {
		cut = c.place[first]
	} else if held >= max(1, c.least) {
		cut = c.firstPending()
	}
	shown := c.pending[:cut:cut]
	c.pending = append([]byte(nil), c.pending[cut:]...)
	c.text = append([]byte(nil), c.text[len(c.text)-held:]...)
	places := c.place[len(c.place)-held:]
	c.place = make([]int, held)
	for i, at := range places {
		c.place[i] = max(-1, at-cut)
	}
	return shown
}

// maskAll masks what matches, and returns where in text the last match ends.
func (c *content) maskAll() (decided int) {
	for {
		start, end := c.m.find(c.text[decided:])
		if start < 0 {
			return decided
		}
		match := c.text[decided+start : decided+end]
		for i, b := range c.m.replace(match) {
			at := decided + start + i
			c.text[at] = b
			if c.place[at] >= 0 {
				c.pending[c.place[at]] = b
			}
		}
		decided += end
	}
}

// firstPending is where in pending the first byte of text is that was not shown.
func (c *content) firstPending() int {
	for _, at := range c.place {
		if at >= 0 {
			return at
		}
	}
	return len(c.pending)
}
