package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/eryx-go/eryx/core"
)

// networkOptions is what the command line says of the network and of secrets.
type networkOptions struct {
	net     bool
	hosts   []string
	roots   []string // files
	secrets []core.Secret
}

// config is the network that is granted; nil for none.
func (n *networkOptions) config() (*core.NetConfig, error) {
	if !n.net && len(n.hosts) == 0 {
		if len(n.secrets) > 0 || len(n.roots) > 0 {
			return nil, errors.New("--secret and --root-cert want --net or --allow-host")
		}
		return nil, nil
	}
	config := core.NetConfig{}
	for _, host := range n.hosts {
		config = config.AllowHost(host)
		config.AllowedNetworks = append(config.AllowedNetworks, namedNetworks(host)...)
	}
	for _, name := range n.roots {
		certificate, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the root certificate: %w", err)
		}
		config = config.WithRootCert(certificate)
	}
	return &config, core.CheckNetwork(config)
}

// namedNetworks are the addresses that a rule for hosts names outright. They may be ones that are not public: who writes
// an address, or localhost, means it; a name is nobody's promise of where it leads.
func namedNetworks(rule string) []string {
	host := rule
	if _, rest, ok := strings.Cut(rule, "://"); ok {
		host = rest
	}
	if name, _, _ := strings.Cut(strings.ToLower(host), ":"); name == "localhost" {
		return []string{"127.0.0.0/8", "::1"}
	}
	bare, _, bracket := strings.Cut(strings.TrimPrefix(host, "["), "]")
	if !bracket && strings.Count(host, ":") == 1 {
		bare, _, _ = strings.Cut(host, ":")
	}
	if _, err := netip.ParseAddr(bare); err == nil {
		return []string{rule}
	}
	if _, err := netip.ParsePrefix(bare); err == nil {
		return []string{rule}
	}
	return nil
}

// secretsFlag collects secrets: NAME[=VARIABLE]@HOST[,HOST...], whose value is the variable of our own environment, so
// that it stands in no command line.
type secretsFlag struct{ list *[]core.Secret }

// Type implements pflag.Value.
func (secretsFlag) Type() string   { return "secret" }
func (secretsFlag) String() string { return "" }
func (f secretsFlag) Set(text string) error {
	left, hosts, ok := strings.Cut(text, "@")
	name, variable, given := strings.Cut(left, "=")
	if !given {
		variable = name
	}
	if !ok || name == "" || variable == "" || hosts == "" {
		return errors.New("want NAME[=VARIABLE]@HOST[,HOST...]")
	}
	value, set := os.LookupEnv(variable)
	if !set {
		return fmt.Errorf("the environment variable %s is not set", variable)
	}
	*f.list = append(*f.list, core.Secret{Name: name, Value: value, AllowedHosts: strings.Split(hosts, ",")})
	return nil
}
