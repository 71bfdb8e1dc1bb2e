// loop.c is the hot part of the event loop that the host drives: making handles, running what is ready, starting
// callbacks and handing out their answers. It does what eryx/loop.py and asyncio do in Python, several times
// faster; docs/decisions/0011-event-loop-in-c.md has the measurements.
#include "eryx.h"

// What setup() was given. The handles are asyncio's own: their slots are written at offsets found at setup.
static PyObject *the_loop, *ready_append, *ready_popleft, *pending, *handle_failed, *run_other, *receive_other;
static PyTypeObject *handle_type, *future_type;
static PyObject *name_done, *name_set_result, *kw_loop, *zero_args;

enum { SLOT_CALLBACK, SLOT_ARGS, SLOT_CANCELLED, SLOT_LOOP, SLOT_TRACEBACK, SLOT_REPR, SLOT_CONTEXT, SLOTS };
static const char *slot_names[SLOTS] = {
    "_callback", "_args", "_cancelled", "_loop", "_source_traceback", "_repr", "_context"};
static int slot_offset[SLOTS];

static PyObject **slot(PyObject *handle, int i) { return (PyObject **)((char *)handle + slot_offset[i]); }

static void set_slot(PyObject *handle, int i, PyObject *v) { *slot(handle, i) = Py_NewRef(v); }

// find_slots learns where a handle keeps its attributes: each is set to an object of its own, which is then looked
// for in the handle's memory. 0, or -1 when one is not where it could be.
static int find_slots(long size) {
  PyObject *handle = PyType_GenericAlloc(handle_type, 0);
  if (!handle) return -1;
  int missing = 0;
  for (int i = 0; i < SLOTS; i++) {
    PyObject *mark = PyList_New(0);
    if (!mark || PyObject_SetAttrString(handle, slot_names[i], mark)) return -1;
    slot_offset[i] = 0;
    for (long at = sizeof(PyObject); at + (long)sizeof(PyObject *) <= size; at += sizeof(PyObject *))
      if (*(PyObject **)((char *)handle + at) == mark) slot_offset[i] = at;
    if (!slot_offset[i]) missing = 1;
    Py_DecRef(mark);
  }
  Py_DecRef(handle);
  if (missing) PyErr_SetString(PyExc_RuntimeError, "asyncio.Handle has another layout than expected");
  return missing ? -1 : 0;
}

static void keep(PyObject **where, PyObject *v) {
  PyObject *old = *where;
  *where = Py_NewRef(v);
  if (old) Py_DecRef(old);
}

// loop_setup(loop, ready, Handle, Future, pending, handle_failed, run_other, receive_other)
PyObject *eryx_loop_setup(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  if (n != 8) {
    PyErr_SetString(PyExc_TypeError, "loop_setup() takes 8 arguments");
    return NULL;
  }
  keep((PyObject **)&handle_type, args[2]);
  keep((PyObject **)&future_type, args[3]);
  PyObject *append = PyObject_GetAttrString(args[1], "append");
  PyObject *popleft = PyObject_GetAttrString(args[1], "popleft");
  PyObject *size = PyObject_GetAttrString(args[2], "__basicsize__");
  if (!append || !popleft || !size || find_slots(PyLong_AsLong(size))) return NULL;
  Py_DecRef(size);
  keep(&ready_append, append);
  keep(&ready_popleft, popleft);
  Py_DecRef(append);
  Py_DecRef(popleft);
  keep(&the_loop, args[0]);
  keep(&pending, args[4]);
  keep(&handle_failed, args[5]);
  keep(&run_other, args[6]);
  keep(&receive_other, args[7]);
  if (!name_done) {
    name_done = PyUnicode_InternFromString("done");
    name_set_result = PyUnicode_InternFromString("set_result");
    kw_loop = PyTuple_New(1);
    zero_args = PyTuple_New(0);
    if (!name_done || !name_set_result || !kw_loop || !zero_args) return NULL;
    PyTuple_SetItem(kw_loop, 0, PyUnicode_InternFromString("loop"));
  }
  return Py_NewRef(Py_None);
}

// call_soon(callback, *args, context=None) of the loop that setup() was given.
PyObject *eryx_call_soon(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
  if (n < 1 || !the_loop || (keywords && PyTuple_Size(keywords) != 1)) {
    PyErr_SetString(PyExc_TypeError, "call_soon() takes a callback, its arguments and context");
    return NULL;
  }
  PyObject *context = keywords && args[n] != Py_None ? Py_NewRef(args[n]) : PyContext_CopyCurrent();
  PyObject *rest = n > 1 ? PyTuple_New(n - 1) : Py_NewRef(zero_args);
  PyObject *handle = context && rest ? PyType_GenericAlloc(handle_type, 0) : NULL;
  if (!handle) {
    if (context) Py_DecRef(context);
    if (rest) Py_DecRef(rest);
    return NULL;
  }
  for (Py_ssize_t i = 1; i < n; i++) PyTuple_SetItem(rest, i - 1, Py_NewRef(args[i]));
  set_slot(handle, SLOT_CALLBACK, args[0]);
  *slot(handle, SLOT_ARGS) = rest;
  *slot(handle, SLOT_CONTEXT) = context;
  set_slot(handle, SLOT_CANCELLED, Py_False);
  set_slot(handle, SLOT_LOOP, the_loop);
  set_slot(handle, SLOT_TRACEBACK, Py_None);
  set_slot(handle, SLOT_REPR, Py_None);
  PyObject *done = PyObject_CallOneArg(ready_append, handle);
  if (!done) {
    Py_DecRef(handle);
    return NULL;
  }
  Py_DecRef(done);
  return handle;
}

