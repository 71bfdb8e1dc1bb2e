package guest

import (
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestTime(t *testing.T) {
	runAll(t, []program{
		{name: "sleep", code: `
import time
before = time.monotonic()
time.sleep(0.05)
print(0.05 <= time.monotonic() - before < 5)
cpu = time.process_time()
time.sleep(0.2)
print(time.process_time() - cpu < 0.1, time.perf_counter_ns() > 0, time.clock() if hasattr(time, "clock") else "no clock")
`, want: "True\nTrue True no clock"},
		{name: "formats", code: `
import time, datetime, calendar
print(time.strftime("%A %B %d %H:%M:%S %Y %p %Z %z %j %U", time.gmtime(0)))
print(datetime.datetime.strptime("3 March 2024", "%d %B %Y"), datetime.datetime(2026, 1, 2).strftime("%a %b %-d %G-%V"))
print(datetime.datetime.now().astimezone().tzinfo, time.tzname, time.localtime(0)[:6], calendar.month_name[2])
`, want: `
Thursday January 01 00:00:00 1970 AM UTC +0000 001 00
2024-03-03 00:00:00 Fri Jan 2 2026-01
UTC ('UTC', 'UTC') (1970, 1, 1, 0, 0, 0) February`},
		{name: "zones", code: `
import zoneinfo, datetime
summer = datetime.datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
print(summer.isoformat(), summer.tzname(), summer.astimezone(zoneinfo.ZoneInfo("America/New_York")).hour)
print(len(zoneinfo.available_timezones()) > 500, "Asia/Kathmandu" in zoneinfo.available_timezones())
try:
    zoneinfo.ZoneInfo("No/Where")
except zoneinfo.ZoneInfoNotFoundError as error:
    print(error)
`, want: "2026-07-01T12:00:00+02:00 CEST 6\nTrue True\n'No time zone found with key No/Where'"},
	})
}

// TestRandomnessDiffers runs the same program twice: nothing that is random may be the same.
func TestRandomnessDiffers(t *testing.T) {
	sandbox, err := runtime.NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const code = `
import os, secrets, uuid, random, tempfile
result = [os.urandom(16).hex(), secrets.token_hex(), str(uuid.uuid4()), str(uuid.uuid1()), str(uuid.uuid7()), uuid.getnode(),
    random.random(), random.SystemRandom().random(), tempfile.mktemp(), open("/dev/urandom", "rb").read(16).hex(),
    id(object()) and hash("text") and random.sample(range(10**9), 3)]
`
	values := [2][]any{}
	for i := range values {
		result, err := sandbox.Execute(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		if err := result.Decode(&values[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, first := range values[0] {
		if a, ok := first.([]any); ok {
			first = a[0]
			values[1][i] = values[1][i].([]any)[0]
		}
		if first == values[1][i] {
			t.Errorf("value %d is %v in both sandboxes", i, first)
		}
	}
}

func TestPlatform(t *testing.T) {
	runAll(t, []program{
		{name: "platform", code: `
import platform, sys
print(platform.system(), platform.machine(), platform.node(), platform.python_version(), platform.python_implementation(), sys.platform)
print(platform.platform(), platform.uname().release, platform.architecture(), platform.libc_ver(), bool(platform.python_compiler()))
try:
    platform.freedesktop_os_release()
except OSError:
    print("no os-release")
`, want: "wasi wasm32 sandbox 3.14.0 CPython wasi\nwasi-0.0.0-wasm32-32bit 0.0.0 ('32bit', '') ('', '') True\nno os-release"},
		{name: "locale", code: `
import locale
print(locale.getlocale(), locale.getpreferredencoding(), locale.getencoding(), locale.localeconv()["decimal_point"])
print(locale.format_string("%.2f", 1234.5, grouping=True), locale.setlocale(locale.LC_NUMERIC, "C"), locale.strxfrm("a"), locale.atof("1.5"))
`, want: "('C', 'UTF-8') utf-8 UTF-8 .\n1234.50 C a 1.5"},
		{name: "sysconfig", code: `
import sysconfig, site
print(sysconfig.get_platform(), sysconfig.get_python_version(), sysconfig.get_paths()["stdlib"], sysconfig.get_path("purelib"))
print(len(sysconfig.get_config_vars()) > 100, sysconfig.get_config_var("EXT_SUFFIX"), site.getsitepackages())
`, want: "wasi-0.0.0-wasm32 3.14 /usr/lib/python3.14 /usr/lib/python3.14/site-packages\nTrue .cpython-314-wasm32-wasi.so ['/usr/lib/python3.14/site-packages']"},
		{name: "user", code: `
import getpass, os, pathlib, shutil
print(getpass.getuser(), os.getlogin(), os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), os.getppid(), os.umask(0o77), os.umask(0o22))
import socket
print(socket.gethostname(), socket.getfqdn())
print(os.cpu_count(), os.process_cpu_count(), os.sched_getaffinity(0), os.uname().nodename, os.path.expanduser("~/x"), pathlib.Path.home())
print(shutil.get_terminal_size(), os.isatty(0), os.isatty(1), os.environ["USER"], os.getcwd())
try:
    os.get_terminal_size()
except OSError as error:
    print(error.strerror)
`, want: `
sandbox sandbox 1000 1000 1000 [1000] 1 18 63
sandbox sandbox
1 1 {0} sandbox /data/x /data
os.terminal_size(columns=80, lines=24) False False sandbox /data
Not a tty`},
	})
}

func TestEnd(t *testing.T) {
	runAll(t, []program{
		{name: "exit", code: "import sys\nprint('a')\nsys.exit(3)", want: "a", exit: 3},
		{name: "exit with text", code: "import sys\nsys.exit('bad')", stderr: "bad", exit: 1},
		{name: "exit function", code: "exit(4)", exit: 4},
		{name: "os._exit", code: "import os, atexit\natexit.register(print, 'never')\nprint('a')\nos._exit(5)", want: "a", exit: 5},
		{name: "abort", code: "import os\nprint('a')\nos.abort()", want: "a", exit: 134},
		{name: "kill", code: "import os\nos.kill(os.getpid(), 9)", exit: 137},
		{name: "signal", code: "import signal\nsignal.raise_signal(signal.SIGTERM)", exit: 143},
		{name: "handled signal", code: `
import os, signal
signal.signal(signal.SIGTERM, lambda number, frame: print("got", number))
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), 0)
try:
    os.kill(99, 9)
except ProcessLookupError:
    print("nobody else")
`, want: "got 15\nnobody else"},
		{name: "atexit", code: `
import atexit, weakref
class Thing:
    def __del__(self):
        print("deleted", helper())
def helper():
    return "with globals"
thing = Thing()
weakref.finalize(Thing, print, "finalized")
atexit.register(print, "second")
atexit.register(print, "first")
print("end")
`, want: "end\nfirst\nsecond\nfinalized\ndeleted with globals"},
		{name: "atexit after an error", code: "import atexit\natexit.register(print, 'still')\n1/0",
			want: "still", err: "ZeroDivisionError: division by zero"},
		{name: "atexit after exit", code: "import atexit, sys\natexit.register(print, 'still')\nsys.exit(2)", want: "still", exit: 2},
		{name: "failing handler", code: `
import atexit, sys
sys.unraisablehook = lambda args: print("ignored:", args.exc_value)
def fail():
    raise ValueError("in a handler")
atexit.register(print, "the other")
atexit.register(fail)
`, want: "ignored: in a handler\nthe other"},
		{name: "excepthook", code: "import sys\nsys.excepthook = lambda kind, value, tb: print('hook', kind.__name__, value)\n1/0",
			want: "hook ZeroDivisionError division by zero", err: "ZeroDivisionError: division by zero"},
	})
}
