// alloc.c allocates what is small: CPython's objects, which this build would leave to libc's allocator.
//
// Blocks of one size share a page; a page is found from the address of its block. That is CPython's own design
// (pymalloc, which the wheel is built without), chosen for what it does to a guest's copies of its image: seal_heap
// forgets the room between the image's objects, so that a program's own objects lie together in new pages instead of in
// holes, each in a page that the guest would have to copy. docs/decisions/0020-allocator.md has the figures.
#include "eryx.h"

#define PAGE 4096u
#define ARENA 65536u
// CPython aligns to 8 where a pointer has 4 bytes; nothing in WebAssembly needs more.
#define STEP 8u
#define LARGEST 512u
#define CLASSES (LARGEST / STEP)
// libc's allocator keeps a header before the next block: arenas that leave room for it follow one another exactly.
#define HEADER_ROOM 16u
#define PY_SSIZE_T_MAX 0x7fffffffu

void *memcpy(void *, const void *, size_t);
void *memset(void *, int, size_t);
void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);
void free(void *);
void *aligned_alloc(size_t, size_t);

// What is known of a page of blocks of one size.
typedef struct page page;
struct page {
  void *freed;           // free blocks, linked through their first word; never NULL while the page has room
  uint16_t used;         // blocks in use
  uint16_t size;         // bytes of a block
  uint16_t fresh, last;  // offsets of the next block that was never used, and of the last that fits
  page *next, *prev;     // pages of the class that have room; next: free pages of the arena
};

// An arena is 64 KiB of libc's memory, less HEADER_ROOM; this is its head. What is known of its pages lies together,
// not at the head of each page: a processor takes addresses that are equal in their last 12 bits for one another, and
// one set of its cache would hold all the heads (a third of the time of bench/cpu/raytrace.py).
#define PAGES (ARENA / PAGE)
typedef struct arena arena;
struct arena {
  page pages[PAGES];
  page *freed;         // pages that were freed
  uint16_t used;       // pages in use
  uint16_t untouched;  // number of the next page that was never used; PAGES when none is left
  arena *next, *prev;  // arenas that have free pages
};

static page *room[CLASSES];    // pages that have room, by class
static arena *open_arenas;     // arenas that have free pages
static uint32_t idle_arenas;   // those of them that have no page in use
static uint8_t ours[0x10000];  // by address / ARENA: whether an arena lies there

static inline int is_ours(const void *p) { return ours[(uint32_t)p / ARENA]; }
static inline arena *arena_of(const void *p) { return (arena *)((uint32_t)p & ~(ARENA - 1)); }
static inline page *page_of(const void *block) { return arena_of(block)->pages + (uint32_t)block % ARENA / PAGE; }
static inline uint32_t class_of(uint32_t size) { return size ? (size - 1) / STEP : 0; }

// ---- arenas -------------------------------------------------------------------------------------------

static void link_arena(arena *a) {
  a->prev = NULL;
  a->next = open_arenas;
  if (open_arenas) open_arenas->prev = a;
  open_arenas = a;
}

static void unlink_arena(arena *a) {
  if (a->prev)
    a->prev->next = a->next;
  else
    open_arenas = a->next;
  if (a->next) a->next->prev = a->prev;
}

static arena *new_arena(void) {
  arena *a = aligned_alloc(ARENA, ARENA - HEADER_ROOM);
  if (!a) return NULL;
  a->freed = NULL;
  a->used = a->untouched = 0;
  ours[(uint32_t)a / ARENA] = 1;
  idle_arenas++;
  link_arena(a);
  return a;
}

