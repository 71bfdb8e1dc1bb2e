/*
 * signals_test.c: the library and the host's signal handlers. Handlers that the host installs without SA_ONSTACK would
 * run on the small stacks of the library's own; eryx_fix_signals mends them and nothing else.
 */
#include <eryx.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "mp.h"

enum { SIGNALS = 2000 };

static uint64_t queue;
static atomic_int handled;

static void count(int number) {
    (void)number;
    atomic_fetch_add(&handled, 1);
}

static void count_with_details(int number, siginfo_t *info, void *context) {
    (void)context;
    CHECK(number == SIGUSR2 && info->si_pid == getpid());
    atomic_fetch_add(&handled, 1);
}

static struct sigaction installed(int number) {
    struct sigaction action;
    CHECK(sigaction(number, NULL, &action) == 0);
    return action;
}

/* Flags, mask and handler stay; SA_ONSTACK is added; ignored and default signals are left alone. */
static void test_what_is_changed(void) {
    struct sigaction plain = {.sa_handler = count, .sa_flags = SA_RESTART}, detailed = {.sa_flags = SA_SIGINFO};
    sigemptyset(&plain.sa_mask);
    sigaddset(&plain.sa_mask, SIGHUP);
    sigemptyset(&detailed.sa_mask);
    detailed.sa_sigaction = count_with_details;
    CHECK(sigaction(SIGUSR1, &plain, NULL) == 0);
    CHECK(sigaction(SIGUSR2, &detailed, NULL) == 0);
    CHECK(signal(SIGWINCH, SIG_IGN) != SIG_ERR);
    CHECK((installed(SIGUSR1).sa_flags & SA_ONSTACK) == 0);
    CHECK(eryx_fix_signals() == ERYX_OK);
    struct sigaction now = installed(SIGUSR1);
    CHECK(now.sa_handler == count && (now.sa_flags & SA_ONSTACK) && (now.sa_flags & SA_RESTART));
    CHECK(sigismember(&now.sa_mask, SIGHUP) == 1 && sigismember(&now.sa_mask, SIGINT) == 0);
    now = installed(SIGUSR2);
    CHECK(now.sa_sigaction == count_with_details && (now.sa_flags & SA_ONSTACK) && (now.sa_flags & SA_SIGINFO));
    CHECK(installed(SIGWINCH).sa_handler == SIG_IGN && (installed(SIGWINCH).sa_flags & SA_ONSTACK) == 0);
    CHECK(installed(SIGTERM).sa_handler == SIG_DFL && (installed(SIGTERM).sa_flags & SA_ONSTACK) == 0);
    int flags = installed(SIGUSR1).sa_flags;
    CHECK(eryx_fix_signals() == ERYX_OK); /* again: nothing is left to do */
    CHECK(installed(SIGUSR1).sa_flags == flags);
}

/* The library's own handlers, installed when it was loaded, have the flag from the start. */
static void test_own_handlers(void) {
    const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGURG};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK(installed(numbers[i]).sa_flags & SA_ONSTACK);
}

/* work submits and takes events, so that its thread is inside the library most of the time. */
static void *work(void *stop) {
    static const char info[] = "\x81\xa2op\xa4info";
    static uint8_t buffer[1 << 16];
    size_t length;
    uint64_t request;
    while (!atomic_load((atomic_bool *)stop)) {
        CHECK(eryx_submit(queue, (const uint8_t *)info, sizeof info - 1, &request) == ERYX_OK);
        int32_t status = eryx_next_events(queue, buffer, sizeof buffer, &length, 1000);
        CHECK(status == ERYX_OK || status == ERYX_MORE || status == ERYX_INTERRUPTED);
    }
    return NULL;
}

/* Signals that hit a thread while it is inside the library are handled, and the library goes on. */
static void test_signals_inside_the_library(void) {
    static atomic_bool stop;
    pthread_t worker;
    CHECK(pthread_create(&worker, NULL, work, &stop) == 0);
    atomic_store(&handled, 0);
    for (int i = 0; i < SIGNALS; i++) {
        /* The next one waits for this one's handler: two that come together would count once. */
        CHECK(pthread_kill(worker, SIGUSR1) == 0);
        for (int waits = 0; atomic_load(&handled) == i && waits < 100000; waits++) {
            usleep(100);
        }
    }
    atomic_store(&stop, true);
    CHECK(pthread_join(worker, NULL) == 0);
    CHECK(atomic_load(&handled) == SIGNALS);
}

/* write_to_broken_pipe is a program of its own, see below. */
static int write_to_broken_pipe(void) {
    int ends[2];
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 0) == ERYX_OK);
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    return write(ends[1], "x", 1) == 1 ? 0 : 2;
}

/* A write to a broken pipe ends a host that has not asked for anything else, as it does without the library. */
static void test_broken_pipe(const char *self) {
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl(self, self, "broken pipe", (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

int main(int argc, char **argv) {
    if (argc > 1)
        return write_to_broken_pipe();
    CHECK(eryx_init(ERYX_ABI_VERSION, NULL, 0) == ERYX_OK);
    CHECK(eryx_queue_open(&queue) == ERYX_OK);
    test_what_is_changed();
    test_own_handlers();
    test_signals_inside_the_library();
    test_broken_pipe(argv[0]);
    CHECK(eryx_queue_close(queue) == ERYX_OK);
    CHECK(eryx_shutdown(5000) == ERYX_OK);
    puts("ok");
    return 0;
}
