/*
 * callback.c: a sandbox that calls an async host function. The calls of the program arrive as events; each is answered
 * 50 milliseconds later, so that two calls which are gathered take 50 milliseconds together.
 *
 *   cc callback.c $(pkg-config --cflags --libs eryx) -o callback && ./callback
 */
#include <eryx.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "message.h"

static const char program[] = "import asyncio\n"
                              "print(await asyncio.gather(square(n=3), square(n=4)))\n";

static void check(int32_t status, const char *what) {
    if (status < 0) {
        fprintf(stderr, "%s: status %" PRId32 "\n", what, status);
        exit(1);
    }
}

static uint64_t submit(uint64_t queue, const struct writer *w) {
    uint64_t request = 0;
    check(w->failed ? ERYX_ESPACE : eryx_submit(queue, w->data, w->length, &request), "eryx_submit");
    return request;
}

/* A call that will be answered later. */
struct pending {
    uint64_t call;
    int64_t n;
    int64_t due_ms;
};

static struct pending pending[16];
static size_t pending_count;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* on_call: ["call", request, call, name, arguments], of which the first two are read. */
static void on_call(struct reader event) {
    struct reader n;
    uint64_t call = (uint64_t)get(&event).integer;
    skip(&event); /* the name: there is one function only */
    if (!find(event, "n", &n) || pending_count == sizeof pending / sizeof *pending)
        return;
    pending[pending_count++] = (struct pending){call, get(&n).integer, now_ms() + 50};
}

/* answer_due answers what is due and gives the milliseconds to the next one, -1 when there is none. */
static int32_t answer_due(void) {
    int32_t wait = -1;
    for (size_t i = 0; i < pending_count;) {
        int64_t left = pending[i].due_ms - now_ms();
        if (left > 0) {
            wait = wait < 0 || left < wait ? (int32_t)left : wait;
            i++;
            continue;
        }
        struct writer w = {.length = 0};
        put_array(&w, 1);
        put_array(&w, 3);
        put_int(&w, (int64_t)pending[i].call);
        put_int(&w, 0);
        put_int(&w, pending[i].n * pending[i].n);
        check(eryx_complete(w.data, w.length), "eryx_complete");
        pending[i] = pending[--pending_count];
    }
    return wait;
}

/* on_done: ["done", request, value, error]; event is at the value. Gives the value's reader in done. */
static int on_done(struct reader event, struct reader *done) {
    struct reader value = event, text;
    skip(&event);
    if (find(event, "message", &text)) {
        struct value message = get(&text);
        fprintf(stderr, "error: %.*s\n", (int)message.count, message.bytes);
        exit(1);
    }
    *done = value;
    return 1;
}

static uint8_t buffer[1 << 16];

/* run handles events until the request is done. */
static struct reader run(uint64_t queue, uint64_t request) {
    for (;;) {
        size_t length;
        int32_t status = eryx_next_events(queue, buffer, sizeof buffer, &length, answer_due());
        check(status, "eryx_next_events");
        struct reader events = {buffer, buffer + length};
        uint32_t count = length ? get(&events).count : 0;
        for (uint32_t i = 0; i < count; i++) {
            struct reader event = events, done;
            skip(&events);
            get(&event);
            struct value kind = get(&event);
            uint64_t id = (uint64_t)get(&event).integer;
            if (is_text(kind, "call"))
                on_call(event);
            else if (is_text(kind, "done") && id == request && on_done(event, &done))
                return done;
        }
    }
}

static uint64_t new_sandbox(uint64_t queue) {
    struct writer w = {.length = 0};
    struct reader id;
    put_map(&w, 2);
    put_text(&w, "op");
    put_text(&w, "sandbox.new");
    put_text(&w, "config");
    put_map(&w, 1);
    put_text(&w, "callbacks");
    put_array(&w, 1);
    put_map(&w, 2);
    put_text(&w, "name");
    put_text(&w, "square");
    put_text(&w, "description");
    put_text(&w, "The square of n.");
    if (!find(run(queue, submit(queue, &w)), "sandbox", &id))
        exit(1);
    return (uint64_t)get(&id).integer;
}

int main(void) {
    uint64_t queue;
    struct reader out;
    check(eryx_init(ERYX_ABI_VERSION, NULL, 0), "eryx_init");
    check(eryx_queue_open(&queue), "eryx_queue_open");

    struct writer w = {.length = 0};
    uint64_t sandbox = new_sandbox(queue);
    put_map(&w, 3);
    put_text(&w, "op");
    put_text(&w, "sandbox.execute");
    put_text(&w, "sandbox");
    put_int(&w, (int64_t)sandbox);
    put_text(&w, "code");
    put_text(&w, program);
    if (find(run(queue, submit(queue, &w)), "stdout", &out)) {
        struct value text = get(&out);
        fwrite(text.bytes, 1, text.count, stdout);
    }
    check(eryx_queue_close(queue), "eryx_queue_close");
    check(eryx_shutdown(1000), "eryx_shutdown");
    return 0;
}
