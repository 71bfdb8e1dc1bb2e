package guest

import (
	"encoding/binary"
	"errors"

	"github.com/eryx-go/eryx/core/guestnet"
	"github.com/eryx-go/eryx/core/wire"
)

// The TLS connections of _eryx_tls; see wasm/guest/shim/tls.c.

const (
	errnoAccess = 2  // WASI EACCES
	errnoBadf   = 8  // WASI EBADF
	errnoInval  = 28 // WASI EINVAL
	errnoMfile  = 33 // WASI EMFILE
	errnoNoSpc  = 51 // WASI ENOSPC
)

// Questions of tls_ask, shared with wasm/guest/lib/_eryx_ssl.
const (
	tlsAskPolicy      = iota // {"insecure": bool}, or EACCES without a network
	tlsAskFailure            // of a connection
	tlsAskInfo               // about a connection after its handshake
	tlsAskCertificate        // what is in a certificate, DER; {} if it is none
	tlsAskPair               // whether PEM, in msgpack [chain, key], is a pair: "" or why not
	tlsAskCiphers            // all cipher suites
)

// maxTLSOptions is the longest message of options: a guest may trust many roots of its own.
const maxTLSOptions = 8 << 20

func hostTLSOpen(g *Guest, stack []uint64) {
	message, ok := g.bytes(uint32(stack[0]), uint32(stack[1]))
	out, ok2 := g.bytes(uint32(stack[2]), uint32(stack[3]))
	length, ok3 := g.bytes(uint32(stack[4]), 4)
	switch {
	case !ok || !ok2 || !ok3:
		stack[0] = negative(errnoFault)
		return
	case g.tlsTable() == nil:
		stack[0] = negative(errnoAccess)
		return
	case len(message) > maxTLSOptions:
		stack[0] = negative(errnoInval)
		return
	}
	options, err := readTLSOptions(message)
	if err != nil {
		stack[0] = negative(errnoInval)
		return
	}
	handle, err := g.tls.Open(options)
	var failure *guestnet.TLSFailure
	switch {
	case errors.Is(err, guestnet.ErrTLSCount):
		stack[0] = negative(errnoMfile)
	case errors.As(err, &failure):
		n := copyWhole(out, encodeFailure(failure))
		binary.LittleEndian.PutUint32(length, uint32(n))
		stack[0] = 0
	case err != nil:
		stack[0] = negative(errnoInval)
	default:
		stack[0] = uint64(uint32(handle))
	}
}

// copyWhole copies a message if there is room for all of it.
func copyWhole(out, message []byte) int {
	if len(message) > len(out) {
		return 0
	}
	return copy(out, message)
}

func hostTLSStep(g *Guest, stack []uint64) {
	in, ok := g.bytes(uint32(stack[2]), uint32(stack[3]))
	out, ok2 := g.bytes(uint32(stack[4]), uint32(stack[5]))
	result, ok3 := g.bytes(uint32(stack[6]), 12)
	if !ok || !ok2 || !ok3 {
		stack[0] = negative(errnoFault)
		return
	}
	if g.tlsTable() == nil {
		stack[0] = negative(errnoBadf)
		return
	}
	step, err := g.tls.Step(int32(stack[0]), int32(stack[1]), in, out)
	switch {
	case errors.Is(err, guestnet.ErrTLSHandle):
		stack[0] = negative(errnoBadf)
		return
	case err != nil:
		stack[0] = negative(errnoInval)
		return
	}
	for i, v := range []int{step.Consumed, step.Produced, step.Pending} {
		binary.LittleEndian.PutUint32(result[4*i:], uint32(v))
	}
	stack[0] = uint64(uint32(step.Status))
}

// tlsTable is the guest's TLS connections, nil without a network.
func (g *Guest) tlsTable() *guestnet.TLSTable {
	if g.tls == nil {
		g.tls = guestnet.NewTLSTable(g.policy, g.filters)
	}
	return g.tls
}

// closeTLS ends the TLS connections of a life.
func (g *Guest) closeTLS() {
	g.tls.CloseAll()
	g.tls = nil
}

// hostTLSMove moves ciphertext between a socket and a connection, without the guest: into the connection (0), which
// answers how much and waits where the socket blocks, or out of it (1), which answers how much is left and never waits.
func hostTLSMove(g *Guest, stack []uint64) {
	socket, errno := g.socket(stack[1])
	if errno != guestnet.OK {
		g.answer(stack, 0, errno)
		return
	}
	if g.tlsTable() == nil {
		g.answer(stack, 0, guestnet.EACCES)
		return
	}
	move := g.tls.Receive
	if int32(stack[2]) == 1 {
		move = g.tls.Send
	}
	n, errno := move(int32(stack[0]), socket)
	g.answer(stack, int32(n), errno)
}

