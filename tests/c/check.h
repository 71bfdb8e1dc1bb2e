/* check.h: what the tests in C check with. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <unistd.h>

/* CHECK ends the process, which may be a forked child, with the line whose condition is false. */
#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                                \
        }                                                                            \
    } while (0)

#endif
