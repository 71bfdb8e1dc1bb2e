package guest

import (
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/eryx-go/eryx/core/guest/wasip1"
	"github.com/eryx-go/eryx/core/wire"
)

// decodeDescriptors reads the table of open files. The bytes may be anybody's: msgpack only sees what Validate
// has passed.
func decodeDescriptors(b []byte, into *[]wasip1.DescriptorState) error {
	if err := wire.Validate(b, wire.Limits{Depth: 4, Items: 1 << 16}); err != nil {
		return fmt.Errorf("its open files: %w", err)
	}
	if err := msgpack.Unmarshal(b, into); err != nil {
		return fmt.Errorf("its open files: %w", err)
	}
	return nil
}
