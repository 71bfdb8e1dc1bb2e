// Command eryx runs untrusted Python 3.14 in a WebAssembly sandbox. See README.md.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Exit codes of the command's own; a script's sys.exit code is passed on instead.
const (
	exitOK          = 0
	exitFailed      = 1   // the script failed: an exception, a limit
	exitUsage       = 2   // the command line makes no sense
	exitTimeout     = 124 // as of timeout(1)
	exitInterrupted = 130 // 128 + SIGINT, as of a shell
)

// version is set by the build: go build -ldflags "-X main.version=1.2.3".
var version string

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is the whole command; it returns the exit code.
func run(arguments []string) int {
	serving := len(arguments) > 0 && arguments[0] == "serve"
	if serving {
		arguments = arguments[1:]
	}
	o, err := parseOptions(arguments)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		_, _ = io.WriteString(os.Stdout, help)
		return exitOK
	case err != nil:
		return usageError(err)
	case o.version:
		_, _ = io.WriteString(os.Stdout, versionText()+"\n")
		return exitOK
	}
	if serving {
		return runServer(o)
	}
	if o.interactive() {
		return runInteractive(o)
	}
	p, err := o.program()
	if err != nil {
		return usageError(err)
	}
	return runProgram(o, p)
}

func usageError(err error) int {
	say("%v", err)
	say("try 'eryx --help'")
	return exitUsage
}

// say writes a line of the command's own to standard error.
func say(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "eryx: "+format+"\n", values...)
}
