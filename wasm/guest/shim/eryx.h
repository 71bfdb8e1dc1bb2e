// eryx.h: what the shim's files share, and the host functions they may call.
#ifndef ERYX_SHIM_H
#define ERYX_SHIM_H

#include "pyapi.h"

#define ERYX_EXPORT(name) __attribute__((export_name(#name), visibility("default")))
#define ERYX_OVERRIDE __attribute__((visibility("default")))
#define ERYX_HOST(name) __attribute__((import_module("eryx"), import_name(#name)))

// Host functions. Every one may be called at any time; none keeps a pointer after it returns.

// tick refills the preemption counter: the next slice (loop heads, > 0). A negative answer asks for a
// polite interrupt as well; its magnitude is the slice. It does not return when the execution is killed.
ERYX_HOST(tick) int32_t eryx_host_tick(void);
// sleep waits ns nanoseconds; 0, or EINTR when the execution is to be interrupted.
ERYX_HOST(sleep) int32_t eryx_host_sleep(int64_t ns);
// flush tells the host to take what is in the output buffer.
ERYX_HOST(flush) void eryx_host_flush(void);
// callback hands one request (msgpack) to the host: 0, or an errno (EAGAIN: too many pending).
ERYX_HOST(callback) int32_t eryx_host_callback(const void *ptr, uint32_t len);
// wait waits up to ns (0: do not wait, <0: for ever) for events and writes one msgpack array of all that
// are ready. Returns its length, 0 for none, -EINTR, or -ENOSPC-needed as -(1<<20)-needed when cap is too small.
// The wait also ends when a descriptor of the selector is ready; 0 is no selector.
ERYX_HOST(wait) int64_t eryx_host_wait(int64_t ns, void *buf, uint32_t cap, int32_t selector);
// emit hands the host a message that needs no answer (trace events, stream items, audit).
ERYX_HOST(emit) int32_t eryx_host_emit(const void *ptr, uint32_t len);
// chmod sets the permission bits of the file at an absolute path: 0, or an errno.
ERYX_HOST(chmod) int32_t eryx_host_chmod(const char *path, uint32_t len, uint32_t mode);
// dup gives a descriptor another number, the lowest free one if to < 0: the number, or a negative errno.
ERYX_HOST(dup) int32_t eryx_host_dup(int32_t from, int32_t to);
// dl_open finds the extension module at a path: 0, or an error that dl_error tells. A fresh one is to be linked.
typedef struct {
  uint32_t number, size, align, fresh;  // size and align in bytes: of its data
} eryx_opened;
ERYX_HOST(dl_open) int32_t eryx_host_dl_open(const char *path, uint32_t len, eryx_opened *out);
// dl_link loads what dl_open has found, its data to base: the address of the function that initialises it, or 0.
ERYX_HOST(dl_link) uint32_t eryx_host_dl_link(void *base);
// dl_symbol is the address of a symbol of module number; 0 when it has none.
ERYX_HOST(dl_symbol) uint32_t eryx_host_dl_symbol(uint32_t number, const char *name, uint32_t len);
// dl_error writes the text of the last failure, without a NUL: its length, at most cap.
ERYX_HOST(dl_error) uint32_t eryx_host_dl_error(char *buf, uint32_t cap);
// query asks the host for a small figure (see module.c's Python docstring for the keys).
ERYX_HOST(query) int64_t eryx_host_query(int32_t key);

// msgpack.c
typedef struct {
  uint8_t *data;
  uint32_t len, cap;
} eryx_buf;
int eryx_pack(eryx_buf *out, PyObject *value, int depth);
PyObject *eryx_unpack(const uint8_t *data, uint32_t len);
int eryx_buf_put(eryx_buf *b, const void *p, uint32_t n);

// module.c
// eryx_send hands out's bytes to host and keeps little of its memory; -1 with OSError when the host refuses.
int eryx_send(eryx_buf *out, int32_t (*host)(const void *, uint32_t));
// trace.c
PyObject *eryx_trace_line(PyObject *, PyObject *const *, Py_ssize_t);
PyObject *eryx_trace_event(PyObject *, PyObject *const *, Py_ssize_t);
PyObject *eryx_trace_flush(PyObject *, PyObject *);
// loop.c
PyObject *eryx_loop_setup(PyObject *, PyObject *const *, Py_ssize_t);
PyObject *eryx_call_soon(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *eryx_run_ready(PyObject *, PyObject *);
PyObject *eryx_receive(PyObject *, PyObject *);
PyObject *eryx_begin(PyObject *, PyObject *const *, Py_ssize_t);

PyObject *PyInit__eryx(void);
// alloc.c
void eryx_set_allocator(void);
PyObject *eryx_seal_heap(PyObject *, PyObject *);
// codec.c
PyObject *PyInit__eryx_codec(void);
// tls.c
PyObject *PyInit__eryx_tls(void);

// files.c
PyObject *eryx_py_chmod(PyObject *self, PyObject *args);
PyObject *eryx_py_dup(PyObject *self, PyObject *args);

// netpoll.c
PyObject *eryx_py_net_pair(PyObject *self, PyObject *unused);
PyObject *eryx_py_net_lookup(PyObject *self, PyObject *name);
PyObject *eryx_py_net_watch(PyObject *self, PyObject *args);
PyObject *eryx_py_net_ready(PyObject *self, PyObject *selector);

// libc.c
uint32_t eryx_peak_brk(void);

#endif
