package core

import (
	"strings"

	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/guestnet"
	"github.com/eryx-go/eryx/core/secret"
)

// Secret is a value that a program may send to certain hosts without ever seeing it: its environment has a placeholder
// instead, which the host replaces, in header values of HTTP/1.x requests only. AllowedHosts are rules as in
// NetConfig.AllowedHosts; none stand for that list, and if it is empty too, for any host.
type Secret = secret.Secret

// Scrubbing says where placeholders of secrets become "[REDACTED]". Errors, traces and the arguments of callbacks
// always are scrubbed, if there are secrets; by its zero value output and files are too, and results are not.
type Scrubbing struct {
	// KeepStdout, KeepStderr and KeepFiles leave placeholders in output, and in the files below /data and /tmp.
	KeepStdout, KeepStderr, KeepFiles bool
	// Result scrubs the result variable, and what functions of the program return.
	Result bool
}

// newSecrets checks the secrets of c and draws their placeholders; nil for none.
func newSecrets(c *Config) (*secret.Set, error) {
	options := secret.Options{Rule: secretRule, Redact: c.RedactResponses}
	if c.Network != nil {
		options.DefaultHosts = c.Network.AllowedHosts
	}
	set, err := secret.NewSet(c.Secrets, options)
	if err != nil {
		return nil, invalid("%w", err)
	}
	return set, checkSecretNames(set, c.Env)
}

// checkSecretNames refuses variables that are secrets already.
func checkSecretNames(set *secret.Set, env map[string]string) error {
	for name := range set.Env() {
		if _, taken := env[name]; taken {
			return invalid("the environment variable %q is given twice: as a secret and in Env", name)
		}
	}
	return nil
}

// masks overwrites placeholders in files; nil when they may stay.
func (c *Config) masks() *guestfs.Mask {
	if c.secrets == nil || c.Scrub.KeepFiles {
		return nil
	}
	return &guestfs.Mask{Bytes: secret.PlaceholderBytes, Apply: c.secrets.Mask}
}

// secretRule reads a rule for hosts. Where the port is not known, which is so when the guest carries the bytes of a
// verified TLS connection itself, the host decides.
func secretRule(text string) (secret.Rule, error) {
	rule, err := guestnet.ParseHostRule("AllowedHosts", text)
	if err != nil {
		return nil, err
	}
	return func(host string, port uint16) bool {
		if port == 0 {
			return rule.MatchesHost(host)
		}
		return rule.Matches(host, port)
	}, nil
}

// filters is what the guest's connections go through, nil without secrets.
func (c *Config) filters() guestnet.FilterFunc {
	set := c.secrets
	if set == nil {
		return nil
	}
	return func(channel guestnet.Channel) guestnet.Filter {
		if channel.Accepted {
			return nil
		}
		requests := set.Requests(secretTarget(channel))
		return &secretFilter{requests, requests.Replies()}
	}
}

const unverifiedPeer = "the server has not proven its name to the host: the verification of certificates is off, or the program trusts an authority of its own"

// secretTarget is the channel as secrets see it.
func secretTarget(channel guestnet.Channel) secret.Target {
	target := secret.Target{Port: channel.Address.Port()}
	for _, host := range channel.Names {
		target.Hosts = append(target.Hosts, guestnet.Normalize(host))
	}
	if channel.Address.IsValid() {
		target.Hosts = append(target.Hosts, channel.Address.Addr().Unmap().String())
	}
	if channel.TLS && !channel.Verified {
		target.Denied = unverifiedPeer
	}
	return target
}

// secretFilter is guestnet.Filter for secrets.
type secretFilter struct {
	requests *secret.Requests
	replies  *secret.Replies // nil without redaction
}

func (f *secretFilter) Outgoing(p []byte) ([]byte, error) { return f.requests.Write(p) }
func (f *secretFilter) Reading() []byte                   { return f.requests.Reading() }
func (f *secretFilter) EndOutgoing() []byte               { return f.requests.End() }

func (f *secretFilter) Incoming(p []byte) []byte {
	if f.replies == nil {
		return p
	}
	return f.replies.Read(p)
}

func (f *secretFilter) EndIncoming() []byte {
	if f.replies == nil {
		return nil
	}
	return f.replies.End()
}

var _ guestnet.Filter = (*secretFilter)(nil)

// scrubError removes placeholders from an error of an execution, in place.
func (c *Config) scrubError(e *Error) {
	if c.secrets == nil || e == nil {
		return
	}
	e.Message = c.secrets.Text(e.Message)
	if p := e.Python; p != nil {
		p.Type, p.Message, p.Traceback = c.secrets.Text(p.Type), c.secrets.Text(p.Message), c.secrets.Text(p.Traceback)
		for i, f := range p.Frames {
			p.Frames[i].File, p.Frames[i].Function, p.Frames[i].Source = c.secrets.Text(f.File), c.secrets.Text(f.Function), c.secrets.Text(f.Source)
		}
	}
}

// scrubResult removes placeholders from what the program leaves, where that is asked for.
func (c *Config) scrubResult(r *Result) {
	if c.secrets == nil || !c.Scrub.Result {
		return
	}
	r.JSONError = c.secrets.Text(r.JSONError)
	r.Value = c.secrets.Value(r.Value)
	if strings.Contains(string(r.JSON), secret.Prefix) {
		r.JSON = c.secrets.Bytes(r.JSON)
	}
}

// scrubEvent removes placeholders from a trace event.
func scrubEvent(set *secret.Set, e *TraceEvent) {
	if set == nil {
		return
	}
	e.File, e.Function, e.Message, e.Callback = set.Text(e.File), set.Text(e.Function), set.Text(e.Message), set.Text(e.Callback)
	e.Arguments = set.Bytes(e.Arguments)
}

// scrubbers are what output goes through.
func (c *Config) scrubbers() (s [2]*secret.Scrubber) {
	if !c.Scrub.KeepStdout {
		s[0] = c.secrets.Scrubber()
	}
	if !c.Scrub.KeepStderr {
		s[1] = c.secrets.Scrubber()
	}
	return s
}
