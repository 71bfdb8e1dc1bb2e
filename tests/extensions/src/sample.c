// sample.c is an extension module with a bit of everything that a dynamic loader must get right.
#include "capi.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Data that needs relocating: addresses of data, of own functions, and of the guest's functions and data.
static const char *words[] = {"zero", "one", "two"};
static const char **second_word = &words[1];
static int triple(int x) { return 3 * x; }
int negate(int x) { return -x; }
static int (*operations[])(int) = {triple, negate};
static PyObject *(*make_int)(long) = PyLong_FromLong;
static size_t (*length)(const char *) = strlen;
static PyObject **index_error = &PyExc_IndexError;
static PyTypeObject *int_type = &PyLong_Type;
static int zeros[100000];  // not in the file
int shared_number = 40;
static int constructed;
static PyObject *error;

__attribute__((constructor)) static void construct(void) { constructed = shared_number + 2; }

static PyObject *add(PyObject *self, PyObject *args) {
  long long a, b;
  if (!PyArg_ParseTuple(args, "LL", &a, &b)) return NULL;
  return PyLong_FromLongLong(a + b);
}

// relocations returns what the relocated data says.
static PyObject *relocations(PyObject *self, PyObject *unused) {
  int sum = 0;
  for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) sum += zeros[i];
  return Py_BuildValue("(ssiiNniOi)", words[2], *second_word, operations[0](5), operations[1](5), make_int(7),
      (Py_ssize_t)length("12345"), sum, *index_error, constructed);
}

// identities checks that one function has one address, here and in the guest.
static PyObject *identities(PyObject *self, PyObject *o) {
  int same = PyType_GetSlot(&PyBaseObject_Type, Py_tp_getattro) == (void *)PyObject_GenericGetAttr;
  return Py_BuildValue("(ii)", same, o->ob_type == int_type);
}

static PyObject *call(PyObject *self, PyObject *args) {
  PyObject *f, *last = Py_NewRef(Py_None);
  int n;
  if (!PyArg_ParseTuple(args, "Oi", &f, &n)) return NULL;
  for (int i = 0; i < n; i++) {
    Py_DecRef(last);
    if (!(last = PyObject_CallFunction(f, "i", i))) return NULL;
  }
  return last;
}

static PyObject *fail(PyObject *self, PyObject *text) {
  PyErr_Format(error, "no %s", PyUnicode_AsUTF8AndSize(text, NULL));
  return NULL;
}

static PyObject *allocate(PyObject *self, PyObject *count) {
  long n = PyLong_AsLong(count);
  char *p = malloc((size_t)n);
  if (!p) return PyErr_NoMemory();
  memset(p, 'x', (size_t)n);
  PyObject *r = PyLong_FromLong(p[0] + p[n - 1]);
  free(p);
  return r;
}

static PyObject *libc(PyObject *self, PyObject *x) {
  char text[64];
  double v = PyFloat_AsDouble(x);
  snprintf(text, sizeof text, "%.3f %.3f", sin(v), strtod("2.5", NULL));
  printf("from C %d\n", 5);
  fflush(stdout);
  errno = 0;
  FILE *f = fopen("/data/none", "r");
  return Py_BuildValue("(sis)", text, f == NULL, strerror(errno));
}

static PyObject *spin(PyObject *self, PyObject *unused) {
  volatile unsigned n = 0;
  for (;;) n++;
}

// spin_calls runs for ever without a loop.
static volatile int forks;
__attribute__((noinline)) static int fork_twice(int n) {
  return n == 0 ? ++forks : fork_twice(n - 1) - fork_twice(n - 1);
}
static PyObject *spin_calls(PyObject *self, PyObject *unused) { return PyLong_FromLong(fork_twice(60)); }

// deep recurses without end, and without any use of the shadow stack.
static volatile int levels;
__attribute__((noinline)) static int odd(int n);
__attribute__((noinline)) static int even(int n) { return n == -1 ? 1 : odd(n + 2) + ++levels; }
__attribute__((noinline)) static int odd(int n) { return n == -1 ? 0 : even(n + 2) * ++levels; }
static PyObject *deep(PyObject *self, PyObject *n) { return PyLong_FromLong(even((int)PyLong_AsLong(n))); }

