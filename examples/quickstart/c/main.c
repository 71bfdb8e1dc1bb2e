/*
 * The quick start in C: untrusted code that awaits two functions of the host at once, a session, a limit, a snapshot. One
 * thread does it all: it waits for events, and between them answers the calls whose time has come.
 */
#include "eryx.h"
#include "mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The prices stand for a service that takes a while to answer. */
static const struct {
    const char *symbol;
    double price;
} prices[] = {{"ACME", 12.5}, {"INITECH", 7.25}};

enum { DELAY_MS = 50, MAX_CALLS = 16 };

/* pending are the calls that wait for their answer, the oldest first. */
static struct {
    int64_t call, due_ms;
    int price; /* index in prices; -1: no such symbol */
} pending[MAX_CALLS];
static int pending_count;

static uint64_t queue;
static uint8_t buffer[64 << 20]; /* a snapshot fits; pages that are never written cost nothing */

static void check(int32_t status, const char *what) {
    if (status >= 0)
        return;
    fprintf(stderr, "%s: status %d\n", what, status);
    exit(1);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* get_price begins the work for ["call", request, call, "get_price", {"symbol": text}]. */
static void get_price(mp_value event) {
    if (pending_count == MAX_CALLS)
        return; /* cannot be: the session's limit max_pending_callbacks is below it */
    mp_value symbol = mp_get(mp_at(event, 4), "symbol");
    int price = (int)(sizeof prices / sizeof *prices) - 1;
    while (price >= 0 && !mp_is(symbol, prices[price].symbol))
        price--;
    pending[pending_count].call = mp_at(event, 2).integer;
    pending[pending_count].due_ms = now_ms() + DELAY_MS;
    pending[pending_count++].price = price;
}

/* answer_due answers the calls whose time has come; the milliseconds to the next one, -1: there is none. */
static int32_t answer_due(void) {
    int answered = 0;
    while (answered < pending_count && pending[answered].due_ms <= now_ms()) {
        int price = pending[answered].price;
        mp_writer w = {0};
        mp_put_array(&w, 1), mp_put_array(&w, price < 0 ? 4 : 3);
        mp_put_int(&w, pending[answered++].call), mp_put_int(&w, price < 0);
        if (price < 0)
            mp_put_text(&w, "lookup"), mp_put_text(&w, "no such symbol");
        else
            mp_put_float(&w, prices[price].price);
        check(eryx_complete(w.data, w.length), "eryx_complete");
        free(w.data);
    }
    pending_count -= answered;
    memmove(pending, pending + answered, (size_t)pending_count * sizeof *pending);
    if (pending_count == 0)
        return -1;
    int64_t left = pending[0].due_ms - now_ms();
    return left > 0 ? (int32_t)left : 0;
}

/* find_done starts the calls among the events and looks for ["done", request, value, error]; MP_BAD: not there yet. */
static mp_value find_done(mp_value events, uint64_t request) {
    mp_value done = {.type = MP_BAD};
    for (uint32_t i = 0; i < events.count; i++) {
        mp_value event = mp_at(events, i), kind = mp_at(event, 0);
        if (mp_is(kind, "call"))
            get_price(event);
        else if (mp_is(kind, "progress"))
            fprintf(stderr, "%.*s\n", (int)mp_at(event, 2).length, (const char *)mp_at(event, 2).bytes);
        else if (mp_is(kind, "done") && (uint64_t)mp_at(event, 1).integer == request)
            done = event;
    }
    return done;
}

/* perform asks for an operation and serves calls until it is done. The event that is returned lies in buffer. */
static mp_value perform(mp_writer *message) {
    uint64_t request;
    size_t length;
    mp_value done = {.type = MP_BAD};
    check(eryx_submit(queue, message->data, message->length, &request), "eryx_submit");
    free(message->data);
    while (done.type == MP_BAD) {
        check(eryx_next_events(queue, buffer, sizeof buffer, &length, answer_due()), "eryx_next_events");
        done = find_done(mp_read(buffer, length), request);
    }
    return done;
}

/* must_perform is perform for an operation that has to succeed: its value, which lies in buffer. */
static mp_value must_perform(mp_writer *message, const char *what) {
    mp_value done = perform(message);
    if (mp_at(done, 3).type == MP_MAP) {
        mp_value text = mp_get(mp_at(done, 3), "message");
        fprintf(stderr, "%s: %.*s\n", what, (int)text.length, (const char *)text.bytes);
        exit(1);
    }
    return mp_at(done, 2);
}

/* new_session is a session that may call get_price and that gives each program a second. */
static int64_t new_session(void) {
    mp_writer w = {0};
    mp_put_map(&w, 2);
    mp_put_text(&w, "op"), mp_put_text(&w, "session.new");
    mp_put_text(&w, "config"), mp_put_map(&w, 2);
    mp_put_text(&w, "callbacks"), mp_put_array(&w, 1), mp_put_map(&w, 2);
    mp_put_text(&w, "name"), mp_put_text(&w, "get_price");
    mp_put_text(&w, "description"), mp_put_text(&w, "The price of a symbol.");
    mp_put_text(&w, "limits"), mp_put_map(&w, 2);
    mp_put_text(&w, "execution_timeout_ms"), mp_put_int(&w, 1000);
    mp_put_text(&w, "max_pending_callbacks"), mp_put_int(&w, MAX_CALLS);
    return mp_get(must_perform(&w, "session.new"), "session").integer;
}

/* copy_of is a session that begins from a snapshot of another one. */
static int64_t copy_of(int64_t session) {
    mp_writer snapshot = {0}, w = {0};
    mp_put_map(&snapshot, 2);
    mp_put_text(&snapshot, "op"), mp_put_text(&snapshot, "session.snapshot");
    mp_put_text(&snapshot, "session"), mp_put_int(&snapshot, session);
    mp_value image = mp_get(must_perform(&snapshot, "session.snapshot"), "image");
    mp_put_map(&w, 2);
    mp_put_text(&w, "op"), mp_put_text(&w, "session.new");
    mp_put_text(&w, "image"), mp_put_bytes(&w, image.bytes, image.length);
    return mp_get(must_perform(&w, "session.new"), "session").integer;
}

static void print(mp_value text) { printf("%.*s", (int)text.length, (const char *)text.bytes); }

/* run executes code and prints what came of it. */
static void run(int64_t session, const char *code) {
    mp_writer w = {0};
    mp_put_map(&w, 3);
    mp_put_text(&w, "op"), mp_put_text(&w, "session.execute");
    mp_put_text(&w, "session"), mp_put_int(&w, session);
    mp_put_text(&w, "code"), mp_put_text(&w, code);
    mp_value done = perform(&w), error = mp_at(done, 3);
    print(mp_get(mp_at(done, 2), "stdout"));
    if (error.type == MP_MAP) {
        print(mp_get(error, "code")), printf(": "), print(mp_get(error, "message"));
        printf("\n");
    }
}

int main(void) {
    check(eryx_init(ERYX_ABI_VERSION, NULL, 0), "eryx_init");
    check(eryx_queue_open(&queue), "eryx_queue_open");
    int64_t session = new_session();
    run(session, "import asyncio\n"
                 "acme, initech = await asyncio.gather(get_price(symbol='ACME'), get_price(symbol='INITECH'))\n"
                 "print(f'ACME {acme}, INITECH {initech}')\n");
    run(session, "print('the session remembers:', acme + initech)");
    run(session, "while True: pass");
    run(session, "print('and lives on:', acme)");
    run(copy_of(session), "print('restored:', acme + initech)");
    check(eryx_queue_close(queue), "eryx_queue_close");
    check(eryx_shutdown(5000), "eryx_shutdown");
    return 0;
}
