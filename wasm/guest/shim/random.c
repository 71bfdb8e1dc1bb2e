// random.c is what sqlite draws its random numbers from: its own generator is seeded from nothing in this build, and
// would give every sandbox the same. The recipe puts it in the place of sqlite3_randomness, which is not exported.
#include "eryx.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("random_get"))) int32_t wasi_random_get(
    void *p, uint32_t n);

ERYX_EXPORT(eryx_random) void eryx_random(int32_t n, void *p) {
  if (n > 0 && p) wasi_random_get(p, (uint32_t)n);
}