// next_deep recurses through an iterator's slot, which the guest does not guard.
static PyObject *next_deep(PyObject *iterator) { return PyIter_Next(iterator); }
static PyType_Slot endless_slots[] = {{Py_tp_iter, PyObject_SelfIter}, {Py_tp_iternext, next_deep}, {0, NULL}};
static PyType_Spec endless_spec = {"sample.Endless", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, endless_slots};

static PyObject *again(PyObject *self, PyObject *f) { return PyObject_CallFunction(f, "O", f); }

static PyObject *bump(PyObject *self, PyObject *unused) { return PyLong_FromLong(++shared_number); }

static int crash_now(int *p) { return *p; }
static PyObject *crash(PyObject *self, PyObject *unused) { return PyLong_FromLong(crash_now((int *)0xfffffff0u)); }

// A type with state, methods, a member and subclasses.
typedef struct {
  PyObject ob_base;
  int value;
} Counter;

static int counter_init(PyObject *self, PyObject *args, PyObject *keywords) {
  return PyArg_ParseTuple(args, "|i", &((Counter *)self)->value) ? 0 : -1;
}
static PyObject *counter_next(PyObject *self) {
  Counter *c = (Counter *)self;
  return c->value > 0 ? PyLong_FromLong(c->value--) : NULL;
}
static PyObject *counter_repr(PyObject *self) { return PyUnicode_FromFormat("<Counter %d>", ((Counter *)self)->value); }
static PyObject *counter_add(PyObject *self, PyObject *n) {
  long by = PyLong_AsLong(n);
  if (by == -1 && PyErr_Occurred()) return NULL;
  ((Counter *)self)->value += (int)by;
  return Py_NewRef(self);
}
static PyMethodDef counter_methods[] = {{"add", counter_add, METH_O, "add(n): count n more."}, {NULL, NULL, 0, NULL}};
static PyMemberDef counter_members[] = {
    {"value", Py_T_INT, offsetof(Counter, value), 0, "what is left"}, {NULL, 0, 0, 0, NULL}};
static PyType_Slot counter_slots[] = {{Py_tp_new, PyType_GenericNew}, {Py_tp_init, counter_init},
    {Py_tp_repr, counter_repr}, {Py_tp_methods, counter_methods}, {Py_tp_members, counter_members},
    {Py_tp_iter, PyObject_SelfIter}, {Py_tp_iternext, counter_next}, {0, NULL}};
static PyType_Spec counter_spec = {
    "sample.Counter", sizeof(Counter), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, counter_slots};

static PyMethodDef methods[] = {{"add", add, METH_VARARGS, "add(a, b)"},
    {"relocations", relocations, METH_NOARGS, NULL}, {"identities", identities, METH_O, NULL},
    {"call", call, METH_VARARGS, "call(f, n): call f with each number below n."}, {"fail", fail, METH_O, NULL},
    {"allocate", allocate, METH_O, NULL}, {"libc", libc, METH_O, NULL}, {"spin", spin, METH_NOARGS, NULL},
    {"spin_calls", spin_calls, METH_NOARGS, NULL}, {"deep", deep, METH_O, NULL}, {"again", again, METH_O, NULL},
    {"bump", bump, METH_NOARGS, NULL}, {"crash", crash, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "sample", "A test.", -1, methods, NULL, NULL, NULL, NULL};

static int (*exported_triple)(int) = triple;

EXPORT PyObject *PyInit_sample(void) {
  PyObject *m = PyModule_Create2(&module, PYTHON_API_VERSION);
  PyObject *counter = m ? PyType_FromSpec(&counter_spec) : NULL;
  error = counter ? PyErr_NewException("sample.Error", PyExc_LookupError, NULL) : NULL;
  PyObject *endless = error ? PyType_FromSpec(&endless_spec) : NULL;
  PyObject *capsule = endless ? PyCapsule_New((void *)exported_triple, "sample.triple_capsule", NULL) : NULL;
  if (!capsule || PyModule_AddObjectRef(m, "Counter", counter) || PyModule_AddObjectRef(m, "Error", error) ||
      PyModule_AddObjectRef(m, "Endless", endless) || PyModule_AddObjectRef(m, "triple_capsule", capsule))
    return NULL;
  return m;
}
