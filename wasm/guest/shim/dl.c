// dl.c is the dynamic loader: extension modules are linked by the host (core/guest/extension_link.go), into
// memory that is allocated here.
#include "eryx.h"

#define ERROR_BYTES 1024
#define MIN_ALIGN 16
#define MAX_SIZE 0x7fffffffu

void *aligned_alloc(size_t align, size_t size);
void free(void *);
size_t strlen(const char *);

static char error_text[ERROR_BYTES];
static int failed;

// remember fetches the host's text of what went wrong, for dlerror.
static void remember(void) {
  error_text[eryx_host_dl_error(error_text, ERROR_BYTES - 1)] = 0;
  failed = 1;
}

// Handles are the host's numbers, plus one: zero is a failure.
static void *to_handle(uint32_t number) { return (void *)(uintptr_t)(number + 1); }
static uint32_t to_number(void *handle) { return (uint32_t)(uintptr_t)handle - 1; }

ERYX_OVERRIDE void *dlopen(const char *path, int flags) {
  eryx_opened opened;
  if (!path || eryx_host_dl_open(path, strlen(path), &opened)) return remember(), NULL;
  if (!opened.fresh) return to_handle(opened.number);
  size_t align = opened.align < MIN_ALIGN ? MIN_ALIGN : opened.align;
  size_t size = opened.size ? opened.size : 1;
  // A multiple of the alignment, as aligned_alloc demands.
  void *base = size <= MAX_SIZE ? aligned_alloc(align, (size + align - 1) & ~(align - 1)) : NULL;
  uint32_t init = eryx_host_dl_link(base);
  if (!init) {
    free(base);
    return remember(), NULL;
  }
  ((void (*)(void))(uintptr_t)init)();
  return to_handle(opened.number);
}

ERYX_OVERRIDE void *dlsym(void *handle, const char *name) {
  uint32_t address = eryx_host_dl_symbol(to_number(handle), name, strlen(name));
  if (!address) remember();
  return (void *)(uintptr_t)address;
}

// A library stays: its functions and data may be referred to from anywhere.
ERYX_OVERRIDE int dlclose(void *handle) { return 0; }

ERYX_OVERRIDE char *dlerror(void) {
  char *text = failed ? error_text : NULL;
  failed = 0;
  return text;
}
