package guest

import (
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/eryx-go/eryx/core/wire"
)

// decodeExtensions reads the list of extension modules, as decodeDescriptors does.
func (s *State) decodeExtensions(b []byte) error {
	if err := wire.Validate(b, wire.Limits{Depth: 3, Items: 4 * maxExtensions}); err != nil {
		return fmt.Errorf("its extension modules: %w", err)
	}
	if err := msgpack.Unmarshal(b, &s.extensions); err != nil {
		return fmt.Errorf("its extension modules: %w", err)
	}
	return validRecords(s.extensions)
}

// decodeDescriptors reads the table of open files. The bytes may be anybody's: msgpack only sees what Validate
// has passed.
func (s *State) decodeDescriptors(b []byte) error {
	if err := wire.Validate(b, wire.Limits{Depth: 4, Items: 1 << 16}); err != nil {
		return fmt.Errorf("its open files: %w", err)
	}
	if err := msgpack.Unmarshal(b, &s.descriptors); err != nil {
		return fmt.Errorf("its open files: %w", err)
	}
	return nil
}
