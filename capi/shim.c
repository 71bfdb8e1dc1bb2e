/*
 * The public functions of eryx.h. Each of them checks that the process is not a forked child, where Go's threads do not
 * exist and entering Go may hang, and goes on to the Go function of the same name. What Go cannot do itself is here too.
 */
#define _GNU_SOURCE
#include "eryx.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* As cgo declares them: without const. */
extern int32_t go_eryx_init(uint32_t abi_version, uint8_t *config, size_t length);
extern int32_t go_eryx_queue_open(uint64_t *queue);
extern int32_t go_eryx_queue_close(uint64_t queue);
extern int32_t go_eryx_submit(uint64_t queue, uint8_t *message, size_t length, uint64_t *request);
extern int32_t go_eryx_cancel(uint64_t request);
extern int32_t go_eryx_complete(uint8_t *answers, size_t length);
extern int32_t go_eryx_drain(uint64_t queue, uint8_t *buffer, size_t capacity, size_t *length);
extern int32_t go_eryx_event_fd(uint64_t queue, int32_t *fd);
extern int32_t go_eryx_wait_begin(uint64_t queue, int32_t *fd);
extern void go_eryx_wait_end(uint64_t queue);
extern int32_t go_eryx_set_notify(uint64_t queue, eryx_notify_fn notify, void *user_data);
extern int32_t go_eryx_shutdown(int32_t timeout_ms);

static atomic_int forked;

static void in_child(void) { atomic_store(&forked, 1); }

__attribute__((constructor)) static void watch_fork(void) { pthread_atfork(NULL, NULL, in_child); }

#define REFUSE_CHILD()                \
    do {                              \
        if (atomic_load(&forked))     \
            return ERYX_EFORK;        \
    } while (0)

/*
 * Go asks for the bounds of a thread's stack whenever it is entered on another stack than before, as FFI libraries and
 * fibers do. On the main thread glibc reads /proc/self/maps for it, 50 microseconds; they do not change, so they are
 * kept per thread. See docs/decisions/0005-c-abi.md.
 */
extern int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);

static __thread struct {
    void *address;
    size_t size;
} stack_bounds;

int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes) {
    if (!pthread_equal(thread, pthread_self()))
        return __real_pthread_getattr_np(thread, attributes);
    if (stack_bounds.size != 0 && pthread_attr_init(attributes) == 0)
        return pthread_attr_setstack(attributes, stack_bounds.address, stack_bounds.size);
    int error = __real_pthread_getattr_np(thread, attributes);
    if (error == 0)
        pthread_attr_getstack(attributes, &stack_bounds.address, &stack_bounds.size);
    return error;
}

uint32_t eryx_abi_version(void) { return ERYX_ABI_VERSION; }

const char *eryx_version(void) { return ERYX_VERSION; }

int32_t eryx_init(uint32_t abi_version, const uint8_t *config, size_t length) {
    REFUSE_CHILD();
    return go_eryx_init(abi_version, (uint8_t *)config, length);
}

int32_t eryx_queue_open(uint64_t *queue) {
    REFUSE_CHILD();
    return go_eryx_queue_open(queue);
}

int32_t eryx_queue_close(uint64_t queue) {
    REFUSE_CHILD();
    return go_eryx_queue_close(queue);
}

int32_t eryx_submit(uint64_t queue, const uint8_t *message, size_t length, uint64_t *request) {
    REFUSE_CHILD();
    return go_eryx_submit(queue, (uint8_t *)message, length, request);
}

int32_t eryx_cancel(uint64_t request) {
    REFUSE_CHILD();
    return go_eryx_cancel(request);
}

int32_t eryx_complete(const uint8_t *answers, size_t length) {
    REFUSE_CHILD();
    return go_eryx_complete((uint8_t *)answers, length);
}

int32_t eryx_drain(uint64_t queue, uint8_t *buffer, size_t capacity, size_t *length) {
    REFUSE_CHILD();
    return go_eryx_drain(queue, buffer, capacity, length);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Waiting is done here and not in Go, so that a signal handler of the host's interrupts it, and no Go thread is kept.
 * The descriptor stays open while it is waited for, whatever another thread closes.
 */
int32_t eryx_next_events(uint64_t queue, uint8_t *buffer, size_t capacity, size_t *length, int32_t timeout_ms) {
    REFUSE_CHILD();
    int32_t fd;
    int32_t status = go_eryx_drain(queue, buffer, capacity, length);
    if (status != ERYX_EMPTY || timeout_ms == 0)
        return status;
    if ((status = go_eryx_wait_begin(queue, &fd)) < 0)
        return status;
    int64_t end = now_ms() + timeout_ms;
    for (;;) {
        int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int ready = timeout_ms >= 0 && left < 0 ? 0 : poll(&wanted, 1, (int)left);
        if (ready < 0) {
            status = errno == EINTR ? ERYX_INTERRUPTED : ERYX_ESYSTEM;
            break;
        }
        status = go_eryx_drain(queue, buffer, capacity, length);
        if (ready == 0 || status != ERYX_EMPTY)
            break;
    }
    go_eryx_wait_end(queue);
    return status;
}

int32_t eryx_event_fd(uint64_t queue, int32_t *fd) {
    REFUSE_CHILD();
    return go_eryx_event_fd(queue, fd);
}

int32_t eryx_set_notify(uint64_t queue, eryx_notify_fn notify, void *user_data) {
    REFUSE_CHILD();
    return go_eryx_set_notify(queue, notify, user_data);
}

int32_t eryx_fix_signals(void) {
    REFUSE_CHILD();
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0 || (action.sa_flags & SA_ONSTACK))
            continue;
        if (!(action.sa_flags & SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN))
            continue;
        action.sa_flags |= SA_ONSTACK;
        sigaction(number, &action, NULL);
    }
    return ERYX_OK;
}

int32_t eryx_shutdown(int32_t timeout_ms) {
    REFUSE_CHILD();
    return go_eryx_shutdown(timeout_ms);
}
