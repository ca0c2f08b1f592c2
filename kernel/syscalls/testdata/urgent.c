// Urgent bytes of TCP and of AF_UNIX: where reads stop, what is told of them and to whom.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/sockios.h>
#include <time.h>
#include <unistd.h>

#define R(call) say(#call, call)
static long say(const char *what, long v) {
  int e = errno;
  if (v == -1) printf("%s: %s\n", what, strerror(e));
  else printf("%s: %ld\n", what, v);
  fflush(stdout);
  return v;
}
static int a, b, unixes;

// joined makes a connection from a to b.
static void joined(void) {
  if (unixes) {
    int p[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, p), a = p[0], b = p[1];
    return;
  }
  struct sockaddr_in in = {AF_INET};
  socklen_t n = sizeof in;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int l = socket(AF_INET, SOCK_STREAM, 0);
  bind(l, (void *)&in, n), listen(l, 1), getsockname(l, (void *)&in, &n);
  a = socket(AF_INET, SOCK_STREAM, 0), connect(a, (void *)&in, n), b = accept(l, 0, 0), close(l);
}
static void split(void) { close(a), close(b); }

// state is what b tells of itself.
static void state(const char *when) {
  struct pollfd p = {b, POLLIN | POLLPRI | POLLRDHUP | POLLRDNORM | POLLRDBAND};
  int mark = -1, unread = -1;
  poll(&p, 1, 0), ioctl(b, SIOCATMARK, &mark), ioctl(b, FIONREAD, &unread);
  if (unixes) unread = 0; // Linux 6.18 miscounts
  printf("  %s: poll %x mark %d unread %d\n", when, p.revents, mark, unread), fflush(stdout);
}
// arrived waits for bytes of the other side, which loopback delivers at once but for a moment.
static void arrived(void) {
  struct timespec moment = {0, 3000000};
  nanosleep(&moment, 0);
}
static void put(const char *data, int flags) {
  long n = send(a, data, strlen(data), flags | MSG_NOSIGNAL);
  printf("send %s %x: %ld %s\n", data, flags, n, n < 0 ? strerror(errno) : ""), fflush(stdout);
  arrived(), state("sent");
}
static void get(int room, int flags) {
  char data[100] = {0};
  struct iovec v = {data, room};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  long n = recvmsg(b, &m, flags | MSG_DONTWAIT);
  if (n < 0) printf("recv %d %x: %s\n", room, flags, strerror(errno));
  else printf("recv %d %x: %ld \"%.*s\" flags %x\n", room, flags, n, (int)n, data, m.msg_flags);
  state("read");
}
static void inlined(int on) { setsockopt(b, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); }