static PyObject *call_handle(PyObject *handle) {
  // References of its own: the callback may change the handle.
  PyObject *callback = *slot(handle, SLOT_CALLBACK), *args = *slot(handle, SLOT_ARGS),
           *context = *slot(handle, SLOT_CONTEXT);
  if (!callback || !args || !context) {
    PyErr_SetString(PyExc_RuntimeError, "a handle without its callback");
    return NULL;
  }
  Py_IncRef(callback), Py_IncRef(args), Py_IncRef(context);
  PyObject *result = NULL;
  if (PyContext_Enter(context) == 0) {
    result = PyObject_Call(callback, args, NULL);
    PyObject *error = result ? NULL : PyErr_GetRaisedException();
    if (PyContext_Exit(context) && result) {
      Py_DecRef(result);
      result = NULL;
    }
    if (error) PyErr_SetRaisedException(error);
  }
  Py_DecRef(callback), Py_DecRef(args), Py_DecRef(context);
  return result;
}

static int run_handle(PyObject *handle) {
  PyObject *result;
  if (handle->ob_type != handle_type) {
    result = PyObject_CallOneArg(run_other, handle);
  } else {
    if (*slot(handle, SLOT_CANCELLED) == Py_True) return 0;
    result = call_handle(handle);
    if (!result && !PyErr_ExceptionMatches(PyExc_SystemExit) && !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
      PyObject *error = PyErr_GetRaisedException();
      PyObject *args[] = {handle, error};
      result = PyObject_Vectorcall(handle_failed, args, 2, NULL);
      Py_DecRef(error);
    }
  }
  if (!result) return -1;
  Py_DecRef(result);
  return 0;
}

// run_ready(n): run the first n handles that are ready.
PyObject *eryx_run_ready(PyObject *self, PyObject *count) {
  long n = PyLong_AsLong(count);
  if (n < 0 || !ready_popleft) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "run_ready() takes a count");
    return NULL;
  }
  for (; n > 0; n--) {
    PyObject *handle = PyObject_CallNoArgs(ready_popleft);
    if (!handle) return NULL;
    int rc = run_handle(handle);
    Py_DecRef(handle);
    if (rc) return NULL;
  }
  return Py_NewRef(Py_None);
}

// settle gives an answer [number, 0, value] to the future that waits for it; 1 when it is for Python code to do.
static int settle(PyObject *message) {
  if (message->ob_type != &PyList_Type || PyList_Size(message) != 3) return 1;
  PyObject *number = PyList_GetItem(message, 0), *kind = PyList_GetItem(message, 1);
  if (PyLong_AsLong(kind) != 0) return PyErr_Occurred() ? -1 : 1;
  PyObject *future = PyDict_GetItemWithError(pending, number);
  if (!future) return PyErr_Occurred() ? -1 : 0;
  if (future->ob_type != future_type) return 1;
  Py_IncRef(future);
  int rc = -1;
  PyObject *done = NULL, *set = NULL;
  if (PyDict_DelItem(pending, number) == 0) done = PyObject_VectorcallMethod(name_done, &future, 1, NULL);
  if (done == Py_False) {
    PyObject *args[] = {future, PyList_GetItem(message, 2)};
    set = PyObject_VectorcallMethod(name_set_result, args, 2, NULL);
  }
  if (done && (done != Py_False || set)) rc = 0;
  if (done) Py_DecRef(done);
  if (set) Py_DecRef(set);
  Py_DecRef(future);
  return rc;
}

// receive(messages): hand events of the host's to those who wait for them.
PyObject *eryx_receive(PyObject *self, PyObject *messages) {
  if (messages->ob_type != &PyList_Type || !pending) {
    PyErr_SetString(PyExc_TypeError, "receive() takes a list");
    return NULL;
  }
  for (Py_ssize_t i = 0; i < PyList_Size(messages); i++) {
    PyObject *message = Py_NewRef(PyList_GetItem(messages, i));
    int rc = settle(message);
    if (rc > 0) {
      PyObject *done = PyObject_CallOneArg(receive_other, message);
      rc = done ? 0 : -1;
      if (done) Py_DecRef(done);
    }
    Py_DecRef(message);
    if (rc) return NULL;
  }
  return Py_NewRef(Py_None);
}

// An import has no address of its own.
static int32_t host_callback(const void *p, uint32_t n) { return eryx_host_callback(p, n); }

// begin(loop, number, name, arguments) starts a callback and returns the future that its answer settles.
PyObject *eryx_begin(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  static eryx_buf out;
  if (n != 4 || !pending) {
    PyErr_SetString(PyExc_TypeError, "begin() takes 4 arguments");
    return NULL;
  }
  uint8_t head = 0x93;
  out.len = 0;
  if (eryx_buf_put(&out, &head, 1) || eryx_pack(&out, args[1], 1) || eryx_pack(&out, args[2], 1) ||
      eryx_pack(&out, args[3], 1))
    return NULL;
  PyObject *future = PyObject_Vectorcall((PyObject *)future_type, args, 0, kw_loop);
  if (!future) return NULL;
  if (PyDict_SetItem(pending, args[1], future) == 0) {
    if (eryx_send(&out, host_callback) == 0) return future;
    PyObject *error = PyErr_GetRaisedException();
    if (PyDict_DelItem(pending, args[1])) PyErr_Clear();
    PyErr_SetRaisedException(error);
  }
  Py_DecRef(future);
  return NULL;
}
