// netdb.c is libc's name resolution: the host resolves, under the sandbox's policy. Services and protocols are few
// and fixed.
#include "net.h"

#define EAI_BADFLAGS (-1)
#define EAI_NONAME (-2)
#define EAI_AGAIN (-3)
#define EAI_FAIL (-4)
#define EAI_FAMILY (-6)
#define EAI_SOCKTYPE (-7)
#define EAI_SERVICE (-8)
#define EAI_MEMORY (-10)
#define EAI_SYSTEM (-11)
#define EAI_OVERFLOW (-12)
#define AI_PASSIVE 1
#define AI_CANONNAME 2
#define AI_NUMERICHOST 4
#define AI_NUMERICSERV 0x400
#define NI_NUMERICSERV 2
#define NI_NAMEREQD 8
#define NI_DGRAM 16
#define MAX_ADDRESSES 64

struct addrinfo {
  int flags, family, type, protocol;
  unsigned addrlen;
  void *addr;
  char *canonname;
  struct addrinfo *next;
};
struct hostent {
  char *name, **aliases;
  int addrtype, length;
  char **addr_list;
};
struct servent {
  char *name, **aliases;
  int port;
  char *proto;
};
struct protoent {
  char *name, **aliases;
  int proto;
};

static const struct {
  const char *name;
  uint16_t port;
  uint8_t udp;  // 0: TCP only, 1: both
} services[] = {
    {"echo", 7, 1},
    {"discard", 9, 1},
    {"daytime", 13, 0},
    {"ftp-data", 20, 0},
    {"ftp", 21, 0},
    {"ssh", 22, 0},
    {"telnet", 23, 0},
    {"smtp", 25, 0},
    {"time", 37, 1},
    {"domain", 53, 1},
    {"tftp", 69, 1},
    {"http", 80, 0},
    {"kerberos", 88, 1},
    {"pop3", 110, 0},
    {"nntp", 119, 0},
    {"ntp", 123, 1},
    {"imap", 143, 0},
    {"snmp", 161, 1},
    {"ldap", 389, 1},
    {"https", 443, 1},
    {"submissions", 465, 0},
    {"smtps", 465, 0},
    {"submission", 587, 0},
    {"ldaps", 636, 0},
    {"domain-s", 853, 0},
    {"ftps", 990, 0},
    {"imaps", 993, 0},
    {"pop3s", 995, 0},
    {"mysql", 3306, 0},
    {"postgresql", 5432, 0},
    {"redis", 6379, 0},
    {"http-alt", 8080, 0},
};
#define SERVICES (sizeof services / sizeof *services)

static int service_port(const char *name, int udp) {
  for (size_t i = 0; i < SERVICES; i++)
    if (!strcmp(services[i].name, name) && services[i].udp >= udp) return services[i].port;
  return -1;
}

// port_of reads a port or the name of a service; -1 for neither.
static int port_of(const char *text, int flags) {
  uint32_t n = 0;
  const char *c = text;
  for (; *c >= '0' && *c <= '9' && n <= 65535; c++) n = n * 10 + (uint32_t)(*c - '0');
  if (!*c && c != text) return n <= 65535 ? (int)n : -1;
  return flags & AI_NUMERICSERV ? -1 : service_port(text, 0);
}

static int resolve(const char *host, int family, eryx_address *out) {
  int32_t rc = eryx_net_resolve(host, strlen(host), family, out, MAX_ADDRESSES * sizeof *out);
  if (rc >= 0) return rc;
  if (rc <= -ERYX_GAI) return rc + ERYX_GAI;
  eryx_net_result(rc);
  return EAI_SYSTEM;
}

// local is what no host stands for: any address, or this host's own.
static int local(int family, int passive, eryx_address *out) {
  int n = 0;
  memset(out, 0, 2 * sizeof *out);
  if (family != AF_INET) {
    out[n].family = AF_INET6;
    out[n++].addr[15] = !passive;
  }
  if (family != AF_INET6) {
    out[n].family = AF_INET;
    if (!passive) out[n].addr[0] = 127, out[n].addr[3] = 1;
    n++;
  }
  return n;
}

