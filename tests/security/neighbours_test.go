package security_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// Runs at the same time: the timeout and the end of one are none of the others' business.
func TestTimeoutsAndCancellationsConcernOneRunOnly(t *testing.T) {
	sandbox, err := rt.NewSandbox(core.Config{Limits: core.Limits{ExecutionTimeout: patience}})
	if err != nil {
		t.Fatal(err)
	}
	const long = "import asyncio\nfor _ in range(30): await asyncio.sleep(0.02)\nprint('whole')"
	cancelled, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r, err := sandbox.Execute(context.Background(), long)
			if err != nil || string(r.Stdout) != "whole\n" {
				t.Errorf("run %d: %v %q", i, err, r.Stdout)
			}
		})
		all.Go(func() {
			_, err := sandbox.Execute(context.Background(), "while True: pass", core.WithTimeout(50*time.Millisecond))
			if core.ErrorCode(err) != core.CodeTimeout {
				t.Errorf("short run %d: %v", i, err)
			}
		})
		all.Go(func() {
			_, err := sandbox.Execute(cancelled, "import asyncio\nawait asyncio.sleep(3600)")
			if core.ErrorCode(err) != core.CodeCancelled {
				t.Errorf("cancelled run %d: %v", i, err)
			}
		})
	}
	time.AfterFunc(100*time.Millisecond, cancel)
	all.Wait()
}

func TestAnAsyncRunAfterAFailedOneIsClean(t *testing.T) {
	s, err := rt.NewSession(core.Config{Limits: core.Limits{ExecutionTimeout: patience}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, failing := range []string{
		"import asyncio\nawait asyncio.sleep(0)\nraise KeyError('mine')",
		"import asyncio\nasync def f(): raise ValueError('mine')\nawait asyncio.gather(f(), f(), asyncio.sleep(3600))",
		"import asyncio, socket\na, b = socket.socketpair(); a.setblocking(False)\nawait asyncio.wait_for(asyncio.get_running_loop().sock_recv(a, 1), 0.01)",
		"import asyncio, sys\nasyncio.get_running_loop().call_soon(sys.exit, 3)\nawait asyncio.sleep(3600)",
	} {
		if _, err := s.Execute(context.Background(), failing); err == nil {
			t.Errorf("%q ended well", failing)
		}
		r, err := s.Execute(context.Background(), "import asyncio\nprint(await asyncio.gather(asyncio.sleep(0.01, 1), asyncio.sleep(0, 2)))")
		if err != nil || string(r.Stdout) != "[1, 2]\n" {
			t.Errorf("after %q: %v %q", failing, err, r.Stdout)
		}
	}
}

// A loop that always has a socket to serve, and a program that takes no notice of its end.
func TestALoopThatIsNeverIdleIsKilled(t *testing.T) {
	s, err := rt.NewSession(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Execute(context.Background(), `
import asyncio, socket
a, b = socket.socketpair(); b.send(b"x")
loop = asyncio.get_running_loop(); loop.add_reader(a, lambda: None)
while True:
    try: await loop.create_future()
    except BaseException: pass
`, core.WithTimeout(200*time.Millisecond))
	var e *core.Error
	if !errors.As(err, &e) || e.Code != core.CodeTimeout || !e.Killed {
		t.Fatalf("ended with %v, want a kill after the timeout", err)
	}
	stillWorks(t)
}
