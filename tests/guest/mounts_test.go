package guest

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core"
)

// everywhere are programs that print the same wherever their files are: in memory, in a volume, in a copy on write.
var everywhere = []program{
	{name: "open files", code: `
f = open("a", "w+b", 0)
f.write(b"one")
os.rename("a", "b"); f.write(b"two"); print(os.listdir(), open("b").read())
os.unlink("b"); f.write(b"three"); f.seek(0); print(os.listdir(), f.read(), os.fstat(f.fileno()).st_nlink)
f.truncate(5); print(f.seek(0, 2), f.closed)
open("c", "w").write("old"); g = open("c"); open("d", "w").write("new"); os.replace("d", "c"); print(g.read(), open("c").read())
with open("log", "a") as x, open("log", "a") as y:
    x.write("1"); x.flush(); y.write("2"); y.flush(); x.write("3")
print(open("log").read())
with open("hole", "wb") as h: h.seek(10_000); h.write(b"end")
print(os.path.getsize("hole"), open("hole", "rb").read(3), open("hole", "rb").read()[-4:])
`, want: `
['b'] onetwo
[] b'onetwothree' 0
5 False
old new
123
10003 b'\x00\x00\x00' b'\x00end'`},
	{name: "errno", code: `
import errno
def what(f, *args):
    try: f(*args)
    except OSError as e: return type(e).__name__, errno.errorcode[e.errno], os.strerror(e.errno) == e.strerror
os.mkdir("dir"); open("file", "w").close(); os.mkdir("full"); open("full/x", "w").close(); os.symlink("loop", "loop")
for f, *args in ((open, "none"), (os.mkdir, "dir"), (open, "dir", "w"), (os.listdir, "file"), (os.rmdir, "full"), (os.rmdir, "file"), (os.unlink, "dir"),
                 (open, "file/x"), (os.stat, "loop"), (os.rename, "none", "x"), (os.rename, "dir", "full"), (os.rename, "file", "dir"), (os.rename, "dir", "file"),
                 (os.rename, "dir", "dir/sub"), (os.link, "file", "full/x"), (os.link, "dir", "hard"), (os.readlink, "file"), (os.symlink, "x", "file"),
                 (open, "n" * 256, "w"), (open, "file", "x"), (os.mkdir, "none/x"), (os.utime, "none"), (os.truncate, "file", -1), (os.rmdir, "dir/."), (os.open, "file", os.O_DIRECTORY)):
    print(f.__name__, what(f, *args))
`, want: `
open ('FileNotFoundError', 'ENOENT', True)
mkdir ('FileExistsError', 'EEXIST', True)
open ('IsADirectoryError', 'EISDIR', True)
listdir ('NotADirectoryError', 'ENOTDIR', True)
rmdir ('OSError', 'ENOTEMPTY', True)
rmdir ('NotADirectoryError', 'ENOTDIR', True)
unlink ('IsADirectoryError', 'EISDIR', True)
open ('NotADirectoryError', 'ENOTDIR', True)
stat ('OSError', 'ELOOP', True)
rename ('FileNotFoundError', 'ENOENT', True)
rename ('OSError', 'ENOTEMPTY', True)
rename ('IsADirectoryError', 'EISDIR', True)
rename ('NotADirectoryError', 'ENOTDIR', True)
rename ('OSError', 'EINVAL', True)
link ('FileExistsError', 'EEXIST', True)
link ('PermissionError', 'EPERM', True)
readlink ('OSError', 'EINVAL', True)
symlink ('FileExistsError', 'EEXIST', True)
open ('OSError', 'ENAMETOOLONG', True)
open ('FileExistsError', 'EEXIST', True)
mkdir ('FileNotFoundError', 'ENOENT', True)
utime ('FileNotFoundError', 'ENOENT', True)
truncate ('OSError', 'EINVAL', True)
rmdir ('OSError', 'EINVAL', True)
open ('NotADirectoryError', 'ENOTDIR', True)`},
	{name: "times and modes", code: `
import time
mode = lambda p: oct(os.stat(p).st_mode & 0o7777)
open("f", "w").write("x"); before = os.stat("f").st_mtime_ns
print(abs(before / 1e9 - time.time()) < 3600)
os.utime("f", ns=(1_000_000_000, 2_000_000_000)); print(os.stat("f").st_atime_ns, os.stat("f").st_mtime_ns)
os.chmod("f", 0o640); print(mode("f"), os.stat("f").st_mtime_ns)
open("f", "a").write("y"); print(os.stat("f").st_mtime_ns >= before)
os.close(os.open("g", os.O_CREAT | os.O_WRONLY, 0o600)); os.mkdir("d", 0o700); os.mkdir("e"); print(mode("g"), mode("d"), mode("e"))
print(os.access("g", os.W_OK), os.access("g", os.X_OK), os.access("d", os.W_OK | os.X_OK), os.access("none", os.F_OK))
os.link("f", "hard"); os.symlink("f", "soft"); os.chmod("hard", 0o600)
print(os.stat("f").st_nlink, mode("f"), os.path.samefile("f", "soft"), os.lstat("soft").st_size, os.readlink("soft"), os.path.samefile("f", "hard"))
`, want: `
True
1000000000 2000000000
0o640 2000000000
True
0o600 0o700 0o755
True False True False
2 0o600 True 1 f True`},
	{name: "archives", code: `
import gzip, tarfile, zipfile, shutil
os.makedirs("src/sub"); open("src/a.txt", "w").write("text " * 1000); open("src/sub/b.bin", "wb").write(bytes(range(256)) * 100)
with tarfile.open("x.tar.gz", "w:gz") as t: t.add("src")
with zipfile.ZipFile("x.zip", "w", zipfile.ZIP_DEFLATED) as z:
    for top, _, names in os.walk("src"):
        for n in names: z.write(os.path.join(top, n))
with zipfile.ZipFile("x.zip", "a") as z: z.writestr("more", "1")
for name in ("x.tar.gz", "x.zip"):
    shutil.unpack_archive(name, "out", filter="data") if name.endswith("gz") else shutil.unpack_archive(name, "out")
    print(sorted(os.path.relpath(os.path.join(t, n), "out") for t, _, names in os.walk("out") for n in names), open("out/src/sub/b.bin", "rb").read() == bytes(range(256)) * 100)
    shutil.rmtree("out")
with gzip.open("z.gz", "wt") as f: f.write("line\n" * 1000)
print(sum(1 for _ in gzip.open("z.gz", "rt")), zipfile.ZipFile("x.zip").testzip())
`, want: `
['src/a.txt', 'src/sub/b.bin'] True
['more', 'src/a.txt', 'src/sub/b.bin'] True
1000 None`},
	{name: "sqlite", code: `
import sqlite3
db = sqlite3.connect("x.db")
print(db.execute("pragma journal_mode = wal").fetchone())  # this SQLite has none, and says so by staying with the old
db.execute("create table t(a integer primary key, b text)")
with db: db.executemany("insert into t(b) values (?)", ((str(i),) for i in range(2000)))
try:
    with db:
        db.execute("delete from t"); raise KeyError
except KeyError: pass
print(db.execute("select count(*), sum(length(b)) from t").fetchone(), os.path.exists("x.db-journal"))
other = sqlite3.connect("x.db", timeout=0)
db.execute("begin immediate"); db.execute("delete from t")
try: other.execute("insert into t(b) values ('x')")
except sqlite3.OperationalError as e: print(e)
db.rollback(); db.execute("vacuum"); db.close()
print(other.execute("select max(a) from t").fetchone(), other.execute("pragma integrity_check").fetchone()); other.close()
print(sorted(os.listdir()))
`, want: `
('delete',)
(2000, 6890) False
database is locked
(2000,) ('ok',)
['x.db']`},
	{name: "libraries", code: `
import glob, pathlib, shelve, shutil, tempfile
with tempfile.TemporaryDirectory(dir=".") as d:
    pathlib.Path(d, "x").write_text("1"); print(len(os.listdir(d)))
with tempfile.NamedTemporaryFile("w+", dir=".") as f: f.write("t"); f.flush(); print(pathlib.Path(f.name).read_text())
pathlib.Path("p/q/r").mkdir(parents=True); pathlib.Path("p/q/f.txt").touch(); print(sorted(map(str, pathlib.Path(".").rglob("*"))), glob.glob("**/*.txt", recursive=True))
shutil.copytree("p", "copy"); shutil.move("copy", "moved"); print([e.name for e in os.scandir("moved/q") if e.is_file()], shutil.copy2("p/q/f.txt", "f2"))
with shelve.open("shelf") as s: s["k"] = [1, 2]
with shelve.open("shelf") as s: print(s["k"])
shutil.rmtree("p"); shutil.rmtree("moved"); print(os.path.exists("p"))
`, want: `
1
t
['p', 'p/q', 'p/q/f.txt', 'p/q/r'] ['p/q/f.txt']
['f.txt'] f2
[1, 2]
False`},
}

