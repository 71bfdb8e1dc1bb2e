package security_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestOnlyTheWritableAreasCanBeWritten(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	program := lines(
		"import os",
		"wrote = set()",
		"def attempt(path):",
		"    try:",
		"        with open(path, 'w') as f: f.write('x')",
		"        wrote.add('/' + path.split('/')[1])",
		"    except OSError: pass",
		"for top, folders, names in os.walk('/'):",
		"    attempt(os.path.join(top, 'intruder'))",
		"    for name in names[:20]: attempt(os.path.join(top, name))",
		"for path in ['/etc/passwd', '/proc/self/mem', '/usr/lib/python3.14/os.py', '/usr/lib/eryx/eryx/runner.py', '../../x', "+quote(marker)+"]: attempt(path)",
		"for f in (os.remove, os.rmdir, os.mkdir, lambda p: os.rename(p, p + 'x'), lambda p: os.symlink('x', p + '/y'), lambda p: os.truncate(p, 0), lambda p: os.chmod(p, 0o777)):",
		"    for path in ['/usr/lib/python3.14/os.py', '/usr', '/usr/lib', '/']:",
		"        try: f(path); print('changed', path)",
		"        except (OSError, NotImplementedError): pass",
		"print(sorted(wrote - {'/data', '/tmp', '/dev'}))")
	result, err := run(t, core.Config{}, program)
	wantStdout(t, result, err, "[]\n")
	if _, err := os.Stat(marker); err == nil {
		t.Error("the program wrote to the host's files")
	}
}

func quote(s string) string { return "'" + s + "'" }

func TestOpenFilesAreBounded(t *testing.T) {
	program := lines(
		"kept = []",
		"try:",
		"    for i in range(100_000): kept.append(open('/tmp/%d' % (i % 7), 'w'))",
		"except OSError as e: print(e.errno, len(kept) <= 50)",
		"for f in kept: f.close()",
		"print(open('/tmp/0', 'w').write('still works'))")
	result, err := run(t, core.Config{Limits: core.Limits{MaxOpenFiles: 50}}, program)
	wantStdout(t, result, err, "33 True\n11\n") // EMFILE as WASI has it
}

func TestFilesAreBounded(t *testing.T) {
	program := lines(
		"import errno, os",
		"def fill(f):",
		"    try:",
		"        while True: f()",
		"    except OSError as e: return errno.errorcode[e.errno]",
		"big = open('/data/big', 'wb')",
		"print(fill(lambda: big.write(b'x' * 100_000) and big.flush()))",
		"n = iter(range(10**9))",
		"print(fill(lambda: os.mkdir('/tmp/%d' % next(n))))",
		"print(fill(lambda: os.truncate('/data/big', 10**15)))",
		"print(os.path.getsize('/data/big') <= 1_000_000)")
	result, err := run(t, core.Config{Limits: core.Limits{MaxVFSBytes: 1_000_000}}, program)
	wantStdout(t, result, err, "ENOSPC\nENOSPC\nENOSPC\nTrue\n")
}
