// codec.c is the builtin module `_eryx_codec`: compression streams and key derivations, which the host runs.
// What the numbers mean is in core/guest/codec/codec.go; the Python above it is wasm/guest/lib/_eryx_stream.py.
#include "eryx.h"

#define EINTR 27
#define SIGINT 2
#define STATE_INPUT 0
#define STATE_MORE 1
#define STATE_END 2
#define FIRST_BYTES 16384
#define MAX_KEY_BYTES (1 << 20)

void PyErr_SetObject(PyObject *, PyObject *);

// codec_open starts a stream: its handle (> 0), or a negative errno.
ERYX_HOST(codec_open) int32_t eryx_host_codec_open(int32_t kind, const void *params, uint32_t len);
// codec_feed does one step: 0 or a negative errno, whose text is then in out; result: consumed, produced, state, info.
ERYX_HOST(codec_feed)
int32_t eryx_host_codec_feed(
    int32_t handle, const void *in, uint32_t in_len, void *out, uint32_t out_cap, int32_t flags, uint32_t *result);
ERYX_HOST(codec_close) void eryx_host_codec_close(int32_t handle);
// kdf fills out with a derived key: 0 or a negative errno.
ERYX_HOST(kdf) int32_t eryx_host_kdf(const void *params, uint32_t len, void *out, uint32_t out_len);

// fail raises OSError(errno, text).
static PyObject *fail(int32_t status, const char *text, Py_ssize_t len) {
  PyObject *args = PyTuple_New(2);
  if (!args) return NULL;
  PyObject *code = PyLong_FromLong(-status);
  PyObject *message = PyUnicode_DecodeUTF8(text, len, "replace");
  if (code && message && PyTuple_SetItem(args, 0, code) == 0 && PyTuple_SetItem(args, 1, message) == 0)
    PyErr_SetObject(PyExc_OSError, args);
  Py_DecRef(args);
  return NULL;
}

// interrupted raises what an interrupt asks for; 0 when a handler of the program's took it.
static int interrupted(void) {
  PyErr_SetInterruptEx(SIGINT);
  return PyErr_CheckSignals();
}

static int want_args(Py_ssize_t n, Py_ssize_t want) {
  if (n == want) return 0;
  PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", want, n);
  return -1;
}

