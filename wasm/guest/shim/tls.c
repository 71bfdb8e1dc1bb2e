// tls.c is the builtin module `_eryx_tls`: TLS connections that the host runs, over bytes that the guest carries.
// What the numbers mean is in core/guestnet/tls.go; the Python above it is wasm/guest/lib/_eryx_ssl.
#include "eryx.h"

#define MAX_OUT (1 << 20)
#define SMALL_ANSWER 16384
#define ENOSPC 51
#define EAGAIN 6
#define EINTR 27
#define SIGINT 2

extern int errno;

void PyErr_SetObject(PyObject *, PyObject *);

// tls_open makes a connection from msgpack options: its handle (> 0), 0 with a message in out, or a negative errno.
// *length is that of the message.
ERYX_HOST(tls_open)
int32_t eryx_host_tls_open(const void *options, uint32_t len, void *out, uint32_t cap, uint32_t *length);
// tls_step performs an operation: its status, or a negative errno. result: consumed, produced, ciphertext to take.
ERYX_HOST(tls_step)
int32_t eryx_host_tls_step(
    int32_t handle, int32_t op, const void *in, uint32_t in_len, void *out, uint32_t out_cap, uint32_t *result);
// tls_ask answers a question in msgpack: its length, or a negative errno (ENOSPC: more room is needed).
ERYX_HOST(tls_ask)
int32_t eryx_host_tls_ask(int32_t handle, int32_t what, const void *in, uint32_t in_len, void *out, uint32_t out_cap);
// tls_move moves ciphertext between a socket and a connection: into it (0: how much; 0 is the end), for which it waits if
// the socket blocks, or out of it (1: how much is left), for which it never waits. A negative errno.
ERYX_HOST(tls_move) int32_t eryx_host_tls_move(int32_t handle, int32_t fd, int32_t direction);
ERYX_HOST(tls_close) void eryx_host_tls_close(int32_t handle);

static PyObject *fail(int32_t status) {
  errno = -status;
  return PyErr_SetFromErrno(PyExc_OSError);
}

static int as_int(PyObject *o, long *v) {
  *v = PyLong_AsLong(o);
  return *v == -1 && PyErr_Occurred() ? -1 : 0;
}

static int want_args(Py_ssize_t n, Py_ssize_t want) {
  if (n == want) return 0;
  PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", want, n);
  return -1;
}

// open(options: bytes) -> int | bytes: the handle, or why not, in msgpack.
static PyObject *py_open(PyObject *self, PyObject *arg) {
  static char message[4096];
  Py_buffer options;
  uint32_t length = 0;
  if (PyObject_GetBuffer(arg, &options, PyBUF_SIMPLE)) return NULL;
  int32_t handle = eryx_host_tls_open(options.buf, (uint32_t)options.len, message, sizeof message, &length);
  PyBuffer_Release(&options);
  if (handle > 0) return PyLong_FromLong(handle);
  if (handle < 0) return fail(handle);
  return PyBytes_FromStringAndSize(message, (Py_ssize_t)(length < sizeof message ? length : sizeof message));
}

static PyObject *triple(PyObject *first, PyObject *second, PyObject *third) {
  PyObject *items[3] = {first, second, third};
  PyObject *tuple = first && second && third ? PyTuple_New(3) : NULL;
  for (int i = 0; i < 3; i++) {
    if (tuple)
      PyTuple_SetItem(tuple, i, items[i]);
    else if (items[i])
      Py_DecRef(items[i]);
  }
  return tuple;
}

// put(handle, op, data) -> (status, consumed, pending): an operation that takes bytes.
static PyObject *py_put(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  long handle, op;
  Py_buffer in;
  uint32_t result[3] = {0};
  if (want_args(n, 3) || as_int(args[0], &handle) || as_int(args[1], &op) ||
      PyObject_GetBuffer(args[2], &in, PyBUF_SIMPLE))
    return NULL;
  int32_t status = eryx_host_tls_step((int32_t)handle, (int32_t)op, in.buf, (uint32_t)in.len, NULL, 0, result);
  PyBuffer_Release(&in);
  if (status < 0) return fail(status);
  return triple(PyLong_FromLong(status), PyLong_FromUnsignedLong(result[0]), PyLong_FromUnsignedLong(result[2]));
}

