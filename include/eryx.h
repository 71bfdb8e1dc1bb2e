/*
 * eryx.h: run untrusted Python in a sandbox. The C interface of liberyx.
 *
 * HOW TO USE
 *
 *   1. eryx_init once per process, with the ABI version that you were compiled for.
 *   2. eryx_queue_open: a queue is where the events of your requests arrive. One per thread or event loop is usual.
 *   3. eryx_submit a request, a MessagePack map with the key "op" and what that operation takes:
 *      {"op": "session.new", "config": {...}}. It returns the request's id at once and never waits for the work.
 *   4. Take events with eryx_drain, when eryx_event_fd becomes readable or the function given to eryx_set_notify is
 *      called; or block in eryx_next_events. Events are arrays whose first element is their kind:
 *      ["done", request, value, error] comes exactly once per request and is its last one;
 *      ["call", request, call, name, arguments] wants an answer by eryx_complete, at any time, from any thread;
 *      ["ended", request, call] says that the answer is no longer wanted; ["output", request, stream, bytes] is output.
 *      Kinds and fields that you do not know are to be ignored.
 *   5. eryx_cancel ends a request early: its "done" event then says so.
 *   6. eryx_queue_close, and eryx_shutdown before the process ends if you want to see that nothing is left.
 *
 * Operations and the fields of every message are in docs/abi.md. A new feature is a new operation, never a new function.
 *
 * THREADS. Every function may be called from any thread at any time. Only eryx_next_events and eryx_shutdown block. The
 * library runs Python on threads of its own; it never calls a function of yours but the one of eryx_set_notify.
 *
 * OWNERSHIP. Bytes that you pass are borrowed for the call. Bytes that you get are written to a buffer of yours. Nothing
 * is allocated on one side and freed on the other. Ids are below 2^53, never 0 and never used again.
 *
 * ERRORS. A negative return value says that the call itself could not be made, and nothing has happened. What went wrong
 * in the work that a request asks for is the error record of its "done" event.
 *
 * FORK. In a child process after fork, every function that returns a status returns ERYX_EFORK: the library's threads
 * are not there. Start processes by exec, or fork before the first call.
 *
 * VERSIONS. Within one ABI version functions, statuses and fields are only added. The library must not be unloaded.
 */
#ifndef ERYX_H
#define ERYX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ERYX_ABI_VERSION is the version of this header; pass it to eryx_init. */
#define ERYX_ABI_VERSION 1u

/* ERYX_VERSION is the version of everything that this header came with. */
#define ERYX_VERSION "0.1.0"

/* The statuses. 0 is success, a positive one is success with something to know, a negative one an error. */
#define ERYX_OK 0          /* done */
#define ERYX_EMPTY 1       /* there is no event */
#define ERYX_MORE 2        /* done, and there are more events */
#define ERYX_INTERRUPTED 3 /* a signal handler ran while waiting; there is no event yet */
#define ERYX_EINVAL (-1)   /* an argument makes no sense: a null pointer, a length beyond 1 GiB */
#define ERYX_EHANDLE (-2)  /* no such queue, request or call, or no longer */
#define ERYX_EMESSAGE (-3) /* the bytes are not the message that is expected */
#define ERYX_ESPACE (-4)   /* the buffer is too small; the length says what is needed */
#define ERYX_EABI (-5)     /* the library does not speak this ABI version */
#define ERYX_EPANIC (-6)   /* a fault of the library's own; it goes on */
#define ERYX_ECLOSED (-7)  /* before eryx_init or after eryx_shutdown */
#define ERYX_ESYSTEM (-8)  /* the operating system refused: no descriptor left */
#define ERYX_EFORK (-100)  /* in a child process after fork */

/* eryx_notify_fn is told that a queue that was empty has an event. It runs on a thread of the library's, must return
 * at once, and must not call any function of this header but eryx_drain and eryx_complete. */
typedef void (*eryx_notify_fn)(void *user_data);

/* eryx_version is the library's version as text, such as "0.1.0". Static; works before eryx_init and after fork. */
const char *eryx_version(void);

/* eryx_abi_version is the ABI version that the library speaks. Works before eryx_init and after fork. */
uint32_t eryx_abi_version(void);

/*
 * eryx_init prepares the library. Calling it again with the same ABI version does nothing, the configuration included.
 *
 * config: a MessagePack map, or length 0 for the defaults: cache_dir (text: where compiled code is kept, "-" nowhere),
 *   code_file (text: compiled code that came with a package, put into cache_dir when it is not there),
 *   gc_percent, memory_limit_bytes, max_procs (of the library's own runtime).
 * Blocks: no; the interpreter starts with the first request that needs it, or the operation "runtime.init".
 * Returns: ERYX_OK; ERYX_EABI; ERYX_EINVAL; ERYX_EMESSAGE; ERYX_ECLOSED after eryx_shutdown; ERYX_EFORK.
 */
