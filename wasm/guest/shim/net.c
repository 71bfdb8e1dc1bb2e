// net.c is libc's sockets, over the host's. Descriptors are ordinary ones: read, write, close and fcntl reach the
// host through WASI.
#include "net.h"

#define SIGINT 2
#define FIONREAD 1
#define FIONBIO 2
#define MSG_PEEK 2
#define MSG_DONTWAIT 0x40

typedef __builtin_va_list va_list;

// The error for which the host may have a better text than libc; strerror asks once.
static int explained;

static uint16_t swapped(uint16_t port) { return (uint16_t)(port << 8 | port >> 8); }

int eryx_net_result(int32_t rc) {
  if (rc >= 0) return rc;
  errno = explained = -rc;
  if (errno == EINTR) PyErr_SetInterruptEx(SIGINT);  // CPython checks for signals after EINTR
  return -1;
}

void eryx_net_put(const eryx_address *a, void *out, unsigned *len) {
  struct sockaddr_in v4 = {.family = AF_INET, .port = swapped(a->port)};
  struct sockaddr_in6 v6 = {.family = AF_INET6, .port = swapped(a->port)};
  int is4 = a->family == AF_INET;
  memcpy(v4.addr, a->addr, sizeof v4.addr);
  memcpy(v6.addr, a->addr, sizeof v6.addr);
  unsigned size = is4 ? sizeof v4 : sizeof v6;
  memcpy(out, is4 ? (void *)&v4 : (void *)&v6, *len < size ? *len : size);
  *len = size;
}

int eryx_net_get(eryx_address *a, const void *in, unsigned len) {
  const struct sockaddr_in *v4 = in;
  const struct sockaddr_in6 *v6 = in;
  memset(a, 0, sizeof *a);
  if (len < sizeof v4->family) return EINVAL;
  a->family = v4->family;
  if (v4->family == AF_INET) {
    if (len < 8) return EINVAL;
    a->port = swapped(v4->port);
    memcpy(a->addr, v4->addr, sizeof v4->addr);
    return 0;
  }
  if (v4->family != AF_INET6) return EAFNOSUPPORT;
  if (len < 24) return EINVAL;
  a->port = swapped(v6->port);
  memcpy(a->addr, v6->addr, sizeof v6->addr);
  return 0;
}

char *__real_strerror(int code);
// The text of an error of the network's says what refused it and which option would allow it.
ERYX_OVERRIDE char *strerror(int code) {
  static char text[1024];
  int asked = explained;
  explained = 0;
  if (!code || code != asked) return __real_strerror(code);
  int32_t n = eryx_net_reason(code, text, sizeof text - 1);
  if (n <= 0) return __real_strerror(code);
  text[n] = 0;
  return text;
}

static int flags_of(int type) { return type & SOCK_NONBLOCK ? ERYX_NONBLOCK : 0; }

ERYX_OVERRIDE int socket(int family, int type, int protocol) {
  return eryx_net_result(eryx_net_open(family, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol, flags_of(type)));
}
ERYX_OVERRIDE int socketpair(int family, int type, int protocol, int *fds) {
  return eryx_net_result(eryx_net_pair(fds, flags_of(type)));
}

static int with_address(int fd, const void *addr, unsigned len, int32_t (*f)(int32_t, const eryx_address *)) {
  eryx_address a;
  int rc = eryx_net_get(&a, addr, len);
  return eryx_net_result(rc ? -rc : f(fd, &a));
}
// Imports have no address of their own.
static int32_t host_bind(int32_t fd, const eryx_address *a) { return eryx_net_bind(fd, a); }
static int32_t host_connect(int32_t fd, const eryx_address *a) { return eryx_net_connect(fd, a); }
ERYX_OVERRIDE int bind(int fd, const void *a, unsigned n) { return with_address(fd, a, n, host_bind); }
ERYX_OVERRIDE int connect(int fd, const void *a, unsigned n) { return with_address(fd, a, n, host_connect); }
ERYX_OVERRIDE int listen(int fd, int backlog) { return eryx_net_result(eryx_net_listen(fd, backlog)); }

