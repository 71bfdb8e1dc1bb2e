// second.c is an extension module that calls a function of another, through a capsule.
#include "capi.h"

static int (*triple)(int);
static int calls;
int shared_number = 1000;  // the same name as in sample.c, but another datum

static PyObject *ninefold(PyObject *self, PyObject *n) {
  calls++;
  return PyLong_FromLong(triple(triple((int)PyLong_AsLong(n))));
}
static PyObject *state(PyObject *self, PyObject *unused) { return Py_BuildValue("(ii)", calls, shared_number++); }

static PyMethodDef methods[] = {
    {"ninefold", ninefold, METH_O, NULL}, {"state", state, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "second", NULL, -1, methods, NULL, NULL, NULL, NULL};

EXPORT PyObject *PyInit_second(void) {
  *(void **)&triple = PyCapsule_Import("sample.triple_capsule", 0);
  return triple ? PyModule_Create2(&module, PYTHON_API_VERSION) : NULL;
}