func hostTLSClose(g *Guest, stack []uint64) { g.tls.Close(int32(stack[0])) }

func hostTLSAsk(g *Guest, stack []uint64) {
	in, ok := g.bytes(uint32(stack[2]), uint32(stack[3]))
	out, ok2 := g.bytes(uint32(stack[4]), uint32(stack[5]))
	if !ok || !ok2 {
		stack[0] = negative(errnoFault)
		return
	}
	if g.tlsTable() == nil {
		stack[0] = negative(errnoAccess)
		return
	}
	answer, err := g.answerTLS(int32(stack[0]), int32(stack[1]), in)
	var message []byte
	if err == nil {
		message, err = wire.Encode(answer)
	}
	switch {
	case errors.Is(err, guestnet.ErrTLSHandle):
		stack[0] = negative(errnoBadf)
	case err != nil:
		stack[0] = negative(errnoInval)
	case len(message) > len(out):
		stack[0] = negative(errnoNoSpc)
	default:
		stack[0] = uint64(copy(out, message))
	}
}

var errQuestion = errors.New("no such question")

// answerTLS is the answer to a question; in may be anything.
func (g *Guest) answerTLS(handle, what int32, in []byte) (any, error) {
	switch what {
	case tlsAskPolicy:
		return map[string]any{"insecure": g.tls.Insecure()}, nil
	case tlsAskFailure:
		failure, err := g.tls.Failure(handle)
		if err != nil {
			return nil, err
		}
		return failureFields(failure), nil
	case tlsAskInfo:
		return g.tls.Info(handle)
	case tlsAskCertificate:
		fields, err := guestnet.DescribeCertificate(in)
		if err != nil {
			return map[string]any{}, nil
		}
		return fields, nil
	case tlsAskCiphers:
		return guestnet.CipherSuites(), nil
	case tlsAskPair:
		value, err := wire.Decode(in)
		parts, ok := value.([]any)
		if err != nil || !ok || len(parts) != 2 {
			return nil, errQuestion
		}
		chain, _ := parts[0].([]byte)
		key, _ := parts[1].([]byte)
		return guestnet.CheckPair(chain, key), nil
	}
	return nil, errQuestion
}

func failureFields(f *guestnet.TLSFailure) []any {
	return []any{f.Kind, f.Reason, f.Text, int64(f.Code), f.Detail}
}

func encodeFailure(f *guestnet.TLSFailure) []byte {
	message, err := wire.Encode(failureFields(f))
	if err != nil {
		return nil
	}
	return message
}

var errTLSOptions = errors.New("the options of a TLS connection are not what they should be")

// readTLSOptions reads the guest's options. What is missing or of another type is as if it were zero.
func readTLSOptions(message []byte) (o guestnet.TLSOptions, err error) {
	value, err := wire.Decode(message)
	if err != nil {
		return o, err
	}
	m, ok := value.(map[string]any)
	if !ok {
		return o, errTLSOptions
	}
	number := func(key string) int64 { v, _ := m[key].(int64); return v }
	o.Server, _ = m["server"].(bool)
	o.Hostname, _ = m["hostname"].(string)
	o.Verify = int(number("verify"))
	o.CheckHostname, _ = m["check_hostname"].(bool)
	o.OwnRoots, _ = m["own_roots"].(bool)
	o.Chain, _ = m["chain"].([]byte)
	o.Key, _ = m["key"].([]byte)
	o.MinVersion, o.MaxVersion = uint16(number("min_version")), uint16(number("max_version"))
	for _, v := range listOf(m, "roots") {
		if der, ok := v.([]byte); ok {
			o.Roots = append(o.Roots, der)
		}
	}
	for _, v := range listOf(m, "alpn") {
		if name, ok := v.(string); ok {
			o.Protocols = append(o.Protocols, name)
		}
	}
	for _, v := range listOf(m, "ciphers") {
		if id, ok := v.(int64); ok {
			o.Ciphers = append(o.Ciphers, uint16(id))
		}
	}
	return o, nil
}

func listOf(m map[string]any, key string) []any {
	list, _ := m[key].([]any)
	return list
}
