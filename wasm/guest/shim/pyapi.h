// pyapi.h declares, by hand, the few parts of CPython 3.14's C API that the shim uses:
// the Python headers are not in the wheel that the guest is built from.
// Layouts are those of the 32-bit, GIL-enabled release build.
#ifndef ERYX_PYAPI_H
#define ERYX_PYAPI_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t Py_ssize_t;
typedef struct _typeobject PyTypeObject;

typedef struct _object {
  Py_ssize_t ob_refcnt;
  PyTypeObject *ob_type;
} PyObject;

typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef PyObject *(*PyCFunctionFast)(PyObject *, PyObject *const *, Py_ssize_t);

typedef struct {
  const char *ml_name;
  PyCFunction ml_meth;
  int ml_flags;
  const char *ml_doc;
} PyMethodDef;

typedef struct {
  PyObject ob_base;
  PyObject *(*m_init)(void);
  Py_ssize_t m_index;
  PyObject *m_copy;
} PyModuleDef_Base;

typedef struct {
  PyModuleDef_Base m_base;
  const char *m_name;
  const char *m_doc;
  Py_ssize_t m_size;
  PyMethodDef *m_methods;
  void *m_slots;
  void *m_traverse;
  void *m_clear;
  void *m_free;
} PyModuleDef;

#define METH_KEYWORDS 0x0002
#define METH_NOARGS 0x0004
#define METH_VARARGS 0x0001
#define METH_O 0x0008
#define METH_FASTCALL 0x0080
#define PYTHON_API_VERSION 1013
// An immortal reference count, so that the static module definitions are never freed.
#define PyModuleDef_HEAD_INIT {{1, NULL}, NULL, 0, NULL}

typedef struct PyInitConfig PyInitConfig;

extern PyObject _Py_NoneStruct, _Py_TrueStruct, _Py_FalseStruct;
extern PyObject *PyExc_TypeError, *PyExc_ValueError, *PyExc_OverflowError, *PyExc_RuntimeError, *PyExc_OSError,
    *PyExc_SystemExit, *PyExc_KeyboardInterrupt, *PyExc_MemoryError, *PyExc_RecursionError;
extern PyTypeObject PyLong_Type, PyFloat_Type, PyUnicode_Type, PyBytes_Type, PyByteArray_Type, PyList_Type,
    PyTuple_Type, PyDict_Type, PyBool_Type;
#define Py_None (&_Py_NoneStruct)
#define Py_True (&_Py_TrueStruct)
#define Py_False (&_Py_FalseStruct)

void Py_IncRef(PyObject *);
void Py_DecRef(PyObject *);

PyInitConfig *PyInitConfig_Create(void);
void PyInitConfig_Free(PyInitConfig *);
int PyInitConfig_GetError(PyInitConfig *, const char **);
int PyInitConfig_SetInt(PyInitConfig *, const char *, int64_t);
int PyInitConfig_SetStr(PyInitConfig *, const char *, const char *);
int PyInitConfig_SetStrList(PyInitConfig *, const char *, size_t, char *const *);
int PyInitConfig_AddModule(PyInitConfig *, const char *, PyObject *(*)(void));
int Py_InitializeFromInitConfig(PyInitConfig *);

PyObject *PyModule_Create2(PyModuleDef *, int);
PyObject *PyImport_ImportModule(const char *);
PyObject *PyObject_GetAttrString(PyObject *, const char *);
PyObject *PyObject_CallOneArg(PyObject *, PyObject *);
PyObject *PyObject_Str(PyObject *);
PyObject *PyObject_Type(PyObject *);
int PyType_IsSubtype(PyTypeObject *, PyTypeObject *);

int PyObject_GC_IsTracked(PyObject *);
void PyObject_GC_UnTrack(void *);
PyObject *PyErr_Occurred(void);
void PyErr_Clear(void);
void PyErr_SetString(PyObject *, const char *);
int Py_AddPendingCall(int (*)(void *), void *);
PyObject *PyErr_Format(PyObject *, const char *, ...);
PyObject *PyErr_NoMemory(void);
PyObject *PyErr_SetFromErrno(PyObject *);
PyObject *PyErr_GetRaisedException(void);
int PyErr_SetInterruptEx(int);
int PyErr_CheckSignals(void);
int PyErr_ExceptionMatches(PyObject *);
int PyArg_ParseTuple(PyObject *, const char *, ...);
int Py_EnterRecursiveCall(const char *);
void Py_LeaveRecursiveCall(void);

