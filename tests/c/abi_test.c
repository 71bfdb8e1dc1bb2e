/* abi_test.c: what every function of eryx.h promises, from C. At the end all handle tables are empty. */
#include <eryx.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "mp.h"

/* The first start on a machine compiles the interpreter. */
enum { FIRST_START_MS = 120000 };

static uint8_t buffer[1 << 16];

static uint64_t submit(uint64_t queue, mp_writer *w) {
    uint64_t request = 0;
    CHECK(!w->failed);
    CHECK(eryx_submit(queue, w->data, w->length, &request) == ERYX_OK);
    CHECK(request > 0 && request < (UINT64_C(1) << 53));
    free(w->data);
    return request;
}

/* wait_events waits for events and gives their array. */
static mp_value wait_events(uint64_t queue) {
    size_t length;
    int32_t status;
    do {
        status = eryx_next_events(queue, buffer, sizeof buffer, &length, FIRST_START_MS);
    } while (status == ERYX_INTERRUPTED);
    CHECK(status == ERYX_OK || status == ERYX_MORE);
    return mp_read(buffer, length);
}

/* next gives the next event of a kind and request; others are dropped. */
static mp_value next(uint64_t queue, uint64_t request, const char *kind) {
    static mp_value events;
    static uint32_t taken;
    for (;;) {
        while (taken < events.count) {
            mp_value event = mp_at(events, taken++);
            CHECK(event.type == MP_ARRAY);
            if ((uint64_t)mp_at(event, 1).integer == request && mp_is(mp_at(event, 0), kind))
                return event;
        }
        events = wait_events(queue);
        taken = 0;
    }
}

/* failed_with says whether a "done" event is of an error with this code; NULL: of a success. */
static bool failed_with(mp_value done, const char *code) {
    mp_value error = mp_at(done, 3);
    return code == NULL ? error.type == MP_NIL : mp_is(mp_get(error, "code"), code);
}

static mp_writer operation(const char *name, uint32_t fields) {
    mp_writer w = {0};
    mp_put_map(&w, fields + 1);
    mp_put_text(&w, "op");
    mp_put_text(&w, name);
    return w;
}

static int64_t number(mp_value done, const char *key) {
    mp_value v = mp_get(mp_at(done, 2), key);
    CHECK(v.type == MP_INT);
    return v.integer;
}

static uint64_t new_session(uint64_t queue, const char *callback) {
    mp_writer w = operation("session.new", callback ? 1 : 0);
    if (callback) {
        mp_put_text(&w, "config");
        mp_put_map(&w, 1);
        mp_put_text(&w, "callbacks");
        mp_put_array(&w, 1);
        mp_put_map(&w, 1);
        mp_put_text(&w, "name");
        mp_put_text(&w, callback);
    }
    return (uint64_t)number(next(queue, submit(queue, &w), "done"), "session");
}

static uint64_t execute(uint64_t queue, uint64_t session, const char *code) {
    mp_writer w = operation("session.execute", 2);
    mp_put_text(&w, "session");
    mp_put_int(&w, (int64_t)session);
    mp_put_text(&w, "code");
    mp_put_text(&w, code);
    return submit(queue, &w);
}

static void close_session(uint64_t queue, uint64_t session) {
    mp_writer w = operation("session.close", 1);
    mp_put_text(&w, "session");
    mp_put_int(&w, (int64_t)session);
    next(queue, submit(queue, &w), "done");
}

static void test_before_init(void) {
    uint64_t id;
    size_t length;
    int32_t fd;
    CHECK(eryx_abi_version() == ERYX_ABI_VERSION);
    CHECK(strcmp(eryx_version(), ERYX_VERSION) == 0);
    CHECK(eryx_queue_open(&id) == ERYX_ECLOSED);
    CHECK(eryx_queue_close(1) == ERYX_ECLOSED);
    CHECK(eryx_submit(0, buffer, 0, &id) == ERYX_ECLOSED);
    CHECK(eryx_cancel(1) == ERYX_ECLOSED);
    CHECK(eryx_complete(buffer, 0) == ERYX_ECLOSED);
    CHECK(eryx_drain(1, buffer, sizeof buffer, &length) == ERYX_ECLOSED);
    CHECK(eryx_next_events(1, buffer, sizeof buffer, &length, 10) == ERYX_ECLOSED);
    CHECK(eryx_event_fd(1, &fd) == ERYX_ECLOSED);
    CHECK(eryx_set_notify(1, NULL, NULL) == ERYX_ECLOSED);
    CHECK(eryx_shutdown(0) == ERYX_ECLOSED);
}

