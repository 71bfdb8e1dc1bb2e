package security_test

import (
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestAProgramCanEndOnlyItself(t *testing.T) {
	for name, c := range map[string]struct {
		program string
		exit    int
	}{
		"exit":          {"import sys\nsys.exit(3)", 3},
		"exit_text":     {"import sys\nsys.exit('bye')", 1},
		"_exit":         {"import os\nos._exit(7)", 7},
		"_exit_finally": {"import os\ntry: os._exit(8)\nfinally: print('never')", 8},
		"raise":         {"raise SystemExit(9)", 9},
		"from_task":     {"import asyncio, sys\nasync def f(): sys.exit(5)\nawait asyncio.gather(f(), asyncio.sleep(1000))", 5},
		"abort":         {"import os\nos.abort()", 134},
		"raise_sigabrt": {"import signal\nsignal.raise_signal(signal.SIGABRT)", 134},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := run(t, core.Config{}, "print('begun')\n"+c.program)
			wantCode(t, err, core.CodeExit, "")
			if err.ExitCode != c.exit || result.ExitCode != c.exit {
				t.Errorf("exit code %d, in the result %d, want %d", err.ExitCode, result.ExitCode, c.exit)
			}
			if got := string(result.Stdout); got != "begun\n" {
				t.Errorf("printed %q", got)
			}
		})
	}
}

func TestWhatCannotExistRaises(t *testing.T) {
	for name, program := range map[string]string{
		"fork":            "import os\nos.fork()",
		"system":          "import os\nos.system('id')",
		"popen":           "import os\nos.popen('id')",
		"execv":           "import os\nos.execv('/bin/sh', ['sh'])",
		"kill":            "import os\nos.kill(1, 9)",
		"subprocess":      "import subprocess\nsubprocess.run(['id'])",
		"multiprocessing": "import multiprocessing\nmultiprocessing.Process(target=print).start()",
		"thread":          "import threading\nthreading.Thread(target=print).start()",
		"thread_raw":      "import _thread\n_thread.start_new_thread(print, ())",
		"socket":          "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)",
		"socket_raw":      "import _socket\n_socket.socket().connect(('127.0.0.1', 80))",
		"urlopen":         "import urllib.request\nurllib.request.urlopen('http://127.0.0.1/', timeout=1)",
		"ctypes":          "import ctypes\nctypes.CDLL(None).system(b'id')",
		"dlopen":          "import _imp\nimport importlib.machinery as m\nopen('/tmp/a.so', 'wb').write(b'\\0asm')\n_imp.create_dynamic(m.ModuleSpec('a', m.ExtensionFileLoader('a', '/tmp/a.so'), origin='/tmp/a.so'))",
		"mmap":            "import mmap\nmmap.mmap(-1, 4096)",
		"fcntl":           "import fcntl\nfcntl.ioctl(0, 0)",
		"symlink_out":     "import os\nos.chdir('/tmp')\nos.symlink('/proc/self/environ', 'a')\nopen('a').read()",
		"proc":            "open('/proc/self/environ')",
		"passwd":          "open('/etc/passwd')",
		"parent":          "open('/../../../../../etc/passwd')",
		"fd_3":            "import os\nos.read(99, 10)",
		"pwd":             "import pwd\npwd.getpwuid(0)",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, core.Config{}, program)
			if err == nil || err.Code != core.CodePython {
				t.Fatalf("ended with %v, want an exception", err)
			}
		})
	}
}

func TestFaulthandlerEndsOnlyItsGuest(t *testing.T) {
	for name, program := range map[string]string{
		"sigsegv": "import faulthandler\nfaulthandler._sigsegv()",
		"sigfpe":  "import faulthandler\nfaulthandler._sigfpe()",
		"sigabrt": "import faulthandler\nfaulthandler._sigabrt()",
		"fatal":   "import faulthandler\nfaulthandler._fatal_error_c_thread() if hasattr(faulthandler, '_fatal_error_c_thread') else faulthandler._sigabrt()",
		"stack":   "import faulthandler\nfaulthandler._stack_overflow()",
		"null":    "import _testcapi",
		"dump":    "import faulthandler, sys\nfaulthandler.dump_traceback()\nraise ValueError()",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, core.Config{}, program)
			if err == nil {
				t.Fatal("ended well, want an error")
			}
			if err.Code == core.CodeInternal && !err.Killed {
				t.Fatalf("an internal error of a guest that is said to live: %s", err.Message)
			}
		})
	}
}

func TestEnvironmentAndArgumentsAreNotTheHosts(t *testing.T) {
	t.Setenv("ERYX_TEST_SECRET", "of-the-host")
	result, err := run(t, core.Config{}, "import os, sys\nprint(dict(os.environ), sys.argv, sys.orig_argv, os.getcwd(), os.getpid())")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(result.Stdout), "of-the-host") {
		t.Errorf("the program sees the host's environment: %s", result.Stdout)
	}
}