PyObject *PyLong_FromLong(long);
PyObject *PyLong_FromLongLong(long long);
PyObject *PyLong_FromUnsignedLong(unsigned long);
PyObject *PyLong_FromUnsignedLongLong(unsigned long long);
PyObject *PyLong_FromNativeBytes(const void *, size_t, int);
Py_ssize_t PyLong_AsNativeBytes(PyObject *, void *, Py_ssize_t, int);
long long PyLong_AsLongLongAndOverflow(PyObject *, int *);
long long PyLong_AsLongLong(PyObject *);
long PyLong_AsLong(PyObject *);
unsigned long long PyLong_AsUnsignedLongLong(PyObject *);
PyObject *PyFloat_FromDouble(double);
double PyFloat_AsDouble(PyObject *);
PyObject *PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *);
PyObject *PyUnicode_FromString(const char *);
const char *PyUnicode_AsUTF8AndSize(PyObject *, Py_ssize_t *);
PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t);
char *PyBytes_AsString(PyObject *);
Py_ssize_t PyBytes_Size(PyObject *);
int _PyBytes_Resize(PyObject **, Py_ssize_t);
char *PyByteArray_AsString(PyObject *);
Py_ssize_t PyByteArray_Size(PyObject *);
PyObject *PyList_New(Py_ssize_t);
Py_ssize_t PyList_Size(PyObject *);
PyObject *PyList_GetItem(PyObject *, Py_ssize_t);
int PyList_SetItem(PyObject *, Py_ssize_t, PyObject *);
int PyList_Append(PyObject *, PyObject *);
PyObject *PyTuple_New(Py_ssize_t);
Py_ssize_t PyTuple_Size(PyObject *);
PyObject *PyTuple_GetItem(PyObject *, Py_ssize_t);
int PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
PyObject *PyDict_New(void);
int PyDict_SetItem(PyObject *, PyObject *, PyObject *);
Py_ssize_t PyDict_Size(PyObject *);
int PyDict_Next(PyObject *, Py_ssize_t *, PyObject **, PyObject **);
PyObject *PyDict_GetItemWithError(PyObject *, PyObject *);
int PyDict_DelItem(PyObject *, PyObject *);
PyObject *PyUnicode_InternFromString(const char *);
int PyObject_SetAttrString(PyObject *, const char *, PyObject *);
PyObject *PyObject_Call(PyObject *, PyObject *, PyObject *);
PyObject *PyObject_CallNoArgs(PyObject *);
PyObject *PyObject_VectorcallMethod(PyObject *, PyObject *const *, size_t, PyObject *);
PyObject *PyObject_Vectorcall(PyObject *, PyObject *const *, size_t, PyObject *);
PyObject *PyType_GenericAlloc(PyTypeObject *, Py_ssize_t);
PyObject *PyContext_CopyCurrent(void);
int PyContext_Enter(PyObject *);
int PyContext_Exit(PyObject *);
void PyErr_SetRaisedException(PyObject *);

// A buffer view: obj and the sizes as in CPython's Py_buffer.
typedef struct {
  void *buf;
  PyObject *obj;
  Py_ssize_t len;
  Py_ssize_t itemsize;
  int readonly;
  int ndim;
  char *format;
  Py_ssize_t *shape;
  Py_ssize_t *strides;
  Py_ssize_t *suboffsets;
  void *internal;
} Py_buffer;
#define PyBUF_SIMPLE 0
#define PyBUF_WRITABLE 1
int PyObject_GetBuffer(PyObject *, Py_buffer *, int);
void PyBuffer_Release(Py_buffer *);

static inline PyObject *Py_NewRef(PyObject *o) {
  Py_IncRef(o);
  return o;
}
static inline int eryx_is(PyObject *o, PyTypeObject *t) { return o->ob_type == t || PyType_IsSubtype(o->ob_type, t); }

#endif
