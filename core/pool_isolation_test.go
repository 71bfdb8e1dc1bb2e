package core

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/eryx-go/eryx/core/guest"
)

// dirty is a user who leaves all that a program can leave, and a mark in it. The mark is put together at run
// time, so that the source does not have it.
const dirty = `
import sys, os, json, builtins, atexit, asyncio, random, warnings, locale, sqlite3, gc, contextvars, logging, signal, tempfile, decimal
mark = "".join(["SEC", "RET-", "0451"])
heap = [mark.encode() * 1000 for _ in range(4000)]            # 44 MB, then given back
del heap
keep = [bytearray(mark.encode() * 100_000) for _ in range(20)]
builtins.leak = mark; sys.leak = mark; json.leak = mark; sys.modules[mark] = sys
json.dumps = lambda *a, **k: mark
os.environ["LEAK"] = mark
sys.path.append("/" + mark); sys.argv.append(mark)
for d in ("/data", "/tmp"):
    os.makedirs(d + "/" + mark)
    open(d + "/" + mark + "/f", "w").write(mark * 1000)
fd = os.open("/data/open", os.O_CREAT | os.O_RDWR); os.write(fd, mark.encode())
os.chdir("/tmp/" + mark)
db = sqlite3.connect(":memory:"); db.execute("create table t(x)"); db.execute("insert into t values(?)", (mark,))
atexit.register(print, mark)
sys.excepthook = lambda *a: print(mark); sys.displayhook = print
sys.setrecursionlimit(5000); gc.disable(); random.seed(1); warnings.simplefilter("error")
decimal.getcontext().prec = 3
contextvars.ContextVar("leak").set(mark)
logging.getLogger().addHandler(logging.StreamHandler()); logging.root.leak = mark
class Final:
    def __del__(self): print(mark)
final = Final()
async def later():
    await asyncio.sleep(60); print(mark)
task = asyncio.create_task(later())
sys.stdout.write(mark)
print(await secret())
`

// search is the next user, who looks everywhere.
const search = `
import sys, os, builtins, json, gc, random, decimal, warnings, logging, asyncio, atexit
found = []
mark = "".join(["SEC", "RET-", "0451"])
def check(what, seen):
    if seen: found.append(what)
check("memory", any(b"RET-0451" in bytearray(n) or bytearray(n).count(0) != n for n in (100, 5000, 1 << 20, 48 << 20)))
check("names", any(hasattr(o, "leak") for o in (builtins, sys, json, logging.root)) or {"keep", "db", "task"} & set(globals()))
check("modules", mark in sys.modules or json.dumps(1) != "1")
check("environment", "LEAK" in os.environ or mark in repr(sys.path + sys.argv))
check("files", os.listdir("/data") + os.listdir("/tmp"))
check("directory", os.getcwd() != "/data")
check("descriptors", False)
for fd in range(3, 64):
    try: name = os.fstat(fd)
    except OSError: continue
    try: check("descriptor %d" % fd, b"RET" in os.pread(fd, 100, 0))
    except OSError: pass
check("objects", any(isinstance(o, (str, bytes, bytearray)) and (mark in o if isinstance(o, str) else mark.encode() in o)
      for o in gc.get_objects() if o is not mark))
check("hooks", sys.excepthook is not sys.__excepthook__ or sys.displayhook is not sys.__displayhook__)
check("settings", sys.getrecursionlimit() == 5000 or not gc.isenabled() or decimal.getcontext().prec != 28)
random_now = random.random(); random.seed(1)
check("random", random_now == random.random())
check("tasks", len(asyncio.all_tasks()) > 1)
check("callbacks", any(c["name"] == "secret" for c in list_callbacks()) or "secret" in dir(builtins))
try:
    await invoke("secret")
    found.append("callback")
except CallbackError: pass
print(found)
`

// TestPoolIsolation: the next user of a pool's instance finds nothing of the last one's, in the guest or in its
// whole memory.
func TestPoolIsolation(t *testing.T) {
	rt, err := DefaultRuntime()
	if err != nil {
		t.Fatal(err)
	}
	pool, err := rt.NewPool(PoolConfig{MaxSize: 1, Config: Config{Limits: Limits{MaxMemoryBytes: 200 << 20}}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 2 {
		first, err := pool.Acquire(t.Context(), LeaseConfig{Callbacks: []Callback{
			{Name: "secret", Func: func(context.Context, map[string]any) (any, error) { return "SECRET-0451", nil }},
		}})
		if err != nil {
			t.Fatal(err)
		}
		used := first.Session.guest
		if _, err := first.Execute(t.Context(), dirty); err != nil {
			t.Fatal(err)
		}
		if !memoryHolds(t, used, "SECRET-0451") {
			t.Fatal("the first user's mark is not in its memory: the test cannot see anything")
		}
		first.Release()

		second, err := pool.Acquire(t.Context(), LeaseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if second.Session.guest != used {
			t.Fatal("the instance was not used again: the test cannot see anything")
		}
		if memoryHolds(t, used, "SECRET-0451") {
			t.Error("the first user's mark is in memory before the second user's program")
		}
		r, err := second.Execute(t.Context(), search)
		if err != nil {
			t.Fatal(err)
		}
		if string(r.Stdout) != "[]\n" {
			t.Errorf("found %s", r.Stdout)
		}
		// Its memory has grown over what the first one used.
		if memoryHolds(t, used, "SECRET-0451SECRET-0451") {
			t.Error("the first user's marks are in memory that the second user has grown into")
		}
		second.Release()
	}
}

// memoryHolds searches the whole memory of a guest.
func memoryHolds(t *testing.T, g *guest.Guest, text string) bool {
	t.Helper()
	image, err := g.TakeImage()
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	name := filepath.Join(t.TempDir(), "memory")
	if err := guest.SaveImage(image, name); err != nil {
		t.Fatal(err)
	}
	memory, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(memory, []byte(text))
}