static void test_init(void) {
    static const uint8_t not_a_map[] = {0x90};
    static const uint8_t unknown[] = {0x81, 0xa1, 'x', 0x01};
    static const uint8_t procs[] = {0x81, 0xa9, 'm', 'a', 'x', '_', 'p', 'r', 'o', 'c', 's', 0x02};
    CHECK(eryx_init(ERYX_ABI_VERSION + 1, NULL, 0) == ERYX_EABI);
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 3) == ERYX_EINVAL);
    CHECK(eryx_init(ERYX_ABI_VERSION, not_a_map, sizeof not_a_map) == ERYX_EMESSAGE);
    CHECK(eryx_init(ERYX_ABI_VERSION, unknown, sizeof unknown) == ERYX_EMESSAGE);
    CHECK(eryx_init(ERYX_ABI_VERSION, procs, sizeof procs) == ERYX_OK);
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 0) == ERYX_OK);
}

static void test_bad_arguments(uint64_t queue) {
    static const uint8_t not_a_map[] = {0x90}, no_op[] = {0x80}, bad[] = {0xdd, 0xff, 0xff, 0xff, 0xff};
    uint64_t id;
    size_t length;
    CHECK(eryx_queue_open(NULL) == ERYX_EINVAL);
    CHECK(eryx_queue_close(12345678) == ERYX_EHANDLE);
    CHECK(eryx_submit(queue, NULL, 1, &id) == ERYX_EINVAL);
    CHECK(eryx_submit(queue, not_a_map, SIZE_MAX, &id) == ERYX_EINVAL);
    CHECK(eryx_submit(queue, not_a_map, sizeof not_a_map, &id) == ERYX_EMESSAGE);
    CHECK(eryx_submit(queue, no_op, sizeof no_op, &id) == ERYX_EMESSAGE);
    CHECK(eryx_submit(queue, bad, sizeof bad, &id) == ERYX_EMESSAGE);
    CHECK(eryx_submit(12345678, no_op, sizeof no_op, &id) == ERYX_EHANDLE);
    CHECK(eryx_complete(not_a_map, sizeof not_a_map) == ERYX_OK);
    CHECK(eryx_complete(no_op, sizeof no_op) == ERYX_EMESSAGE);
    CHECK(eryx_complete(bad, sizeof bad) == ERYX_EMESSAGE);
    CHECK(eryx_cancel(0) == ERYX_EHANDLE);
    CHECK(eryx_drain(queue, NULL, 1, &length) == ERYX_EINVAL);
    CHECK(eryx_drain(queue, buffer, sizeof buffer, NULL) == ERYX_EINVAL);
    CHECK(eryx_drain(0, buffer, sizeof buffer, &length) == ERYX_EHANDLE);
    CHECK(eryx_drain(queue, buffer, sizeof buffer, &length) == ERYX_EMPTY && length == 0);
    CHECK(eryx_next_events(queue, buffer, sizeof buffer, &length, 10) == ERYX_EMPTY);
    CHECK(eryx_event_fd(queue, NULL) == ERYX_EINVAL);
}

static void test_errors_of_requests(uint64_t queue) {
    mp_writer w = operation("no.such", 0);
    CHECK(failed_with(next(queue, submit(queue, &w), "done"), "unsupported"));
    CHECK(failed_with(next(queue, execute(queue, 12345678, "1"), "done"), "closed"));
    uint64_t session = new_session(queue, NULL);
    CHECK(failed_with(next(queue, execute(queue, session, "1/0"), "done"), "python"));
    close_session(queue, session);
    CHECK(failed_with(next(queue, execute(queue, session, "1"), "done"), "closed"));
}

static void test_small_buffer_and_descriptor(uint64_t queue) {
    uint64_t session = new_session(queue, NULL);
    int32_t fd;
    size_t length, again;
    CHECK(eryx_event_fd(queue, &fd) == ERYX_OK);
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    CHECK(poll(&wanted, 1, 0) == 0);
    execute(queue, session, "print('x' * 100)");
    CHECK(poll(&wanted, 1, 20000) == 1);
    CHECK(eryx_drain(queue, buffer, 16, &length) == ERYX_ESPACE && length > 100);
    CHECK(eryx_drain(queue, buffer, length - 1, &again) == ERYX_ESPACE && again == length);
    CHECK(eryx_drain(queue, buffer, length, &again) == ERYX_OK && again == length);
    CHECK(poll(&wanted, 1, 0) == 0);
    close_session(queue, session);
}

