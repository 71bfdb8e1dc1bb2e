/*
 * fork_test.c: after fork the child has none of the library's threads. Every function that returns a status says so at
 * once, whatever it is given; the versions still answer; exec works; and the parent goes on, also with a program that
 * runs meanwhile.
 */
#include <eryx.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "mp.h"

static uint8_t buffer[1 << 16];

static void on_event(void *data) { (void)data; }

/* refuse_all is what a child sees. alarm ends a child that hangs. */
static void refuse_all(uint64_t queue) {
    uint64_t id = 7;
    size_t length = 7;
    int32_t fd = 7;
    alarm(10);
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 0) == ERYX_EFORK);
    CHECK(eryx_init(99, NULL, 5) == ERYX_EFORK);
    CHECK(eryx_queue_open(&id) == ERYX_EFORK && id == 7);
    CHECK(eryx_queue_close(queue) == ERYX_EFORK);
    CHECK(eryx_submit(queue, buffer, 1, &id) == ERYX_EFORK && id == 7);
    CHECK(eryx_cancel(1) == ERYX_EFORK);
    CHECK(eryx_complete(NULL, 1) == ERYX_EFORK);
    CHECK(eryx_drain(queue, buffer, sizeof buffer, &length) == ERYX_EFORK && length == 7);
    CHECK(eryx_next_events(queue, NULL, 0, NULL, -1) == ERYX_EFORK);
    CHECK(eryx_event_fd(queue, &fd) == ERYX_EFORK && fd == 7);
    CHECK(eryx_set_notify(queue, on_event, NULL) == ERYX_EFORK);
    CHECK(eryx_fix_signals() == ERYX_EFORK);
    CHECK(eryx_shutdown(-1) == ERYX_EFORK);
    CHECK(eryx_abi_version() == ERYX_ABI_VERSION);
    CHECK(strcmp(eryx_version(), ERYX_VERSION) == 0);
}

static void expect_success(pid_t child) {
    int status;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A child, and a child of the child. */
static void test_child_is_refused(uint64_t queue) {
    pid_t child = fork();
    if (child == 0) {
        refuse_all(queue);
        pid_t grandchild = fork();
        if (grandchild == 0)
            refuse_all(queue);
        else
            expect_success(grandchild);
        _exit(0);
    }
    expect_success(child);
}

/* A new program has a library of its own. */
static void test_exec(const char *self) {
    pid_t child = fork();
    if (child == 0) {
        execl(self, self, "fresh", (char *)NULL);
        _exit(127);
    }
    expect_success(child);
}

static uint64_t submit(uint64_t queue, mp_writer *w) {
    uint64_t request;
    CHECK(eryx_submit(queue, w->data, w->length, &request) == ERYX_OK);
    free(w->data);
    return request;
}

static mp_value done(uint64_t queue, uint64_t request) {
    for (;;) {
        size_t length;
        CHECK(eryx_next_events(queue, buffer, sizeof buffer, &length, 120000) >= 0);
        mp_value events = mp_read(buffer, length);
        for (uint32_t i = 0; i < events.count; i++) {
            mp_value event = mp_at(events, i);
            if (mp_is(mp_at(event, 0), "done") && (uint64_t)mp_at(event, 1).integer == request)
                return event;
        }
    }
}

/* Children that come and go while a program runs: it ends as if nothing had been. */
static void test_parent_goes_on(uint64_t queue) {
    mp_writer w = {0};
    mp_put_map(&w, 1);
    mp_put_text(&w, "op");
    mp_put_text(&w, "sandbox.new");
    int64_t sandbox = mp_get(mp_at(done(queue, submit(queue, &w)), 2), "sandbox").integer;
    w = (mp_writer){0};
    mp_put_map(&w, 3);
    mp_put_text(&w, "op");
    mp_put_text(&w, "sandbox.execute");
    mp_put_text(&w, "sandbox");
    mp_put_int(&w, sandbox);
    mp_put_text(&w, "code");
    mp_put_text(&w, "import time; time.sleep(0.1); print(sum(range(300_000)))");
    uint64_t request = submit(queue, &w);
    for (int i = 0; i < 5; i++)
        test_child_is_refused(queue);
    mp_value output = mp_get(mp_at(done(queue, request), 2), "stdout");
    CHECK(output.length == 12 && memcmp(output.bytes, "44999850000\n", 12) == 0);
}

int main(int argc, char **argv) {
    uint64_t queue;
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 0) == ERYX_OK);
    CHECK(eryx_queue_open(&queue) == ERYX_OK);
    if (argc == 1) {
        test_child_is_refused(queue);
        test_exec(argv[0]);
        test_parent_goes_on(queue);
        puts("ok");
    }
    CHECK(eryx_queue_close(queue) == ERYX_OK);
    CHECK(eryx_shutdown(5000) == ERYX_OK);
    return 0;
}
