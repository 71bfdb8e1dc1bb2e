//go:build linux

package core

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
)

// privateBytes is the memory of the process that nobody shares with it.
func privateBytes(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`Private_Dirty:\s+(\d+) kB`).FindSubmatch(text)
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

func mustRun(t *testing.T, s *Session, code string) string {
	t.Helper()
	r, err := s.Execute(t.Context(), code)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(r.Stdout)
}

// TestForksShareMemory: a hundred forks of a session with 16 MiB have little of their own, also when the session goes on
// between two forks, and when a fork is forked.
func TestForksShareMemory(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.NewSession(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustRun(t, s, "import os, zlib\ndata = os.urandom(16 << 20)\nsum = zlib.crc32(data)\nn = 0")
	first, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	before := privateBytes(t)
	const forks = 100
	var all [forks]*Session
	for i := range all {
		from := s
		switch {
		case i%3 == 1:
			mustRun(t, s, "n += 1")
		case i%3 == 2:
			from = all[i-1]
		}
		if all[i], err = from.Fork(); err != nil {
			t.Fatal(err)
		}
		defer all[i].Close()
	}
	if each := (privateBytes(t) - before) / forks; each > 4<<20 {
		t.Errorf("each fork holds %d bytes of its own", each)
	} else {
		t.Logf("each fork holds %d bytes of its own", each)
	}
	for i, fork := range all {
		if got, want := mustRun(t, fork, "print(zlib.crc32(data) == sum, n)"), fmt.Sprintf("True %d\n", (i+2)/3); got != want {
			t.Fatalf("fork %d: %q, want %q", i, got, want)
		}
	}
}

// TestForkTree: sessions that are forked, change data large and small, are restored, killed and closed in any order
// each have what they should.
func TestForkTree(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	const setUp = `
import zlib
blocks = [bytearray(b"%06d" % i * 20_000) for i in range(12)]
def write(k, at, value):
    blocks[k][at:at + len(value)] = value
def sum(): return zlib.crc32(b"".join(blocks))
`
	root, err := rt.NewSession(Config{Checkpoint: true})
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, root, setUp)
	random := rand.New(rand.NewPCG(7, 8))
	sessions := []*Session{root}
	sums := []string{mustRun(t, root, "print(sum())")}
	images := map[int][]byte{}
	imageSums := map[int]string{}
	for step := range 120 {
		i := random.IntN(len(sessions))
		s := sessions[i]
		switch kind := random.IntN(10); {
		case kind < 4 && len(sessions) < 12:
			child, err := s.Fork()
			if err != nil {
				t.Fatal(err)
			}
			sessions, sums = append(sessions, child), append(sums, sums[i])
		case kind < 7:
			sums[i] = mustRun(t, s, fmt.Sprintf("write(%d, %d, b'%d' * %d)\nprint(sum())", random.IntN(12), random.IntN(60_000), step%10, 1+random.IntN(50_000)))
		case kind == 7:
			if _, err := s.Execute(t.Context(), fmt.Sprintf("write(%d, 7, b'lost')\nimport os\nos._exit(3)", random.IntN(12))); err == nil {
				t.Fatal("it goes on")
			}
		case kind == 8:
			if images[i%3], err = s.Snapshot(); err != nil {
				t.Fatal(err)
			}
			imageSums[i%3] = sums[i]
		case images[i%3] != nil:
			if err := s.Restore(images[i%3]); err != nil {
				t.Fatal(err)
			}
			sums[i] = imageSums[i%3]
		}
		if random.IntN(8) == 0 && len(sessions) > 4 {
			_ = sessions[0].Close()
			sessions, sums = sessions[1:], sums[1:]
		}
	}
	for i, s := range sessions {
		if got := mustRun(t, s, "print(sum())"); got != sums[i] {
			t.Errorf("session %d: %q, want %q", i, got, sums[i])
		}
		_ = s.Close()
	}
}

// TestForksAtOnce forks, runs and closes from many goroutines.
func TestForksAtOnce(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.NewSession(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustRun(t, s, "data = bytes(range(256)) * 2000\nn = 0")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 15 {
				child, err := s.Fork()
				if err != nil {
					t.Error(err)
					return
				}
				r, err := child.Execute(context.Background(), "n += 1; print(n, sum(data) == 65280000, len(data))")
				if err != nil || string(r.Stdout) != "1 True 512000\n" {
					t.Errorf("%s %v", r.Stdout, err)
				}
				_ = child.Close()
			}
		})
	}
	wait.Wait()
}

// TestNothingIsLeftOfForks: what forks shared is not seen by who gets their instances next.
func TestNothingIsLeftOfForks(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.NewSession(Config{})
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, s, `keep = ["".join(["SEC", "RET-", "0452"]).encode() * 100_000 for _ in range(3)]`)
	child, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, child, "keep.append(keep[0] + b'x')")
	used := child.guest
	if !memoryHolds(t, used, "SECRET-0452SECRET-0452") {
		t.Fatal("the mark is not in the fork's memory: the test cannot see anything")
	}
	_ = child.Close()
	_ = s.Close()
	next, err := rt.NewSession(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if memoryHolds(t, next.guest, "RET-0452") {
		t.Error("a fork's memory is in a new session")
	}
	mustRun(t, next, "grown = [bytearray(1 << 20) for _ in range(8)]\nassert not any(map(any, grown))")
	if bytes.Contains([]byte(mustRun(t, next, "print(globals())")), []byte("keep")) {
		t.Error("a fork's globals are in a new session")
	}
}
