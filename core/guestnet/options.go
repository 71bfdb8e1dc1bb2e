package guestnet

import (
	"net"
	"time"
)

// option names one option of a socket, as the guest's libc numbers them.
type option struct{ level, name int32 }

const (
	levelSocket = 0x7fffffff
	levelIP     = 0
	levelTCP    = 6
	levelIPv6   = 41

	optionReuseAddress = 2
	optionType         = 3
	optionError        = 4
	optionSendBuffer   = 7
	optionRecvBuffer   = 8
	optionKeepAlive    = 9
	optionAccepting    = 30
	optionProtocol     = 38
	optionDomain       = 39

	optionNoDelay      = 1
	optionKeepIdle     = 4
	optionKeepInterval = 5
	optionKeepCount    = 6
	optionUserTimeout  = 18
	optionV6Only       = 26
	optionTOS          = 1
	optionTTL          = 2
	optionTrafficClass = 67
	optionUnicastHops  = 16
)

// kept are the options that the guest may set; those that change nothing on the host are only remembered.
var kept = map[option]bool{
	{levelSocket, optionReuseAddress}: true, {levelSocket, optionSendBuffer}: true, {levelSocket, optionRecvBuffer}: true,
	{levelSocket, optionKeepAlive}: true,
	{levelTCP, optionNoDelay}:      true, {levelTCP, optionKeepIdle}: true, {levelTCP, optionKeepInterval}: true,
	{levelTCP, optionKeepCount}: true, {levelTCP, optionUserTimeout}: true,
	{levelIPv6, optionV6Only}: true, {levelIPv6, optionTrafficClass}: true, {levelIPv6, optionUnicastHops}: true,
	{levelIP, optionTOS}: true, {levelIP, optionTTL}: true,
}

// SetOption sets an option that is a number.
func (k *Socket) SetOption(level, name, value int32) Errno {
	o := option{level, name}
	if !kept[o] {
		return ENOPROTOOPT
	}
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if k.closed {
		return EBADF
	}
	if k.options == nil {
		k.options = map[option]int32{}
	}
	k.options[o] = value
	if k.stream != nil {
		k.applyOptions(k.stream.conn)
	}
	return OK
}

// Option is the value of an option. Reading the error clears it.
func (k *Socket) Option(level, name int32) (int32, Errno) {
	if level == levelSocket && name == optionError {
		return int32(k.TakeError()), OK
	}
	k.stack.mu.Lock()
	defer k.stack.mu.Unlock()
	if k.closed {
		return 0, EBADF
	}
	switch (option{level, name}) {
	case option{levelSocket, optionType}:
		return k.kind, OK
	case option{levelSocket, optionDomain}:
		return k.family, OK
	case option{levelSocket, optionProtocol}:
		if k.kind == TypeDatagram {
			return protocolUDP, OK
		}
		return protocolTCP, OK
	case option{levelSocket, optionAccepting}:
		if k.listener != nil && k.listener.backlog > 0 {
			return 1, OK
		}
		return 0, OK
	}
	o := option{level, name}
	if value, ok := k.options[o]; ok {
		return value, OK
	}
	switch {
	case o == option{levelSocket, optionSendBuffer}:
		return sendLimit, OK
	case o == option{levelSocket, optionRecvBuffer}:
		return receiveLimit, OK
	case kept[o]:
		return 0, OK
	}
	return 0, ENOPROTOOPT
}

// applyOptions gives the host's connection what the guest has asked for. Under mu.
func (k *Socket) applyOptions(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	get := func(level, name int32) (int32, bool) {
		v, ok := k.options[option{level, name}]
		return v, ok
	}
	// Errors mean that the connection is gone, which reading it tells.
	if v, ok := get(levelTCP, optionNoDelay); ok {
		_ = tcp.SetNoDelay(v != 0)
	}
	if v, ok := get(levelSocket, optionKeepAlive); ok {
		idle, _ := get(levelTCP, optionKeepIdle)
		interval, _ := get(levelTCP, optionKeepInterval)
		count, _ := get(levelTCP, optionKeepCount)
		seconds := func(n int32) time.Duration { return time.Duration(max(0, min(n, 32767))) * time.Second }
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: v != 0, Idle: seconds(idle), Interval: seconds(interval), Count: int(max(0, min(count, 127))),
		})
	}
}