// TestEverywhere: files in memory, in volumes and in copies on write behave alike, and as on Linux.
func TestEverywhere(t *testing.T) {
	for _, p := range everywhere {
		for _, folder := range []string{"/data", "/tmp", "/mnt/rw", "/mnt/cow"} {
			t.Run(p.name+strings.ReplaceAll(folder, "/", " "), func(t *testing.T) {
				sandbox, err := runtime.NewSandbox(core.Config{Volumes: []core.Volume{
					{HostPath: t.TempDir(), GuestPath: "/mnt/rw", Mode: core.VolumeReadWrite},
					{HostPath: t.TempDir(), GuestPath: "/mnt/cow", Mode: core.VolumeCopyOnWrite},
				}})
				if err != nil {
					t.Fatal(err)
				}
				result, err := sandbox.Execute(context.Background(), "import os\nos.chdir('"+folder+"')\n"+p.code)
				if err != nil {
					t.Errorf("%v", err)
				}
				if got := strings.TrimSpace(string(result.Stdout)); got != strings.TrimSpace(p.want) {
					t.Errorf("printed\n%s\nwant%s", got, p.want)
				}
			})
		}
	}
}

// TestReadOnlyFilesystemsSaySo: os.access knows what cannot be written to.
func TestReadOnlyFilesystemsSaySo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/f", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	sandbox, err := runtime.NewSandbox(core.Config{Volumes: []core.Volume{{HostPath: dir, GuestPath: "/mnt/ro"}, {HostPath: dir, GuestPath: "/mnt/rw", Mode: core.VolumeReadWrite}, {HostPath: dir + "/f", GuestPath: "/mnt/file", Mode: core.VolumeReadWrite}}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := sandbox.Execute(context.Background(), `
import os
for path in ("/", "/usr", "/usr/lib/python3.14/os.py", "/mnt", "/mnt/ro", "/mnt/ro/f", "/mnt/rw", "/mnt/rw/f", "/mnt/file", "/data", "/tmp", "/dev", "/dev/null"):
    print(path, os.access(path, os.R_OK), os.access(path, os.W_OK))
`)
	if err != nil {
		t.Fatal(err)
	}
	want := "/ True False\n/usr True False\n/usr/lib/python3.14/os.py True False\n/mnt True False\n/mnt/ro True False\n/mnt/ro/f True False\n" +
		"/mnt/rw True True\n/mnt/rw/f True True\n/mnt/file True True\n/data True True\n/tmp True True\n/dev True False\n/dev/null True True\n"
	if string(result.Stdout) != want {
		t.Errorf("printed\n%s\nwant\n%s", result.Stdout, want)
	}
}
