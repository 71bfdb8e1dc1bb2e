// call.c holds the exports that the host calls: boot once (when an image is built), then call per operation.
#include "eryx.h"

#define SIGINT 2

void *malloc(size_t);
void free(void *);
void *memcpy(void *, const void *, size_t);
size_t strlen(const char *);
char *eryx_output_buffer(void);

// The words that guest and host share, at a fixed address, so that neither needs a call to read them:
// 0 input buffer, 1 its capacity, 2 output bytes waiting, 3 output buffer, 4 its descriptor (1 or 2),
// 5 memory limit in bytes (0: none; written by the host), 6 the break, 7 the highest break so far.
uint32_t eryx_info_words[16];
#define IN_PTR eryx_info_words[0]
#define IN_CAP eryx_info_words[1]
#define OUT_PTR eryx_info_words[3]
#define INPUT_BYTES 65536

static PyObject *dispatch, *step;
static eryx_buf reply;

ERYX_EXPORT(eryx_info) uint32_t *eryx_info(void) { return eryx_info_words; }

// eryx_input makes the input buffer hold at least size bytes and returns its address, 0 when memory is out.
ERYX_EXPORT(eryx_input) uint32_t eryx_input(uint32_t size) {
  if (size > IN_CAP || (IN_CAP > INPUT_BYTES && size <= INPUT_BYTES)) {
    if (size < INPUT_BYTES) size = INPUT_BYTES;
    free((void *)IN_PTR);
    IN_PTR = (uint32_t)malloc(size);
    IN_CAP = IN_PTR ? size : 0;
  }
  return IN_PTR;
}

static int64_t packed(const void *p, uint32_t n) { return (int64_t)((uint64_t)(uint32_t)p << 32 | n); }

// failed encodes ["!", text] for an error that the Python runtime itself could not report.
static int64_t failed(void) {
  static uint8_t memory_error[] = "\x93\xa1!\xabMemoryError\xadout of memory";
  PyObject *exc = PyErr_GetRaisedException();
  PyObject *type = exc ? PyObject_GetAttrString(PyObject_Type(exc), "__name__") : NULL;
  PyObject *text = exc ? PyObject_Str(exc) : NULL;
  PyErr_Clear();
  PyObject *list = PyList_New(0);
  reply.len = 0;
  if (list && type && text) {
    PyObject *mark = PyUnicode_FromString("!");
    PyList_Append(list, mark);
    PyList_Append(list, type);
    PyList_Append(list, text);
    if (eryx_pack(&reply, list, 0) == 0) return packed(reply.data, reply.len);
  }
  PyErr_Clear();
  return packed(memory_error, sizeof memory_error - 1);
}

// eryx_call runs one operation: the message of len bytes in the input buffer goes to the Python runtime's
// dispatch(), whose answer is packed. No message means step(), which is called most by far.
// Returns address << 32 | length of the reply, valid until the next call.
ERYX_EXPORT(eryx_call) int64_t eryx_call(uint32_t len) {
  if (len > IN_CAP || !dispatch || !step) return 0;
  PyObject *result;
  if (len) {
    PyObject *message = eryx_unpack((uint8_t *)IN_PTR, len);
    if (!message) return failed();
    result = PyObject_CallOneArg(dispatch, message);
    Py_DecRef(message);
  } else {
    result = PyObject_CallNoArgs(step);
  }
  if (!result) return failed();
  if (reply.cap > (1u << 20)) {
    free(reply.data);
    reply = (eryx_buf){0};
  }
  reply.len = 0;
  int rc = eryx_pack(&reply, result, 0);
  Py_DecRef(result);
  return rc ? failed() : packed(reply.data, reply.len);
}

// eryx_tick is called by the instrumented code when the slice is used up; the linker stores what it
// returns into the counter. It must stay free of loops and of calls into Python: it runs inside any C code.
ERYX_EXPORT(eryx_tick) int32_t eryx_tick(void) {
  int32_t slice = eryx_host_tick();
  if (slice < 0) {
    PyErr_SetInterruptEx(SIGINT);
    slice = -slice;
  }
  return slice;
}

static int configure(PyInitConfig *c) {
  static char *paths[] = {"/usr/lib/eryx", "/usr/lib/python3.14"};
  static const struct {
    const char *name;
    int64_t value;
  } ints[] = {
      {"use_environment", 0},
      {"parse_argv", 0},
      {"site_import", 0},
      {"write_bytecode", 0},
      {"utf8_mode", 1},
      {"use_hash_seed", 1},
      {"hash_seed", 0},
      {"pathconfig_warnings", 0},
      {"user_site_directory", 0},
      {"install_signal_handlers", 1},
      {"configure_c_stdio", 0},
      {"safe_path", 1},
  };
  for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
    if (PyInitConfig_SetInt(c, ints[i].name, ints[i].value)) return -1;
  if (PyInitConfig_SetStr(c, "home", "/usr") || PyInitConfig_SetStr(c, "program_name", "python3") ||
      PyInitConfig_SetStr(c, "executable", "/usr/bin/python3") || PyInitConfig_SetStr(c, "prefix", "/usr") ||
      PyInitConfig_SetStr(c, "exec_prefix", "/usr") || PyInitConfig_SetStr(c, "stdlib_dir", "/usr/lib/python3.14") ||
      PyInitConfig_SetStr(c, "check_hash_pycs_mode", "never"))
    return -1;
  if (PyInitConfig_AddModule(c, "_eryx", PyInit__eryx) ||
      PyInitConfig_AddModule(c, "_eryx_codec", PyInit__eryx_codec) ||
      PyInitConfig_AddModule(c, "_eryx_tls", PyInit__eryx_tls))
    return -1;
  return PyInitConfig_SetStrList(c, "module_search_paths", 2, paths);
}

static int64_t boot_error(PyInitConfig *c) {
  const char *text = "unknown error";
  PyInitConfig_GetError(c, &text);
  return packed(text, strlen(text));
}

// eryx_boot starts the interpreter and the Python runtime. Returns 0, or address << 32 | length of an error text.
ERYX_EXPORT(eryx_boot) int64_t eryx_boot(void) {
  OUT_PTR = (uint32_t)eryx_output_buffer();
  if (!eryx_input(INPUT_BYTES)) return packed("out of memory", 13);
  eryx_set_allocator();
  PyInitConfig *c = PyInitConfig_Create();
  if (!c) return packed("out of memory", 13);
  if (configure(c) || Py_InitializeFromInitConfig(c)) return boot_error(c);
  PyInitConfig_Free(c);
  PyObject *runtime = PyImport_ImportModule("eryx.runtime");
  dispatch = runtime ? PyObject_GetAttrString(runtime, "dispatch") : NULL;
  step = dispatch ? PyObject_GetAttrString(runtime, "step") : NULL;
  return step ? 0 : failed();
}
