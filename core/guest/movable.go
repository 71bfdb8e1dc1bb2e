package guest

import (
	"fmt"

	"github.com/eryx-go/eryx/core/guest/wasip1"
)

// Immovable is why the guest's state could not be loaded elsewhere, nil when it could: an open file that has been
// deleted, a socket, or something else that is no file.
func (g *Guest) Immovable() error {
	descriptors := g.process.Descriptors()
	for _, d := range descriptors {
		if d.Kind == wasip1.DescriptorSocket {
			return fmt.Errorf("%w: descriptor %d is a socket, which would not live on", ErrImage, d.FD)
		}
	}
	return immovable(descriptors)
}

// immovable is why descriptors cannot be opened again. Sockets are closed where a state is loaded, which is no failure.

func immovable(descriptors []wasip1.DescriptorState) error {
	for _, d := range descriptors {
		if d.Lost != "" {
			return fmt.Errorf("%w: descriptor %d (%s) cannot be opened again: %s", ErrImage, d.FD, d.Path, d.Lost)
		}
		switch d.Kind {
		case wasip1.DescriptorStream, wasip1.DescriptorRoot, wasip1.DescriptorFile, wasip1.DescriptorDirectory,
			wasip1.DescriptorReserved, wasip1.DescriptorSocket:
		default:
			return fmt.Errorf("%w: descriptor %d is no file and cannot be opened again", ErrImage, d.FD)
		}
	}
	return nil
}
