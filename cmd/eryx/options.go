package main

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/eryx-go/eryx/core"
)

// options is the command line.
type options struct {
	flags *pflag.FlagSet

	code     string
	hasCode  bool
	timeout  time.Duration
	memory   int64
	output   int64
	fuel     int64
	volumes  []core.Volume
	env      map[string]string
	json     bool
	version  bool
	operands []string // the script and its arguments; with -c only those
}

// parseOptions reads the command line. On error o.flags can be used for the usage text.
func parseOptions(arguments []string) (o *options, err error) {
	o = &options{env: map[string]string{}}
	f := pflag.NewFlagSet("eryx", pflag.ContinueOnError)
	o.flags = f
	f.Usage = func() {}
	f.SortFlags = false
	f.SetInterspersed(false) // what follows the script is the script's
	defaults := core.DefaultLimits()
	o.timeout, o.memory, o.output, o.fuel = defaults.ExecutionTimeout, defaults.MaxMemoryBytes, defaults.MaxOutputBytes, core.Unlimited

	f.StringVarP(&o.code, "code", "c", "", "run `CODE`")
	f.Var(&secondsFlag{&o.timeout}, "timeout", "stop the script after `SECONDS`; 0: no limit")
	f.Var(&bytesFlag{&o.memory}, "max-memory", "memory for the script in `BYTES`, as 64M or 1G; 0: no limit")
	f.Var(&fuelFlag{&o.fuel}, "fuel", "CPU budget in `N` loop iterations of machine code; 0: no limit")
	f.Var(&bytesFlag{&o.output}, "max-output", "stop a script that writes more `BYTES`; 0: no limit")
	f.VarP(&volumesFlag{&o.volumes}, "volume", "v", "show a directory or file of the host to the script:\n`SRC:DST[:ro|:rw]`, read-only unless :rw")
	f.VarP(&envFlag{o.env}, "env", "e", "set an environment variable of the script: `NAME=VALUE`")
	f.BoolVar(&o.json, "json", false, "print one JSON object with output, result and figures")
	f.BoolVar(&o.version, "version", false, "print the version")
	if err := f.Parse(arguments); err != nil {
		return o, err
	}
	o.hasCode = f.Changed("code")
	o.operands = f.Args()
	return o, nil
}

func usage(f *pflag.FlagSet) string {
	return `Run untrusted Python in a sandbox. It sees no file, network or variable that is not granted.

  eryx [options] SCRIPT.py [ARGUMENT...]
  eryx [options] -c CODE [ARGUMENT...]
  eryx [options] - [ARGUMENT...]          the script is standard input
  eryx [options]                          interactive, on a terminal

` + f.FlagUsages() + `  -h, --help                         print this text

Exit codes: 0, the script's own (sys.exit), 1 it failed, 2 usage, 124 timeout, 130 interrupted.
`
}

// interactive says that a prompt is wanted: no program is given, and there is somebody to ask for one.
func (o *options) interactive() bool {
	return !o.hasCode && (len(o.operands) == 0 || o.operands[0] == "-") && !o.json && term.IsTerminal(int(os.Stdin.Fd()))
}

// limits is what the options say of limits.
func (o *options) limits() core.Limits {
	return core.Limits{
		ExecutionTimeout: o.timeout,
		MaxMemoryBytes:   o.memory,
		MaxOutputBytes:   o.output,
		MaxFuel:          o.fuel,
		OutputOverflow:   core.OutputFail,
	}
}

// secondsFlag is a time in seconds; 0 switches the limit off.
type secondsFlag struct{ d *time.Duration }

func (f *secondsFlag) Type() string { return "seconds" }
func (f *secondsFlag) String() string {
	return fmt.Sprint(f.d.Seconds())
}
func (f *secondsFlag) Set(text string) error {
	seconds, err := parseNumber(text)
	if err != nil {
		return err
	}
	*f.d = time.Duration(seconds * float64(time.Second))
	if seconds == 0 {
		*f.d = core.Unlimited
	} else if *f.d <= 0 {
		return fmt.Errorf("too little")
	}
	return nil
}

// fuelFlag is a count; 0 switches the limit off.
type fuelFlag struct{ n *int64 }

func (f *fuelFlag) Type() string { return "count" }
func (f *fuelFlag) String() string {
	return unlimitedOr(*f.n, fmt.Sprint)
}
func (f *fuelFlag) Set(text string) error {
	var err error
	*f.n, err = parseCount(text)
	return err
}

// bytesFlag is a size; 0 switches the limit off.
type bytesFlag struct{ n *int64 }

func (f *bytesFlag) Type() string { return "bytes" }
func (f *bytesFlag) String() string {
	return unlimitedOr(*f.n, func(v ...any) string { return formatBytes(v[0].(int64)) })
}
func (f *bytesFlag) Set(text string) error {
	n, err := parseBytes(text)
	if n == 0 {
		n = core.Unlimited
	}
	*f.n = n
	return err
}

// unlimitedOr formats n; pflag shows no default for "".
func unlimitedOr(n int64, format func(...any) string) string {
	if n == core.Unlimited || n == math.MaxInt64 {
		return ""
	}
	return format(n)
}

// volumesFlag collects volumes.
type volumesFlag struct{ list *[]core.Volume }

func (f *volumesFlag) Type() string   { return "volume" }
func (f *volumesFlag) String() string { return "" }
func (f *volumesFlag) Set(text string) error {
	v, err := parseVolume(text)
	if err == nil {
		*f.list = append(*f.list, v)
	}
	return err
}

// envFlag collects environment variables.
type envFlag struct{ env map[string]string }

func (f *envFlag) Type() string   { return "variable" }
func (f *envFlag) String() string { return "" }
func (f *envFlag) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || strings.ContainsRune(text, 0) {
		return fmt.Errorf("want NAME=VALUE")
	}
	f.env[name] = value
	return nil
}
