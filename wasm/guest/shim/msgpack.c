// msgpack.c converts between Python objects and msgpack, for every message that crosses the boundary.
// Supported: None, bool, int of any size, float, str, bytes/bytearray, list/tuple, dict.
// Integers beyond 64 bits are ext type 1: two's-complement big-endian bytes.
#include "eryx.h"

void *malloc(size_t);
void *realloc(void *, size_t);
void free(void *);
void *memcpy(void *, const void *, size_t);

#define MAX_DEPTH 200
#define EXT_BIGINT 1
// PyLong_*NativeBytes flags: big endian.
#define NATIVE_BIG 0

int eryx_buf_put(eryx_buf *b, const void *p, uint32_t n) {
  if (b->cap - b->len < n) {
    uint64_t want = (uint64_t)b->cap * 2 + 256;
    if (want < (uint64_t)b->len + n) want = (uint64_t)b->len + n;
    if (want > 0x7fffffff) {
      PyErr_NoMemory();
      return -1;
    }
    uint8_t *d = realloc(b->data, (uint32_t)want);
    if (!d) {
      PyErr_NoMemory();
      return -1;
    }
    b->data = d;
    b->cap = (uint32_t)want;
  }
  memcpy(b->data + b->len, p, n);
  b->len += n;
  return 0;
}

static int put_be(eryx_buf *b, uint8_t tag, uint64_t v, int bytes) {
  uint8_t t[9];
  t[0] = tag;
  for (int i = 0; i < bytes; i++) t[1 + i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
  return eryx_buf_put(b, t, 1 + bytes);
}

// put_head writes the header of a sized type: fix (0 for none), then the 8-bit (0 for none), 16 and 32-bit tags.
static int put_head(eryx_buf *b, uint32_t n, uint8_t fix, uint32_t fixmax, uint8_t t8, uint8_t t16, uint8_t t32) {
  if (fix && n <= fixmax) {
    uint8_t t = fix | (uint8_t)n;
    return eryx_buf_put(b, &t, 1);
  }
  if (t8 && n < 256) return put_be(b, t8, n, 1);
  if (n < 65536) return put_be(b, t16, n, 2);
  return put_be(b, t32, n, 4);
}

static int pack_bigint(eryx_buf *b, PyObject *v) {
  Py_ssize_t n = PyLong_AsNativeBytes(v, NULL, 0, NATIVE_BIG);
  if (n < 0) return -1;
  uint8_t *t = malloc(n);
  if (!t) {
    PyErr_NoMemory();
    return -1;
  }
  int rc = -1;
  if (PyLong_AsNativeBytes(v, t, n, NATIVE_BIG) >= 0) {
    if (n < 256)
      rc = put_be(b, 0xc7, n, 1);
    else if (n < 65536)
      rc = put_be(b, 0xc8, n, 2);
    else
      rc = put_be(b, 0xc9, n, 4);
    uint8_t ext = EXT_BIGINT;
    if (rc == 0) rc = eryx_buf_put(b, &ext, 1);
    if (rc == 0) rc = eryx_buf_put(b, t, n);
  }
  free(t);
  return rc;
}

static int pack_int(eryx_buf *b, PyObject *v) {
  int overflow;
  long long x = PyLong_AsLongLongAndOverflow(v, &overflow);
  if (overflow) {
    if (overflow > 0) {
      unsigned long long u = PyLong_AsUnsignedLongLong(v);
      if (!PyErr_Occurred()) return put_be(b, 0xcf, u, 8);
      PyErr_Clear();
    }
    return pack_bigint(b, v);
  }
  if (x == -1 && PyErr_Occurred()) return -1;
  if (x >= -32 && x < 128) {
    uint8_t t = (uint8_t)x;
    return eryx_buf_put(b, &t, 1);
  }
  if (x >= 0) {
    if (x < 256) return put_be(b, 0xcc, x, 1);
    if (x < 65536) return put_be(b, 0xcd, x, 2);
    if (x <= 0xffffffffLL) return put_be(b, 0xce, x, 4);
    return put_be(b, 0xcf, x, 8);
  }
  if (x >= -128) return put_be(b, 0xd0, x, 1);
  if (x >= -32768) return put_be(b, 0xd1, x, 2);
  if (x >= -2147483648LL) return put_be(b, 0xd2, x, 4);
  return put_be(b, 0xd3, x, 8);
}

static int pack_str(eryx_buf *b, PyObject *v) {
  Py_ssize_t n;
  const char *s = PyUnicode_AsUTF8AndSize(v, &n);
  if (!s) return -1;
  if (put_head(b, n, 0xa0, 31, 0xd9, 0xda, 0xdb)) return -1;
  return eryx_buf_put(b, s, n);
}

static int pack_bytes(eryx_buf *b, const char *s, Py_ssize_t n) {
  if (put_head(b, n, 0, 0, 0xc4, 0xc5, 0xc6)) return -1;
  return eryx_buf_put(b, s, n);
}

static int pack_dict(eryx_buf *b, PyObject *v, int depth) {
  Py_ssize_t pos = 0;
  PyObject *k, *item;
  if (put_head(b, PyDict_Size(v), 0x80, 15, 0, 0xde, 0xdf)) return -1;
  while (PyDict_Next(v, &pos, &k, &item)) {
    if (!eryx_is(k, &PyUnicode_Type)) {
      PyErr_Format(PyExc_TypeError, "keys must be str, not %R", k->ob_type);
      return -1;
    }
    // The items are borrowed and packing can run no Python code, so they stay alive.
    if (pack_str(b, k) || eryx_pack(b, item, depth + 1)) return -1;
  }
  return 0;
}

static int pack_sequence(eryx_buf *b, PyObject *v, int depth) {
  int list = eryx_is(v, &PyList_Type);
  Py_ssize_t n = list ? PyList_Size(v) : PyTuple_Size(v);
  if (put_head(b, n, 0x90, 15, 0, 0xdc, 0xdd)) return -1;
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject *item = list ? PyList_GetItem(v, i) : PyTuple_GetItem(v, i);
    if (!item || eryx_pack(b, item, depth + 1)) return -1;
  }
  return 0;
}