static void test_callback(uint64_t queue) {
    uint64_t session = new_session(queue, "twice");
    uint64_t request = execute(queue, session, "print(await twice(n=21))");
    mp_value call = next(queue, request, "call"), argument = mp_get(mp_at(call, 4), "n");
    CHECK(mp_is(mp_at(call, 3), "twice"));
    CHECK(argument.type == MP_INT && argument.integer == 21);
    mp_writer w = {0};
    mp_put_array(&w, 1);
    mp_put_array(&w, 3);
    mp_put_int(&w, mp_at(call, 2).integer);
    mp_put_int(&w, 0);
    mp_put_int(&w, 42);
    CHECK(eryx_complete(w.data, w.length) == ERYX_OK);
    CHECK(eryx_complete(w.data, w.length) == ERYX_OK); /* a second answer is dropped */
    free(w.data);
    mp_value text = mp_get(mp_at(next(queue, request, "done"), 2), "stdout");
    CHECK(text.type == MP_BYTES && text.length == 3 && memcmp(text.bytes, "42\n", 3) == 0);
    CHECK(eryx_cancel(request) == ERYX_EHANDLE);

    request = execute(queue, session, "await twice(n=1)");
    next(queue, request, "call");
    CHECK(eryx_cancel(request) == ERYX_OK);
    next(queue, request, "ended");
    CHECK(failed_with(next(queue, request, "done"), "cancelled"));
    close_session(queue, session);
}

/* put_library writes a library with a module, which awaits a host function of the library's. */
static void put_library(mp_writer *w, const char *name) {
    mp_put_map(w, 4);
    mp_put_text(w, "name");
    mp_put_text(w, name);
    mp_put_text(w, "modules");
    mp_put_map(w, 1);
    mp_put_text(w, "tools.sums");
    mp_put_text(w, "async def four_times(n):\n    return await twice(n=await twice(n=n))\n");
    mp_put_text(w, "stubs");
    mp_put_text(w, "async def four_times(n: int) -> int: ...");
    mp_put_text(w, "callbacks");
    mp_put_array(w, 1);
    mp_put_map(w, 1);
    mp_put_text(w, "name");
    mp_put_text(w, "twice");
}

/* new_with_libraries is the "done" event of a session with libraries of these names. */
static mp_value new_with_libraries(uint64_t queue, const char *const *names, uint32_t count) {
    mp_writer w = operation("session.new", 1);
    mp_put_text(&w, "config");
    mp_put_map(&w, 1);
    mp_put_text(&w, "libraries");
    mp_put_array(&w, count);
    for (uint32_t i = 0; i < count; i++)
        put_library(&w, names[i]);
    return next(queue, submit(queue, &w), "done");
}

static void test_library(uint64_t queue) {
    const char *names[] = {"first", "second"};
    uint64_t session = (uint64_t)number(new_with_libraries(queue, names, 1), "session");
    uint64_t request = execute(queue, session, "from tools.sums import four_times; print(await four_times(3))");
    for (int i = 0; i < 2; i++) {
        mp_value call = next(queue, request, "call");
        CHECK(mp_is(mp_at(call, 3), "twice"));
        mp_writer w = {0};
        mp_put_array(&w, 1);
        mp_put_array(&w, 3);
        mp_put_int(&w, mp_at(call, 2).integer);
        mp_put_int(&w, 0);
        mp_put_int(&w, 2 * mp_get(mp_at(call, 4), "n").integer);
        CHECK(eryx_complete(w.data, w.length) == ERYX_OK);
        free(w.data);
    }
    mp_value text = mp_get(mp_at(next(queue, request, "done"), 2), "stdout");
    CHECK(text.type == MP_BYTES && text.length == 3 && memcmp(text.bytes, "12\n", 3) == 0);
    close_session(queue, session);
    CHECK(failed_with(new_with_libraries(queue, names, 2), "invalid")); /* both have the same module */
}

