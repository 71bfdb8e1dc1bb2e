package main

import (
	"os"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/eryx-go/eryx/core"
)

// options is the command line.
type options struct {
	code     string
	hasCode  bool
	timeout  time.Duration
	memory   int64
	output   int64
	fuel     int64
	volumes  []core.Volume
	packages []string // paths
	with     []string // requirements
	env      map[string]string
	mcp      mcpOptions
	network  networkOptions
	granted  *core.NetConfig // what network says
	json     bool
	version  bool
	operands []string // the script and its arguments; with -c only those
}

// help is the usage text; a test compares it with the options.
const help = `Run untrusted Python in a sandbox. It sees no file, network or variable that is not granted.

  eryx [option...] SCRIPT.py [argument...]
  eryx [option...] -c CODE [option...] [argument...]
  eryx [option...] - [argument...]            the script is standard input
  eryx [option...]                            interactive, on a terminal
  eryx serve [option...]                      an MCP server on standard input and output

  -c, --code CODE                run CODE
      --timeout SECONDS          stop the script after SECONDS; 0: no limit (default 30)
      --max-memory BYTES         memory for the script, as 64M or 1G; 0: no limit (default 128M)
      --max-output BYTES         stop a script that writes more; 0: no limit (default 8M)
      --fuel N                   stop a script after N loop iterations of machine code; 0: no limit (default 0)
  -v, --volume SRC:DST[:MODE]    show a directory or file of the host to the script; MODE is rw (the default:
                                 it may change it), ro, or cow: changes are for the script alone
  -e, --env NAME=VALUE           set an environment variable of the script
  -p, --package PATH             let the script import a wheel, a source archive, or what is in a directory
  -w, --with REQUIREMENT         the same for a package from PyPI, as 'jinja2>=3', with all that it needs
      --mcp                      let the script call tools of the MCP servers that other programs have configured
      --mcp-config FILE          the same of the servers of a configuration file
      --net                      let the script reach every host whose address is public
      --allow-host HOST          let it reach the hosts that fit and no others: a name, in which * stands for any
                                 characters, an address, 10.0.0.0/8, or localhost; perhaps with a port, HOST:443
      --secret NAME[=VAR]@HOST[,HOST...]
                                 let it send the value of the environment variable VAR (or NAME) to HOST, in HTTP
                                 headers, without seeing it: the script's variable NAME has a placeholder
      --root-cert FILE           trust a certificate authority, beside the system's
      --json                     print one JSON object: output, result, error, figures
      --version                  print the version
  -h, --help                     print this text

Exit codes: 0; the script's own (sys.exit); 1 it failed; 2 usage; 124 timeout; 130 interrupted.
`

// parseOptions reads the command line.
func parseOptions(arguments []string) (*options, error) {
	o := &options{env: map[string]string{}}
	f := o.flagSet()
	if err := f.Parse(arguments); err != nil {
		return nil, err
	}
	o.hasCode = f.Changed("code")
	o.operands = f.Args()
	var err error
	o.granted, err = o.network.config()
	return o, err
}

// flagSet defines the options and sets their defaults.
func (o *options) flagSet() *pflag.FlagSet {
	f := pflag.NewFlagSet("eryx", pflag.ContinueOnError)
	f.Usage = func() {}
	f.SetInterspersed(false) // what follows the script is the script's
	defaults := core.DefaultLimits()
	o.timeout, o.memory, o.output, o.fuel = defaults.ExecutionTimeout, defaults.MaxMemoryBytes, defaults.MaxOutputBytes, core.Unlimited

	f.StringVarP(&o.code, "code", "c", "", "")
	f.Var(secondsFlag{&o.timeout}, "timeout", "")
	f.Var(bytesFlag{&o.memory}, "max-memory", "")
	f.Var(countFlag{&o.fuel}, "fuel", "")
	f.Var(bytesFlag{&o.output}, "max-output", "")
	f.VarP(volumesFlag{&o.volumes}, "volume", "v", "")
	f.VarP(envFlag{o.env}, "env", "e", "")
	f.StringArrayVarP(&o.packages, "package", "p", nil, "")
	f.StringArrayVarP(&o.with, "with", "w", nil, "")
	o.mcp.define(f)
	f.BoolVar(&o.network.net, "net", false, "")
	f.StringArrayVar(&o.network.hosts, "allow-host", nil, "")
	f.Var(secretsFlag{&o.network.secrets}, "secret", "")
	f.StringArrayVar(&o.network.roots, "root-cert", nil, "")
	f.BoolVar(&o.json, "json", false, "")
	f.BoolVar(&o.version, "version", false, "")
	return f
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