// get(handle, op, size) -> (status, bytes, pending): an operation that gives at most size bytes.
static PyObject *py_get(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  long handle, op, size;
  uint32_t result[3] = {0};
  if (want_args(n, 3) || as_int(args[0], &handle) || as_int(args[1], &op) || as_int(args[2], &size)) return NULL;
  size = size < 0 ? 0 : size > MAX_OUT ? MAX_OUT : size;
  PyObject *out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
  if (!out) return NULL;
  int32_t status =
      eryx_host_tls_step((int32_t)handle, (int32_t)op, NULL, 0, PyBytes_AsString(out), (uint32_t)size, result);
  if (status < 0) {
    Py_DecRef(out);
    return fail(status);
  }
  if (result[1] < (uint32_t)size && _PyBytes_Resize(&out, (Py_ssize_t)result[1])) return NULL;
  return triple(PyLong_FromLong(status), out, PyLong_FromUnsignedLong(result[2]));
}

// get_into(handle, op, buffer) -> (status, count, pending): get into a buffer that can be written to.
static PyObject *py_get_into(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  long handle, op;
  Py_buffer out;
  uint32_t result[3] = {0};
  if (want_args(n, 3) || as_int(args[0], &handle) || as_int(args[1], &op) ||
      PyObject_GetBuffer(args[2], &out, PyBUF_WRITABLE))
    return NULL;
  int32_t status = eryx_host_tls_step((int32_t)handle, (int32_t)op, NULL, 0, out.buf, (uint32_t)out.len, result);
  PyBuffer_Release(&out);
  if (status < 0) return fail(status);
  return triple(PyLong_FromLong(status), PyLong_FromUnsignedLong(result[1]), PyLong_FromUnsignedLong(result[2]));
}

// ask(handle, what, data) -> object: the host's answer.
static PyObject *py_ask(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  static uint8_t small[SMALL_ANSWER];
  long handle, what;
  Py_buffer in;
  if (want_args(n, 3) || as_int(args[0], &handle) || as_int(args[1], &what) ||
      PyObject_GetBuffer(args[2], &in, PyBUF_SIMPLE))
    return NULL;
  int32_t length = eryx_host_tls_ask((int32_t)handle, (int32_t)what, in.buf, (uint32_t)in.len, small, sizeof small);
  PyObject *answer = NULL, *large = NULL;
  uint8_t *out = small;
  if (length == -ENOSPC && (large = PyBytes_FromStringAndSize(NULL, MAX_OUT))) {
    out = (uint8_t *)PyBytes_AsString(large);
    length = eryx_host_tls_ask((int32_t)handle, (int32_t)what, in.buf, (uint32_t)in.len, out, MAX_OUT);
  }
  if (length >= 0)
    answer = eryx_unpack(out, (uint32_t)length);
  else if (!PyErr_Occurred())
    fail(length);
  if (large) Py_DecRef(large);
  PyBuffer_Release(&in);
  return answer;
}

// move(handle, fd, direction) -> int | None: see tls_move; None when the socket would block.
static PyObject *py_move(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  long handle, fd, direction;
  if (want_args(n, 3) || as_int(args[0], &handle) || as_int(args[1], &fd) || as_int(args[2], &direction)) return NULL;
  int32_t moved = eryx_host_tls_move((int32_t)handle, (int32_t)fd, (int32_t)direction);
  if (moved == -EINTR) {
    PyErr_SetInterruptEx(SIGINT);
    if (PyErr_CheckSignals()) return NULL;
  }
  if (moved == -EAGAIN || moved == -EINTR) return Py_NewRef(Py_None);
  return moved < 0 ? fail(moved) : PyLong_FromLong(moved);
}

static PyObject *py_close(PyObject *self, PyObject *arg) {
  long handle;
  if (as_int(arg, &handle)) return NULL;
  eryx_host_tls_close((int32_t)handle);
  return Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"open", py_open, METH_O, "open(options) -> int | bytes: a connection, or why there is none."},
    {"put", (PyCFunction)(void *)py_put, METH_FASTCALL, "put(handle, op, data) -> (status, consumed, pending)"},
    {"get", (PyCFunction)(void *)py_get, METH_FASTCALL, "get(handle, op, size) -> (status, bytes, pending)"},
    {"get_into", (PyCFunction)(void *)py_get_into, METH_FASTCALL,
        "get_into(handle, op, buffer) -> (status, count, pending)"},
    {"ask", (PyCFunction)(void *)py_ask, METH_FASTCALL, "ask(handle, what, data) -> object: a question to the host."},
    {"move", (PyCFunction)(void *)py_move, METH_FASTCALL,
        "move(handle, fd, direction) -> int | None: ciphertext between a socket and a connection."},
    {"close", py_close, METH_O, "close(handle): forget a connection."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_eryx_tls", "TLS on the host.", -1, methods, NULL, NULL, NULL, NULL};

PyObject *PyInit__eryx_tls(void) { return PyModule_Create2(&module, PYTHON_API_VERSION); }
