package guestnet

import (
	"slices"
	"strings"
	"testing"
)

// samples are names and addresses that each pattern of PrivateHosts is about.
func samples(pattern string) (names []string, address string) {
	switch pattern {
	case "localhost":
		return []string{"localhost"}, "127.0.0.1:80"
	case "*.localhost":
		return []string{"db.localhost"}, "127.0.0.1:80"
	case "[::1]":
		return nil, "[::1]:80"
	}
	return nil, strings.TrimSuffix(pattern, "*") + strings.Repeat("7.", 3-strings.Count(pattern, ".")) + "9:80"
}

func TestPrivateHosts(t *testing.T) {
	all := mustPolicy(t, Config{}).PrivateHosts()
	if len(all) != 23 || all[0] != "localhost" || all[22] != "[::1]" {
		t.Fatalf("%d patterns: %v", len(all), all)
	}
	loopback := []string{"localhost", "*.localhost", "127.*", "[::1]"}
	for name, c := range map[string]struct {
		config Config
		hidden []string
	}{
		"default":             {Config{}, nil},
		"permissive":          {Permissive(), all},
		"localhost":           {Config{}.AllowLocalhost(), loopback},
		"network":             {Config{}.AllowNetwork("10.0.0.0/8"), []string{"10.*"}},
		"part of a network":   {Config{}.AllowNetwork("172.20.1.1"), []string{"172.20.*"}},
		"all":                 {Config{}.AllowNetwork("0.0.0.0/0"), slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "[::1]" })},
		"port of a network":   {Config{}.AllowNetwork("10.0.0.0/8:443"), []string{"10.*"}},
		"internal name":       {Config{}.AllowInternalHost("db.internal"), nil},
		"internal localhost":  {Config{}.AllowInternalHost("localhost"), []string{"localhost"}},
		"internal below":      {Config{}.AllowInternalHost("db.localhost:80"), []string{"*.localhost"}},
		"internal address":    {Config{}.AllowInternalHost("127.0.0.1"), []string{"localhost", "*.localhost", "127.*"}},
		"internal pattern":    {Config{}.AllowInternalHost("127.0.*"), []string{"localhost", "*.localhost", "127.*"}},
		"internal everything": {Config{}.AllowInternalHost("*"), all},
		"one network":         {Config{BlockedNetworks: []string{"10.0.0.0/8"}}, slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "10.*" })},
		"half a network":      {Config{BlockedNetworks: []string{"10.0.0.0/9"}}, all},
		"ports of a network":  {Config{BlockedNetworks: []string{"10.0.0.0/8:1-100"}}, all},
	} {
		policy := mustPolicy(t, c.config)
		shown := policy.PrivateHosts()
		want := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(c.hidden, s) })
		if !slices.Equal(shown, want) {
			t.Errorf("%s: %v, want %v", name, shown, want)
		}
		for _, pattern := range shown {
			names, address := samples(pattern)
			if policy.Dial("tcp", names, addr(address)) == nil {
				t.Errorf("%s: %s is shown, but %s can be reached", name, pattern, address)
			}
		}
	}
}
