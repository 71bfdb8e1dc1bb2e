// trace.c collects trace events and hands them to the host in batches. What the program does most, to go on to the next
// line, is recorded without running Python code; see eryx/trace.py.
#include "eryx.h"

void *memcpy(void *, const void *, size_t);

// A batch is the msgpack array ["trace", event...]. An event is the number of a line in the code that the last
// [0, file, function] named, or a list that trace.py made. Its length is filled in when it is sent.
#define BATCH_BYTES 32768
static eryx_buf batch;
static uint32_t events;
static PyObject *present;  // the code object that line numbers are of

static int32_t host_emit(const void *p, uint32_t n) { return eryx_host_emit(p, n); }

static int send_batch(void) {
  if (!events) return 0;
  uint32_t count = events + 1;
  uint8_t length[4] = {count >> 24, count >> 16, count >> 8, count};
  memcpy(batch.data + 1, length, 4);
  events = 0;
  int rc = eryx_send(&batch, host_emit);
  batch.len = 0;
  if (present) Py_DecRef(present);
  present = NULL;
  return rc;
}

// room makes sure that a batch is begun and not full.
static int room(void) {
  static const uint8_t head[] = "\xdd\0\0\0\0\xa5trace";
  if (events && batch.len > BATCH_BYTES && send_batch()) return -1;
  if (events) return 0;
  batch.len = 0;
  return eryx_buf_put(&batch, head, sizeof head - 1);
}

static int put_attribute(PyObject *code, const char *name) {
  PyObject *text = PyObject_GetAttrString(code, name);
  if (!text) return -1;
  int rc = eryx_pack(&batch, text, 1);
  Py_DecRef(text);
  return rc;
}

// enter names the code of the events that follow.
static int enter(PyObject *code) {
  static const uint8_t head[] = {0x93, 0};
  if (room()) return -1;
  if (present == code) return 0;
  uint32_t before = batch.len;
  if (eryx_buf_put(&batch, head, sizeof head) || put_attribute(code, "co_filename") || put_attribute(code, "co_name")) {
    batch.len = before;
    return -1;
  }
  if (present) Py_DecRef(present);
  present = Py_NewRef(code);
  events++;
  return 0;
}

// trace_line(code, line): the program has come to a line.
PyObject *eryx_trace_line(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  if (n != 2) {
    PyErr_SetString(PyExc_TypeError, "trace_line() takes a code object and a line");
    return NULL;
  }
  if (enter(args[0])) return NULL;
  uint32_t before = batch.len;
  if (eryx_pack(&batch, args[1], 1)) {
    batch.len = before;
    return NULL;
  }
  events++;
  return Py_NewRef(Py_None);
}

// trace_event(code, event): something else happened; code is None when it belongs to none.
PyObject *eryx_trace_event(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  if (n != 2) {
    PyErr_SetString(PyExc_TypeError, "trace_event() takes a code object and an event");
    return NULL;
  }
  if (args[0] == Py_None ? room() : enter(args[0])) return NULL;
  uint32_t before = batch.len;
  if (eryx_pack(&batch, args[1], 1)) {
    batch.len = before;
    return NULL;
  }
  events++;
  return Py_NewRef(Py_None);
}

// trace_flush(): hand the host what there is.
PyObject *eryx_trace_flush(PyObject *self, PyObject *unused) {
  if (send_batch()) return NULL;
  return Py_NewRef(Py_None);
}