static void streams(void) {
  joined(), state("new"), get(1, MSG_OOB), get(10, 0);
  put("abcd", MSG_OOB), get(1, MSG_OOB | MSG_PEEK), get(10, MSG_PEEK), get(2, 0), get(10, 0), get(1, MSG_OOB | MSG_PEEK), get(1, MSG_OOB), get(1, MSG_OOB), get(10, 0);
  put("x", MSG_OOB), get(10, MSG_PEEK), get(10, 0), get(1, MSG_OOB); // alone
  put("y", MSG_OOB), get(5, MSG_OOB), get(10, 0), put("z", 0), get(10, 0);
  put("one", MSG_OOB), put("two", 0), get(10, 0), get(10, MSG_PEEK), get(10, 0);
  put("one", MSG_OOB), put("two", MSG_OOB), get(10, MSG_PEEK), get(10, 0), get(1, MSG_OOB), get(10, 0); // the newest counts
  put("abc", 0), put("!", MSG_OOB), put("def", 0), get(3, 0), get(1, MSG_OOB), get(2, 0), get(10, 0);
  put("ab", MSG_OOB), get(1, MSG_OOB), put("cd", MSG_OOB), get(10, 0), get(10, 0), get(1, MSG_OOB), get(10, 0);
  put("q", MSG_OOB), put("r", MSG_OOB), get(1, MSG_OOB), get(10, 0), get(10, 0);
  put("s", MSG_OOB), get(1, MSG_OOB), put("t", 0), get(10, 0), get(10, 0);
  put("s", MSG_OOB), get(1, MSG_OOB), put("t", MSG_OOB), get(1, MSG_OOB), put("u", 0), get(10, MSG_PEEK), get(10, 0), get(10, 0);
  put("a", 0), put("s", MSG_OOB), get(1, MSG_OOB), put("t", MSG_OOB), get(1, MSG_OOB), put("u", 0), get(10, MSG_PEEK), get(10, 0), get(10, 0);
  put("tail!", MSG_OOB), shutdown(a, SHUT_WR), arrived(), state("shut"), get(10, 0), get(10, 0), get(1, MSG_OOB), get(10, 0);
  split();
  joined(), put("w", MSG_OOB), shutdown(a, SHUT_WR), arrived(), get(1, MSG_OOB), state("shut"), get(10, 0), get(10, 0), split();
  // all that is asked for, but for the mark
  joined(), put("wait", MSG_OOB), put("more", 0);
  char all[20];
  R(recv(b, all, 7, MSG_WAITALL)), R(recv(b, all, 4, MSG_WAITALL)), state("all");
  put("none", 0), get(2, MSG_TRUNC), R(send(a, "", 0, MSG_OOB));
  split();
}
static void inside(void) {
  joined(), inlined(1);
  put("abc", MSG_OOB), get(1, MSG_OOB), get(10, MSG_PEEK), get(10, 0), get(10, MSG_PEEK), get(10, 0), get(10, 0);
  put("ab", MSG_OOB), put("cd", 0), get(10, 0), get(10, 0);
  put("ab", MSG_OOB), put("cd", MSG_OOB), get(10, 0), get(10, 0), get(10, 0);
  put("e", MSG_OOB), inlined(0), state("out"), get(1, MSG_OOB | MSG_PEEK), inlined(1), state("in"), get(10, 0);
  put("f", MSG_OOB), inlined(0), get(1, MSG_OOB), inlined(1), state("in again"), put("gh", 0), get(10, 0), get(10, 0);
  split();
}

static sigset_t set;
#define RT (SIGRTMIN + 3)
static void heard(const char *after) {
  siginfo_t i;
  struct timespec none = {0, 0};
  int s;
  arrived();
  printf("%s:", after);
  int last = 0;
  while ((s = sigtimedwait(&set, &i, &none)) > 0) {
    if (s == last) continue; // Linux may tell of a byte twice: that it is urgent, and that it is there
    last = s == RT && i.si_code == 1 ? s : 0;
    if (i.si_code == SI_KERNEL) printf(" [%d kernel]", s);
    else printf(" [%d code %d band %lx]", s, i.si_code, i.si_band);
  }
  printf("\n"), fflush(stdout);
}
static void signals(void) {
  sigemptyset(&set), sigaddset(&set, SIGURG), sigaddset(&set, SIGIO), sigaddset(&set, RT), sigprocmask(SIG_BLOCK, &set, 0);
  joined(), send(a, "x", 1, MSG_OOB), heard("nobody's"), split();
  joined(), fcntl(b, F_SETOWN, getpid()), send(a, "x", 1, 0), heard("plain"), send(a, "y", 1, MSG_OOB), heard("urgent"), send(a, "z", 1, MSG_OOB), heard("one more");
  send(a, "p", 1, 0), heard("plain behind");
  fcntl(b, F_SETSIG, RT), send(a, "z", 1, MSG_OOB), heard("with a signal, not O_ASYNC");
  split();
  joined(), fcntl(b, F_SETOWN, getpid()), fcntl(b, F_SETFL, O_ASYNC), send(a, "a", 1, MSG_OOB), heard("O_ASYNC"), split();
  joined(), fcntl(b, F_SETOWN, getpid()), fcntl(b, F_SETSIG, RT), fcntl(b, F_SETFL, O_ASYNC), send(a, "abc", 3, MSG_OOB), heard("O_ASYNC with a signal"), split();
  joined(), fcntl(b, F_SETOWN, getpid()), fflush(stdout);
  int c = fork();
  if (c == 0) send(a, "x", 1, MSG_OOB), _exit(0);
  waitpid(c, 0, 0), heard("child's"), split();
  // who waits
  joined();
  for (int i = 0; i < 2; i++) {
    fflush(stdout), c = fork();
    if (c == 0) {
      struct timespec d = {0, 30000000};
      nanosleep(&d, 0), send(a, "u", 1, MSG_OOB), _exit(0);
    }
    struct pollfd p = {b, POLLPRI};
    fd_set e;
    FD_ZERO(&e);
    FD_SET(b, &e);
    if (i == 0) R(poll(&p, 1, 5000)), printf("%x\n", p.revents);
    else R(select(b + 1, 0, 0, &e, 0)), printf("%d\n", FD_ISSET(b, &e));
    waitpid(c, 0, 0), get(1, MSG_OOB), get(10, 0);
  }
  int ep = epoll_create1(0);
  struct epoll_event ev = {EPOLLPRI | EPOLLET};
  epoll_ctl(ep, EPOLL_CTL_ADD, b, &ev), R(epoll_wait(ep, &ev, 1, 0)), send(a, "e", 1, MSG_OOB), arrived(), R(epoll_wait(ep, &ev, 1, 0)), printf("%x\n", ev.events), R(epoll_wait(ep, &ev, 1, 0));
  split();
}

