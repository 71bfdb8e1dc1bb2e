//go:build unix

package main

import (
	"os"
	"syscall"
	"time"
)

// openTerminal opens the terminal for what the program reads. A read of it is abandoned when the program is
// interrupted, so that it does not take the user's next line; where the system cannot do that, it is an error.
func openTerminal() (*os.File, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := f.SetReadDeadline(time.Time{}); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