// eryx_pack appends value to out; -1 with a Python exception for what has no encoding (TypeError),
// nests deeper than MAX_DEPTH or refers to itself (ValueError), or is not valid Unicode (UnicodeEncodeError).
int eryx_pack(eryx_buf *out, PyObject *value, int depth) {
  uint8_t t;
  if (depth > MAX_DEPTH) {
    PyErr_Format(PyExc_ValueError, "value nests deeper than %d levels (or contains itself)", MAX_DEPTH);
    return -1;
  }
  if (value == Py_None) return t = 0xc0, eryx_buf_put(out, &t, 1);
  if (value == Py_True) return t = 0xc3, eryx_buf_put(out, &t, 1);
  if (value == Py_False) return t = 0xc2, eryx_buf_put(out, &t, 1);
  if (eryx_is(value, &PyUnicode_Type)) return pack_str(out, value);
  if (eryx_is(value, &PyLong_Type)) return pack_int(out, value);
  if (eryx_is(value, &PyDict_Type)) return pack_dict(out, value, depth);
  if (eryx_is(value, &PyList_Type) || eryx_is(value, &PyTuple_Type)) return pack_sequence(out, value, depth);
  if (eryx_is(value, &PyFloat_Type)) {
    union {
      double d;
      uint64_t u;
    } f = {PyFloat_AsDouble(value)};
    return put_be(out, 0xcb, f.u, 8);
  }
  if (eryx_is(value, &PyBytes_Type)) return pack_bytes(out, PyBytes_AsString(value), PyBytes_Size(value));
  if (eryx_is(value, &PyByteArray_Type)) return pack_bytes(out, PyByteArray_AsString(value), PyByteArray_Size(value));
  PyErr_Format(PyExc_TypeError, "cannot be passed to the host: %R", value->ob_type);
  return -1;
}

typedef struct {
  const uint8_t *p, *end;
} reader;

static PyObject *short_input(void) {
  PyErr_SetString(PyExc_ValueError, "malformed message from the host");
  return NULL;
}

static int get_be(reader *r, int bytes, uint64_t *v) {
  if (r->end - r->p < bytes) return short_input(), -1;
  *v = 0;
  for (int i = 0; i < bytes; i++) *v = *v << 8 | *r->p++;
  return 0;
}

static PyObject *unpack_value(reader *r, int depth);

static PyObject *unpack_raw(reader *r, uint64_t n, int kind) {
  if ((uint64_t)(r->end - r->p) < n) return short_input();
  const char *s = (const char *)r->p;
  r->p += n;
  if (kind == 's') return PyUnicode_DecodeUTF8(s, (Py_ssize_t)n, NULL);
  return PyBytes_FromStringAndSize(s, (Py_ssize_t)n);
}

