package ops

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vfsClient is a client with a storage of its own.
type vfsClient struct {
	*client
	vfs any
}

func newVFS(t *testing.T, fields map[string]any) *vfsClient {
	c := newClient(t, sharedService())
	v := &vfsClient{c, c.must("vfs.new", fields)["vfs"]}
	t.Cleanup(func() { v.on("close", nil) })
	return v
}

// on performs an operation on the storage, which must succeed.
func (v *vfsClient) on(op string, fields map[string]any) map[string]any {
	return v.must("vfs."+op, v.with(fields))
}

func (v *vfsClient) with(fields map[string]any) map[string]any {
	all := map[string]any{"vfs": v.vfs}
	for name, value := range fields {
		all[name] = value
	}
	return all
}

// paths are the paths and types of entries.
func paths(entries any) string {
	var b strings.Builder
	for _, e := range entries.([]any) {
		fields := e.([]any)
		fmt.Fprintf(&b, "%s:%s ", fields[0], fields[1])
	}
	return strings.TrimSpace(b.String())
}

type m = map[string]any

func TestVFS(t *testing.T) {
	v := newVFS(t, m{"max_files": 1000})
	v.on("write", m{"path": "/a/b/c.txt", "data": []byte("text"), "parents": true})
	v.on("mkdir", m{"path": "empty/one"})
	v.on("symlink", m{"path": "/link", "target": "a/b"})
	v.on("write", m{"path": []byte("/bad\xff"), "data": []byte{}})
	if got := v.on("read", m{"path": "link/c.txt"})["data"]; string(got.([]byte)) != "text" {
		t.Errorf("%q", got)
	}
	want := "/a:directory /a/b:directory /a/b/c.txt:file /bad\xff:file /empty:directory /empty/one:directory /link:link"
	if got := paths(v.on("list", m{"recursive": true})["entries"]); got != want {
		t.Errorf("%q", got)
	}
	if got := paths(v.on("list", m{"path": "/a"})["entries"]); got != "/a/b:directory" {
		t.Errorf("%q", got)
	}
	entry := v.on("stat", m{"path": "a/b/c.txt"})["entry"].([]any)
	if entry[0] != "/a/b/c.txt" || entry[2] != int64(0o644) || entry[3] != int64(4) || entry[5] != "" {
		t.Errorf("%v", entry)
	}
	if entry = v.on("stat", m{"path": "link", "nofollow": true})["entry"].([]any); entry[1] != "link" || entry[5] != "a/b" {
		t.Errorf("%v", entry)
	}
	v.on("rename", m{"path": "a", "to": "renamed"})
	snapshot := v.on("snapshot", nil)["data"]
	fork := v.on("fork", nil)["vfs"]
	v.on("remove", m{"path": "renamed", "recursive": true})
	v.on("remove", m{"path": "link"})
	if usage := v.on("usage", nil); usage["file_count"] != int64(3) || usage["max_files"] != int64(1000) || usage["max_bytes"] != int64(64<<20) {
		t.Errorf("%v", usage)
	}
	if got := v.must("vfs.read", m{"vfs": fork, "path": "renamed/b/c.txt"})["data"]; string(got.([]byte)) != "text" {
		t.Errorf("the fork holds %q", got)
	}
	v.must("vfs.close", m{"vfs": fork})
	v.on("restore", m{"data": snapshot})
	if usage := v.on("usage", nil); usage["file_count"] != int64(7) {
		t.Errorf("%v", usage)
	}
}

