package core

import "github.com/eryx-go/eryx/core/guestnet"

// The network of a sandbox. Without a NetConfig there is none: every attempt of the program's is a PermissionError.
type (
	// NetConfig grants the network, under rules. Its zero value lets the program connect by TCP to every host whose
	// address is public. See there for its rules and its methods AllowHost, BlockHost, AllowNetwork,
	// AllowInternalHost, AllowLocalhost and WithRootCert.
	NetConfig = guestnet.Config
	// NetAttempt is a connection that a program wants, as NetConfig.OnConnect sees it.
	NetAttempt = guestnet.Attempt
	// NetEvent is one step of a program's on the network, as NetConfig.OnEvent sees it.
	NetEvent = guestnet.Event
	// ClientCertificate is what TLS connections show to certain servers.
	ClientCertificate = guestnet.ClientCertificate
)

// PermissiveNet is a NetConfig that reaches everything, the host's own services included.
func PermissiveNet() NetConfig { return guestnet.Permissive() }

// NonPublicNetworks is what NetConfig.BlockedNetworks is when it is nil.
func NonPublicNetworks() []string { return guestnet.NonPublicNetworks() }

// CheckNetwork reports what of a network makes no sense, nil if it is fine.
func CheckNetwork(c NetConfig) error {
	_, err := newPolicy(&c)
	return err
}

// PrivateHosts are patterns, such as "localhost" and "10.*", for hosts that BlockedNetworks of a network refuses without
// exception. The error is that of CheckNetwork.
func PrivateHosts(c NetConfig) ([]string, error) {
	policy, err := newPolicy(&c)
	if err != nil {
		return nil, err
	}
	return policy.PrivateHosts(), nil
}

// newPolicy checks a network and makes the policy of it; nil of nil.
func newPolicy(c *NetConfig) (*guestnet.Policy, error) {
	if c == nil {
		return nil, nil
	}
	policy, err := guestnet.NewPolicy(*c)
	if err != nil {
		return nil, invalid("%v", err)
	}
	return policy, nil
}

// NetEventClose is the kind of a NetEvent that has counts of bytes.
const NetEventClose = guestnet.EventClose
