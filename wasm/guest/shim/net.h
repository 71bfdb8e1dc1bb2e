// net.h: what the shim's socket files share. The layouts are wasi-libc's.
#ifndef ERYX_SHIM_NET_H
#define ERYX_SHIM_NET_H

#include "eryx.h"

// errno of wasi-libc.
#define EACCES 2
#define EAFNOSUPPORT 5
#define EINTR 27
#define EINVAL 28
#define ENOMEM 48
#define ENOPROTOOPT 50
#define ENOSYS 52
#define ENOTSUP 58

#define AF_UNSPEC 0
#define AF_INET 1
#define AF_INET6 2
#define SOCK_DGRAM 5
#define SOCK_STREAM 6
#define SOCK_CLOEXEC 0x2000
#define SOCK_NONBLOCK 0x4000
#define SOL_SOCKET 0x7fffffff
#define SO_ERROR 4

extern int errno;
void *malloc(size_t);
void *calloc(size_t, size_t);
void free(void *);
void *memcpy(void *, const void *, size_t);
void *memset(void *, int, size_t);
size_t strlen(const char *);
char *strcpy(char *, const char *);
int strcmp(const char *, const char *);

struct sockaddr_in {
  uint16_t family, port;  // port in network order
  uint8_t addr[4];
  uint8_t unused[8];
};
struct sockaddr_in6 {
  uint16_t family, port;
  uint32_t flowinfo;
  uint8_t addr[16];
  uint32_t scope;
  uint32_t unused;
};

// An address as guest and host pass it; core/guestnet/address.go says the same.
typedef struct {
  uint16_t family, port;
  uint8_t addr[16];
  uint32_t zone;
} eryx_address;

// The host's functions. Each answers a number, or a negative errno. NONBLOCK is the only flag of open, pair, accept.
#define ERYX_NONBLOCK 1
#define ERYX_NUMERIC 0x100  // with the family of resolve: do not ask anybody
#define ERYX_GAI 1000       // resolve: -(ERYX_GAI + n) is getaddrinfo's error -n
ERYX_HOST(net_open) int32_t eryx_net_open(int32_t family, int32_t type, int32_t protocol, int32_t flags);
ERYX_HOST(net_pair) int32_t eryx_net_pair(int32_t *fds, int32_t flags);
ERYX_HOST(net_connect) int32_t eryx_net_connect(int32_t fd, const eryx_address *to);
ERYX_HOST(net_bind) int32_t eryx_net_bind(int32_t fd, const eryx_address *at);
ERYX_HOST(net_listen) int32_t eryx_net_listen(int32_t fd, int32_t backlog);
ERYX_HOST(net_accept) int32_t eryx_net_accept(int32_t fd, eryx_address *from, int32_t flags);
ERYX_HOST(net_name) int32_t eryx_net_name(int32_t fd, int32_t peer, eryx_address *out);
ERYX_HOST(net_receive) int32_t eryx_net_receive(int32_t fd, void *buf, uint32_t n, int32_t flags, eryx_address *from);
ERYX_HOST(net_send)
int32_t eryx_net_send(int32_t fd, const void *buf, uint32_t n, int32_t flags, const eryx_address *to);
ERYX_HOST(net_option) int32_t eryx_net_option(int32_t fd, int32_t level, int32_t name, int32_t *value, int32_t set);
ERYX_HOST(net_shutdown) int32_t eryx_net_shutdown(int32_t fd, int32_t how);
ERYX_HOST(net_poll) int32_t eryx_net_poll(void *fds, uint32_t n, int64_t ns);
ERYX_HOST(net_resolve)
int32_t eryx_net_resolve(const char *name, uint32_t len, int32_t family, eryx_address *out, uint32_t bytes);
ERYX_HOST(net_lookup) int32_t eryx_net_lookup(const char *name, uint32_t len);
ERYX_HOST(net_watch) int32_t eryx_net_watch(int32_t set, int32_t fd, int32_t events);
ERYX_HOST(net_ready) int32_t eryx_net_ready(int32_t set, void *out, uint32_t bytes);
ERYX_HOST(net_reason) int32_t eryx_net_reason(int32_t code, char *out, uint32_t bytes);

// net.c
// eryx_net_result turns a host's answer into libc's: -1 with errno for a negative one.
int eryx_net_result(int32_t rc);
// eryx_net_put writes a into a sockaddr of *len bytes, as much as fits, and sets *len to its true size.
void eryx_net_put(const eryx_address *a, void *out, unsigned *len);
// eryx_net_get reads a sockaddr: 0, or an errno.
int eryx_net_get(eryx_address *a, const void *in, unsigned len);

#endif
