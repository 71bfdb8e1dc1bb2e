package core

import (
	"sync/atomic"

	"github.com/eryx-go/eryx/core/guest"
)

// imageOwner closes a factory's image when nobody can start from it any more: the factory, its sandboxes and
// their sessions each hold it.
type imageOwner struct {
	guests *guest.Runtime
	image  *guest.Image
	holds  atomic.Int64
}

// newImageOwner owns image, held once.
func newImageOwner(guests *guest.Runtime, image *guest.Image) *imageOwner {
	o := &imageOwner{guests: guests, image: image}
	o.holds.Store(1)
	return o
}

// tryHold keeps the image until a release; false when it is gone already. nil is fine.
func (o *imageOwner) tryHold() bool {
	if o == nil {
		return true
	}
	for {
		n := o.holds.Load()
		if n <= 0 {
			return false
		}
		if o.holds.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives up one hold; the last one frees the image and the idle guests that were made of it.
func (o *imageOwner) release() {
	if o != nil && o.holds.Add(-1) == 0 {
		o.guests.Forget(o.image)
		_ = o.image.Close() // memory of the process's own; nothing is lost
	}
}
