/* main.c: a program of a user's, built against an installed Eryx: that the library is found, loads and answers. */
#include <eryx.h>

#include <stdio.h>
#include <string.h>

int main(void) {
    uint64_t queue;
    if (eryx_abi_version() != ERYX_ABI_VERSION || strcmp(eryx_version(), ERYX_VERSION) != 0)
        return 1;
    if (eryx_init(ERYX_ABI_VERSION, NULL, 0) != ERYX_OK || eryx_queue_open(&queue) != ERYX_OK)
        return 2;
    if (eryx_queue_close(queue) != ERYX_OK || eryx_shutdown(1000) != ERYX_OK)
        return 3;
    puts(eryx_version());
    return 0;
}
