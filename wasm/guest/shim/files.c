// files.c gives files the permissions that preview1 does not know: the host puts them into the padding of its
// filestat, and sets them by a call of its own.
#include "eryx.h"

#define USER_ID 1000  // eryx/posix.py says the same

extern int errno;
size_t strlen(const char *);

// The beginning of wasi-libc's struct stat.
struct stat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid;
};

// The permissions of the last filestat that the host wrote. There is one thread.
static uint32_t permissions;

// Both are libc's own ways to the host, under every function that asks for a file's state.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_filestat_get"))) int32_t wasi_fd_filestat_get(
    int32_t fd, void *out);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("path_filestat_get"))) int32_t
wasi_path_filestat_get(int32_t fd, int32_t flags, const char *path, size_t len, void *out);

static uint16_t keep(int32_t rc, const uint8_t *filestat) {
  if (rc == 0) permissions = (filestat[18] | (uint32_t)filestat[19] << 8) & 0777;
  return (uint16_t)rc;
}
ERYX_OVERRIDE uint16_t __wasi_fd_filestat_get(int32_t fd, uint8_t *out) {
  return keep(wasi_fd_filestat_get(fd, out), out);
}
ERYX_OVERRIDE uint16_t __wasi_path_filestat_get(int32_t fd, uint32_t flags, const char *path, uint8_t *out) {
  return keep(wasi_path_filestat_get(fd, (int32_t)flags, path, strlen(path), out), out);
}

static int complete(int rc, struct stat *st) {
  if (rc) return rc;
  st->mode = (st->mode & ~0777u) | permissions;
  st->uid = st->gid = USER_ID;
  return 0;
}
int __real_fstat(int fd, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __real_lstat(const char *path, struct stat *st);
int __real_fstatat(int fd, const char *path, struct stat *st, int flags);
ERYX_OVERRIDE int fstat(int fd, struct stat *st) { return complete(__real_fstat(fd, st), st); }
ERYX_OVERRIDE int stat(const char *path, struct stat *st) { return complete(__real_stat(path, st), st); }
ERYX_OVERRIDE int lstat(const char *path, struct stat *st) { return complete(__real_lstat(path, st), st); }
ERYX_OVERRIDE int fstatat(int fd, const char *path, struct stat *st, int flags) {
  return complete(__real_fstatat(fd, path, st, flags), st);
}

// chmod(path, mode) of the module `_eryx`: CPython's own os.chmod does nothing in this build. The path is absolute.
PyObject *eryx_py_chmod(PyObject *self, PyObject *args) {
  PyObject *path;
  int mode;
  if (!PyArg_ParseTuple(args, "Si", &path, &mode)) return NULL;
  int rc = eryx_host_chmod(PyBytes_AsString(path), (uint32_t)PyBytes_Size(path), mode & 0777);
  if (rc) {
    errno = rc;
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  return Py_NewRef(Py_None);
}

// dup(from, to) of the module `_eryx`: a second number for a descriptor; to is negative for the lowest that is free.
PyObject *eryx_py_dup(PyObject *self, PyObject *args) {
  int from, to;
  if (!PyArg_ParseTuple(args, "ii", &from, &to)) return NULL;
  int fd = eryx_host_dup(from, to);
  if (fd < 0) {
    errno = -fd;
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  return PyLong_FromLong(fd);
}