func TestVFSErrors(t *testing.T) {
	v := newVFS(t, m{"max_bytes": 4096})
	v.on("mkdir", m{"path": "full/x"})
	for _, c := range []struct {
		op          string
		fields      m
		code, errno string
	}{
		{"read", m{"path": "missing"}, "file", "ENOENT"},
		{"read", m{"path": "full"}, "file", "EISDIR"},
		{"write", m{"path": "full", "data": []byte("x")}, "file", "EISDIR"},
		{"write", m{"path": "no/where", "data": []byte("x")}, "file", "ENOENT"},
		{"write", m{"path": "big", "data": make([]byte, 5000)}, "limit", ""},
		{"write", m{"path": "big", "data": "text"}, "invalid", ""},
		{"write", m{"path": strings.Repeat("n", 300), "data": []byte{}}, "file", "ENAMETOOLONG"},
		{"write", m{"path": "nul\x00", "data": []byte{}}, "file", "EINVAL"},
		{"remove", m{"path": "full"}, "file", "ENOTEMPTY"},
		{"remove", m{"path": "missing", "recursive": true}, "file", "ENOENT"},
		{"list", m{"path": "missing"}, "file", "ENOENT"},
		{"list", m{"path": "big", "recursive": true}, "file", "ENOTDIR"},
		{"stat", m{"path": "missing"}, "file", "ENOENT"},
		{"stat", m{"path": 3}, "invalid", ""},
		{"mkdir", m{"path": "big/x"}, "file", "ENOTDIR"},
		{"restore", m{"data": []byte("garbage")}, "snapshot", ""},
		{"load", m{"data": []byte("garbage")}, "file", "EIO"},
		{"load", m{"host_path": "/no/such/place"}, "file", "ENOENT"},
		{"load", m{}, "invalid", ""},
		{"save", m{"host_path": "/proc/none/x"}, "file", "ENOENT"},
		{"save", m{"host_path": "/proc/none/x.zip", "zip": true}, "file", "ENOENT"},
	} {
		_, failure := v.do("vfs."+c.op, v.with(c.fields))
		errno, _ := failure["errno"].(string)
		if failure["code"] != c.code || errno != c.errno {
			t.Errorf("%s %v: %v", c.op, c.fields, failure)
		}
	}
	for _, fields := range []m{{"max_bytes": 0}, {"max_files": -1}} {
		if _, failure := v.do("vfs.new", fields); failure["code"] != "invalid" {
			t.Errorf("%v: %v", fields, failure)
		}
	}
	v.on("close", nil)
	v.on("close", nil)
	if _, failure := v.do("vfs.usage", v.with(nil)); failure["code"] != "closed" {
		t.Errorf("%v", failure)
	}
	if _, failure := v.do("session.new", m{"config": m{"vfs": v.vfs}}); failure["code"] != "closed" {
		t.Errorf("%v", failure)
	}
}

func TestVFSLoadAndSave(t *testing.T) {
	v := newVFS(t, nil)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if err := os.WriteFile(filepath.Join(dir, "sub", fmt.Sprint("f", i)), []byte("12345"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	v.on("load", m{"host_path": dir, "path": "/in", "transfer_events": true})
	last := []any{}
	for _, e := range v.events {
		if e[0] == "transfer" {
			last = e[2:]
		}
	}
	if len(last) != 3 || last[1] != int64(302) || last[2] != int64(1500) {
		t.Errorf("the last progress is %v", last)
	}
	if entry := v.on("stat", m{"path": "in/sub/f7"})["entry"].([]any); entry[2] != int64(0o640) || entry[3] != int64(5) {
		t.Errorf("%v", entry)
	}
	archive := v.on("save", m{"path": "/in"})["data"].([]byte)
	if z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive))); err != nil || len(z.File) != 301 {
		t.Errorf("%v", err)
	}
	file, out := filepath.Join(dir, "x.zip"), filepath.Join(dir, "out")
	v.on("save", m{"path": "/in", "host_path": file, "zip": true})
	v.on("save", m{"path": "/in", "host_path": out})
	if data, err := os.ReadFile(filepath.Join(out, "sub", "f7")); err != nil || string(data) != "12345" {
		t.Errorf("%q %v", data, err)
	}
	for _, source := range []m{{"host_path": file}, {"data": archive}, {"host_path": out}} {
		other := newVFS(t, nil)
		other.on("load", source)
		if usage := other.on("usage", nil); usage["file_count"] != int64(301) {
			t.Errorf("%v", usage)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".eryx-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestVFSInSessions(t *testing.T) {
	v := newVFS(t, nil)
	v.on("write", m{"path": "a", "data": []byte("1")})
	for _, at := range []string{"/data", "/elsewhere"} {
		session := v.must("session.new", m{"config": m{"vfs": v.vfs, "vfs_mount_path": at}})["session"]
		v.must("session.execute", m{"session": session, "code": "import os\nassert os.getcwd() == '" + at + "'\nopen('a', 'a').write('2')"})
		v.must("session.close", m{"session": session})
	}
	sandbox := v.must("sandbox.new", m{"config": m{"vfs": v.vfs}})["sandbox"]
	v.must("sandbox.execute", m{"sandbox": sandbox, "code": "open('a', 'a').write('3')"})
	if got := v.on("read", m{"path": "a"})["data"]; string(got.([]byte)) != "1223" {
		t.Errorf("%q", got)
	}
}
