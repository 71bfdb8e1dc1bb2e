package ops

import "github.com/eryx-go/eryx/core"

const (
	networkFields = "max_connections connect_timeout_ms io_timeout_ms allowed_hosts blocked_hosts blocked_networks allowed_networks " +
		"internal_hosts allowed_ports blocked_ports listen udp root_certificates no_system_roots client_certificates allow_insecure_tls " +
		"max_bytes_up max_bytes_down dns_cache_ms fetch no_sockets on_connect"
	certificateFields = "certificate key hosts"
	secretFields      = "name value allowed_hosts"
	scrubFields       = "stdout stderr files result"
)

// readNetwork reads the field "network": nil when there is none, and then there is no network.
func (s *Service) readNetwork(parent fields) (*core.NetConfig, error) {
	if parent.m["network"] == nil {
		return nil, nil
	}
	f, err := parent.mapping("network")
	if err == nil {
		err = f.only("network", networkFields)
	}
	if err != nil {
		return nil, err
	}
	c := &core.NetConfig{}
	for _, read := range []func(fields, *core.NetConfig) error{readNetHosts, readNetNumbers, readNetTimes, readNetFlags, readNetCertificates} {
		if err := read(f, c); err != nil {
			return nil, err
		}
	}
	asks, err := f.flag("on_connect")
	if asks {
		c.OnConnect = s.askConnect
	}
	return c, err
}

func readNetHosts(f fields, c *core.NetConfig) (err error) {
	for name, to := range map[string]*[]string{
		"allowed_hosts": &c.AllowedHosts, "blocked_hosts": &c.BlockedHosts, "blocked_networks": &c.BlockedNetworks,
		"allowed_networks": &c.AllowedNetworks, "internal_hosts": &c.InternalHosts, "allowed_ports": &c.AllowedPorts,
		"blocked_ports": &c.BlockedPorts, "listen": &c.Listen,
	} {
		if *to, err = f.texts(name); err != nil {
			return err
		}
	}
	if c.BlockedNetworks == nil && f.m["blocked_networks"] != nil {
		c.BlockedNetworks = []string{} // none, instead of the default
	}
	return nil
}

// readNetNumbers reads what is counted. 0 of max_connections is none, as pyeryx has it, and so is -1.
func readNetNumbers(f fields, c *core.NetConfig) error {
	connections, err := f.integer("max_connections")
	if err != nil {
		return err
	}
	if c.MaxConnections = int(connections); f.m["max_connections"] != nil && connections == 0 {
		c.MaxConnections = core.Unlimited
	}
	for name, to := range map[string]*int64{"max_bytes_up": &c.MaxBytesUp, "max_bytes_down": &c.MaxBytesDown} {
		if *to, err = f.integer(name); err != nil {
			return err
		}
		if *to == core.Unlimited {
			*to = 0
		}
	}
	return nil
}

func readNetTimes(f fields, c *core.NetConfig) (err error) {
	if c.ConnectTimeout, err = f.milliseconds("connect_timeout_ms"); err != nil {
		return err
	}
	if c.IOTimeout, err = f.milliseconds("io_timeout_ms"); err != nil {
		return err
	}
	c.DNSCacheTime, err = f.milliseconds("dns_cache_ms")
	return err
}

func readNetFlags(f fields, c *core.NetConfig) (err error) {
	for name, to := range map[string]*bool{
		"udp": &c.UDP, "no_system_roots": &c.NoSystemRoots, "allow_insecure_tls": &c.AllowInsecureTLS, "fetch": &c.Fetch,
		"no_sockets": &c.NoSockets,
	} {
		if *to, err = f.flag(name); err != nil {
			return err
		}
	}
	return nil
}

func readNetCertificates(f fields, c *core.NetConfig) error {
	roots, err := f.list("root_certificates")
	if err != nil {
		return err
	}
	for _, v := range roots {
		certificate, ok := v.([]byte)
		if !ok {
			return badField("root_certificates", "a list of bytes", v)
		}
		c.RootCertificates = append(c.RootCertificates, certificate)
	}
	return f.each("client_certificates", certificateFields, func(item fields) error {
		var client core.ClientCertificate
		if client.Certificate, err = get[[]byte](item, "certificate", "bytes"); err != nil {
			return err
		}
		if client.Key, err = get[[]byte](item, "key", "bytes"); err != nil {
			return err
		}
		if client.Hosts, err = item.texts("hosts"); err != nil {
			return err
		}
		c.ClientCertificates = append(c.ClientCertificates, client)
		return nil
	})
}

// readSecrets reads the secrets and what is scrubbed of them.
func readSecrets(f fields, c *core.Config) error {
	err := f.each("secrets", secretFields, func(item fields) error {
		var secret core.Secret
		var err error
		if secret.Name, err = item.text("name"); err != nil {
			return err
		}
		if secret.Value, err = item.text("value"); err != nil {
			return err
		}
		if secret.AllowedHosts, err = item.texts("allowed_hosts"); err != nil {
			return err
		}
		c.Secrets = append(c.Secrets, secret)
		return nil
	})
	if err != nil {
		return err
	}
	if c.RedactResponses, err = f.flag("redact_responses"); err != nil {
		return err
	}
	scrub, err := f.mapping("scrub")
	if err == nil {
		err = scrub.only("scrub", scrubFields)
	}
	if err != nil {
		return err
	}
	for name, to := range map[string]*bool{"stdout": &c.Scrub.KeepStdout, "stderr": &c.Scrub.KeepStderr, "files": &c.Scrub.KeepFiles} {
		wanted, err := scrub.flag(name)
		if err != nil {
			return err
		}
		*to = scrub.m[name] != nil && !wanted
	}
	c.Scrub.Result, err = scrub.flag("result")
	return err
}

// networkCheck says whether a network makes sense, and answers {"blocked_networks": what it blocks, "private_hosts": patterns
// for hosts in there}.
func networkCheck(s *Service, r *request) (map[string]any, error) {
	f, err := r.fields.mapping("config")
	if err == nil {
		err = f.only("config", "network")
	}
	if err != nil {
		return nil, err
	}
	c, err := s.readNetwork(f)
	if err != nil || c == nil {
		return nil, err
	}
	private, err := core.PrivateHosts(*c)
	if err != nil {
		return nil, err
	}
	blocked := c.BlockedNetworks
	if blocked == nil {
		blocked = core.NonPublicNetworks()
	}
	return map[string]any{"blocked_networks": blocked, "private_hosts": private}, nil
}
