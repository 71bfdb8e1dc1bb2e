//go:build !unix

package main

import (
	"errors"
	"os"
)

// openTerminal fails: a read could not be abandoned here, and would take the user's next line.
func openTerminal() (*os.File, error) {
	return nil, errors.New("the terminal cannot be read and interrupted on this system")
}
