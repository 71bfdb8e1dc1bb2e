package secret

// content masks matches in a body whose content is interrupted by the framing of chunks. It holds back what may be the
// beginning of a match, with the framing in between.
type content struct {
	m       *matcher
	pending []byte
	text    []byte // the content in pending
	place   []int  // where in pending each byte of text is
}

// maxContent is how much is held back at most, in bytes; a peer that makes it more hides nothing by it but itself.
const maxContent = 1 << 20

// write takes a span and gives what is decided.
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
	if !isText && len(c.pending) < maxContent {
		return nil
	}
	return c.decide(len(c.pending) >= maxContent)
}

// end gives all: nothing follows.
func (c *content) end() []byte { return c.decide(true) }

func (c *content) decide(everything bool) []byte {
	decided := 0
	for {
		start, end := c.m.find(c.text[decided:])
		if start < 0 {
			break
		}
		match := c.text[decided+start : decided+end]
		for i, b := range c.m.replace(match) {
			c.text[decided+start+i] = b
			c.pending[c.place[decided+start+i]] = b
		}
		decided += end
	}
	cut := len(c.pending)
	held := c.m.tail(c.text[decided:])
	if everything {
		held = 0
	}
	if held > 0 {
		cut = c.place[len(c.text)-held]
	}
	shown := c.pending[:cut:cut]
	c.pending = append([]byte(nil), c.pending[cut:]...)
	c.text = append([]byte(nil), c.text[len(c.text)-held:]...)
	places := c.place[len(c.place)-held:]
	c.place = make([]int, held)
	for i, at := range places {
		c.place[i] = at - cut
	}
	return shown
}
