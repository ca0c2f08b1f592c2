// Control messages of IPv4 and IPv6 over datagram sockets of the loopback, and UDP-Lite.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define R(call) say(#call, call)
static long say(const char *what, long v) {
  int e = errno;
  if (v == -1) printf("%s: %s\n", what, strerror(e));
  else printf("%s: %ld\n", what, v);
  fflush(stdout);
  return v;
}
static int proto;
static void set(int fd, int level, int name, int v) {
  int n = setsockopt(fd, level, name, &v, sizeof v), e = errno, back = -1;
  socklen_t len = sizeof back;
  getsockopt(fd, level, name, &back, &len);
  printf("set %d %d to %d: %s, is %d\n", level, name, v, n < 0 ? strerror(e) : "done", back);
}
static void told(int fd, size_t room, int flags) {
  char data[100], control[300];
  struct iovec v = {data, sizeof data};
  struct sockaddr_storage name;
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
  memset(control, 0, sizeof control);
  ssize_t n = recvmsg(fd, &m, flags | MSG_DONTWAIT);
  if (n < 0) return (void)printf("  nothing: %s\n", strerror(errno));
  printf("  %.*s flags %x control %zu:", (int)n, data, m.msg_flags, m.msg_controllen);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    printf(" [%d %d", c->cmsg_level, c->cmsg_type);
    for (size_t i = 0; i < c->cmsg_len - CMSG_LEN(0); i++) printf(" %x", CMSG_DATA(c)[i]);
    printf("]");
  }
  printf("\n"), fflush(stdout);
}
// with sends a datagram with one control message.
static void with(int fd, const struct sockaddr *to, socklen_t len, int level, int type, const void *v, size_t n) {
  char control[100] = {0};
  struct iovec iov = {"x", 1};
  struct msghdr m = {.msg_name = (void *)to, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(n)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = level, c->cmsg_type = type, c->cmsg_len = CMSG_LEN(n), memcpy(CMSG_DATA(c), v, n);
  ssize_t k = sendmsg(fd, &m, 0);
  printf("with %d %d of %zu bytes: %s\n", level, type, n, k < 0 ? strerror(errno) : "sent");
}
static void number(int fd, const struct sockaddr *to, socklen_t len, int level, int type, int v) {
  printf("%d ", v), with(fd, to, len, level, type, &v, sizeof v);
}
static const int four[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS}, six[] = {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS};

static void v4(void) {
  int a = socket(AF_INET, SOCK_DGRAM, proto), b = socket(AF_INET, SOCK_DGRAM, proto);
  struct sockaddr_in in = {AF_INET};
  socklen_t n = sizeof in;
  bind(b, (void *)&in, n), getsockname(b, (void *)&in, &n), in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const struct sockaddr *to = (void *)&in;
#define PUT(text) (sendto(a, text, sizeof text - 1, 0, to, n), told(b, 200, 0))
  PUT("plain");
  for (int i = 0; i < 3; i++) set(b, IPPROTO_IP, four[i], 1), PUT("one"), set(b, IPPROTO_IP, four[i], 0);
  for (int i = 0; i < 3; i++) set(b, IPPROTO_IP, four[i], 1);
  PUT("all");
  for (size_t room = 0; room < 90; room += 7) sendto(a, "cut", 3, 0, to, n), told(b, room, 0);
  sendto(a, "peek", 4, 0, to, n), told(b, 200, MSG_PEEK), told(b, 200, 0);
  set(a, IPPROTO_IP, IP_TTL, 7), set(a, IPPROTO_IP, IP_TOS, 0x1c), PUT("set");
  set(a, IPPROTO_IP, IP_TTL, 0), set(a, IPPROTO_IP, IP_TTL, 256), set(a, IPPROTO_IP, IP_TTL, -1), set(a, IPPROTO_IP, IP_TOS, 0), PUT("set again");
  static const int values[] = {1, 255, 0, 256, -1};
  for (int i = 0; i < 5; i++) number(a, to, n, IPPROTO_IP, IP_TTL, values[i]), told(b, 200, 0), number(a, to, n, IPPROTO_IP, IP_TOS, values[i]), told(b, 200, 0);
  with(a, to, n, IPPROTO_IP, IP_TOS, "\x08", 1), told(b, 200, 0), with(a, to, n, IPPROTO_IP, IP_TTL, "\x08", 1), told(b, 200, 0);
  with(a, to, n, IPPROTO_IP, IP_TTL, "\x08\0\0\0\0\0\0\0", 8), number(a, to, n, IPPROTO_IP, 99, 1), number(a, to, n, IPPROTO_IPV6, IPV6_HOPLIMIT, 9), told(b, 200, 0), number(a, to, n, IPPROTO_TCP, 1, 9), told(b, 200, 0);
  struct in_pktinfo p = {0, {htonl(0x7f000005)}, {0}};
  with(a, to, n, IPPROTO_IP, IP_PKTINFO, &p, sizeof p);
  struct sockaddr_in from;
  socklen_t fn = sizeof from;
  char c[10];
  R(recvfrom(b, c, 10, MSG_DONTWAIT, (void *)&from, &fn)), printf("from %s\n", inet_ntoa(from.sin_addr));
  p.ipi_spec_dst.s_addr = htonl(0x01020304), with(a, to, n, IPPROTO_IP, IP_PKTINFO, &p, sizeof p), with(a, to, n, IPPROTO_IP, IP_PKTINFO, &p, 4), told(b, 200, 0);
  in.sin_addr.s_addr = htonl(0x7f000009), PUT("to another");
  close(a), close(b);
}
static void v6(void) {
  int a = socket(AF_INET6, SOCK_DGRAM, proto), b = socket(AF_INET6, SOCK_DGRAM, proto);
  struct sockaddr_in6 in = {AF_INET6};
  socklen_t n = sizeof in;
  if (a < 0) return (void)printf("no IPv6\n");
  bind(b, (void *)&in, n), getsockname(b, (void *)&in, &n), in.sin6_addr = in6addr_loopback;
  const struct sockaddr *to = (void *)&in;
  PUT("plain");
  for (int i = 0; i < 3; i++) set(b, IPPROTO_IPV6, six[i], 1), PUT("one"), set(b, IPPROTO_IPV6, six[i], 0);
  for (int i = 0; i < 3; i++) set(b, IPPROTO_IPV6, six[i], 1);
  PUT("all");
  for (size_t room = 0; room < 100; room += 7) sendto(a, "cut", 3, 0, to, n), told(b, room, 0);
  set(a, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7), set(a, IPPROTO_IPV6, IPV6_TCLASS, 0x1c), PUT("set");
  set(a, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -2), set(a, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256), set(a, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1), set(a, IPPROTO_IPV6, IPV6_TCLASS, -2), set(a, IPPROTO_IPV6, IPV6_TCLASS, 256), set(a, IPPROTO_IPV6, IPV6_TCLASS, -1), PUT("set again");
  static const int values[] = {1, 255, 256, -1, -2};
  for (int i = 0; i < 5; i++) number(a, to, n, IPPROTO_IPV6, IPV6_HOPLIMIT, values[i]), told(b, 200, 0), number(a, to, n, IPPROTO_IPV6, IPV6_TCLASS, values[i]), told(b, 200, 0);
  with(a, to, n, IPPROTO_IPV6, IPV6_TCLASS, "\x08", 1), with(a, to, n, IPPROTO_IPV6, IPV6_HOPLIMIT, "\x08\0\0\0\0\0\0\0", 8), number(a, to, n, IPPROTO_IPV6, 199, 1), number(a, to, n, IPPROTO_IP, IP_TTL, 9), told(b, 200, 0);
  struct in6_pktinfo p = {in6addr_loopback, 0};
  with(a, to, n, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof p), told(b, 200, 0);
  p.ipi6_addr.s6_addr[0] = 0x20, with(a, to, n, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof p), with(a, to, n, IPPROTO_IPV6, IPV6_PKTINFO, &p, 4), told(b, 200, 0);
  // IPv4 to a socket of IPv6
  int f = socket(AF_INET, SOCK_DGRAM, proto);
  struct sockaddr_in in4 = {AF_INET, in.sin6_port, {htonl(INADDR_LOOPBACK)}};
  sendto(f, "mapped", 6, 0, (void *)&in4, sizeof in4), told(b, 200, 0);
  for (int i = 0; i < 3; i++) set(b, IPPROTO_IP, four[i], 1);
  sendto(f, "mapped", 6, 0, (void *)&in4, sizeof in4), told(b, 200, 0);
  PUT("not mapped");
  close(a), close(b), close(f);
}
static void coverage(void) {
  int a = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), b = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), u = socket(AF_INET, SOCK_DGRAM, 0), v = -1;
  if (a < 0) return (void)printf("no UDP-Lite\n");
  socklen_t len = sizeof v;
  getsockopt(a, SOL_SOCKET, SO_PROTOCOL, &v, &len), printf("protocol %d\n", v);
  struct sockaddr_in in = {AF_INET};
  socklen_t n = sizeof in;
  bind(b, (void *)&in, n), getsockname(b, (void *)&in, &n), in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  R(bind(u, (void *)&in, n)); // ports of its own
  const struct sockaddr *to = (void *)&in;
  PUT("all of it");
  static const int values[] = {0, 1, 8, 12, 70000, -1};
  for (int i = 0; i < 6; i++) set(a, IPPROTO_UDPLITE, 10, values[i]), set(b, IPPROTO_UDPLITE, 11, values[i]);
  set(u, IPPROTO_UDPLITE, 10, 8), set(a, IPPROTO_UDP, 10, 8), set(a, IPPROTO_UDPLITE, 12, 8);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      set(a, IPPROTO_UDPLITE, 10, values[i]), set(b, IPPROTO_UDPLITE, 11, values[j]), PUT("a longer one"), PUT("s");
    }
  R(connect(a, to, n)), R(send(a, "connected", 9, 0)), told(b, 0, 0);
  close(b), send(a, "x", 1, 0), R(send(a, "x", 1, 0));
  R(socket(AF_INET, SOCK_STREAM, IPPROTO_UDPLITE));
}
int main(int argc, char **argv) {
  proto = argc > 2 ? IPPROTO_UDPLITE : 0;
  switch (argv[1][0]) {
  case '4': v4(); break;
  case '6': v6(); break;
  case 'c': coverage(); break;
  }
}
