/*
 * The addon: the functions of eryx.h for JavaScript, and nothing else. It opens liberyx and calls it; it makes no
 * decision. The library calls one function of ours, on threads of its own: it wakes the event loop, which then drains.
 *
 * Each environment (the main thread, each worker) has one queue. It is closed before the environment's threadsafe function is
 * gone, so that no thread of the library's can wake a loop that is no more: docs/decisions/0014-node.md.
 */
#define _GNU_SOURCE
#include "eryx.h"

#include <node_api.h>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The library's functions, opened once per process: Go cannot be unloaded. */
static struct {
    int32_t (*init)(uint32_t, const uint8_t *, size_t);
    int32_t (*queue_open)(uint64_t *);
    int32_t (*queue_close)(uint64_t);
    int32_t (*submit)(uint64_t, const uint8_t *, size_t, uint64_t *);
    int32_t (*cancel)(uint64_t);
    int32_t (*complete)(const uint8_t *, size_t);
    int32_t (*drain)(uint64_t, uint8_t *, size_t, size_t *);
    int32_t (*set_notify)(uint64_t, eryx_notify_fn, void *);
    int32_t (*fix_signals)(void);
    void *handle;
} library;

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

/* What one environment has. It is freed when its threadsafe function is. */
typedef struct {
    napi_threadsafe_function wake;
    uint64_t queue;      /* 0: not open */
    atomic_bool pending; /* the queue may have events */
    atomic_bool awake;   /* the loop looks at pending before it sleeps: it need not be woken */
    /* The rest is used in the environment's thread only. */
    int64_t woken;        /* when the loop was woken, or had its last turn; ns */
    int32_t skip, misses; /* so many looks are left out; so many were the last time */
    bool several_processors;
} environment;

/* OR_RETURN ends a function with the pending exception, or one that says which call failed. */
#define OR_RETURN(call)                                                                  \
    do {                                                                                 \
        if ((call) != napi_ok) {                                                         \
            bool pending = false;                                                        \
            napi_is_exception_pending(env, &pending);                                    \
            if (!pending)                                                                \
                napi_throw_type_error(env, NULL, "eryx.node: a wrong argument: " #call); \
            return NULL;                                                                 \
        }                                                                                \
    } while (0)

/* Every function but open needs the library. */
#define NEED_LIBRARY                                                       \
    do {                                                                   \
        if (library.handle == NULL) {                                      \
            napi_throw_error(env, NULL, "eryx.node: open was not called"); \
            return NULL;                                                   \
        }                                                                  \
    } while (0)

/* Missing arguments are undefined, which the functions that read them refuse. */
#define ARGUMENTS(wanted)         \
    napi_value arguments[wanted]; \
    size_t count = wanted;        \
    NEED_LIBRARY;                 \
    OR_RETURN(napi_get_cb_info(env, info, &count, arguments, NULL, NULL))

static napi_value number(napi_env env, double value) {
    napi_value result;
    OR_RETURN(napi_create_double(env, value, &result));
    return result;
}

/* The bytes of a Uint8Array; false after an exception. */
static bool bytes_of(napi_env env, napi_value value, uint8_t **data, size_t *length) {
    napi_typedarray_type type;
    void *start = NULL;
    if (napi_get_typedarray_info(env, value, &type, length, &start, NULL, NULL) == napi_ok &&
        type == napi_uint8_array) {
        *data = start;
        return true;
    }
    napi_throw_type_error(env, NULL, "eryx.node: a Uint8Array is wanted");
    return false;
}

/* An id: numbers that are none become 0, which is never valid. */
static uint64_t id_of(napi_env env, napi_value value) {
    double id = 0;
    if (napi_get_value_double(env, value, &id) != napi_ok || !(id > 0) || id > 9007199254740991.0)
        return 0;
    return (uint64_t)id;
}

/*
 * Go code may run on this thread with a small stack. libuv's handler for the ends of child processes comes and goes with
 * them, without SA_ONSTACK, and no event tells of it: so it is looked at before each call in which Go does some work.
 */
static void mind_child_signal(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0 || (action.sa_flags & SA_ONSTACK))
        return;
    if ((action.sa_flags & SA_SIGINFO) || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN))
        library.fix_signals();
}