static struct addrinfo *entry(const eryx_address *a, int type, int port, const char *canonical) {
  struct block {
    struct addrinfo info;
    struct sockaddr_in6 addr;
    char name[];
  } *b = calloc(1, sizeof *b + (canonical ? strlen(canonical) + 1 : 0));
  if (!b) return NULL;
  eryx_address at = *a;
  at.port = (uint16_t)port;
  b->info = (struct addrinfo){.family = a->family,
      .type = type,
      .protocol = type == SOCK_DGRAM ? 17 : 6,
      .addrlen = sizeof b->addr,
      .addr = &b->addr};
  eryx_net_put(&at, &b->addr, &b->info.addrlen);
  if (canonical) b->info.canonname = strcpy(b->name, canonical);
  return &b->info;
}

ERYX_OVERRIDE void freeaddrinfo(struct addrinfo *p) {
  while (p) {
    struct addrinfo *next = p->next;
    free(p);
    p = next;
  }
}

static int list(const eryx_address *found, int n, int type, int port, const char *canonical, struct addrinfo **out) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
  *out = NULL;
  struct addrinfo **end = out;
  for (int i = 0; i < n; i++)
    for (int t = 0; t < 2; t++) {
      if (type && type != types[t]) continue;
      *end = entry(&found[i], types[t], port, *out ? NULL : canonical);
      if (!*end) {
        freeaddrinfo(*out);
        return EAI_MEMORY;
      }
      end = &(*end)->next;
    }
  return 0;
}

// The type that hints ask for: 0 for any; negative is getaddrinfo's error.
static int type_of(const struct addrinfo *hints) {
  int by_protocol = hints->protocol == 6 ? SOCK_STREAM : hints->protocol == 17 ? SOCK_DGRAM : 0;
  if (hints->protocol && !by_protocol) return EAI_SERVICE;
  if (!hints->type) return by_protocol;
  if (hints->type != SOCK_STREAM && hints->type != SOCK_DGRAM) return EAI_SOCKTYPE;
  return by_protocol && by_protocol != hints->type ? EAI_SOCKTYPE : hints->type;
}

ERYX_OVERRIDE int getaddrinfo(
    const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  static const struct addrinfo none;
  static eryx_address found[MAX_ADDRESSES];
  if (!hints) hints = &none;
  if (!host && !service) return EAI_NONAME;
  if (hints->family != AF_UNSPEC && hints->family != AF_INET && hints->family != AF_INET6) return EAI_FAMILY;
  int type = type_of(hints), port = service ? port_of(service, hints->flags) : 0;
  if (type < 0) return type;
  if (port < 0) return EAI_SERVICE;
  int numeric = hints->flags & AI_NUMERICHOST ? ERYX_NUMERIC : 0;
  int n = host ? resolve(host, hints->family | numeric, found) : local(hints->family, hints->flags & AI_PASSIVE, found);
  if (n < 0) return n;
  if (n == 0) return EAI_NONAME;
  return list(found, n, type, port, hints->flags & AI_CANONNAME ? host : NULL, out);
}

static int is_loopback(const eryx_address *a) {
  static const uint8_t home[16] = {[15] = 1};
  if (a->family == AF_INET) return a->addr[0] == 127;
  for (int i = 0; i < 16; i++)
    if (a->addr[i] != home[i]) return 0;
  return 1;
}

char *inet_ntop(int family, const void *addr, char *out, unsigned n);

static void decimal(unsigned n, char *out) {
  char digits[8];
  int i = 0;
  do digits[i++] = (char)('0' + n % 10);
  while (n /= 10);
  while (i) *out++ = digits[--i];
  *out = 0;
}