// take_page returns a page of free blocks of size bytes; NULL when memory is at its limit.
static page *take_page(uint32_t size) {
  arena *a = open_arenas;
  if (!a && !(a = new_arena())) return NULL;
  if (!a->used++) idle_arenas--;
  page *p = a->freed;
  if (p)
    a->freed = p->next;
  else
    p = a->pages + a->untouched++;
  if (!a->freed && a->untouched == PAGES) unlink_arena(a);
  uint32_t number = (uint32_t)(p - a->pages);
  uint32_t first = number ? 0 : sizeof(arena);
  uint32_t end = number == PAGES - 1 ? PAGE - HEADER_ROOM : PAGE;
  p->used = 0;
  p->size = (uint16_t)size;
  p->last = (uint16_t)(end - size);
  p->fresh = (uint16_t)(first + size);
  p->freed = (void *)((uint32_t)a + number * PAGE + first);
  *(void **)p->freed = NULL;
  return p;
}

// release_page gives a page back to its arena, and the arena back to libc unless it is the only idle one.
static void release_page(page *p) {
  arena *a = arena_of(p);
  int closed = !a->freed && a->untouched == PAGES;
  p->next = a->freed;
  a->freed = p;
  if (closed) link_arena(a);
  if (--a->used) return;
  if (!idle_arenas) {
    idle_arenas = 1;
    return;
  }
  unlink_arena(a);
  ours[(uint32_t)a / ARENA] = 0;
  free(a);
}

// ---- blocks -------------------------------------------------------------------------------------------

static void link_page(page *p, uint32_t class) {
  p->prev = NULL;
  p->next = room[class];
  if (p->next) p->next->prev = p;
  room[class] = p;
}

static void unlink_page(page *p, uint32_t class) {
  if (p->prev)
    p->prev->next = p->next;
  else
    room[class] = p->next;
  if (p->next) p->next->prev = p->prev;
}

static __attribute__((noinline)) page *add_page(uint32_t class) {
  page *p = take_page((class + 1) * STEP);
  if (p) link_page(p, class);
  return p;
}

// refill finds the page whose last free block was taken another, or takes the page from those that have room.
static __attribute__((noinline)) void refill(page *p, uint32_t class) {
  if (p->fresh > p->last) {
    unlink_page(p, class);
    return;
  }
  arena *a = arena_of(p);
  p->freed = (void *)((uint32_t)a + (uint32_t)(p - a->pages) * PAGE + p->fresh);
  p->fresh += p->size;
  *(void **)p->freed = NULL;
}

static inline void *take(uint32_t size) {
  uint32_t class = class_of(size);
  page *p = room[class];
  if (!p && !(p = add_page(class))) return NULL;
  void **block = p->freed;
  p->used++;
  if (!(p->freed = *block)) refill(p, class);
  return block;
}

// changed puts a page that was full among those with room, and gives back one that is empty; but a class keeps one
// page, or a loop that makes and drops one object would take and give back a page each time.
static __attribute__((noinline)) void changed(page *p, int full) {
  uint32_t class = class_of(p->size);
  if (full) {
    link_page(p, class);
    return;
  }
  if (room[class] == p && !p->next) return;
  unlink_page(p, class);
  release_page(p);
}

static inline void give(void *block) {
  page *p = page_of(block);
  void *freed = p->freed;
  *(void **)block = freed;
  p->freed = block;
  uint16_t used = --p->used;
  if (!freed || !used) changed(p, !freed);
}

// Where no arena fits any more, libc may still have room for a block: the handling of MemoryError needs a few.
static inline void *allocate(size_t size) {
  void *block = size <= LARGEST ? take(size) : NULL;
  if (block || size > PY_SSIZE_T_MAX) return block;
  return malloc(size ? size : 1);
}

static inline void release(void *block) {
  if (is_ours(block))
    give(block);
  else
    free(block);
}

static void *allocate_zeroed(size_t count, size_t size) {
  if (size && count > PY_SSIZE_T_MAX / size) return NULL;
  size_t bytes = count * size;
  void *block = bytes <= LARGEST ? take(bytes) : NULL;
  return block ? memset(block, 0, bytes) : calloc(1, bytes ? bytes : 1);
}