static int as_int(PyObject *o, long *v) {
  *v = PyLong_AsLong(o);
  return *v == -1 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *py_open(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  long kind;
  Py_buffer params;
  if (want_args(n, 2) || as_int(args[0], &kind) || PyObject_GetBuffer(args[1], &params, PyBUF_SIMPLE)) return NULL;
  int32_t handle = eryx_host_codec_open(kind, params.buf, (uint32_t)params.len);
  PyBuffer_Release(&params);
  return handle > 0 ? PyLong_FromLong(handle) : fail(handle, "", 0);
}

// feeding is one call of feed().
typedef struct {
  int32_t handle;
  Py_buffer in;
  Py_ssize_t pos;
  PyObject *out;
  Py_ssize_t cap, len, max;  // max: -1 for as much as there is
  int32_t flags;
  uint32_t state, info;
} feeding;

// grow makes room for more output.
static int grow(feeding *f) {
  Py_ssize_t cap = f->cap > 0x3fffffff ? 0x7fffffe0 : f->cap * 2;
  if (f->max >= 0 && cap > f->max) cap = f->max;
  if (cap == f->cap) {
    PyErr_NoMemory();
    return -1;
  }
  f->cap = cap;
  return _PyBytes_Resize(&f->out, cap);
}

// step feeds once; -1 with an exception set.
static int step(feeding *f) {
  uint32_t result[4] = {0, 0, STATE_END, 0};
  char *out = PyBytes_AsString(f->out) + f->len;
  int32_t rc = eryx_host_codec_feed(f->handle, (char *)f->in.buf + f->pos, (uint32_t)(f->in.len - f->pos), out,
      (uint32_t)(f->cap - f->len), f->flags, result);
  if (rc == -EINTR) return interrupted();
  if (rc < 0) {
    fail(rc, out, (Py_ssize_t)result[1]);
    return -1;
  }
  f->pos += (Py_ssize_t)result[0];
  f->len += (Py_ssize_t)result[1];
  f->state = result[2];
  f->info = result[3];
  return 0;
}

static int run(feeding *f) {
  f->state = STATE_MORE;
  while (f->state == STATE_MORE || (f->state == STATE_INPUT && f->pos < f->in.len)) {
    // Full: one more step, without room, tells whether the stream ends right here.
    int full = f->len == f->max;
    if (!full && f->len == f->cap && grow(f)) return -1;
    if (step(f)) return -1;
    if (full && f->state == STATE_MORE) return 0;
  }
  return 0;
}

static PyObject *outcome(feeding *f) {
  if (f->len < f->cap && _PyBytes_Resize(&f->out, f->len)) return NULL;
  PyObject *items[4] = {
      f->out, PyLong_FromLong(f->pos), PyLong_FromUnsignedLong(f->state), PyLong_FromUnsignedLong(f->info)};
  f->out = NULL;
  PyObject *tuple = PyTuple_New(4);
  for (int i = 0; i < 4; i++) {
    if (tuple && items[i] && PyTuple_SetItem(tuple, i, items[i]) == 0) continue;
    // SetItem took the reference even when it failed.
    if (!tuple && items[i]) Py_DecRef(items[i]);
    if (tuple && !items[i]) {
      Py_DecRef(tuple);
      tuple = NULL;
    }
  }
  return tuple;
}

static PyObject *py_feed(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  feeding f = {0};
  long handle, max, flags;
  if (want_args(n, 4) || as_int(args[0], &handle) || as_int(args[2], &max) || as_int(args[3], &flags)) return NULL;
  if (PyObject_GetBuffer(args[1], &f.in, PyBUF_SIMPLE)) return NULL;
  f.handle = handle;
  f.flags = flags;
  f.max = max < 0 ? -1 : max;
  f.cap = f.max >= 0 && f.max < FIRST_BYTES ? f.max : FIRST_BYTES;
  f.out = PyBytes_FromStringAndSize(NULL, f.cap);
  PyObject *r = f.out && run(&f) == 0 ? outcome(&f) : NULL;
  if (f.out) Py_DecRef(f.out);
  PyBuffer_Release(&f.in);
  return r;
}

static PyObject *py_close(PyObject *self, PyObject *arg) {
  long handle;
  if (as_int(arg, &handle)) return NULL;
  eryx_host_codec_close(handle);
  return Py_NewRef(Py_None);
}

static PyObject *py_kdf(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  Py_buffer params;
  long size;
  if (want_args(n, 2) || as_int(args[1], &size)) return NULL;
  if (size < 1 || size > MAX_KEY_BYTES) {
    PyErr_SetString(PyExc_ValueError, "key length must be between 1 and 1048576");
    return NULL;
  }
  if (PyObject_GetBuffer(args[0], &params, PyBUF_SIMPLE)) return NULL;
  PyObject *out = PyBytes_FromStringAndSize(NULL, size);
  int32_t rc = 0;
  while (out) {
    rc = eryx_host_kdf(params.buf, (uint32_t)params.len, PyBytes_AsString(out), (uint32_t)size);
    if (rc == 0 || (rc == -EINTR && !interrupted())) {
      if (rc == 0) break;
      continue;
    }
    if (rc != -EINTR) fail(rc, "", 0);
    Py_DecRef(out);
    out = NULL;
  }
  PyBuffer_Release(&params);
  return out;
}

static PyMethodDef methods[] = {
    {"open", (PyCFunction)(void *)py_open, METH_FASTCALL, "open(kind, params) -> int: start a stream on the host."},
    {"feed", (PyCFunction)(void *)py_feed, METH_FASTCALL,
        "feed(handle, data, max_length, flags) -> (output, taken, state, info): at most max_length bytes, -1 for all."},
    {"close", py_close, METH_O, "close(handle): end a stream."},
    {"kdf", (PyCFunction)(void *)py_kdf, METH_FASTCALL, "kdf(params, size) -> bytes: derive a key."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_eryx_codec", "Compression and key derivation on the host.", -1,
    methods, NULL, NULL, NULL, NULL};

PyObject *PyInit__eryx_codec(void) { return PyModule_Create2(&module, PYTHON_API_VERSION); }