ERYX_OVERRIDE int accept4(int fd, void *addr, unsigned *len, int flags) {
  eryx_address from = {0};
  int made = eryx_net_result(eryx_net_accept(fd, &from, flags_of(flags)));
  if (made >= 0 && addr && len) eryx_net_put(&from, addr, len);
  return made;
}
ERYX_OVERRIDE int accept(int fd, void *addr, unsigned *len) { return accept4(fd, addr, len, 0); }

static int name(int fd, int peer, void *addr, unsigned *len) {
  eryx_address a;
  int rc = eryx_net_result(eryx_net_name(fd, peer, &a));
  if (rc == 0) eryx_net_put(&a, addr, len);
  return rc;
}
ERYX_OVERRIDE int getsockname(int fd, void *addr, unsigned *len) { return name(fd, 0, addr, len); }
ERYX_OVERRIDE int getpeername(int fd, void *addr, unsigned *len) { return name(fd, 1, addr, len); }

ERYX_OVERRIDE int getsockopt(int fd, int level, int option, void *value, unsigned *len) {
  int32_t n = 0;
  if (!len || *len < sizeof n) return eryx_net_result(-EINVAL);
  int rc = eryx_net_result(eryx_net_option(fd, level, option, &n, 0));
  if (rc) return rc;
  memcpy(value, &n, sizeof n);
  *len = sizeof n;
  if (level == SOL_SOCKET && option == SO_ERROR) explained = n;
  return 0;
}
ERYX_OVERRIDE int setsockopt(int fd, int level, int option, const void *value, unsigned len) {
  int32_t n = 0;
  if (len == sizeof n)
    memcpy(&n, value, sizeof n);
  else if (len == 1)
    n = *(const uint8_t *)value;
  else
    return eryx_net_result(-ENOPROTOOPT);
  return eryx_net_result(eryx_net_option(fd, level, option, &n, 1));
}

ERYX_OVERRIDE int shutdown(int fd, int how) { return eryx_net_result(eryx_net_shutdown(fd, how)); }

ERYX_OVERRIDE int recvfrom(int fd, void *buf, size_t n, int flags, void *addr, unsigned *len) {
  eryx_address from = {0};
  int got = eryx_net_result(eryx_net_receive(fd, buf, n, flags, addr ? &from : NULL));
  if (got >= 0 && addr && len) {
    if (from.family)
      eryx_net_put(&from, addr, len);
    else
      *len = 0;
  }
  return got;
}
ERYX_OVERRIDE int recv(int fd, void *buf, size_t n, int flags) { return recvfrom(fd, buf, n, flags, NULL, NULL); }

ERYX_OVERRIDE int sendto(int fd, const void *buf, size_t n, int flags, const void *addr, unsigned len) {
  eryx_address to;
  if (!addr) return eryx_net_result(eryx_net_send(fd, buf, n, flags, NULL));
  int rc = eryx_net_get(&to, addr, len);
  return eryx_net_result(rc ? -rc : eryx_net_send(fd, buf, n, flags, &to));
}
ERYX_OVERRIDE int send(int fd, const void *buf, size_t n, int flags) { return sendto(fd, buf, n, flags, NULL, 0); }

#define F_GETFL 3
#define F_SETFL 4
#define O_NONBLOCK 4  // __WASI_FDFLAGS_NONBLOCK
int fcntl(int fd, int command, ...);

ERYX_OVERRIDE int ioctl(int fd, int request, ...) {
  va_list args;
  __builtin_va_start(args, request);
  int *value = __builtin_va_arg(args, int *);
  __builtin_va_end(args);
  if (request == FIONBIO) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(fd, F_SETFL, *value ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
  }
  if (request != FIONREAD) return eryx_net_result(-ENOSYS);
  static char peeked[65536];
  int n = recv(fd, peeked, sizeof peeked, MSG_PEEK | MSG_DONTWAIT);
  *value = n < 0 ? 0 : n;
  return 0;
}

// CPython's own duplicates nothing in this build; socket.dup() and socket.fromfd() use it. os.dup is eryx/posix.py's.
ERYX_OVERRIDE int _Py_dup(int fd) {
  int copy = eryx_net_result(eryx_host_dup(fd, -1));
  if (copy < 0) PyErr_SetFromErrno(PyExc_OSError);
  return copy;
}
