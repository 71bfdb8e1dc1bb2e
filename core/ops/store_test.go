package ops

import (
	"bytes"
	"testing"
)

// TestSnapshotKinds: both kinds of snapshot are taken and restored by the same operations.
func TestSnapshotKinds(t *testing.T) {
	c := newClient(t, sharedService())
	session := c.must("session.new", nil)["session"]
	c.must("session.execute", map[string]any{"session": session, "code": "x = 1\ng = iter([1, 2])\nh = (i for i in [3])"})
	for kind, unsaved := range map[string]int{"pickle": 1, "image": 0} {
		answer := c.must("session.snapshot", map[string]any{"session": session, "kind": kind})
		left, _ := answer["unsaved"].([]any)
		if len(left) != unsaved {
			t.Errorf("%s: unsaved %v", kind, answer["unsaved"])
		}
		other := c.must("session.new", map[string]any{"image": answer["image"]})["session"]
		c.must("session.restore", map[string]any{"session": other, "image": answer["image"]})
		result := c.must("session.execute", map[string]any{"session": other, "code": "print(x, next(g))"})
		if out, _ := result["stdout"].([]byte); !bytes.Equal(out, []byte("1 1\n")) {
			t.Errorf("%s: %q", kind, out)
		}
		c.must("session.close", map[string]any{"session": other})
	}
	if value, failure := c.do("session.snapshot", map[string]any{"session": session, "kind": "dill"}); failure["code"] != "invalid" {
		t.Errorf("%v %v", value, failure)
	}
	c.must("session.close", map[string]any{"session": session})
}

// TestSessionStore: sessions of a store come back from disk, and are closed with it.
func TestSessionStore(t *testing.T) {
	c := newClient(t, sharedService())
	store := c.must("store.new", map[string]any{"max_resident": 1, "directory": t.TempDir()})["store"]
	var sessions []any
	for range 3 {
		session := c.must("session.new", map[string]any{"store": store})["session"]
		c.must("session.execute", map[string]any{"session": session, "code": "import itertools\nn = itertools.count(5)"})
		sessions = append(sessions, session)
	}
	stats := c.must("store.stats", map[string]any{"store": store})
	for name, want := range map[string]any{"session_count": int64(3), "resident_count": int64(1), "on_disk_count": int64(2), "total_moved": int64(2), "total_returned": int64(0)} {
		if stats[name] != want {
			t.Errorf("%s is %v, want %v", name, stats[name], want)
		}
	}
	if n, ok := stats["disk_bytes"].(int64); !ok || n < 1000 {
		t.Errorf("disk_bytes is %v", stats["disk_bytes"])
	}
	result := c.must("session.execute", map[string]any{"session": sessions[0], "code": "print(next(n))"})
	if out, _ := result["stdout"].([]byte); string(out) != "5\n" {
		t.Errorf("%q", out)
	}
	c.must("store.close", map[string]any{"store": store})
	c.must("store.close", map[string]any{"store": store})
	for op, fields := range map[string]map[string]any{
		"store.stats": {"store": store}, "session.new": {"store": store}, "session.execute": {"session": sessions[1], "code": "1"},
	} {
		if value, failure := c.do(op, fields); failure["code"] != "closed" {
			t.Errorf("%s after the close: %v %v", op, value, failure)
		}
	}
	for _, session := range sessions {
		c.must("session.close", map[string]any{"session": session})
	}
	if value, failure := c.do("store.new", map[string]any{"max_resident": -1}); failure["code"] != "invalid" {
		t.Errorf("max_resident -1: %v %v", value, failure)
	}
}
