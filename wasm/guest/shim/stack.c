// stack.c guards against running off the shadow stack, which lies at the bottom of memory and grows down.
#include "eryx.h"

// As StackReserve in wasm/internal/recipe/recipe.go: what is left for code that does not check.
#define RESERVE (512u * 1024)
#define PAGE_MARGIN 8192
#define FRAME 64
#define HAVE_GC (1u << 14)
#define TYPE_FLAGS_OFFSET 84

extern PyObject *PyExc_RecursionError;
void *PyThreadState_GetUnchecked(void);
void _PyTrash_thread_deposit_object(void *, PyObject *);
void __real__Py_Dealloc(PyObject *);

__asm__(".globaltype __stack_pointer, i32");

static inline uint32_t stack_pointer(void) {
  uint32_t sp;
  __asm__("global.get __stack_pointer\n\tlocal.set %0" : "=r"(sp));
  return sp;
}

// eryx_recursion_error is what a guarded function calls before it returns its error value.
ERYX_EXPORT(eryx_recursion_error) void eryx_recursion_error(void) {
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded (the stack is full)");
}

// The parser asks this one at every rule.
ERYX_OVERRIDE int _Py_ReachedRecursionLimitWithMargin(void *tstate, int margin) {
  return stack_pointer() < RESERVE + (uint32_t)margin * PAGE_MARGIN;
}

ERYX_OVERRIDE int Py_EnterRecursiveCall(const char *where) {
  if (stack_pointer() >= RESERVE) return 0;
  eryx_recursion_error();
  return -1;
}

// Freeing a deeply nested container frees what it holds, and so on: near the end of the stack the rest is
// put on CPython's list of objects to free later, which the outer calls work off.
ERYX_OVERRIDE void _Py_Dealloc(PyObject *o) {
  // Many destructors use no shadow stack; this makes every level of them count.
  char level[FRAME];
  __asm__ volatile("" ::"r"(level) : "memory");
  if (stack_pointer() < RESERVE) {
    uint32_t flags = *(uint32_t *)((char *)o->ob_type + TYPE_FLAGS_OFFSET);
    if (flags & HAVE_GC) {
      _PyTrash_thread_deposit_object(PyThreadState_GetUnchecked(), o);
      return;
    }
  }
  __real__Py_Dealloc(o);
  __asm__ volatile("" ::"r"(level) : "memory");
}