int32_t eryx_init(uint32_t abi_version, const uint8_t *config, size_t length);

/*
 * eryx_queue_open makes a queue.
 * Returns: ERYX_OK and the id in *queue; ERYX_EINVAL; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_queue_open(uint64_t *queue);

/*
 * eryx_queue_close cancels the requests of a queue and drops its events. Threads that wait for it wake up.
 * Blocks: for a notify function that runs; it is not called any more once this has returned.
 * Returns: ERYX_OK; ERYX_EHANDLE; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_queue_close(uint64_t queue);

/*
 * eryx_submit asks for an operation. Its events go to queue; 0 wants no events, and calls of host functions then fail.
 * Blocks: no.
 * Returns: ERYX_OK and the request's id in *request (request may be NULL); ERYX_EINVAL; ERYX_EHANDLE: no such queue;
 *   ERYX_EMESSAGE: not a map with the text "op" (an unknown operation is an error of the request); ERYX_ECLOSED;
 *   ERYX_EFORK.
 */
int32_t eryx_submit(uint64_t queue, const uint8_t *message, size_t length, uint64_t *request);

/*
 * eryx_cancel ends a request early. Its "done" event still comes.
 * Returns: ERYX_OK; ERYX_EHANDLE: it has ended before; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_cancel(uint64_t request);

/*
 * eryx_complete answers calls of host functions: a MessagePack array of answers, each of them
 * [call, 0, value] or [call, 1, code, message]; before it, a streaming function may give any number of items, each
 * of them [call, 2, item]. Answers to calls that have ended are dropped.
 * Blocks: no.
 * Returns: ERYX_OK; ERYX_EINVAL; ERYX_EMESSAGE: none of the answers was taken; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_complete(const uint8_t *answers, size_t length);

/*
 * eryx_drain takes events, as many as fit: a MessagePack array of them is written to buffer, its length to *length.
 * Blocks: no.
 * Returns: ERYX_OK: all events taken; ERYX_MORE: there are more; ERYX_EMPTY: none, *length is 0; ERYX_ESPACE: the first
 *   event does not fit, *length is what is needed; ERYX_EINVAL; ERYX_EHANDLE; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_drain(uint64_t queue, uint8_t *buffer, size_t capacity, size_t *length);

/*
 * eryx_next_events is eryx_drain that waits up to timeout_ms milliseconds for an event; negative: for ever.
 * Blocks: yes. Several threads may wait for one queue.
 * Returns: as eryx_drain; ERYX_EMPTY after the timeout; ERYX_INTERRUPTED when a signal handler ran in this thread;
 *   ERYX_ESYSTEM.
 */
int32_t eryx_next_events(uint64_t queue, uint8_t *buffer, size_t capacity, size_t *length, int32_t timeout_ms);

/*
 * eryx_event_fd gives a descriptor that is readable while the queue has events, for poll and event loops. It belongs to
 * the queue: do not read, write or close it, and stop watching it before eryx_queue_close.
 * Returns: ERYX_OK and the descriptor in *fd; ERYX_EINVAL; ERYX_EHANDLE; ERYX_ESYSTEM; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_event_fd(uint64_t queue, int32_t *fd);

/*
 * eryx_set_notify sets the function that is called each time the queue goes from empty to not empty, or is not empty
 * now; NULL: none. Drain until ERYX_OK or ERYX_EMPTY each time.
 * Blocks: for the former function if it runs; it is not called any more once this has returned.
 * Returns: ERYX_OK; ERYX_EHANDLE; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_set_notify(uint64_t queue, eryx_notify_fn notify, void *user_data);

/*
 * eryx_fix_signals adds SA_ONSTACK to the signal handlers of the process that lack it, which the library's threads need.
 * Call it after installing handlers, where your runtime does not set the flag itself (Node and tokio do not, CPython
 * does). Not for hosts whose handlers must run on the thread's own stack (.NET, JavaScriptCore).
 * Returns: ERYX_OK; ERYX_EFORK.
 */
int32_t eryx_fix_signals(void);

/*
 * eryx_shutdown closes everything: requests are cancelled, sandboxes and sessions closed, threads that wait wake up.
 * Blocks: yes, up to timeout_ms milliseconds for what still runs.
 * Returns: ERYX_OK: nothing is left; ERYX_MORE: something still ran after the timeout; ERYX_ECLOSED; ERYX_EFORK.
 */
int32_t eryx_shutdown(int32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
