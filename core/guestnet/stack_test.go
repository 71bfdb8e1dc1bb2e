package guestnet

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// waitFor is a guest that waits, and is interrupted when interrupts delivers.
func waitFor(interrupts <-chan struct{}) Wait {
	return func(d time.Duration, ready <-chan struct{}) bool {
		var alarm <-chan time.Time
		if d >= 0 {
			alarm = time.After(d)
		}
		select {
		case <-alarm:
		case <-ready:
		case <-interrupts:
			return true
		}
		return false
	}
}

func newStack(t testing.TB, c Config) *Stack {
	t.Helper()
	p, err := NewPolicy(c)
	if err != nil {
		t.Fatal(err)
	}
	s := NewStack(p, waitFor(nil))
	t.Cleanup(s.Close)
	return s
}

func localConfig() Config {
	c := Config{UDP: true, Listen: []string{"localhost"}, MaxConnections: 100}.AllowLocalhost()
	return c
}

// connected is both ends of a connection inside one stack.
func connected(t testing.TB, s *Stack) (client, server *Socket) {
	t.Helper()
	l := must(t)(s.Open(FamilyIPv4, TypeStream, 0))
	check(t, l.Bind(addr("127.0.0.1:0")))
	check(t, l.Listen(5))
	local, _ := l.Names()
	client = must(t)(s.Open(FamilyIPv4, TypeStream, 0))
	check(t, client.Connect(local))
	server = must(t)(l.Accept())
	l.Close()
	return client, server
}

func must(t testing.TB) func(*Socket, Errno) *Socket {
	return func(k *Socket, errno Errno) *Socket {
		t.Helper()
		if errno != OK {
			t.Fatalf("errno %d: %v", errno, errno)
		}
		return k
	}
}

func check(t testing.TB, errno Errno) {
	t.Helper()
	if errno != OK {
		t.Fatalf("errno %d: %v", errno, errno)
	}
}

// outside is a server of the host's.
func outside(t testing.TB, f func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f(conn)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return addrPortOf(l.Addr())
}