static PyObject *unpack_array(reader *r, uint64_t n, int depth) {
  if ((uint64_t)(r->end - r->p) < n) return short_input();
  PyObject *list = PyList_New((Py_ssize_t)n);
  if (!list) return NULL;
  for (uint64_t i = 0; i < n; i++) {
    PyObject *v = unpack_value(r, depth + 1);
    if (!v || PyList_SetItem(list, (Py_ssize_t)i, v)) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

static PyObject *unpack_map(reader *r, uint64_t n, int depth) {
  if ((uint64_t)(r->end - r->p) < n * 2) return short_input();
  PyObject *dict = PyDict_New();
  if (!dict) return NULL;
  for (uint64_t i = 0; i < n; i++) {
    PyObject *k = unpack_value(r, depth + 1);
    PyObject *v = k ? unpack_value(r, depth + 1) : NULL;
    int rc = v ? PyDict_SetItem(dict, k, v) : -1;
    if (k) Py_DecRef(k);
    if (v) Py_DecRef(v);
    if (rc) {
      Py_DecRef(dict);
      return NULL;
    }
  }
  return dict;
}

static PyObject *unpack_ext(reader *r, uint64_t n) {
  if ((uint64_t)(r->end - r->p) < n + 1) return short_input();
  uint8_t type = *r->p++;
  const uint8_t *s = r->p;
  r->p += n;
  if (type != EXT_BIGINT) return short_input();
  return PyLong_FromNativeBytes(s, n, NATIVE_BIG);
}

static PyObject *unpack_sized(reader *r, uint8_t tag, int depth) {
  uint64_t n;
  int width = 0;
  // clang-format off: a line per width
  switch (tag) {
    case 0xc4: case 0xd9: case 0xc7: width = 1; break;
    case 0xc5: case 0xda: case 0xc8: case 0xdc: case 0xde: width = 2; break;
    default: width = 4;
  }
  // clang-format on
  if (get_be(r, width, &n)) return NULL;
  // clang-format off: a line per type
  switch (tag) {
    case 0xc4: case 0xc5: case 0xc6: return unpack_raw(r, n, 'b');
    case 0xd9: case 0xda: case 0xdb: return unpack_raw(r, n, 's');
    case 0xc7: case 0xc8: case 0xc9: return unpack_ext(r, n);
    case 0xdc: case 0xdd: return unpack_array(r, n, depth);
    default: return unpack_map(r, n, depth);
  }
  // clang-format on
}

static PyObject *unpack_number(reader *r, uint8_t tag) {
  uint64_t v;
  static const uint8_t width[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
  if (get_be(r, width[tag - 0xca], &v)) return NULL;
  union {
    uint64_t u;
    double d;
  } f64 = {v};
  union {
    uint32_t u;
    float f;
  } f32 = {(uint32_t)v};
  switch (tag) {
    case 0xca: return PyFloat_FromDouble(f32.f);
    case 0xcb: return PyFloat_FromDouble(f64.d);
    case 0xd0: return PyLong_FromLong((int8_t)v);
    case 0xd1: return PyLong_FromLong((int16_t)v);
    case 0xd2: return PyLong_FromLong((int32_t)v);
    case 0xd3: return PyLong_FromLongLong((int64_t)v);
    default: return PyLong_FromUnsignedLongLong(v);
  }
}

static PyObject *unpack_value(reader *r, int depth) {
  if (r->p >= r->end || depth > MAX_DEPTH) return short_input();
  uint8_t tag = *r->p++;
  if (tag < 0x80) return PyLong_FromLong(tag);
  if (tag >= 0xe0) return PyLong_FromLong((int8_t)tag);
  if (tag < 0x90) return unpack_map(r, tag & 15, depth);
  if (tag < 0xa0) return unpack_array(r, tag & 15, depth);
  if (tag < 0xc0) return unpack_raw(r, tag & 31, 's');
  switch (tag) {
    case 0xc0: return Py_NewRef(Py_None);
    case 0xc2: return Py_NewRef(Py_False);
    case 0xc3: return Py_NewRef(Py_True);
    case 0xc1: return short_input();
    case 0xd4: return unpack_ext(r, 1);
    case 0xd5: return unpack_ext(r, 2);
    case 0xd6: return unpack_ext(r, 4);
    case 0xd7: return unpack_ext(r, 8);
    case 0xd8: return unpack_ext(r, 16);
  }
  if (tag >= 0xca && tag <= 0xd3) return unpack_number(r, tag);
  return unpack_sized(r, tag, depth);
}

// eryx_unpack decodes one message; NULL with ValueError when it is malformed or has bytes left over.
PyObject *eryx_unpack(const uint8_t *data, uint32_t len) {
  reader r = {data, data + len};
  PyObject *v = unpack_value(&r, 0);
  if (v && r.p != r.end) {
    Py_DecRef(v);
    return short_input();
  }
  return v;
}
