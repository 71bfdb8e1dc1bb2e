package wasip1

import (
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/eryx-go/eryx/core/guestfs"
)

// TestFilesystemErrors holds this package and guestfs, which cannot import it,
// to one convention for the errors that wazero lacks.
func TestFilesystemErrors(t *testing.T) {
	for _, pair := range [][2]sys.Errno{
		{guestfs.ErrnoBase, ErrnoBase}, {guestfs.EBUSY, EBUSY}, {guestfs.EFBIG, EFBIG}, {guestfs.EMFILE, EMFILE},
		{guestfs.EMLINK, EMLINK}, {guestfs.ENOSPC, ENOSPC}, {guestfs.ENXIO, ENXIO}, {guestfs.ESTALE, ESTALE}, {guestfs.EXDEV, EXDEV},
	} {
		if pair[0] != pair[1] {
			t.Errorf("guestfs says %#x, wasip1 %#x", uint16(pair[0]), uint16(pair[1]))
		}
	}
}
