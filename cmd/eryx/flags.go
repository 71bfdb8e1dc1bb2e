package main

import (
	"errors"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core"
)

// The types of this file are pflag.Values; what the help says of them is in help.

// secondsFlag is a time in seconds; 0 switches the limit off.
type secondsFlag struct{ d *time.Duration }

// Type implements pflag.Value, as do the next methods.
func (secondsFlag) Type() string   { return "seconds" }
func (secondsFlag) String() string { return "" }
func (f secondsFlag) Set(text string) error {
	seconds, err := parseNumber(text)
	if err != nil {
		return err
	}
	if seconds == 0 {
		*f.d = core.Unlimited
		return nil
	}
	*f.d = max(1, time.Duration(seconds*float64(time.Second)))
	return nil
}

// countFlag is a whole number; 0 switches the limit off.
type countFlag struct{ n *int64 }

// Type implements pflag.Value.
func (countFlag) Type() string   { return "count" }
func (countFlag) String() string { return "" }
func (f countFlag) Set(text string) error {
	n, err := parseCount(text)
	*f.n = orUnlimited(n)
	return err
}

// bytesFlag is a size; 0 switches the limit off.
type bytesFlag struct{ n *int64 }

// Type implements pflag.Value.
func (bytesFlag) Type() string   { return "bytes" }
func (bytesFlag) String() string { return "" }
func (f bytesFlag) Set(text string) error {
	n, err := parseBytes(text)
	*f.n = orUnlimited(n)
	return err
}

func orUnlimited(n int64) int64 {
	if n == 0 {
		return core.Unlimited
	}
	return n
}

// volumesFlag collects volumes.
type volumesFlag struct{ list *[]core.Volume }

// Type implements pflag.Value.
func (volumesFlag) Type() string   { return "volume" }
func (volumesFlag) String() string { return "" }
func (f volumesFlag) Set(text string) error {
	v, err := parseVolume(text)
	if err == nil {
		*f.list = append(*f.list, v)
	}
	return err
}

// envFlag collects environment variables.
type envFlag struct{ env map[string]string }

// Type implements pflag.Value.
func (envFlag) Type() string   { return "variable" }
func (envFlag) String() string { return "" }
func (f envFlag) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || strings.ContainsRune(text, 0) {
		return errors.New("want NAME=VALUE")
	}
	f.env[name] = value
	return nil
}
