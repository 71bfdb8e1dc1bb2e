package security_test

import "testing"

// TestNames: names and paths of every kind do no harm, and what is possible on Linux works.
func TestNames(t *testing.T) {
	for _, c := range []struct{ name, program, want string }{
		{"odd names", `
for folder in ("/data", "/mnt/rw", "/mnt/cow"):
    for name in (".", "..", "", "x\0y", "; rm -rf /", "$(id)", "-rf", "* ?", "a\nb", "\ttab", "'\"", "~", "CON", "nul.txt", "a:b", "\u202egpj", "é", "e\u0301", "n" * 255, "n" * 256, "n" * 1000, "n" * 10_000):
        def one():
            path = folder + "/odd/" + name
            with open(path, "w") as f: f.write(name)
            assert name in os.listdir(folder + "/odd") and open(path).read() == name
            os.remove(path)
        attempt(os.mkdir, folder + "/odd") if not os.path.exists(folder + "/odd") else None
        attempt(one)
tell()
print([os.listdir(f + "/odd") for f in ("/data", "/mnt/rw", "/mnt/cow")])`, `{'EISDIR': 12, 'ENAMETOOLONG': 9, 'ValueError': 3, 'ok': 45}
[[], [], []]`},
		{"names that are no UTF-8", `
for folder in (b"/data", b"/mnt/rw", b"/mnt/cow"):
    path = folder + b"/bad\xff\xfe\n"
    attempt(lambda: open(path, "w").write("x"))
    print([n for n in os.listdir(folder) if n.startswith(b"bad")], [n for n in os.listdir(folder.decode()) if n.startswith("bad")])
    attempt(os.rename, path, folder + b"/\x80"); attempt(os.remove, folder + b"/\x80")
tell()`, `[b'bad\xff\xfe\n'] ['bad\udcff\udcfe\n']
[b'bad\xff\xfe\n'] ['bad\udcff\udcfe\n']
[b'bad\xff\xfe\n'] ['bad\udcff\udcfe\n']
{'ok': 9}`},
		{"names that differ in case", `
for folder in ("/data", "/mnt/cow"):
    open(folder + "/Case", "w").write("upper"); open(folder + "/case", "w").write("lower")
    print(open(folder + "/Case").read(), open(folder + "/case").read(), sorted(n for n in os.listdir(folder) if n.lower() == "case"))
    os.rename(folder + "/case", folder + "/CASE")
    print(sorted(n for n in os.listdir(folder) if n.lower() == "case"))`, `upper lower ['Case', 'case']
['CASE', 'Case']
upper lower ['Case', 'case']
['CASE', 'Case']`},
		{"long and deep paths", `
attempt(open, "/data/" + "a" * 100_000, "w"); attempt(os.stat, "/" + "a/" * 50_000); attempt(os.stat, "/mnt/rw/" + "x" * 100_000)
attempt(os.makedirs, "/data/" + "d/" * 10_000); attempt(os.mkdir, "/mnt/rw/" + "d/" * 5_000)
tell()
for folder in ("/data", "/mnt/rw", "/mnt/cow"):
    path = folder + "/deep"
    for i in range(500):
        attempt(os.mkdir, path); path += "/d"
    attempt(lambda: open(path[:-2] + "/f", "w").write("deep"))
    print(open(path[:-2] + "/f").read())
    import shutil
    attempt(shutil.rmtree, folder + "/deep")
tell()`, `{'ENAMETOOLONG': 4, 'RecursionError': 1}
deep
deep
deep
{'ok': 1506}`},
		{"NUL bytes", `
for f in (open, os.stat, os.mkdir, os.remove, os.listdir, os.rmdir, os.readlink, os.chdir):
    attempt(f, "/data/a\0/../../etc/passwd"); attempt(f, b"/data/\0")
attempt(os.rename, "/data/a\0", "/data/b"); attempt(os.symlink, "a\0b", "/data/l"); attempt(os.link, "/data/a", "/data/\0")
tell()`, `{'ValueError': 19}`},
		{"links without end", `
os.symlink("loop", "/data/loop"); os.symlink("b", "/data/a"); os.symlink("a", "/data/b"); os.symlink("inf/x", "/data/inf")
for path in ("/data/loop", "/data/a", "/data/inf", "/data/loop/x", "/data/b/../c"):
    attempt(open, path); attempt(open, path, "w"); attempt(os.stat, path); attempt(os.listdir, path)
os.mkdir("/data/c0")
for i in range(60): os.symlink(f"c{i}", f"/data/c{i + 1}")
attempt(os.stat, "/data/c40"); attempt(os.stat, "/data/c41")
tell()`, `{'ELOOP': 21, 'ok': 1}`},
	} {
		t.Run(c.name, func(t *testing.T) { runOnFiles(t, c.program, c.want) })
	}
}

// TestOffsets: what is far out is refused or a hole, and never allocated.
func TestOffsets(t *testing.T) {
	runOnFiles(t, `
far = [2**31 - 1, 2**31, 2**32, 2**40, 2**53, 2**62, 2**63 - 1]
for path in ("/data/f", "/mnt/cow/f"):
    with open(path, "w+b", 0) as f:
        f.write(b"begin")
        for at in far:
            attempt(f.seek, at); attempt(f.write, b"x"); attempt(f.truncate, at); attempt(os.pwrite, f.fileno(), b"x", at); attempt(os.truncate, path, at)
            f.seek(at); attempt(f.read, 10)
        tell()
        for at in (-1, -2**63, 2**63, 2**64): attempt(f.seek, at); attempt(f.truncate, at)
        tell()
        f.seek(1_000_000); f.write(b"end")  # within the limit a hole is fine
        f.seek(0); print(os.path.getsize(path), f.read(7), f.read(2**20)[-3:])
    os.remove(path)
fd = os.open("/data/g", os.O_CREAT | os.O_RDWR)
attempt(os.read, fd, 2**30); attempt(os.read, fd, 2**31); attempt(os.lseek, fd, -5, os.SEEK_END); attempt(os.lseek, fd, 0, 99)
attempt(os.pread, fd, 10, -1); attempt(os.pwrite, fd, b"x", -1); attempt(os.posix_fallocate, fd, 0, 2**62) if hasattr(os, "posix_fallocate") else None
tell()`, `
{'EFBIG': 2, 'ENOSPC': 26, 'ok': 14}
{'EINVAL': 4, 'OverflowError': 4}
1000003 b'begin\x00\x00' b'end'
{'EFBIG': 2, 'ENOSPC': 26, 'ok': 14}
{'EINVAL': 4, 'OverflowError': 4}
1000003 b'begin\x00\x00' b'end'
{'EINVAL': 4, 'MemoryError': 1, 'OverflowError': 1}`)
}
