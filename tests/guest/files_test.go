package guest

import "testing"

func TestFiles(t *testing.T) {
	runAll(t, []program{
		{name: "root", code: `
import os, pathlib
print(sorted(os.listdir("/")), os.getcwd(), os.listdir("/tmp"), os.listdir("/data"))
open("relative.txt", "w").write("héllo\n")
print(open("/data/relative.txt").read(), end="")
pathlib.Path("a/b").mkdir(parents=True)
pathlib.Path("a/b/c.txt").write_text("x")
print(sorted(map(str, pathlib.Path(".").rglob("*"))), pathlib.Path("a").resolve())
`, want: "['data', 'dev', 'tmp', 'usr'] /data [] []\nhéllo\n['a', 'a/b', 'a/b/c.txt', 'relative.txt'] /data/a"},
		{name: "tempfile", code: `
import os, tempfile
print(tempfile.gettempdir())
with tempfile.NamedTemporaryFile("w+") as file:
    file.write("x")
    file.seek(0)
    print(file.read(), file.name.startswith("/tmp/"))
with tempfile.TemporaryDirectory() as folder:
    print(os.path.isdir(folder))
print(os.path.exists(folder), os.listdir("/tmp"))
with tempfile.TemporaryFile() as file:
    file.write(b"abc")
    file.seek(0)
    print(file.read())
with tempfile.SpooledTemporaryFile(max_size=4) as file:
    file.write(b"abc" * 10)
    file.seek(0)
    print(len(file.read()))
`, want: "/tmp\nx True\nTrue\nFalse []\nb'abc'\n30"},
		{name: "refused", code: `
for path, mode in (("/etc/passwd", "r"), ("/usr/new", "w"), ("/new", "w"), ("/dev/new", "w"), ("/usr/lib/python3.14/os.py", "a"), ("/data", "w"), ("/proc/self/environ", "r"), ("../../../etc/hosts", "r")):
    try:
        open(path, mode)
    except OSError as error:
        print(type(error).__name__, error.strerror)
`, want: `
FileNotFoundError No such file or directory
OSError Read-only file system
OSError Read-only file system
OSError Read-only file system
OSError Read-only file system
IsADirectoryError Is a directory
FileNotFoundError No such file or directory
FileNotFoundError No such file or directory`},
		{name: "devices", code: `
import os
with open(os.devnull, "w") as null:
    print("forgotten", file=null)
print(repr(open(os.devnull).read()), len(open("/dev/urandom", "rb").read(5)), open("/dev/zero", "rb").read(2), os.listdir("/dev"))
`, want: `'' 5 b'\x00\x00' ['null', 'random', 'urandom', 'zero']`},
		{name: "permissions", code: `
import io, os, shutil, stat, tarfile, zipfile
open("file", "w").write("x")
os.mkdir("folder")
os.symlink("file", "link")
print([stat.filemode(os.lstat(name).st_mode) for name in ("file", "folder", "link", "/dev/null")], os.stat("file").st_uid)
os.chmod("file", 0o750)
os.chdir("folder")
os.chmod("../link", 0o751)
print(oct(os.stat("/data/file").st_mode), oct(os.stat("../file").st_mode), os.readlink("../link"))
os.chdir("..")
shutil.copy("file", "copy")
print(oct(os.stat("copy").st_mode), oct(zipfile.ZipInfo.from_file("file").external_attr >> 16))
for path in ("missing", "/usr/lib/python3.14/os.py"):
    try:
        os.chmod(path, 0)
    except OSError as error:
        print(type(error).__name__, error)
`, want: `
['-rw-r--r--', 'drwxr-xr-x', 'lrwxrwxrwx', 'crw-rw-rw-'] 1000
0o100751 0o100751 file
0o100751 0o100751
FileNotFoundError [Errno 44] No such file or directory: 'missing'
OSError [Errno 69] Read-only file system: '/usr/lib/python3.14/os.py'`},
		{name: "shutil", code: `
import filecmp, fileinput, glob, os, shutil
os.makedirs("tree/sub")
open("tree/sub/a.txt", "w").write("one\ntwo ü\n")
shutil.copytree("tree", "copy")
print(filecmp.cmp("tree/sub/a.txt", "copy/sub/a.txt"), sorted(glob.glob("**/*.txt", recursive=True)))
print([line.strip() for line in fileinput.input("copy/sub/a.txt")])
shutil.move("copy", "moved")
shutil.rmtree("tree")
print(os.listdir("."), [name for _, _, names in os.walk("moved") for name in names])
os.utime("moved/sub/a.txt", (1, 2))
print(os.path.getmtime("moved/sub/a.txt"), os.stat("moved/sub/a.txt").st_size)
`, want: "True ['copy/sub/a.txt', 'tree/sub/a.txt']\n['one', 'two ü']\n['moved'] ['a.txt']\n2.0 11"},
		{name: "unflushed", code: `
import atexit, io
class Raw(io.RawIOBase):
    def writable(self):
        return True
    def write(self, data):
        print("written:", bytes(data))
        return len(data)
file = io.TextIOWrapper(io.BufferedWriter(Raw()))
file.write("kept until the end")
atexit.register(print, "handler")
`, want: "handler\nwritten: b'kept until the end'"},
		{name: "sqlite", code: `
import contextlib, dbm, shelve, sqlite3
for path in (":memory:", "/data/x.db", "relative.db", "/tmp/y.db"):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("create table t(a int, b text)")
        db.executemany("insert into t values(?, ?)", [(i, str(i)) for i in range(100)])
        db.commit()
        print(path, db.execute("select count(*), sum(a) from t").fetchone())
with contextlib.closing(sqlite3.connect("file:/data/x.db?mode=ro", uri=True)) as db:
    try:
        db.execute("delete from t")
    except sqlite3.OperationalError as error:
        print(error)
    db.create_function("twice", 1, lambda x: x * 2)
    print(db.execute("""select twice(21), json_extract('{"a": [5]}', '$.a[0]')""").fetchone(), len(list(db.iterdump())))
with shelve.open("shelf") as shelf:
    shelf["a"] = [1]
with shelve.open("shelf") as shelf:
    print(shelf["a"], dbm.whichdb("shelf"))
`, want: `
:memory: (100, 4950)
/data/x.db (100, 4950)
relative.db (100, 4950)
/tmp/y.db (100, 4950)
attempt to write a readonly database
(42, 5) 103
[1] dbm.sqlite3`},
	})
}

