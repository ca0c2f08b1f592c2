// SIGIO: who hears of which file, and what.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <pthread.h>
#include <unistd.h>

#define R(call) say(#call, call)
static long say(const char *what, long v) {
  int e = errno;
  if (v == -1) printf("%s: %s\n", what, strerror(e));
  else printf("%s: %ld\n", what, v);
  fflush(stdout);
  return v;
}
static sigset_t set;
static int names[1000];
// what has come: taken one after another
static void heard(const char *after) {
  siginfo_t i;
  struct timespec none = {0, 0};
  printf("%s:", after);
  int s;
  while ((s = sigtimedwait(&set, &i, &none)) > 0) {
    if (i.si_code == SI_KERNEL || i.si_code == SI_USER) printf(" [%d code %d]", s, i.si_code);
    else printf(" [%d code %d band %lx fd %c]", s, i.si_code, i.si_band, i.si_fd >= 0 && i.si_fd < 1000 && names[i.si_fd] ? names[i.si_fd] : '?');
  }
  printf("\n"), fflush(stdout);
}
static void quiet(void) {
  struct timespec none = {0, 0};
  while (sigtimedwait(&set, 0, &none) > 0) {}
}
// until waits for what comes for a file: a terminal's comes when it may.
static void until(const char *after, int name) {
  siginfo_t i;
  struct timespec long_ = {10, 0};
  do if (sigtimedwait(&set, &i, &long_) < 0) return (void)printf("%s: nothing comes\n", after);
  while (names[i.si_fd] != name);
  printf("%s: code %d band %lx\n", after, i.si_code, i.si_band);
}
static void watch(int fd, int name, int sig) {
  names[fd] = name;
  fcntl(fd, F_SETOWN, getpid()), fcntl(fd, F_SETSIG, sig), fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}
#define RT (SIGRTMIN + 2)