// Addresses have no names here, but numbers: nobody is asked.
ERYX_OVERRIDE int getnameinfo(
    const void *addr, unsigned len, char *host, unsigned hostlen, char *service, unsigned servlen, int flags) {
  eryx_address a;
  if (eryx_net_get(&a, addr, len)) return EAI_FAMILY;
  if (host && hostlen) {
    if (flags & NI_NAMEREQD && !is_loopback(&a)) return EAI_NONAME;
    if (flags & NI_NAMEREQD) {
      if (hostlen < sizeof "localhost") return EAI_OVERFLOW;
      strcpy(host, "localhost");
    } else if (!inet_ntop(a.family, a.addr, host, hostlen)) {
      return EAI_OVERFLOW;
    }
  }
  if (service && servlen) {
    char text[8];
    const char *found = text;
    decimal(a.port, text);
    for (size_t i = 0; i < SERVICES && !(flags & NI_NUMERICSERV); i++)
      if (services[i].port == a.port && (!(flags & NI_DGRAM) || services[i].udp)) {
        found = services[i].name;
        break;
      }
    if (strlen(found) >= servlen) return EAI_OVERFLOW;
    strcpy(service, found);
  }
  return 0;
}

ERYX_OVERRIDE const char *gai_strerror(int code) {
  switch (code) {
    case EAI_BADFLAGS: return "Bad value for ai_flags";
    case EAI_NONAME: return "Name or service not known";
    case EAI_AGAIN: return "Temporary failure in name resolution";
    case EAI_FAIL: return "Non-recoverable failure in name resolution";
    case EAI_FAMILY: return "ai_family not supported";
    case EAI_SOCKTYPE: return "ai_socktype not supported";
    case EAI_SERVICE: return "Servname not supported for ai_socktype";
    case EAI_MEMORY: return "Memory allocation failure";
    case EAI_OVERFLOW: return "Argument buffer overflow";
  }
  return "Unknown error";
}
ERYX_OVERRIDE const char *hstrerror(int code) { return "Unknown host"; }

static struct hostent *host_entry(const char *name, const eryx_address *found, int n) {
  static char text[256], bytes[MAX_ADDRESSES][4];
  static char *none[1], *addresses[MAX_ADDRESSES + 1];
  static struct hostent answer = {
      .name = text, .aliases = none, .addrtype = AF_INET, .length = 4, .addr_list = addresses};
  if (n <= 0 || strlen(name) >= sizeof text) return NULL;
  strcpy(text, name);
  for (int i = 0; i < n; i++) addresses[i] = memcpy(bytes[i], found[i].addr, 4);
  addresses[n] = NULL;
  return &answer;
}
ERYX_OVERRIDE struct hostent *gethostbyname(const char *name) {
  static eryx_address found[MAX_ADDRESSES];
  return host_entry(name, found, resolve(name, AF_INET, found));
}
ERYX_OVERRIDE struct hostent *gethostbyaddr(const void *addr, unsigned len, int family) {
  eryx_address a = {.family = AF_INET};
  if (family != AF_INET || len != 4) return NULL;
  memcpy(a.addr, addr, 4);
  return is_loopback(&a) ? host_entry("localhost", &a, 1) : NULL;
}

static struct servent *service_entry(const char *name, int port, int udp) {
  static char *none[1];
  static struct servent answer = {.aliases = none};
  answer.name = (char *)name;
  answer.port = (uint16_t)(port << 8 | port >> 8);
  answer.proto = udp ? "udp" : "tcp";
  return &answer;
}
ERYX_OVERRIDE struct servent *getservbyname(const char *name, const char *proto) {
  int udp = proto && !strcmp(proto, "udp"), port = service_port(name, udp);
  return port < 0 ? NULL : service_entry(name, port, udp);
}
ERYX_OVERRIDE struct servent *getservbyport(int port, const char *proto) {
  int udp = proto && !strcmp(proto, "udp"), n = (uint16_t)((port & 0xff) << 8 | (port >> 8 & 0xff));
  for (size_t i = 0; i < SERVICES; i++)
    if (services[i].port == n && services[i].udp >= udp) return service_entry(services[i].name, n, udp);
  return NULL;
}
ERYX_OVERRIDE struct protoent *getprotobyname(const char *name) {
  static char *none[1];
  static struct protoent answers[] = {
      {"ip", none, 0}, {"icmp", none, 1}, {"tcp", none, 6}, {"udp", none, 17}, {"ipv6", none, 41}};
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    if (!strcmp(answers[i].name, name)) return &answers[i];
  return NULL;
}
