package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/eryx-go/eryx/core"
)

// maxSource is the longest program that is read, in bytes.
const maxSource = 64 << 20

// program is what to run.
type program struct {
	source   string
	filename string   // in tracebacks
	args     []string // sys.argv
	stdin    io.Reader
}

// program finds the program that the command line names.
func (o *options) program() (*program, error) {
	var p *program
	var err error
	switch {
	case o.hasCode:
		p = &program{source: o.code, filename: "<string>", args: append([]string{"-c"}, o.operands...), stdin: os.Stdin}
	case len(o.operands) == 0:
		p, err = fromStdin([]string{"-"})
	case o.operands[0] == "-":
		p, err = fromStdin(o.operands)
	default:
		p, err = fromFile(o.operands)
	}
	if err != nil {
		return nil, err
	}
	p.source = strings.TrimPrefix(p.source, "\ufeff") // a byte order mark of an editor's
	return p, nil
}

// fromStdin reads the program from standard input, which is empty for the program then.
func fromStdin(args []string) (*program, error) {
	source, err := readSource(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("read the script from standard input: %w", err)
	}
	return &program{source: source, filename: "<stdin>", args: args}, nil
}

func fromFile(args []string) (*program, error) {
	f, err := os.Open(args[0])
	if err != nil {
		return nil, fmt.Errorf("open the script: %w", err)
	}
	defer f.Close()
	source, err := readSource(f)
	if err != nil {
		return nil, fmt.Errorf("read the script: %w", err)
	}
	return &program{source: source, filename: args[0], args: args, stdin: os.Stdin}, nil
}

func readSource(r io.Reader) (string, error) {
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(r, maxSource+1))
	if err != nil {
		return "", err
	}
	if n > maxSource {
		return "", errors.New("it is longer than 64 MiB")
	}
	return b.String(), nil
}

// config is what the options and the program say of the sandbox.
func (o *options) config(p *program) core.Config {
	return core.Config{Limits: o.limits(), Args: p.args, Env: o.env, Volumes: o.volumes, Stdin: p.stdin, Network: o.granted, Secrets: o.network.secrets}
}
