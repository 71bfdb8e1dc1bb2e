package security_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// TestTenMillionEmptyFiles: empty files cost memory of the host's, so they are counted.
func TestTenMillionEmptyFiles(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	session, err := rt.NewSession(core.Config{Limits: core.Limits{MaxVFSBytes: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	result, err := session.Execute(context.Background(), lines(
		"import errno, os",
		"def fill(make):",
		"    for i in range(10_000_000):",
		"        try: make(i)",
		"        except OSError as e: return i, errno.errorcode[e.errno]",
		"print(fill(lambda i: open('/data/%d' % i, 'w').close()), fill(lambda i: os.mkdir('/tmp/%d' % i)))",
		"print(fill(lambda i: os.symlink('x', '/data/l%d' % i)), fill(lambda i: os.link('/data/0', '/data/h%d' % i)))"))
	if err != nil {
		t.Fatal(err)
	}
	// 1 MiB at 128 bytes and the name for each.
	if want := "(7952, 'ENOSPC') (0, 'ENOSPC')\n(0, 'ENOSPC') (0, 'ENOSPC')\n"; string(result.Stdout) != want {
		t.Errorf("%s, want %s", result.Stdout, want)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the host's memory has grown by %d bytes", grown)
	}
}

// TestOneStorageUnderManyPrograms: programs of several sessions work on the same files at once; what each does is whole.
func TestOneStorageUnderManyPrograms(t *testing.T) {
	storage := core.NewStorage(core.StorageLimits{})
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			session, err := rt.NewSession(core.Config{VFS: storage})
			if err != nil {
				t.Error(err)
				return
			}
			defer session.Close()
			_, err = session.Execute(context.Background(), fmt.Sprintf("ME = %d\n", worker)+`
import os
for i in range(300):
    with open("log", "ab", 0) as f:
        f.write(b"%d:%04d\n" % (ME, i))
    name = f"{ME}.tmp"
    with open(name, "w") as f:
        f.write(str(ME) * 1000)
    os.replace(name, "shared")
    with open("shared") as f:
        text = f.read()
    assert len(text) == 1000 and len(set(text)) == 1, text
    try: os.mkdir(f"dir{i}")
    except FileExistsError: pass
    try: os.rmdir(f"dir{i}")
    except (FileNotFoundError, OSError): pass
`)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	log, err := storage.ReadFile("log")
	if err != nil || len(log) != 4*300*7 {
		t.Errorf("the log has %d bytes, %v, want %d: appending is not one step", len(log), err, 4*300*7)
	}
	if usage := storage.Usage(); usage.Files != 2 {
		t.Errorf("%+v", usage)
	}
}
