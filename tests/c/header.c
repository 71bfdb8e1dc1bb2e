/* header.c: eryx.h compiles alone, and what it says fits together. Compiled as C11 and as C++11, with every warning. */
#include "eryx.h"

#include "eryx.h" /* a second time does nothing */

int header_compiles(void);

static void on_event(void *user_data) { (void)user_data; }

int header_compiles(void) {
    eryx_notify_fn notify = on_event;
    notify(0);
    return ERYX_OK == 0 && ERYX_MORE > 0 && ERYX_EINVAL < 0 && ERYX_EFORK < 0 ? (int)ERYX_ABI_VERSION : 0;
}