/* notify runs on a thread of the library's. */
static void notify(void *user_data) {
    environment *own = user_data;
    atomic_store(&own->pending, true);
    if (!atomic_load(&own->awake))
        napi_call_threadsafe_function(own->wake, NULL, napi_tsfn_nonblocking);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/*
 * Waking a loop that sleeps takes longer than what a guest does between two calls. So after each batch of events the thread
 * looks for the next one before it sleeps, as long as that has lately been of use: docs/decisions/0021-looking-that-pays.md.
 */
enum {
    LOOK_NS = 150000,   /* so long */
    STALL_NS = 30000,   /* who is away for so long has had to leave the processor to others: looking hinders them */
    TURN_NS = 1000000,  /* after so long the loop's timers and other handles have their turn */
    MOST_SKIPPED = 127, /* looks in a row, when they are of no use */
};

/* look waits for an event; whether there is one. */
static bool look(environment *own) {
    int64_t now = now_ns(), end = now + LOOK_NS;
    bool stalled = false;
    while (!atomic_load(&own->pending) && now < end && !stalled) {
        int64_t last = now;
        now = now_ns();
        stalled = now - last > STALL_NS;
    }
    bool found = atomic_load(&own->pending);
    if (found && !stalled) {
        own->misses -= (own->misses + 3) / 4; /* in the long run three of four have to be of use */
    } else {
        own->misses = own->misses < MOST_SKIPPED / 2 ? 2 * own->misses + 1 : MOST_SKIPPED;
        own->skip = own->misses;
    }
    return found;
}

/* may_look: whether the thread is to look once the answers of this turn are given. */
static bool may_look(environment *own) {
    if (own->skip > 0) {
        own->skip--;
        return false;
    }
    return own->several_processors;
}

/* call_js calls the function of queueOpen's; whether that goes on by itself. */
static bool call_js(napi_env env, napi_value callback, bool later) {
    napi_value receiver, argument, result, error;
    bool goes_on = false;
    if (napi_get_undefined(env, &receiver) != napi_ok || napi_get_boolean(env, later, &argument) != napi_ok)
        return false;
    switch (napi_call_function(env, receiver, callback, 1, &argument, &result)) {
    case napi_ok:
        return napi_get_value_bool(env, result, &goes_on) == napi_ok && goes_on;
    case napi_pending_exception:
        if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
            napi_fatal_exception(env, error);
        return false;
    default:
        return false;
    }
}

static char looking; /* its address says that a call of on_wake is one of the thread's own, to look */

/*
 * on_wake runs in the environment's thread; env is NULL when it is being torn down. The host functions' promises go on when it
 * has returned, so it looks in a call of its own, which the threadsafe function makes right after. As long as that is under
 * way, and only then, awake is set.
 */
static void on_wake(napi_env env, napi_value callback, void *context, void *data) {
    environment *own = context;
    if (env == NULL)
        return;
    if (data != &looking) {
        if (atomic_load(&own->awake)) /* a notify that did not know it yet */
            return;
        own->woken = now_ns();
    } else if (now_ns() - own->woken > TURN_NS) {
        call_js(env, callback, true); /* then resume() comes */
        return;
    } else if (!look(own)) {
        atomic_store(&own->awake, false);
        if (!atomic_load(&own->pending))
            return;
    }
    bool again = may_look(own);
    atomic_store(&own->awake, again);
    atomic_store(&own->pending, false);
    bool goes_on = call_js(env, callback, false);
    if (again && (goes_on || napi_call_threadsafe_function(own->wake, &looking, napi_tsfn_nonblocking) != napi_ok)) {
        atomic_store(&own->awake, false);
        if (atomic_load(&own->pending))
            notify(own);
    }
}

/* on_exit runs before the threadsafe function is gone. eryx_queue_close waits for a notify that runs. */
static void on_exit_of_environment(void *data) {
    environment *own = data;
    if (own->queue != 0)
        library.queue_close(own->queue);
    own->queue = 0;
}

static void free_environment(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    free(data);
}

static const char *open_library(const char *path) {
    static const struct {
        const char *name;
        void **function;
    } symbols[] = {
        {"eryx_init", (void **)&library.init},
        {"eryx_queue_open", (void **)&library.queue_open},
        {"eryx_queue_close", (void **)&library.queue_close},
        {"eryx_submit", (void **)&library.submit},
        {"eryx_cancel", (void **)&library.cancel},
        {"eryx_complete", (void **)&library.complete},
        {"eryx_drain", (void **)&library.drain},
        {"eryx_set_notify", (void **)&library.set_notify},
        {"eryx_fix_signals", (void **)&library.fix_signals},
    };
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return dlerror();
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if ((*symbols[i].function = dlsym(handle, symbols[i].name)) == NULL)
            return symbols[i].name;
    library.handle = handle;
    return NULL;
}

/* open(path): opens the library; a text: what went wrong, else undefined. A second call does nothing. */
static napi_value js_open(napi_env env, napi_callback_info info) {
    napi_value argument, result = NULL;
    size_t count = 1, length;
    char path[4096];
    OR_RETURN(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
    OR_RETURN(napi_get_value_string_utf8(env, argument, path, sizeof path, &length));
    pthread_mutex_lock(&opening);
    const char *fault = library.handle != NULL ? NULL : open_library(path);
    pthread_mutex_unlock(&opening);
    if (fault != NULL)
        OR_RETURN(napi_create_string_utf8(env, fault, NAPI_AUTO_LENGTH, &result));
    return result;
}

/* init(abiVersion, config): a status. */
static napi_value js_init(napi_env env, napi_callback_info info) {
    uint32_t abi;
    uint8_t *data;
    size_t length;
    ARGUMENTS(2);
    OR_RETURN(napi_get_value_uint32(env, arguments[0], &abi));
    if (!bytes_of(env, arguments[1], &data, &length))
        return NULL;
    return number(env, library.init(abi, data, length));
}

/* How many processors the process may use. */
static int processor_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static napi_status start_waking(napi_env env, napi_value callback, environment *own) {
    napi_value name;
    napi_status status = napi_create_string_utf8(env, "eryx", NAPI_AUTO_LENGTH, &name);
    if (status == napi_ok)
        status = napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, own, free_environment, own, on_wake,
                                                 &own->wake);
    if (status == napi_ok) /* until something is under way */
        status = napi_unref_threadsafe_function(env, own->wake);
    return status;
}

/*
 * queueOpen(wake): opens the environment's queue; its id or a status. wake(later) is called when there are events to drain:
 * true when it has left some for the loop's next turn. If later is true, it must see to it that resume() is called in the
 * loop's next turn, and drain nothing.
 */
static napi_value js_queue_open(napi_env env, napi_callback_info info) {
    environment *own = NULL;
    ARGUMENTS(1);
    OR_RETURN(napi_get_instance_data(env, (void **)&own));
    if (own != NULL) {
        napi_throw_error(env, NULL, "eryx.node: the queue is open");
        return NULL;
    }
    if ((own = calloc(1, sizeof *own)) == NULL)
        return number(env, ERYX_ESYSTEM);
    uint64_t queue = 0;
    int32_t status = library.queue_open(&queue);
    if (status != ERYX_OK) {
        free(own);
        return number(env, status);
    }
    if (start_waking(env, arguments[0], own) != napi_ok) {
        library.queue_close(queue);
        free(own);
        return number(env, ERYX_ESYSTEM);
    }
    OR_RETURN(napi_set_instance_data(env, own, NULL, NULL));
    own->queue = queue;
    own->several_processors = processor_count() > 1;
    OR_RETURN(napi_add_env_cleanup_hook(env, on_exit_of_environment, own));
    library.set_notify(queue, notify, own);
    return number(env, (double)queue);
}

/* queueClose(): closes the environment's queue. */
static napi_value js_queue_close(napi_env env, napi_callback_info info) {
    environment *own = NULL;
    NEED_LIBRARY;
    (void)info;
    OR_RETURN(napi_get_instance_data(env, (void **)&own));
    if (own != NULL)
        on_exit_of_environment(own);
    return NULL;
}

/* submit(queue, message): the request's id, or a negative status. */
static napi_value js_submit(napi_env env, napi_callback_info info) {
    uint8_t *data;
    size_t length;
    uint64_t request = 0;
    ARGUMENTS(2);
    if (!bytes_of(env, arguments[1], &data, &length))
        return NULL;
    mind_child_signal();
    int32_t status = library.submit(id_of(env, arguments[0]), data, length, &request);
    return number(env, status < 0 ? status : (double)request);
}

/* cancel(request): a status. */
static napi_value js_cancel(napi_env env, napi_callback_info info) {
    ARGUMENTS(1);
    return number(env, library.cancel(id_of(env, arguments[0])));
}

/* complete(answers, length): a status. The first length bytes of answers are the message. */
static napi_value js_complete(napi_env env, napi_callback_info info) {
    uint8_t *data;
    size_t capacity;
    uint32_t length;
    ARGUMENTS(2);
    OR_RETURN(napi_get_value_uint32(env, arguments[1], &length));
    if (!bytes_of(env, arguments[0], &data, &capacity))
        return NULL;
    if (length > capacity)
        return number(env, ERYX_EINVAL);
    mind_child_signal();
    return number(env, library.complete(data, length));
}

/* drain(queue, buffer, length): a status; length is a Uint32Array whose first element becomes the events' length. */
static napi_value js_drain(napi_env env, napi_callback_info info) {
    uint8_t *data;
    size_t capacity, wanted = 0, length_count;
    napi_typedarray_type type;
    uint32_t *length;
    ARGUMENTS(3);
    if (!bytes_of(env, arguments[1], &data, &capacity))
        return NULL;
    OR_RETURN(napi_get_typedarray_info(env, arguments[2], &type, &length_count, (void **)&length, NULL, NULL));
    if (type != napi_uint32_array || length_count == 0)
        return number(env, ERYX_EINVAL);
    int32_t status = library.drain(id_of(env, arguments[0]), data, capacity, &wanted);
    *length = (uint32_t)wanted; /* an event is no longer than 1 GiB */
    return number(env, status);
}

/* resume(): what the function of queueOpen's was asked to do in the loop's next turn. */
static napi_value js_resume(napi_env env, napi_callback_info info) {
    environment *own = NULL;
    (void)info;
    OR_RETURN(napi_get_instance_data(env, (void **)&own));
    if (own == NULL || own->queue == 0)
        return NULL;
    own->woken = now_ns();
    if (napi_call_threadsafe_function(own->wake, &looking, napi_tsfn_nonblocking) != napi_ok)
        atomic_store(&own->awake, false);
    return NULL;
}

/* keepAlive(wanted): whether the event loop is kept alive for the queue. */
static napi_value js_keep_alive(napi_env env, napi_callback_info info) {
    environment *own = NULL;
    bool wanted;
    ARGUMENTS(1);
    OR_RETURN(napi_get_value_bool(env, arguments[0], &wanted));
    OR_RETURN(napi_get_instance_data(env, (void **)&own));
    if (own == NULL)
        return NULL;
    OR_RETURN(wanted ? napi_ref_threadsafe_function(env, own->wake) : napi_unref_threadsafe_function(env, own->wake));
    return NULL;
}

static napi_value js_fix_signals(napi_env env, napi_callback_info info) {
    NEED_LIBRARY;
    (void)info;
    return number(env, library.fix_signals());
}

NAPI_MODULE_INIT() {
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        {"open", js_open},
        {"init", js_init},
        {"queueOpen", js_queue_open},
        {"queueClose", js_queue_close},
        {"submit", js_submit},
        {"cancel", js_cancel},
        {"complete", js_complete},
        {"drain", js_drain},
        {"resume", js_resume},
        {"keepAlive", js_keep_alive},
        {"fixSignals", js_fix_signals},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        napi_value function;
        OR_RETURN(
            napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function));
        OR_RETURN(napi_set_named_property(env, exports, functions[i].name, function));
    }
    return exports;
}