func TestAPeerThatIsFasterIsNotBuffered(t *testing.T) {
	sent := make(chan int64, 1)
	a := outside(t, func(conn net.Conn) {
		_ = conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, _ := io.Copy(conn, struct{ io.Reader }{zeros{}})
		sent <- n
	})
	s := newStack(t, localConfig())
	k := must(t)(s.Open(FamilyIPv4, TypeStream, 0))
	check(t, k.Connect(a))
	<-sent
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := k.stream.received.size; n < receiveLimit || n > receiveLimit+largePiece {
		t.Errorf("%d bytes are held, want about %d", n, receiveLimit)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestAPeerThatIsSlowerIsNotBuffered(t *testing.T) {
	a := outside(t, func(net.Conn) { select {} })
	c := localConfig()
	c.IOTimeout = 100 * time.Millisecond
	s := newStack(t, c)
	k := must(t)(s.Open(FamilyIPv4, TypeStream, 0))
	check(t, k.Connect(a))
	k.SetNonblock(true)
	data := make([]byte, 1<<20)
	for errno := OK; errno != EAGAIN; { // until the system holds no more either
		if _, errno = k.Send(data, 0, netip.AddrPort{}); errno != OK && errno != EAGAIN {
			t.Fatal(errno)
		}
		s.mu.Lock()
		if n := k.stream.outgoing.size + k.stream.flight; n > sendLimit {
			t.Errorf("%d bytes are held, want at most %d", n, sendLimit)
		}
		s.mu.Unlock()
	}
	// The peer takes nothing for longer than the policy allows: the next send fails.
	k.SetNonblock(false)
	deadline := time.Now().Add(20 * time.Second)
	for errno := OK; errno != ETIMEDOUT && errno != EPIPE; {
		if _, errno = k.Send(data, 0, netip.AddrPort{}); time.Now().After(deadline) {
			t.Fatal("the send never failed")
		}
	}
}

func TestStreamsMoveBytesExactly(t *testing.T) {
	s := newStack(t, localConfig())
	a, b := connected(t, s)
	pa, pb, errno := s.Pair()
	check(t, errno)
	for _, ends := range [][2]*Socket{{a, b}, {b, a}, {pa, pb}, {pb, pa}} {
		from, to := ends[0], ends[1]
		want := make([]byte, 3_000_000)
		for i := range want {
			want[i] = byte(i * 7 >> 3)
		}
		from.SetNonblock(true)
		to.SetNonblock(true)
		var got []byte
		left := want
		buf := make([]byte, 10_007)
		for len(got) < len(want) {
			if len(left) > 0 {
				n, errno := from.Send(left[:min(len(left), 50_021)], 0, netip.AddrPort{})
				if errno != OK && errno != EAGAIN {
					t.Fatal(errno)
				}
				left = left[n:]
			}
			n, _, errno := to.Receive(buf, 0)
			if errno == EAGAIN && len(left) == 0 {
				if _, errno := s.Poll([]PollEntry{{Socket: to, Events: PollIn}}, time.Minute); errno != OK {
					t.Fatal(errno)
				}
			}
			if errno != OK && errno != EAGAIN {
				t.Fatal(errno)
			}
			got = append(got, buf[:n]...)
		}
		if !bytes.Equal(got, want) {
			t.Error("the bytes differ")
		}
		from.SetNonblock(false)
		to.SetNonblock(false)
	}
}

func TestShutdownAndEnd(t *testing.T) {
	s := newStack(t, localConfig())
	a, b := connected(t, s)
	pa, pb, errno := s.Pair()
	check(t, errno)
	for _, ends := range [][2]*Socket{{a, b}, {pa, pb}} {
		from, to := ends[0], ends[1]
		_, errno := from.Send([]byte("last"), 0, netip.AddrPort{})
		check(t, errno)
		check(t, from.Shutdown(2))
		if _, errno := from.Send([]byte("x"), 0, netip.AddrPort{}); errno != EPIPE {
			t.Errorf("send after shutdown: %d", errno)
		}
		buf := make([]byte, 10)
		n, _, errno := to.Receive(buf, MsgWaitAll)
		if string(buf[:n]) != "last" || errno != OK {
			t.Errorf("%q %d", buf[:n], errno)
		}
		if n, _, errno := to.Receive(buf, 0); n != 0 || errno != OK {
			t.Errorf("after the end: %d %d", n, errno)
		}
		_, errno = to.Send([]byte("still"), 0, netip.AddrPort{})
		check(t, errno)
		if n, _, _ := from.Receive(buf, MsgPeek); string(buf[:n]) != "still" {
			t.Errorf("%q", buf[:n])
		}
		to.Close()
		if n, _, _ := from.Receive(buf, MsgWaitAll); string(buf[:n]) != "still" {
			t.Errorf("%q", buf[:n])
		}
	}
}

func TestInterruptEndsAWait(t *testing.T) {
	interrupts := make(chan struct{}, 1)
	p, err := NewPolicy(localConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := NewStack(p, waitFor(interrupts))
	defer s.Close()
	a, _, errno := s.Pair()
	check(t, errno)
	interrupts <- struct{}{}
	if _, _, errno := a.Receive(make([]byte, 1), 0); errno != EINTR {
		t.Errorf("errno %d, want EINTR", errno)
	}
}

func TestWrongCallsAreErrors(t *testing.T) {
	s := newStack(t, localConfig())
	open := func() *Socket { return must(t)(s.Open(FamilyIPv4, TypeStream, 0)) }
	a, b := connected(t, s)
	closed := open()
	closed.Close()
	closed.Close()
	none := netip.AddrPort{}
	for name, c := range map[string]struct{ got, want Errno }{
		"listen on a connection":     {a.Listen(1), EINVAL},
		"connect twice":              {a.Connect(addr("127.0.0.1:1")), EISCONN},
		"bind a connection":          {b.Bind(addr("127.0.0.1:0")), EINVAL},
		"connect to another family":  {open().Connect(addr("[::1]:1")), EAFNOSUPPORT},
		"connect to nothing":         {open().Connect(none), EAFNOSUPPORT},
		"bind another family":        {open().Bind(addr("[::1]:0")), EAFNOSUPPORT},
		"closed: bind":               {closed.Bind(addr("127.0.0.1:0")), EBADF},
		"closed: connect":            {closed.Connect(addr("127.0.0.1:1")), EBADF},
		"closed: listen":             {closed.Listen(1), EBADF},
		"closed: shutdown":           {closed.Shutdown(1), EBADF},
		"closed: option":             {closed.SetOption(levelSocket, optionKeepAlive, 1), EBADF},
		"shutdown before connect":    {open().Shutdown(3), ENOTCONN},
		"shutdown how":               {a.Shutdown(0), EINVAL},
		"option that is not known":   {a.SetOption(99, 99, 1), ENOPROTOOPT},
		"receive before connect":     {errnoOfReceive(open()), ENOTCONN},
		"receive flags":              {errnoOfFlags(a), ENOTSUP},
		"watch in no set":            {s.Watch(2, 5, a, PollIn), ENOENT},
		"make a set":                 {s.MakeSet(3), OK},
		"watch a closed one":         {watchIn(s, 4, closed), EBADF},
		"a set of a negative number": {s.MakeSet(-1), ENOBUFS},
	} {
		if c.got != c.want {
			t.Errorf("%s: errno %d, want %d", name, c.got, c.want)
		}
	}
	for _, c := range []struct{ family, kind, protocol int32 }{{0, 6, 0}, {3, 6, 0}, {1, 3, 0}, {1, 6, 17}, {1, 5, 6}, {-1, -1, -1}} {
		if _, errno := s.Open(c.family, c.kind, c.protocol); errno == OK {
			t.Errorf("%+v: no error", c)
		}
	}
	if _, errno := open().Accept(); errno != EINVAL {
		t.Errorf("accept: %d", errno)
	}
}

func watchIn(s *Stack, set int32, k *Socket) Errno {
	if errno := s.MakeSet(set); errno != OK {
		return errno
	}
	return s.Watch(set, 5, k, PollIn)
}

func errnoOfReceive(k *Socket) Errno { _, _, errno := k.Receive(make([]byte, 1), 0); return errno }

func errnoOfFlags(k *Socket) Errno { _, _, errno := k.Receive(make([]byte, 1), 1<<30); return errno }

func TestSetsAreLevelTriggeredAndFair(t *testing.T) {
	s := newStack(t, localConfig())
	told := make(chan struct{}, 100)
	s.OnReady(func() { told <- struct{}{} })
	check(t, s.MakeSet(HostedSet))
	var ends []*Socket
	for fd := range int32(6) {
		a, b, errno := s.Pair()
		check(t, errno)
		check(t, s.Watch(HostedSet, fd, a, PollIn))
		ends = append(ends, b)
	}
	if s.Pending(HostedSet) {
		t.Error("pending before anything arrived")
	}
	for _, b := range ends {
		_, errno := b.Send([]byte("x"), 0, netip.AddrPort{})
		check(t, errno)
	}
	<-told
	seen := map[int32]bool{}
	for range 6 {
		count := 0
		s.Ready(HostedSet, 2, func(fd int32, events uint16) {
			seen[fd] = true
			if count++; events != PollIn {
				t.Errorf("events %d", events)
			}
		})
		if count != 2 {
			t.Errorf("%d were told, want 2", count)
		}
	}
	if len(seen) != 6 {
		t.Errorf("only %v were told", seen)
	}
	for _, b := range ends {
		b.Close()
	}
	s.Unwatch(HostedSet, 0)
	count := 0
	s.Ready(HostedSet, 100, func(int32, uint16) { count++ })
	if count != 5 {
		t.Errorf("%d are ready, want 5", count)
	}
	s.DropSet(HostedSet)
	if s.HasSet(HostedSet) || s.Pending(HostedSet) {
		t.Error("the set lives on")
	}
	for n := range int32(maxSets + 10) {
		if errno := s.MakeSet(n + 1); (errno == OK) != (n < maxSets) {
			t.Fatalf("set %d: %d", n+1, errno)
		}
	}
}

// Many sockets at once, from both sides, while stacks end: nothing is left.
func TestHammer(t *testing.T) {
	before := runtime.NumGoroutine()
	a := outside(t, func(conn net.Conn) {
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p, err := NewPolicy(localConfig())
			if err != nil {
				t.Error(err)
				return
			}
			for range 10 {
				s := NewStack(p, waitFor(nil))
				s.OnReady(func() { s.Pending(HostedSet) })
				_ = s.MakeSet(HostedSet)
				var sockets []*Socket
				for fd := range int32(8) {
					k, errno := s.Open(FamilyIPv4, TypeStream, 0)
					if errno != OK {
						t.Error(errno)
						continue
					}
					k.SetNonblock(fd%2 == 0)
					if errno := k.Connect(a); errno != OK && errno != EINPROGRESS {
						t.Error(errno)
					}
					_ = s.Watch(HostedSet, fd, k, PollIn|PollOut)
					sockets = append(sockets, k)
				}
				buf := make([]byte, 100)
				for n := range 40 {
					k := sockets[n%len(sockets)]
					_, _ = k.Send(bytes.Repeat([]byte{byte(n)}, 5000), MsgDontWait, netip.AddrPort{})
					_, _, _ = k.Receive(buf, MsgDontWait)
					s.Ready(HostedSet, 3, func(int32, uint16) {})
				}
				if i%2 == 0 {
					for _, k := range sockets {
						k.Close()
					}
				}
				s.Close()
			}
		})
	}
	all.Wait()
	for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before+10; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left, %d before", runtime.NumGoroutine(), before)
		}
	}
}
