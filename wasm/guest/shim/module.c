// module.c is the builtin module `_eryx`: all that the guest's Python runtime can ask of the host.
#include "eryx.h"

#define EAGAIN 6
#define EINTR 27
#define OUTPUT_BYTES 16384
#define SIGINT 2
#define NO_DEADLINE (-1)

extern int errno;
void *memcpy(void *, const void *, size_t);
void *realloc(void *, size_t);
void free(void *);

// Captured output waits here, in memory that the host can read even when the guest is killed, until it is
// full, the stream changes, or the host takes it (at every tick, wait, and return). See call.c for `info`.
extern uint32_t eryx_info_words[16];
static char output[OUTPUT_BYTES];
#define OUT_LEN eryx_info_words[2]
#define OUT_FD eryx_info_words[4]

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int32_t wasi_fd_write(
    int32_t fd, const void *iov, int32_t n, uint32_t *written);

char *eryx_output_buffer(void) { return output; }

static PyObject *write_stream(int fd, PyObject *data) {
  Py_buffer view;
  if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)) return NULL;
  uint32_t n = (uint32_t)view.len;
  if (OUT_LEN && (OUT_FD != (uint32_t)fd || OUT_LEN + n > OUTPUT_BYTES)) eryx_host_flush();
  if (n > OUTPUT_BYTES) {
    struct {
      const void *p;
      uint32_t n;
    } iov = {view.buf, n};
    uint32_t written;
    int rc = wasi_fd_write(fd, &iov, 1, &written);
    PyBuffer_Release(&view);
    if (rc) {
      errno = rc;
      return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromUnsignedLong(written);
  }
  OUT_FD = fd;
  memcpy(output + OUT_LEN, view.buf, n);
  OUT_LEN += n;
  PyBuffer_Release(&view);
  return PyLong_FromUnsignedLong(n);
}
static PyObject *py_write1(PyObject *self, PyObject *data) { return write_stream(1, data); }
static PyObject *py_write2(PyObject *self, PyObject *data) { return write_stream(2, data); }

int eryx_send(eryx_buf *out, int32_t (*host)(const void *, uint32_t)) {
  int rc = host(out->data, out->len);
  // One huge message must not keep its memory for ever.
  if (out->cap > (1u << 20)) {
    free(out->data);
    *out = (eryx_buf){0};
  }
  if (rc) {
    errno = rc;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
  }
  return 0;
}

static PyObject *send(PyObject *message, int32_t (*host)(const void *, uint32_t)) {
  static eryx_buf out;
  out.len = 0;
  if (eryx_pack(&out, message, 0) || eryx_send(&out, host)) return NULL;
  return Py_NewRef(Py_None);
}

static int32_t host_callback(const void *p, uint32_t n) { return eryx_host_callback(p, n); }
static int32_t host_emit(const void *p, uint32_t n) { return eryx_host_emit(p, n); }
static PyObject *py_callback(PyObject *self, PyObject *message) { return send(message, host_callback); }
static PyObject *py_emit(PyObject *self, PyObject *message) { return send(message, host_emit); }

static PyObject *py_wait(PyObject *self, PyObject *const *args, Py_ssize_t count) {
  static uint8_t *buf;
  static uint32_t cap;
  if (count < 1 || count > 2) {
    PyErr_SetString(PyExc_TypeError, "wait() takes a time and perhaps a selector");
    return NULL;
  }
  long long ns = PyLong_AsLongLong(args[0]);
  if (ns == -1 && PyErr_Occurred()) return NULL;
  long selector = count > 1 ? PyLong_AsLong(args[1]) : 0;
  if (selector == -1 && PyErr_Occurred()) return NULL;
  for (;;) {
    int64_t n = eryx_host_wait(ns, buf, cap, (int32_t)selector);
    if (n == 0) return PyList_New(0);
    if (n > 0) return eryx_unpack(buf, (uint32_t)n);
    if (n == -EINTR) {
      PyErr_SetInterruptEx(SIGINT);
      if (PyErr_CheckSignals()) return NULL;
      return PyList_New(0);
    }
    uint32_t need = (uint32_t)-n - (1u << 20);
    uint8_t *grown = realloc(buf, need);
    if (!grown) return PyErr_NoMemory();
    buf = grown;
    cap = need;
  }
}

static PyObject *py_query(PyObject *self, PyObject *arg) {
  long key = PyLong_AsLong(arg);
  if (key == -1 && PyErr_Occurred()) return NULL;
  return PyLong_FromLongLong(eryx_host_query((int32_t)key));
}

static PyObject *py_flush(PyObject *self, PyObject *unused) {
  if (OUT_LEN) eryx_host_flush();
  return Py_NewRef(Py_None);
}

static PyObject *py_interrupt(PyObject *self, PyObject *unused) {
  PyErr_SetInterruptEx(SIGINT);
  return Py_NewRef(Py_None);
}

// slack lets the runtime describe a MemoryError: some memory beyond the limit, only while it is on.
#define SLACK_BYTES (4u << 20)
#define INFO_LIMIT eryx_info_words[5]
static PyObject *py_slack(PyObject *self, PyObject *on) {
  static int is_on;
  int want = on == Py_True;
  if (INFO_LIMIT && want != is_on) INFO_LIMIT += want ? SLACK_BYTES : -SLACK_BYTES;
  is_on = want;
  return Py_NewRef(Py_None);
}

