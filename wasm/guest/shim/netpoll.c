// netpoll.c is poll(), and what the event loop's selector asks of the host.
#include "net.h"

#define READY 256

struct pollfd {
  int fd;
  short events, revents;
};

// Descriptors that are no sockets are always ready, as on Linux; with nothing to poll it sleeps.
ERYX_OVERRIDE int poll(struct pollfd *fds, size_t n, int timeout) {
  return eryx_net_result(eryx_net_poll(fds, n, timeout < 0 ? -1 : (int64_t)timeout * 1000000));
}

static PyObject *checked(int32_t rc) {
  if (eryx_net_result(rc) < 0) return PyErr_SetFromErrno(PyExc_OSError);
  return PyLong_FromLong(rc);
}

// net_pair() -> (fd, fd): two connected sockets.
PyObject *eryx_py_net_pair(PyObject *self, PyObject *unused) {
  int32_t fds[2];
  if (eryx_net_result(eryx_net_pair(fds, 0)) < 0) return PyErr_SetFromErrno(PyExc_OSError);
  PyObject *both = PyTuple_New(2);
  for (int i = 0; both && i < 2; i++) PyTuple_SetItem(both, i, PyLong_FromLong(fds[i]));
  return both;
}

// net_lookup(host) -> fd, readable once getaddrinfo would answer at once.
PyObject *eryx_py_net_lookup(PyObject *self, PyObject *name) {
  Py_ssize_t n;
  const char *text = PyUnicode_AsUTF8AndSize(name, &n);
  return text ? checked(eryx_net_lookup(text, (uint32_t)n)) : NULL;
}

// net_watch(selector, fd, events): see core/guest/imports_netpoll.go.
PyObject *eryx_py_net_watch(PyObject *self, PyObject *args) {
  int set, fd, events;
  if (!PyArg_ParseTuple(args, "iii", &set, &fd, &events)) return NULL;
  return checked(eryx_net_watch(set, fd, events));
}

// net_ready(selector) -> [fd, events, fd, events, ...], or None when the host does not know the selector.
PyObject *eryx_py_net_ready(PyObject *self, PyObject *arg) {
  static int32_t ready[2 * READY];
  long set = PyLong_AsLong(arg);
  if (set == -1 && PyErr_Occurred()) return NULL;
  int32_t n = eryx_net_ready((int32_t)set, ready, sizeof ready);
  if (n < 0) return Py_NewRef(Py_None);
  PyObject *list = PyList_New(2 * n);
  for (int32_t i = 0; list && i < 2 * n; i++) PyList_SetItem(list, i, PyLong_FromLong(ready[i]));
  return list;
}