// resize leaves a block where it is while it would waste less than a quarter of it.
static void *resize(void *block, size_t size) {
  if (!block) return allocate(size);
  if (size > PY_SSIZE_T_MAX) return NULL;
  if (!is_ours(block)) return realloc(block, size ? size : 1);
  uint32_t old = page_of(block)->size;
  if (size <= old && size > old - old / 4) return block;
  void *to = allocate(size);
  if (!to) return size <= old ? block : NULL;
  memcpy(to, block, size < old ? size : old);
  give(block);
  return to;
}

// eryx_seal_heap makes nobody's what is free in the pages in use, so that it stays free and no guest copies them for it.
// A page whose blocks are all freed later is whole again.
PyObject *eryx_seal_heap(PyObject *self, PyObject *unused) {
  for (uint32_t class = 0; class < CLASSES; class++) {
    page *next;
    for (page *p = room[class]; p; p = next) {
      next = p->next;
      if (!p->used) {
        release_page(p);
        continue;
      }
      p->freed = NULL;
      p->fresh = PAGE;
    }
    room[class] = NULL;
  }
  Py_IncRef(Py_None);
  return Py_None;
}

// ---- CPython's allocators -----------------------------------------------------------------------------
// The functions that CPython's code calls are replaced, which saves a call through a pointer each. Who puts an
// allocator of his own before this one (tracemalloc) is obeyed: his domain then goes the way of CPython.
typedef struct {
  void *ctx;
  void *(*malloc)(void *, size_t);
  void *(*calloc)(void *, size_t, size_t);
  void *(*realloc)(void *, void *, size_t);
  void (*free)(void *, void *);
} PyMemAllocatorEx;
enum { DOMAIN_RAW, DOMAIN_MEM, DOMAIN_OBJ };

static void *ctx_malloc(void *ctx, size_t size) { return allocate(size); }
static void *ctx_calloc(void *ctx, size_t count, size_t size) { return allocate_zeroed(count, size); }
static void *ctx_realloc(void *ctx, void *block, size_t size) { return resize(block, size); }
static void ctx_free(void *ctx, void *block) { release(block); }

static int mem_hooked, obj_hooked;

void __real_PyMem_SetAllocator(int domain, PyMemAllocatorEx *allocator);
ERYX_OVERRIDE void PyMem_SetAllocator(int domain, PyMemAllocatorEx *allocator) {
  if (domain == DOMAIN_MEM) mem_hooked = allocator->malloc != ctx_malloc;
  if (domain == DOMAIN_OBJ) obj_hooked = allocator->malloc != ctx_malloc;
  __real_PyMem_SetAllocator(domain, allocator);
}

// eryx_set_allocator must be called before CPython has allocated anything in these domains.
void eryx_set_allocator(void) {
  PyMemAllocatorEx allocator = {NULL, ctx_malloc, ctx_calloc, ctx_realloc, ctx_free};
  PyMem_SetAllocator(DOMAIN_MEM, &allocator);
  PyMem_SetAllocator(DOMAIN_OBJ, &allocator);
}

#define REPLACE(family, hooked)                                                           \
  void *__real_##family##_Malloc(size_t);                                                 \
  void *__real_##family##_Calloc(size_t, size_t);                                         \
  void *__real_##family##_Realloc(void *, size_t);                                        \
  void __real_##family##_Free(void *);                                                    \
  ERYX_OVERRIDE void *family##_Malloc(size_t size) {                                      \
    return hooked ? __real_##family##_Malloc(size) : allocate(size);                      \
  }                                                                                       \
  ERYX_OVERRIDE void *family##_Calloc(size_t count, size_t size) {                        \
    return hooked ? __real_##family##_Calloc(count, size) : allocate_zeroed(count, size); \
  }                                                                                       \
  ERYX_OVERRIDE void *family##_Realloc(void *block, size_t size) {                        \
    return hooked ? __real_##family##_Realloc(block, size) : resize(block, size);         \
  }                                                                                       \
  ERYX_OVERRIDE void family##_Free(void *block) {                                         \
    if (hooked)                                                                           \
      __real_##family##_Free(block);                                                      \
    else                                                                                  \
      release(block);                                                                     \
  }
REPLACE(PyMem, mem_hooked)
REPLACE(PyObject, obj_hooked)
