// libc.c replaces the libc functions whose WASI versions are missing, wrong for a sandbox, or would need the
// WASI 0.2 component interface. The linker binds every use of these names, libc's own included, to what is here.
#include "eryx.h"

// Values of wasi-libc.
#define EBADF 8
#define EINTR 27
#define EINVAL 28
#define ENOMEM 48
#define ENOSYS 52
#define ENOTSUP 58
#define WASM_PAGE 65536u

extern int errno;
void *memset(void *, int, size_t);
char *strcpy(char *, const char *);
size_t strlen(const char *);

struct timespec {
  long long tv_sec;
  int tv_nsec;
};
struct timeval {
  long long tv_sec;
  long long tv_usec;
};

static int fail(int code) {
  errno = code;
  return -1;
}

// ---- memory -------------------------------------------------------------------------------------------
// The break is kept here, not read from memory.size: a recycled instance may own more memory than its
// image, and must hand out the same addresses as a new one. `info` is shared with the host (call.c).
// The last page of memory is never handed out: the build's checks of addresses rely on it (wasm/internal/bounds).
extern uint32_t eryx_info_words[16];
#define INFO_LIMIT eryx_info_words[5]
#define INFO_BRK eryx_info_words[6]
#define INFO_PEAK eryx_info_words[7]

ERYX_OVERRIDE void *sbrk(intptr_t increment) {
  if (!INFO_BRK) INFO_BRK = (__builtin_wasm_memory_size(0) - 1) * WASM_PAGE;
  if (increment == 0) return (void *)INFO_BRK;
  if (increment < 0 || increment % WASM_PAGE) return errno = EINVAL, (void *)-1;
  uint64_t end = (uint64_t)INFO_BRK + (uint32_t)increment;
  if (end > 0xffff0000u || (INFO_LIMIT && end > INFO_LIMIT)) return errno = ENOMEM, (void *)-1;
  uint64_t size = (uint64_t)__builtin_wasm_memory_size(0) * WASM_PAGE;
  uint64_t need = end + WASM_PAGE;
  if (need > size && __builtin_wasm_memory_grow(0, (size_t)((need - size) / WASM_PAGE)) == (size_t)-1)
    return errno = ENOMEM, (void *)-1;
  void *old = (void *)INFO_BRK;
  INFO_BRK = (uint32_t)end;
  if (INFO_BRK > INFO_PEAK) INFO_PEAK = INFO_BRK;
  return old;
}

// ---- stack bounds -------------------------------------------------------------------------------------
// CPython in this build takes the stack pointer for a constant, so its own limits mean nothing; an error
// here makes it use ones that never strike. The real checks are the linker's (wasm/stackcheck.txt).
ERYX_OVERRIDE int pthread_getattr_np(void *thread, void *attr) { return ENOSYS; }

// ---- time ---------------------------------------------------------------------------------------------
__attribute__((import_module("wasi_snapshot_preview1"), import_name("clock_time_get"))) int32_t wasi_clock_time_get(
    int32_t id, int64_t precision, int64_t *out);

// wasi-libc's clockid_t is a pointer to a constant that holds the WASI clock number.
typedef const struct {
  uint32_t id;
} *clockid_t;

// The host has no clock of the guest's CPU time: it is the time that passes, without what was slept.
static int64_t slept;

static int64_t now_ns(uint32_t id) {
  int64_t t = 0;
  int cpu = id >= 2;
  wasi_clock_time_get(cpu ? 1 : (int32_t)id, 1, &t);
  return cpu ? t - slept : t;
}