static void pipes(void) {
  int p[2];
  char b[100000] = {0};
  pipe(p), watch(p[0], 'r', RT), watch(p[1], 'w', RT);
  heard("nothing");
  write(p[1], "a", 1), heard("first byte");
  write(p[1], "b", 1), heard("second byte");
  read(p[0], b, 1), heard("read one");
  read(p[0], b, 1), heard("read all");
  fcntl(p[1], F_SETFL, fcntl(p[1], F_GETFL) | O_NONBLOCK);
  R(write(p[1], b, 100000)), heard("filled");
  R(write(p[1], b, 1)), quiet();
  read(p[0], b, 4096), heard("read a page");
  read(p[0], b, 100000), heard("read the rest");
  fcntl(p[0], F_SETFL, fcntl(p[0], F_GETFL) & ~O_ASYNC);
  write(p[1], "a", 1), heard("reader does not ask any more");
  fcntl(p[0], F_SETFL, fcntl(p[0], F_GETFL) | O_ASYNC), heard("asks again, there is something");
  int d = dup(p[0]);
  close(p[0]);
  write(p[1], "a", 1), heard("a descriptor closed");
  close(p[1]), heard("writer gone");
  close(d), heard("closed");
  pipe(p), watch(p[1], 'w', RT), close(p[0]), heard("reader gone"), close(p[1]);
  // SIGIO itself
  pipe(p), watch(p[0], 'r', 0), write(p[1], "a", 1), heard("plain"), write(p[1], "a", 1), write(p[1], "a", 1), heard("plain, twice");
  fcntl(p[0], F_SETSIG, SIGIO), write(p[1], "a", 1), heard("asked for by name");
  fcntl(p[0], F_SETOWN, 0), write(p[1], "a", 1), heard("nobody's");
  int c = fork();
  if (c == 0) {
    setpgid(0, 0);
    fcntl(p[0], F_SETOWN, -getpgrp()), write(p[1], "a", 1), heard("the group's"), _exit(0);
  }
  waitpid(c, 0, 0), heard("not ours");
  struct f_owner_ex o = {F_OWNER_TID, syscall(SYS_gettid)};
  R(fcntl(p[0], F_SETOWN_EX, &o)), write(p[1], "a", 1), heard("the thread's");
  int on = 0;
  R(ioctl(p[0], FIOASYNC, &on)), printf("%d\n", (fcntl(p[0], F_GETFL) & O_ASYNC) != 0), write(p[1], "a", 1), heard("off by ioctl");
  on = 1, R(ioctl(p[0], FIOASYNC, &on)), printf("%d\n", (fcntl(p[0], F_GETFL) & O_ASYNC) != 0), write(p[1], "a", 1), heard("on by ioctl");
  fflush(stdout);
  c = fork(); // a child's writes too
  if (c == 0) write(p[1], "a", 1), _exit(0);
  waitpid(c, 0, 0), heard("child wrote");
  // who must not be told: the owner was set by another user
  c = fork();
  if (c == 0) {
    setresuid(65534, 65534, 65534);
    R(fcntl(p[0], F_SETOWN, getppid())), write(p[1], "a", 1), _exit(0);
  }
  waitpid(c, 0, 0), heard("not to be signalled");
  mkfifo("fifo", 0600);
  int f = open("fifo", O_RDWR | O_NONBLOCK);
  watch(f, 'f', RT), write(f, "a", 1), heard("fifo"), read(f, b, 1), heard("fifo read"), close(f), unlink("fifo");
}
static void sockets(void) {
  int s[2];
  static char b[1 << 20];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s), watch(s[0], 'a', RT), watch(s[1], 'b', RT);
  heard("nothing");
  write(s[0], "x", 1), heard("unix sent"), write(s[0], "x", 1), heard("again"), read(s[1], b, 1), heard("read one"), read(s[1], b, 1), heard("read");
  shutdown(s[0], SHUT_WR), heard("shut"), close(s[1]), heard("peer closed"), close(s[0]), heard("closed");
  socketpair(AF_UNIX, SOCK_DGRAM, 0, s), watch(s[0], 'a', RT), watch(s[1], 'b', RT);
  write(s[0], "x", 1), heard("datagram"), read(s[1], b, 1), heard("read"), close(s[0]), close(s[1]);
  int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), a;
  struct sockaddr_in in = {AF_INET};
  socklen_t n = sizeof in;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(l, (void *)&in, sizeof in), listen(l, 5), getsockname(l, (void *)&in, &n);
  watch(l, 'l', RT), heard("listens");
  connect(c, (void *)&in, sizeof in), heard("connected"), a = accept(l, 0, 0), heard("accepted");
  watch(a, 'a', RT), watch(c, 'c', RT), heard("asks");
  write(c, "x", 1), heard("tcp sent"), write(c, "x", 1), heard("again"), read(a, b, 10), heard("read");
  close(c), until("peer closed", 'a'), quiet(), close(a), close(l);
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  in.sin_port = 0, bind(u, (void *)&in, sizeof in), n = sizeof in, getsockname(u, (void *)&in, &n), watch(u, 'u', RT);
  sendto(u, "x", 1, 0, (void *)&in, n), heard("udp to itself"), read(u, b, 1), heard("udp read"), close(u);
  // room again, for who found none
  socketpair(AF_UNIX, SOCK_STREAM, 0, s), fcntl(s[0], F_SETFL, O_NONBLOCK), watch(s[0], 'a', RT);
  while (write(s[0], b, sizeof b) > 0) {}
  heard("filled");
  fcntl(s[1], F_SETFL, O_NONBLOCK);
  while (read(s[1], b, sizeof b) > 0) {}
  heard("room"), close(s[0]), close(s[1]);
}
static void ttys(void) {
  int m = posix_openpt(O_RDWR | O_NOCTTY);
  char b[100];
  grantpt(m), unlockpt(m);
  int s = open(ptsname(m), O_RDWR | O_NOCTTY);
  watch(s, 's', RT), watch(m, 'm', RT), heard("nothing");
  printf("owner %d\n", fcntl(s, F_GETOWN) == getpid());
  write(m, "c\n", 2), until("a line", 's'), read(s, b, 100);
  write(s, "out", 3), until("written", 'm'), read(m, b, 100);
  struct termios t;
  tcgetattr(s, &t), cfmakeraw(&t), tcsetattr(s, TCSANOW, &t);
  write(m, "k", 1), until("a key, raw", 's'), read(s, b, 100), quiet();
  fcntl(s, F_SETFL, 0), close(m), close(s);
}
static void others(void) {
  int e = eventfd(0, 0), in = inotify_init1(0), f = open("file", O_RDWR | O_CREAT, 0600);
  char b[1000];
  watch(e, 'e', RT), write(e, "\1\0\0\0\0\0\0\0", 8), heard("eventfd"), printf("%x\n", fcntl(e, F_GETFL) & O_ASYNC);
  inotify_add_watch(in, ".", IN_CREATE), watch(in, 'i', RT), close(creat("made", 0600)), heard("inotify");
  watch(f, 'f', RT), write(f, "a", 1), heard("regular"), printf("%x\n", fcntl(f, F_GETFL) & O_ASYNC);
  int null = open("/dev/null", O_RDWR);
  watch(null, 'n', RT), write(null, "a", 1), heard("null"), printf("%x\n", fcntl(null, F_GETFL) & O_ASYNC);
  R(fcntl(e, F_SETSIG, 65)), R(fcntl(e, F_SETSIG, -1)), R(fcntl(e, F_SETOWN, 999999)), R(fcntl(e, F_SETOWN, -999999)), R(fcntl(e, F_GETSIG));
  int on = 1;
  R(ioctl(f, FIOASYNC, &on)), R(ioctl(null, FIOASYNC, &on)), R(ioctl(e, FIOASYNC, &on)), R(ioctl(in, FIOASYNC, &on)), R(ioctl(e, FIOASYNC, 16));
  // many: each has its own, and a handler sees it
  int p[2];
  pipe(p), watch(p[0], 'r', RT);
  for (int i = 0; i < 5; i++) write(p[1], "a", 1);
  heard("five");
  int sfd = signalfd(-1, &set, 0);
  struct signalfd_siginfo si;
  write(p[1], "a", 1), read(sfd, &si, sizeof si), printf("signalfd %d code %d band %x fd %d\n", si.ssi_signo, si.ssi_code, si.ssi_band, si.ssi_fd == p[0]);
}
int main(int argc, char **argv) {
  sigemptyset(&set), sigaddset(&set, SIGIO), sigaddset(&set, RT), sigprocmask(SIG_BLOCK, &set, 0);
  switch (argv[1][0]) {
  case 'p': pipes(); break;
  case 's': sockets(); break;
  case 't': ttys(); break;
  case 'o': others(); break;
  }
}