static void count_up(void *counter) { atomic_fetch_add((atomic_int *)counter, 1); }

static void test_notify(uint64_t queue) {
    static atomic_int counter;
    size_t length;
    CHECK(eryx_set_notify(queue, count_up, &counter) == ERYX_OK);
    CHECK(atomic_load(&counter) == 0);
    mp_writer w = operation("info", 0);
    submit(queue, &w);
    while (atomic_load(&counter) == 0)
        usleep(1000);
    CHECK(atomic_load(&counter) == 1);
    CHECK(eryx_set_notify(queue, count_up, &counter) == ERYX_OK); /* there is an event: called at once */
    CHECK(atomic_load(&counter) == 2);
    CHECK(eryx_set_notify(queue, NULL, NULL) == ERYX_OK);
    CHECK(eryx_drain(queue, buffer, sizeof buffer, &length) == ERYX_OK);
}

static void on_signal(int number) { (void)number; }

static void *interrupt(void *thread) {
    usleep(100 * 1000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void test_interrupted_wait(uint64_t queue) {
    struct sigaction action = {.sa_handler = on_signal}, now;
    pthread_t self = pthread_self(), helper;
    size_t length;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(eryx_fix_signals() == ERYX_OK);
    CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && (now.sa_flags & SA_ONSTACK) && now.sa_handler == on_signal);
    CHECK(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    CHECK(pthread_create(&helper, NULL, interrupt, &self) == 0);
    CHECK(eryx_next_events(queue, buffer, sizeof buffer, &length, 20000) == ERYX_INTERRUPTED);
    pthread_join(helper, NULL);
}

static void *wait_long(void *queue) {
    static uint8_t own[1024];
    size_t length;
    return (void *)(intptr_t)eryx_next_events(*(uint64_t *)queue, own, sizeof own, &length, 20000);
}

static void test_closing_a_queue(void) {
    uint64_t queue, session;
    pthread_t waiter;
    void *status;
    CHECK(eryx_queue_open(&queue) == ERYX_OK);
    session = new_session(queue, NULL);
    execute(queue, session, "import asyncio; await asyncio.sleep(60)");
    CHECK(pthread_create(&waiter, NULL, wait_long, &queue) == 0);
    usleep(100 * 1000);
    CHECK(eryx_queue_close(queue) == ERYX_OK);
    pthread_join(waiter, &status);
    CHECK((intptr_t)status == ERYX_EHANDLE);
    CHECK(eryx_queue_close(queue) == ERYX_EHANDLE);
    CHECK(eryx_queue_open(&queue) == ERYX_OK); /* its program was cancelled: the session is free again */
    CHECK(failed_with(next(queue, execute(queue, session, "1"), "done"), NULL));
    close_session(queue, session);
    CHECK(eryx_queue_close(queue) == ERYX_OK);
}

static void test_fork(uint64_t queue) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        size_t length;
        uint64_t id;
        int ok = eryx_queue_open(&id) == ERYX_EFORK &&
                 eryx_next_events(queue, buffer, sizeof buffer, &length, 10) == ERYX_EFORK &&
                 eryx_shutdown(10) == ERYX_EFORK && eryx_abi_version() == ERYX_ABI_VERSION;
        _exit(ok ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_everything_is_closed(uint64_t queue) {
    mp_writer w = operation("info", 0);
    mp_value info = next(queue, submit(queue, &w), "done");
    CHECK(number(info, "sandbox_count") == 0);
    CHECK(number(info, "session_count") == 0);
    CHECK(number(info, "call_count") == 0);
    CHECK(number(info, "request_count") == 0);
    CHECK(eryx_queue_close(queue) == ERYX_OK);
    CHECK(eryx_shutdown(5000) == ERYX_OK);
    CHECK(eryx_shutdown(0) == ERYX_ECLOSED);
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 0) == ERYX_ECLOSED);
}

int main(void) {
    uint64_t queue;
    test_before_init();
    test_init();
    CHECK(eryx_queue_open(&queue) == ERYX_OK);
    test_bad_arguments(queue);
    test_errors_of_requests(queue);
    test_small_buffer_and_descriptor(queue);
    test_callback(queue);
    test_library(queue);
    test_notify(queue);
    test_interrupted_wait(queue);
    test_closing_a_queue();
    test_fork(queue);
    test_everything_is_closed(queue);
    puts("ok");
    return 0;
}