ERYX_OVERRIDE int clock_gettime(clockid_t clock, struct timespec *ts) {
  if (!clock || clock->id > 3) return fail(EINVAL);
  int64_t t = now_ns(clock->id);
  ts->tv_sec = t / 1000000000;
  ts->tv_nsec = (int)(t % 1000000000);
  return 0;
}
ERYX_OVERRIDE int clock_getres(clockid_t clock, struct timespec *ts) {
  if (!clock || clock->id > 3) return fail(EINVAL);
  if (ts) {
    ts->tv_sec = 0;
    ts->tv_nsec = 1000;
  }
  return 0;
}
ERYX_OVERRIDE int gettimeofday(struct timeval *tv, void *tz) {
  int64_t t = now_ns(0);
  tv->tv_sec = t / 1000000000;
  tv->tv_usec = (t % 1000000000) / 1000;
  return 0;
}
ERYX_OVERRIDE long long time(long long *out) {
  long long t = now_ns(0) / 1000000000;
  if (out) *out = t;
  return t;
}
ERYX_OVERRIDE long long clock(void) { return now_ns(2); }  // CLOCKS_PER_SEC is 10^9

#define SIGINT 2

// sleep_ns waits in the host; when that is interrupted, the signal is raised so that CPython's callers,
// which check for signals after EINTR, see it.
static int sleep_ns(int64_t ns) {
  if (ns <= 0) return 0;
  int64_t before = now_ns(1);
  int interrupted = eryx_host_sleep(ns);
  slept += now_ns(1) - before;
  if (!interrupted) return 0;
  PyErr_SetInterruptEx(SIGINT);
  return 1;
}

ERYX_OVERRIDE int clock_nanosleep(clockid_t clock, int flags, const struct timespec *req, struct timespec *rem) {
  if (!clock || clock->id > 3 || req->tv_nsec < 0 || req->tv_nsec > 999999999 || req->tv_sec > 4000000000LL)
    return EINVAL;
  int64_t ns = req->tv_sec * 1000000000 + req->tv_nsec;
  if (flags) ns -= now_ns(clock->id);  // TIMER_ABSTIME
  if (rem) rem->tv_sec = rem->tv_nsec = 0;
  return sleep_ns(ns) ? EINTR : 0;
}
ERYX_OVERRIDE int nanosleep(const struct timespec *req, struct timespec *rem) {
  if (req->tv_nsec < 0 || req->tv_nsec > 999999999 || req->tv_sec > 4000000000LL) return fail(EINVAL);
  if (rem) rem->tv_sec = rem->tv_nsec = 0;
  return sleep_ns(req->tv_sec * 1000000000 + req->tv_nsec) ? fail(EINTR) : 0;
}
ERYX_OVERRIDE unsigned sleep(unsigned s) { return sleep_ns((int64_t)s * 1000000000) ? s : 0; }
ERYX_OVERRIDE int usleep(unsigned us) { return sleep_ns((int64_t)us * 1000) ? fail(EINTR) : 0; }

// Only standard input blocks, and only there EINTR comes from.
long __real_read(int fd, void *buf, size_t n);
ERYX_OVERRIDE long read(int fd, void *buf, size_t n) {
  long r = __real_read(fd, buf, n);
  if (r < 0 && errno == EINTR) PyErr_SetInterruptEx(SIGINT);
  return r;
}

// ---- locks --------------------------------------------------------------------------------------------
// A lock that is held is held by the only thread, which would wait for itself: that is a RuntimeError. CPython
// takes the wait for interrupted, runs its pending calls, and one of them raises.
static int raise_deadlock(void *unused) {
  PyErr_SetString(
      PyExc_RuntimeError, "deadlock: this sandbox has one thread, and it would wait here for itself for ever");
  return -1;
}
ERYX_OVERRIDE int pthread_cond_wait(void *cond, void *mutex) {
  Py_AddPendingCall(raise_deadlock, NULL);
  return 0;
}

// ---- system -------------------------------------------------------------------------------------------
struct utsname {
  char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
ERYX_OVERRIDE int uname(struct utsname *u) {
  memset(u, 0, sizeof *u);
  strcpy(u->sysname, "wasi");
  strcpy(u->nodename, "sandbox");
  strcpy(u->release, "0.0.0");
  strcpy(u->version, "0.0.0");
  strcpy(u->machine, "wasm32");
  return 0;
}
ERYX_OVERRIDE int gethostname(char *name, size_t n) {
  if (n < 8) return fail(EINVAL);
  strcpy(name, "sandbox");
  return 0;
}
