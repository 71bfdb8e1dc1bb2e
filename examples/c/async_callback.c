/*
 * async_callback.c: a program in the sandbox awaits three calls of a function of ours at once; each of them is answered
 * by a thread of its own, whenever it is ready.
 *
 * Events are taken in a loop around poll(), as a program with an event loop of its own would do it: eryx_event_fd is
 * one more descriptor to watch.
 *
 *   cc async_callback.c mp.c $(pkg-config --cflags --libs eryx) -lpthread -o async_callback && ./async_callback
 */
#include "eryx.h"
#include "mp.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char program[] = "import asyncio\n"
                              "squares = await asyncio.gather(*(square(number=n) for n in range(3)))\n"
                              "print('squares:', squares)\n";

static void check(int32_t status, const char *what) {
    if (status >= 0)
        return;
    fprintf(stderr, "%s: status %d\n", what, status);
    exit(1);
}

static uint64_t submit(uint64_t queue, mp_writer *message) {
    uint64_t request;
    check(eryx_submit(queue, message->data, message->length, &request), "eryx_submit");
    free(message->data);
    return request;
}

/* {"op": "sandbox.new", "config": {"callbacks": [{"name": "square", "description": "..."}]}} */
static uint64_t new_sandbox(uint64_t queue) {
    mp_writer w = {0};
    mp_put_map(&w, 2);
    mp_put_text(&w, "op"), mp_put_text(&w, "sandbox.new");
    mp_put_text(&w, "config"), mp_put_map(&w, 1);
    mp_put_text(&w, "callbacks"), mp_put_array(&w, 1), mp_put_map(&w, 2);
    mp_put_text(&w, "name"), mp_put_text(&w, "square");
    mp_put_text(&w, "description"), mp_put_text(&w, "The square of a number, slowly.");
    return submit(queue, &w);
}

static uint64_t execute(uint64_t queue, int64_t sandbox) {
    mp_writer w = {0};
    mp_put_map(&w, 3);
    mp_put_text(&w, "op"), mp_put_text(&w, "sandbox.execute");
    mp_put_text(&w, "sandbox"), mp_put_int(&w, sandbox);
    mp_put_text(&w, "code"), mp_put_text(&w, program);
    return submit(queue, &w);
}

typedef struct {
    int64_t call, number;
} job;

/* answer_later runs on a thread of its own: it works for 50 ms and answers [[call, 0, value]]. */
static void *answer_later(void *argument) {
    job j = *(job *)argument;
    free(argument);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    mp_writer w = {0};
    mp_put_array(&w, 1), mp_put_array(&w, 3);
    mp_put_int(&w, j.call), mp_put_int(&w, 0), mp_put_int(&w, j.number * j.number);
    check(eryx_complete(w.data, w.length), "eryx_complete");
    free(w.data);
    return NULL;
}

/* on_call starts the work for ["call", request, call, name, arguments]. */
static void on_call(mp_value event) {
    job *j = malloc(sizeof *j);
    pthread_t thread;
    if (j == NULL)
        abort();
    j->call = mp_at(event, 2).integer;
    j->number = mp_get(mp_at(event, 4), "number").integer;
    if (pthread_create(&thread, NULL, answer_later, j) != 0)
        abort();
    pthread_detach(thread);
}

/* take handles the events there are. True when "done" of the request was among them: it is then copied to done. */
static bool take(uint64_t queue, uint64_t request, uint8_t *buffer, size_t capacity, mp_value *done) {
    size_t length;
    int32_t status = eryx_drain(queue, buffer, capacity, &length);
    check(status, "eryx_drain");
    mp_value events = mp_read(buffer, length);
    for (uint32_t i = 0; i < events.count; i++) {
        mp_value event = mp_at(events, i);
        if (mp_is(mp_at(event, 0), "call"))
            on_call(event);
        if (mp_is(mp_at(event, 0), "done") && (uint64_t)mp_at(event, 1).integer == request) {
            *done = event;
            return true;
        }
    }
    return false;
}

/* wait_done is the event loop. Other descriptors would stand beside ours. The value points into buffer. */
static mp_value wait_done(uint64_t queue, uint64_t request, uint8_t *buffer, size_t capacity) {
    mp_value done;
    struct pollfd watched = {.events = POLLIN};
    check(eryx_event_fd(queue, &watched.fd), "eryx_event_fd");
    do {
        poll(&watched, 1, -1);
    } while (!take(queue, request, buffer, capacity, &done));
    mp_value error = mp_at(done, 3);
    if (error.type == MP_MAP) {
        mp_value message = mp_get(error, "message");
        fprintf(stderr, "failed: %.*s\n", (int)message.length, (const char *)message.bytes);
        exit(1);
    }
    return mp_at(done, 2);
}

int main(void) {
    static uint8_t buffer[1 << 20];
    uint64_t queue;
    check(eryx_init(ERYX_ABI_VERSION, NULL, 0), "eryx_init");
    check(eryx_queue_open(&queue), "eryx_queue_open");
    mp_value made = wait_done(queue, new_sandbox(queue), buffer, sizeof buffer);
    int64_t sandbox = mp_get(made, "sandbox").integer;
    mp_value result = wait_done(queue, execute(queue, sandbox), buffer, sizeof buffer);
    mp_value output = mp_get(result, "stdout");
    fwrite(output.bytes, 1, output.length, stdout);
    check(eryx_queue_close(queue), "eryx_queue_close");
    check(eryx_shutdown(5000), "eryx_shutdown");
    return 0;
}