// immortalize makes one object immortal and takes it from the collector, see eryx/preload.py.
#define IMMORTAL (5 << 28)        // _Py_IMMORTAL_INITIAL_REFCNT of a 32-bit build
#define IMMORTAL_LEAST (1 << 30)  // _Py_IMMORTAL_MINIMUM_REFCNT
static PyObject *py_immortalize(PyObject *self, PyObject *o) {
  if (o->ob_refcnt >= IMMORTAL_LEAST) return Py_NewRef(Py_False);
  o->ob_refcnt = IMMORTAL;
  if (PyObject_GC_IsTracked(o)) PyObject_GC_UnTrack(o);
  return Py_NewRef(Py_True);
}

static PyObject *py_pack(PyObject *self, PyObject *value) {
  eryx_buf b = {0};
  PyObject *r = NULL;
  if (eryx_pack(&b, value, 0) == 0) r = PyBytes_FromStringAndSize((char *)b.data, (Py_ssize_t)b.len);
  free(b.data);
  return r;
}

static PyObject *py_unpack(PyObject *self, PyObject *data) {
  Py_buffer view;
  if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)) return NULL;
  PyObject *r = eryx_unpack(view.buf, (uint32_t)view.len);
  PyBuffer_Release(&view);
  return r;
}

static PyMethodDef methods[] = {
    {"write1", py_write1, METH_O, "write1(data) -> int: append to the captured standard output."},
    {"write2", py_write2, METH_O, "write2(data) -> int: append to the captured standard error."},
    {"flush", py_flush, METH_NOARGS, "flush(): let the host take the captured output now."},
    {"callback", py_callback, METH_O, "callback(request): start a host callback; its completion comes from wait()."},
    {"loop_setup", (PyCFunction)(void *)eryx_loop_setup, METH_FASTCALL, "loop_setup(...): see loop.c."},
    {"call_soon", (PyCFunction)(void *)eryx_call_soon, METH_FASTCALL | METH_KEYWORDS,
        "call_soon(callback, *args, context=None): of the hosted loop."},
    {"run_ready", eryx_run_ready, METH_O, "run_ready(n): run the first n handles that are ready."},
    {"receive", eryx_receive, METH_O, "receive(messages): hand events to those who wait for them."},
    {"begin", (PyCFunction)(void *)eryx_begin, METH_FASTCALL,
        "begin(loop, number, name, arguments) -> Future: start a host callback."},
    {"trace_line", (PyCFunction)(void *)eryx_trace_line, METH_FASTCALL, "trace_line(code, line): record a line."},
    {"trace_event", (PyCFunction)(void *)eryx_trace_event, METH_FASTCALL,
        "trace_event(code, event): record another event."},
    {"trace_flush", eryx_trace_flush, METH_NOARGS, "trace_flush(): hand the host what is recorded."},
    {"emit", py_emit, METH_O, "emit(message): hand the host a message that has no answer."},
    {"wait", (PyCFunction)(void *)py_wait, METH_FASTCALL,
        "wait(ns, selector=0) -> list: events that are ready; waits up to ns nanoseconds, for ever if negative, or "
        "until a descriptor of the selector is ready."},
    {"net_pair", eryx_py_net_pair, METH_NOARGS, "net_pair() -> (fd, fd): two sockets that are connected."},
    {"net_lookup", eryx_py_net_lookup, METH_O,
        "net_lookup(host) -> fd: readable once getaddrinfo would answer at once."},
    {"net_watch", eryx_py_net_watch, METH_VARARGS,
        "net_watch(selector, fd, events): what the selector waits for; fd -1 makes it, or ends it with events 0."},
    {"net_ready", eryx_py_net_ready, METH_O,
        "net_ready(selector) -> [fd, events, ...], or None: the selector is not known to the host."},
    {"query", py_query, METH_O, "query(key) -> int: a figure of this execution, see eryx/limits.py."},
    {"interrupt", py_interrupt, METH_NOARGS, "interrupt(): raise the pending interrupt at the next bytecode boundary."},
    {"slack", py_slack, METH_O, "slack(on): allow a little more memory, to describe a MemoryError."},
    {"seal_heap", eryx_seal_heap, METH_NOARGS, "seal_heap(): never use again what is free between the objects."},
    {"immortalize", py_immortalize, METH_O, "immortalize(o) -> bool: never free o; whether it was mortal."},
    {"pack", py_pack, METH_O, "pack(value) -> bytes: msgpack."},
    {"chmod", eryx_py_chmod, METH_VARARGS,
        "chmod(path, mode): set the permissions of the file at an absolute path (bytes)."},
    {"dup", eryx_py_dup, METH_VARARGS,
        "dup(from, to) -> int: a second number for a descriptor; the lowest free one if to is negative."},
    {"unpack", py_unpack, METH_O, "unpack(data): the value of one msgpack message."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_eryx", "The host's side of the sandbox.", -1, methods, NULL, NULL, NULL, NULL};

PyObject *PyInit__eryx(void) { return PyModule_Create2(&module, PYTHON_API_VERSION); }
