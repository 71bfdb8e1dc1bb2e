/*
 * The public functions of eryx.h. Each of them checks that the process is not a forked child, where Go's threads do not
 * exist and entering Go may hang, and goes on to the Go function of the same name. What Go cannot do itself is here too.
 */
#define _GNU_SOURCE
#include "eryx.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
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
extern int32_t go_eryx_wait_begin(uint64_t queue, int32_t *fd, int32_t **pending);
extern void go_eryx_wait_end(uint64_t queue);
extern int32_t go_eryx_set_notify(uint64_t queue, eryx_notify_fn notify, void *user_data);
extern int32_t go_eryx_shutdown(int32_t timeout_ms);

static atomic_int forked;

static void in_child(void) { atomic_store(&forked, 1); }

__attribute__((constructor)) static void watch_fork(void) { pthread_atfork(NULL, NULL, in_child); }

#define REFUSE_CHILD()            \
    do {                          \
        if (atomic_load(&forked)) \
            return ERYX_EFORK;    \
    } while (0)

/*
 * Go asks for the bounds of a thread's stack whenever it is entered on another stack than before, as FFI libraries and
 * fibers do. On the main thread glibc reads /proc/self/maps for it, 50 microseconds; they do not change, so they are
 * kept per thread. See docs/decisions/0007-c-abi.md.
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

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/*
 * A short program is over before a thread could be put to sleep and woken again. So one waiting thread of the process
 * looks for events itself for a moment, and gives way to any other thread that wants to run.
 */
enum { SPIN_US = 50 };
static atomic_int spinning;

static void spin(const int32_t *pending) {
    if (atomic_exchange(&spinning, 1))
        return;
    int64_t end = now_us() + SPIN_US;
    while (__atomic_load_n(pending, __ATOMIC_ACQUIRE) == 0 && now_us() < end)
        sched_yield();
    atomic_store(&spinning, 0);
}

/* wait_for waits until fd is readable; 1: it is, 0: timeout, or a status. */
static int32_t wait_for(int fd, int64_t end, int32_t timeout_ms) {
    int64_t left = end - now_us();
    if (timeout_ms >= 0 && left <= 0)
        return 0;
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int ready = poll(&wanted, 1, timeout_ms < 0 ? -1 : (int)((left + 999) / 1000));
    if (ready >= 0)
        return ready;
    return errno == EINTR ? ERYX_INTERRUPTED : ERYX_ESYSTEM;
}

/*
 * Waiting is done here and not in Go, so that a signal handler of the host's interrupts it, and no Go thread is kept.
 * The descriptor stays open while it is waited for, whatever another thread closes.
 */
int32_t eryx_next_events(uint64_t queue, uint8_t *buffer, size_t capacity, size_t *length, int32_t timeout_ms) {
    REFUSE_CHILD();
    int32_t fd, *pending;
    int32_t status = go_eryx_drain(queue, buffer, capacity, length);
    if (status != ERYX_EMPTY || timeout_ms == 0)
        return status;
    if ((status = go_eryx_wait_begin(queue, &fd, &pending)) < 0)
        return status;
    int64_t end = now_us() + (int64_t)timeout_ms * 1000;
    spin(pending);
    for (;;) {
        status = go_eryx_drain(queue, buffer, capacity, length);
        if (status != ERYX_EMPTY)
            break;
        int32_t ready = wait_for(fd, end, timeout_ms);
        if (ready != 1) {
            status = ready == 0 ? ERYX_EMPTY : ready;
            break;
        }
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
