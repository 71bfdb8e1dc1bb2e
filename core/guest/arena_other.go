//go:build !linux

package guest

import "errors"

// arenaFile is the shared memory of layers, which other systems do without: every guest copies.
type arenaFile struct{}

var arena arenaFile

var errNoArena = errors.New("no shared memory on this system")

func (arenaFile) take(uint64) (span, error)  { return span{}, errNoArena }
func (arenaFile) give(span)                  {}
func (arenaFile) write([]byte, uint64) error { return errNoArena }
func (arenaFile) read([]byte, uint64) error  { return errNoArena }
