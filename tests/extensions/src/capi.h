// capi.h declares what the test extensions use of CPython's C API, beyond the shim's own declarations: no
// registry that tests may use has CPython's headers. An author includes Python.h instead.
#ifndef TEST_CAPI_H
#define TEST_CAPI_H

#include "../../../wasm/guest/shim/pyapi.h"

typedef struct {
  int slot;
  void *pfunc;
} PyType_Slot;
typedef struct {
  const char *name;
  int basicsize, itemsize;
  unsigned flags;
  PyType_Slot *slots;
} PyType_Spec;

typedef struct {
  const char *name;
  int type;
  Py_ssize_t offset;
  int flags;
  const char *doc;
} PyMemberDef;

#define Py_tp_doc 56
#define Py_tp_init 60
#define Py_tp_methods 64
#define Py_tp_new 65
#define Py_tp_repr 66
#define Py_tp_members 72
#define Py_tp_getattro 58
#define Py_tp_iternext 63
#define Py_tp_iter 62
#define Py_TPFLAGS_DEFAULT 0
#define Py_TPFLAGS_BASETYPE (1u << 10)
#define Py_T_INT 1
#define EXPORT __attribute__((visibility("default")))

extern PyObject *PyExc_IndexError, *PyExc_LookupError;
extern PyTypeObject PyBaseObject_Type;

PyObject *PyType_FromSpec(PyType_Spec *);
PyObject *PyType_GenericNew(PyTypeObject *, PyObject *, PyObject *);
PyObject *PyObject_GenericGetAttr(PyObject *, PyObject *);
PyObject *PyObject_SelfIter(PyObject *);
int PyModule_AddObjectRef(PyObject *, const char *, PyObject *);
int PyModule_AddIntConstant(PyObject *, const char *, long);
PyObject *PyUnicode_FromFormat(const char *, ...);
PyObject *PyObject_CallFunction(PyObject *, const char *, ...);
PyObject *Py_BuildValue(const char *, ...);
PyObject *PyErr_NewException(const char *, PyObject *, PyObject *);
PyObject *PyCapsule_New(void *, const char *, void (*)(PyObject *));
void *PyCapsule_GetPointer(PyObject *, const char *);
void *PyCapsule_Import(const char *, int);
void *PyMem_Malloc(size_t);
void PyMem_Free(void *);
PyObject *PyIter_Next(PyObject *);
int PyRun_SimpleString(const char *);
void *PyType_GetSlot(PyTypeObject *, int);

#endif
