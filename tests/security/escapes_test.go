package security_test

import "testing"

// TestEscapes: no way of naming a file, and no way of opening one, leads to the host's.
func TestEscapes(t *testing.T) {
	for _, c := range []struct{ name, program, want string }{
		{"dotdot out of the writable files", `
for depth in range(1, 40):
    for base in ("/data/", "/tmp/", "", "/mnt/ro/", "/mnt/rw/sub/", "/mnt/cow/"):
        for rest in ("etc/passwd", SECRET[1:], "secret", "proc/self/environ"):
            attempt(slurp, base + "../" * depth + rest)
tell()`, `{'ENOENT': 936}`},
		{"absolute paths of the host", `
for path in ("/etc/passwd", "/etc/shadow", SECRET, HOST, "/root", "/home", "/proc/1/environ", "/sys/kernel", "/var/log", "/bin/sh"):
    attempt(slurp, path); attempt(os.listdir, path); attempt(os.stat, path); attempt(open, path, "w")
tell()`, `{'ENOENT': 32, 'EROFS': 8}`},
		{"links out of a volume", `
for v in ("ro", "rw", "cow"):
    for link in ("to-secret", "up/secret", "up-secret", "sub/root" + SECRET, "sub/root/etc/passwd", "proc/environ", "up/../secret"):
        attempt(slurp, f"/mnt/{v}/{link}"); attempt(open, f"/mnt/{v}/{link}", "a")
tell()
print(os.listdir("/mnt/rw/up"), sorted(os.listdir("/mnt/rw/sub/root")))`, `{'ENOENT': 27, 'EROFS': 15}
['cow', 'ro', 'rw'] ['data', 'dev', 'mnt', 'tmp', 'usr']`},
		{"links that the program makes", `
for v in ("/data", "/mnt/rw", "/mnt/cow"):
    for i, target in enumerate((SECRET, "../secret", "../../" + SECRET, "/proc/self/root/etc/passwd", "..", "../..", "/")):
        attempt(os.symlink, target, f"{v}/made{i}")
        attempt(slurp, f"{v}/made{i}"); attempt(slurp, f"{v}/made{i}/secret"); attempt(slurp, f"{v}/made{i}/etc/passwd")
tell()`, `{'EISDIR': 6, 'ENOENT': 57, 'EPERM': 7, 'ok': 14}`},
		{"tricks of normalization", `
S = SECRET[1:]
for path in ("//etc//passwd", "/./etc/./passwd", "/data/.//..//../etc/passwd", "/data\\..\\..\\etc\\passwd", "\\etc\\passwd", "/mnt/rw//..//" + S,
             "/mnt/rw/./../secret", "/mnt/rw/sub/..//../secret", "file:///etc/passwd", "C:\\Windows\\win.ini", "/mnt/rw/../rw/../secret"):
    attempt(slurp, path)
tell()`, `{'ENOENT': 11}`},
		{"encoded and look-alike paths", `
for dots in ("%2e%2e", "..%2f", "%252e%252e", "\u2024\u2024", "\uff0e\uff0e", ".\u200b.", "..\u2215", "\u2025", "..%c0%af", "&#46;&#46;"):
    for sep in ("/", "%2f", "\uff0f", "\u2044"):
        attempt(slurp, f"/mnt/rw/{dots}{sep}secret"); attempt(slurp, f"/data/{dots}{sep}etc{sep}passwd")
tell()`, `{'ENOENT': 80}`},
		{"os.open with flags", `
for path in ("/data/../../etc/passwd", "/etc/passwd", "/mnt/rw/../secret", "/mnt/rw/up-secret", SECRET):
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_EXCL | os.O_WRONLY, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND, os.O_RDONLY | os.O_DIRECTORY):
        attempt(os.open, path, flags)
tell()`, `{'EEXIST': 1, 'ENOENT': 27, 'EROFS': 7}`},
		{"every opener of io", `
import _io, codecs, fileinput, io, linecache, pathlib, tokenize
for path in ("/etc/passwd", SECRET, "/mnt/rw/up-secret"):
    for opener in (io.open, _io.open, io.FileIO, _io.FileIO, io.open_code, codecs.open, tokenize.open, pathlib.Path(path).__class__.read_text, pathlib.Path.read_bytes):
        attempt(opener, pathlib.Path(path) if "Path" in getattr(opener, "__qualname__", "") else path)
    print(linecache.getlines(path))
    attempt(lambda: list(fileinput.input(path)))
tell()`, `[]
[]
[]
{'ENOENT': 30}`},
		{"proc and sys", `
for path in ("/proc", "/proc/self", "/proc/self/environ", "/proc/self/mem", "/proc/self/maps", "/proc/self/fd/0", "/proc/self/root/etc/passwd", "/proc/self/cwd", "/sys", "/sys/class/net", "/run", "/boot"):
    attempt(os.stat, path); attempt(os.listdir, path); attempt(slurp, path)
tell()`, `{'ENOENT': 36}`},
		{"devices", `
print(sorted(os.listdir("/dev")))
for name in ("sda", "mem", "kmem", "port", "tty", "console", "ptmx", "fd/0", "stdin", "shm/x", "full", "kvm", "fuse"):
    attempt(slurp, "/dev/" + name); attempt(open, "/dev/" + name, "w")
tell()
attempt(os.mkfifo, "/data/fifo") if hasattr(os, "mkfifo") else print("no mkfifo")
attempt(os.mknod, "/data/node") if hasattr(os, "mknod") else print("no mknod")
tell()`, `['null', 'random', 'urandom', 'zero']
{'ENOENT': 15, 'EROFS': 11}
no mkfifo
no mknod
{}`},
		{"descriptors by number", `
for fd in range(3, 200):
    attempt(os.fstat, fd); attempt(os.read, fd, 10); attempt(os.dup2, fd, 300)
tell()
for fd in (0, 1, 2):
    attempt(os.listdir, fd); attempt(os.open, "etc/passwd", os.O_RDONLY)
f = open("/data/own", "w+"); f.write("mine"); f.flush()
os.dup2(f.fileno(), 50)
print(os.pread(50, 10, 0))
attempt(os.open, "../../etc/passwd", os.O_RDONLY, 0o666)
tell()`, `{'EBADF': 588, 'EISDIR': 1, 'ENOTSUP': 1, 'ok': 1}
b'mine'
{'ENOENT': 4, 'TypeError': 3}`},
		{"ctypes, subprocesses and mmap", `
import subprocess
def native():
    import ctypes
    return ctypes.CDLL(None).open(b"/etc/passwd", 0)
def mapped():
    import mmap
    return mmap.mmap(open("/mnt/ro/file").fileno(), 0)
attempt(native); attempt(mapped)
tell()
attempt(subprocess.run, ["cat", "/etc/passwd"]); attempt(subprocess.getoutput, "cat /etc/passwd"); attempt(os.system, "cat /etc/passwd")
attempt(os.popen, "cat /etc/passwd"); attempt(lambda: os.fork()); attempt(lambda: os.execv("/bin/sh", ["sh"])); attempt(lambda: os.posix_spawn("/bin/sh", ["sh"], {}))
tell()`, `{'ModuleNotFoundError': 1, 'OSError': 1}
{'AttributeError': 3, 'ENOTSUP': 4}`},
		{"modules from host paths", `
import importlib.machinery, importlib.util, runpy, sys, zipimport
for path in ("/etc", HOST, "/mnt/rw/up", "/usr/local/lib/python3", "/work"):
    sys.path.insert(0, path)
attempt(__import__, "secret"); attempt(__import__, "hosts"); attempt(__import__, "passwd")
for path in (SECRET, "/etc/passwd", "/mnt/rw/up-secret"):
    attempt(runpy.run_path, path)
    attempt(lambda: importlib.util.spec_from_file_location("x", path).loader.exec_module(None)) if path.endswith(".py") else None
    attempt(importlib.machinery.SourceFileLoader("x", path).load_module)
    attempt(zipimport.zipimporter, path)
tell()`, `{'ENOENT': 6, 'ModuleNotFoundError': 3, 'ZipImportError': 3}`},
		{"temporary files", `
import tempfile
for folder in ("/etc", HOST, "/mnt/ro", "/var/tmp"):
    attempt(tempfile.mkstemp, "", "", folder); attempt(tempfile.mkdtemp, "", "", folder)
tell()
os.environ["TMPDIR"] = HOST; tempfile.tempdir = None
print(tempfile.gettempdir(), tempfile.mkstemp()[1].startswith("/tmp/"))`, `{'ENOENT': 2, 'EROFS': 6}
/tmp True`},
		{"walking libraries", `
import glob, pathlib, shutil
print(sorted(glob.glob("/mnt/*/*")) == sorted(f"/mnt/{v}/{n}" for v in ("ro", "rw", "cow") for n in ("file", "sub", "proc", "to-secret", "up", "up-secret") if os.path.lexists(f"/mnt/{v}/{n}")), glob.glob("/etc/**", recursive=True), glob.glob("/mnt/rw/up/sec*"))
print(sorted({top.split("/")[1] for top, _, _ in os.walk("/")}), sorted(p.name for p in pathlib.Path("/").iterdir()))
print(list(pathlib.Path("/etc").rglob("*")), [p for p in pathlib.Path("/mnt").rglob("secret")])
attempt(shutil.copy, SECRET, "/data/x"); attempt(shutil.copytree, HOST, "/data/y"); attempt(shutil.copy, "/mnt/rw/up-secret", "/data/z"); attempt(shutil.copytree, "/mnt/rw/up", "/data/w", True)
attempt(shutil.make_archive, "/data/a", "tar", HOST)
tell()`, `True [] []
['', 'data', 'dev', 'mnt', 'tmp', 'usr'] ['data', 'dev', 'mnt', 'tmp', 'usr']
[] []
{'ENOENT': 4, 'Error': 1}`},
		{"moves across mounts", `
import shutil
open("/data/own", "w").write("x")
attempt(os.rename, "/mnt/rw/file", "/data/stolen"); attempt(os.rename, "/data/own", "/mnt/rw/in"); attempt(os.rename, "/mnt/ro/file", "/mnt/cow/x")
attempt(os.link, "/mnt/rw/file", "/data/hard"); attempt(os.rename, "/data", "/elsewhere"); attempt(os.rename, "/mnt/rw", "/mnt/x"); attempt(os.replace, "/data/own", "/etc/passwd")
attempt(os.rename, "/mnt/rw/up/secret", "/mnt/rw/s"); attempt(os.rename, "/mnt/rw/file", "/mnt/rw/../secret")
tell()
attempt(shutil.move, "/mnt/ro/file", "/data/moved"); attempt(shutil.move, SECRET, "/data/x")
tell()`, `{'EBUSY': 2, 'ENOENT': 1, 'EXDEV': 6}
{'ENOENT': 1, 'EROFS': 1}`},
		{"hard links", `
for v in ("/data", "/mnt/rw", "/mnt/cow", "/mnt/ro"):
    for source in (SECRET, "/etc/passwd", v + "/up-secret", v + "/to-secret", v + "/up/secret", v + "/../secret"):
        attempt(os.link, source, v + "/hard"); attempt(slurp, v + "/hard"); attempt(os.unlink, v + "/hard")
tell()`, `{'ENOENT': 62, 'EROFS': 2, 'ok': 8}`},
		{"deserialized payloads", `
import marshal, pickle, types
class Payload:
    def __init__(self, f, *args): self.what = f, args
    def __reduce__(self): return self.what
for payload in (Payload(open, SECRET), Payload(os.system, "cat " + SECRET), Payload(os.listdir, HOST), Payload(eval, "open('/etc/passwd').read()")):
    attempt(pickle.loads, pickle.dumps(payload))
attempt(exec, marshal.loads(marshal.dumps(compile("open('/etc/passwd')", "x", "exec"))))
tell()`, `{'ENOENT': 4, 'ENOTSUP': 1}`},
	} {
		t.Run(c.name, func(t *testing.T) { runOnFiles(t, c.program, c.want) })
	}
}
