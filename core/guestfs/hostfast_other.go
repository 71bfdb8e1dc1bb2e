//go:build !linux

package guestfs

import (
	"io/fs"
	"os"

	wazerosys "github.com/tetratelabs/wazero/sys"
)

// fastDir is what only Linux has; elsewhere there is never one.
type fastDir struct{}

func newFastDir(*os.Root) *fastDir { return nil }

func (d *fastDir) close() {}

func (d *fastDir) open(string, int, fs.FileMode) (*os.File, error) { return nil, fs.ErrInvalid }

func (d *fastDir) lstat(string) (wazerosys.Stat_t, error) { return wazerosys.Stat_t{}, fs.ErrInvalid }