// others are the sockets that have none, and what goes along with a byte of AF_UNIX.
static void others(void) {
  int p[2], mark;
  char c[10];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
  R(send(p[0], "x", 1, MSG_OOB)), R(recv(p[1], c, 1, MSG_OOB)), R(ioctl(p[0], SIOCATMARK, &mark)), close(p[0]), close(p[1]);
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
  R(send(p[0], "x", 1, MSG_OOB)), R(recv(p[1], c, 1, MSG_OOB)), R(ioctl(p[0], SIOCATMARK, &mark)), close(p[0]), close(p[1]);
  int u = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), x = socket(AF_UNIX, SOCK_STREAM, 0);
  R(recv(u, c, 1, MSG_OOB | MSG_DONTWAIT)), R(ioctl(u, SIOCATMARK, &mark));
  R(send(t, "x", 1, MSG_OOB | MSG_NOSIGNAL)), R(recv(t, c, 1, MSG_OOB)), R(ioctl(t, SIOCATMARK, &mark));
  R(send(x, "x", 1, MSG_OOB)), R(recv(x, c, 1, MSG_OOB)), R(ioctl(x, SIOCATMARK, &mark));
  R(listen(t, 1)), R(recv(t, c, 1, MSG_OOB)), R(ioctl(t, SIOCATMARK, &mark));
  pipe(p), R(ioctl(p[0], SIOCATMARK, &mark));
  unixes = 1, joined();
  R(send(a, "", 0, MSG_OOB)), R(send(a, "left", 4, MSG_OOB)), R(recv(b, c, 10, 0)), R(close(b)), R(recv(a, c, 1, MSG_DONTWAIT)), close(a);
  joined(), R(send(a, "x", 1, MSG_OOB)), R(recv(b, c, 1, MSG_OOB)), R(close(b)), R(recv(a, c, 1, MSG_DONTWAIT)), close(a);
  joined(), R(send(a, "x", 1, MSG_OOB)), R(close(a)), state("closed"), R(recv(b, c, 1, MSG_OOB)), R(recv(b, c, 1, 0)), close(b);
  joined(), R(shutdown(b, SHUT_RD)), R(send(a, "xy", 2, MSG_OOB | MSG_NOSIGNAL)), split();
}
int main(int argc, char **argv) {
  unixes = argc > 2;
  switch (argv[1][0]) {
  case 's': streams(); break;
  case 'i': inside(); break;
  case 'n': signals(); break;
  case 'o': others(); break;
  }
}
