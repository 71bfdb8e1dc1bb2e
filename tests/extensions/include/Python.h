// Python.h stands for CPython's header of that name in the example of docs/native-extensions.md.
#ifndef TEST_PYTHON_H
#define TEST_PYTHON_H

#include <math.h>

#include "capi.h"
#include "pyconfig.h"

#if SIZEOF_VOID_P != 4 || SIZEOF_LONG != 4 || SIZEOF_WCHAR_T != 4
#error "not the pyconfig.h of the guest"
#endif

#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#define PyModule_Create(m) PyModule_Create2(m, PYTHON_API_VERSION)

#endif
