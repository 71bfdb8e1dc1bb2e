package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// sink passes output of the script on and keeps the first error.
type sink struct {
	to     io.Writer
	err    error
	inLine *bool // the last byte of all sinks that share it was no line feed
}

// newSinks makes the sinks for standard output and standard error. One that is a terminal is written to
// through a screen.
func newSinks() (stdout, stderr *sink) {
	inLine := new(bool)
	sinkFor := func(file *os.File) *sink {
		if term.IsTerminal(int(file.Fd())) {
			return &sink{to: &screen{to: file}, inLine: inLine}
		}
		return &sink{to: file, inLine: inLine}
	}
	return sinkFor(os.Stdout), sinkFor(os.Stderr)
}

func (s *sink) write(text []byte) {
	if s.err != nil || len(text) == 0 {
		return
	}
	*s.inLine = text[len(text)-1] != '\n'
	_, s.err = s.to.Write(text)
}
