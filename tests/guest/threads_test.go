package guest

import "testing"

func TestOneThread(t *testing.T) {
	runAll(t, []program{
		{name: "executor", code: `
import concurrent.futures as futures
with futures.ThreadPoolExecutor(4, initializer=print, initargs=("ready",)) as pool:
    jobs = [pool.submit(pow, i, 2) for i in range(4)]
    print([job.result() for job in jobs], list(pool.map(abs, [-1, -2], timeout=1)), len(futures.wait(jobs).done))
    print(sorted(job.result() for job in futures.as_completed(jobs)), repr(pool.submit(lambda: 1 / 0).exception()))
    pool.submit(str, 5).add_done_callback(lambda job: print("done", job.result()))
try:
    pool.submit(print)
except RuntimeError as error:
    print(error)
`, want: `
ready
[0, 1, 4, 9] [1, 2] 4
[0, 1, 4, 9] ZeroDivisionError('division by zero')
done 5
cannot schedule new futures after shutdown`},
		{name: "primitives", code: `
import queue, threading
lock, event, local = threading.Lock(), threading.Event(), threading.local()
with lock:
    print(lock.acquire(timeout=0.01), lock.acquire(blocking=False))
with threading.RLock() as first, threading.Condition() as condition:
    print(condition if isinstance(condition, int) else condition, event.wait(0.01))
event.set()
local.value = 1
semaphore = threading.BoundedSemaphore(1)
print(event.wait(), local.value, semaphore.acquire(timeout=0.01), semaphore.acquire(timeout=0.01))
line = queue.Queue(1)
line.put(1)
for attempt in (lambda: line.put(2, timeout=0.01), lambda: (line.get(), line.get(timeout=0.01))):
    try:
        attempt()
    except (queue.Full, queue.Empty) as error:
        print(type(error).__name__)
print(threading.active_count(), threading.current_thread().name, threading.main_thread().is_alive())
`, want: "False False\nTrue False\nTrue 1 True False\nFull\nEmpty\n1 MainThread True"},
		{name: "waiting for oneself", code: `
import concurrent.futures, queue, threading
lock = threading.Lock()
lock.acquire()
for wait in (lock.acquire, queue.Queue().get, queue.SimpleQueue().get, threading.Event().wait, concurrent.futures.Future().result, threading.Barrier(2).wait):
    try:
        wait()
    except RuntimeError as error:
        print(error)
`, want: repeat("deadlock: this sandbox has one thread, and it would wait here for itself for ever\n", 6)},
		{name: "no threads", code: `
import _thread, threading
for start in (threading.Thread(target=print).start, threading.Timer(1, print).start, lambda: _thread.start_new_thread(print, ())):
    try:
        start()
    except RuntimeError as error:
        print(error)
`, want: repeat("threads cannot be started in this sandbox: WebAssembly gives it one. Use asyncio; ThreadPoolExecutor and asyncio.to_thread work and run their function at once\n", 3)},
	})
}

const processes = "processes cannot be started in this sandbox. concurrent.futures.ThreadPoolExecutor works and runs its function at once\n"

func TestWhatCannotExist(t *testing.T) {
	runAll(t, []program{
		{name: "processes", code: `
import os, subprocess
for start in (lambda: subprocess.run(["ls"]), lambda: subprocess.check_output("ls", shell=True), lambda: os.system("ls"), lambda: os.popen("ls")):
    try:
        start()
    except OSError as error:
        print(error.strerror)
from concurrent.futures import ProcessPoolExecutor
try:
    ProcessPoolExecutor()
except NotImplementedError as error:
    print(error)
`, want: repeat(processes, 5)},
		{name: "attributes of os", code: `
import os, multiprocessing
for name in ("fork", "execv", "pipe", "setuid", "nonsense"):
    try:
        getattr(os, name)
    except AttributeError as error:
        print(error)
print(hasattr(os, "fork"), multiprocessing.cpu_count())
for start in (multiprocessing.Process(target=print).start, multiprocessing.Pool):
    try:
        start()
    except AttributeError as error:
        print(type(error).__name__, "in this sandbox" in str(error))
`, want: `
module 'os' has no attribute 'fork' (` + processes[:len(processes)-1] + `)
module 'os' has no attribute 'execv' (` + processes[:len(processes)-1] + `)
module 'os' has no attribute 'pipe' (there are no pipes in this sandbox: it has one process and one thread. Use io.BytesIO or queue.Queue)
module 'os' has no attribute 'setuid' (there are no user accounts in this sandbox)
module 'os' has no attribute 'nonsense'
False 1
AttributeError True
AttributeError True`},
		{name: "modules", code: `
for name in ("_ctypes", "curses", "fcntl", "mmap", "pip", "pwd", "readline", "resource", "termios", "tkinter", "multiprocessing.shared_memory"):
    try:
        __import__(name)
    except ImportError as error:
        print(error)
try:
    import no_such_module
except ModuleNotFoundError as error:
    print(error, error.name)
import ctypes
try:
    ctypes.CDLL(None)
except OSError as error:
    print(error)
`, want: `
No module named '_ctypes' (there is no native code to call in this sandbox)
No module named 'curses' (there is no terminal in this sandbox)
No module named 'fcntl' (there are no file locks in this sandbox; os.open with O_CREAT and O_EXCL, or os.mkdir, can make one)
No module named 'mmap' (files cannot be mapped into memory in this sandbox; read them)
No module named 'pip' (packages cannot be installed from inside this sandbox; whoever made it can add wheels)
No module named 'pwd' (there are no user accounts in this sandbox)
No module named 'readline' (there is no terminal in this sandbox)
No module named 'resource' (use sandbox.remaining() for the limits of this sandbox)
No module named 'termios' (there is no terminal in this sandbox)
No module named 'tkinter' (there is no display in this sandbox)
No module named 'mmap' (files cannot be mapped into memory in this sandbox; read them)
No module named 'no_such_module' no_such_module
cannot load None: there is no native code to call in this sandbox`},
	})
}