func TestImports(t *testing.T) {
	runAll(t, []program{
		{name: "written module", code: `
import importlib, importlib.resources, os, pkgutil, runpy, sys, zipfile
open("mymod.py", "w").write("X = 1\n")
os.makedirs("pkg/sub")
open("pkg/__init__.py", "w").write("Y = 2")
open("pkg/sub/deep.py", "w").write("Z = 3")
open("pkg/data.txt", "w").write("DATA")
import mymod, pkg, pkg.sub.deep
print(mymod.X, mymod.__file__, pkg.Y, pkg.sub.deep.Z)
print(importlib.resources.files("pkg").joinpath("data.txt").read_text(), pkgutil.get_data("pkg", "data.txt"))
open("mymod.py", "w").write("X = 100000")
print(importlib.reload(mymod).X, runpy.run_module("mymod")["X"])
with zipfile.ZipFile("m.zip", "w") as archive:
    archive.writestr("zipped.py", "W = 7")
sys.path.append("m.zip")
import zipped
print(zipped.W, "json" in {module.name for module in pkgutil.iter_modules()})
`, want: "1 /data/mymod.py 2 3\nDATA b'DATA'\n100000 100000\n7 True"},
		{name: "traceback of a written module", code: `
open("broken.py", "w").write("def boom():\n    return 1 / 0\n")
import traceback, broken
try:
    broken.boom()
except ZeroDivisionError as error:
    print("".join(traceback.format_exception(error)[1:]))
open("wrong.py", "w").write("def f(:\n")
import wrong
`, want: `
  File "<user>", line 5, in <module>
    broken.boom()
    ~~~~~~~~~~~^^
  File "/data/broken.py", line 2, in boom
    return 1 / 0
           ~~^~~
ZeroDivisionError: division by zero`, err: "SyntaxError: invalid syntax"},
		{name: "metadata", code: `
import importlib.metadata
try:
    importlib.metadata.version("nothing")
except importlib.metadata.PackageNotFoundError as error:
    print(error)
print(list(importlib.metadata.distributions()))
`, want: "No package metadata was found for nothing\n[]"},
	})
}
