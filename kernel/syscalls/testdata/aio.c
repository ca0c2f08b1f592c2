// The calls of libaio: what requests come to.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BAD ((void *)0x10)
#define R(call) say(#call, call)
static long say(const char *what, long v) {
  int e = errno;
  if (v == -1) printf("%s: %s\n", what, strerror(e));
  else printf("%s: %ld\n", what, v);
  fflush(stdout);
  return v;
}
static aio_context_t ctx;
static struct iocb cbs[16], *list[16];
static long setup(unsigned n, aio_context_t *c) { return syscall(SYS_io_setup, n, c); }
static long destroy(aio_context_t c) { return syscall(SYS_io_destroy, c); }
static long submit(long n, struct iocb **l) { return syscall(SYS_io_submit, ctx, n, l); }
static long getevents(long min, long n, struct io_event *e, struct timespec *t) { return syscall(SYS_io_getevents, ctx, min, n, e, t); }
static struct iocb *req(int i, int op, int fd, void *buf, long n, long off) {
  cbs[i] = (struct iocb){.aio_data = 100 + i, .aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = (long)buf, .aio_nbytes = n, .aio_offset = off};
  return list[i] = &cbs[i];
}
static long one(int op, int fd, void *buf, long n, long off) { return req(0, op, fd, buf, n, off), submit(1, list); }
static void events(long min) {
  struct io_event e[16];
  struct timespec t = {5, 0};
  long n = getevents(min, 16, e, min ? &t : 0);
  if (n < 0) printf("events %s\n", strerror(errno));
  for (int i = 0; i < n; i++) printf("[%lld cb %ld res %lld %lld]", e[i].data, (struct iocb *)e[i].obj - cbs, ((struct iocb *)e[i].obj)->aio_lio_opcode == IOCB_CMD_POLL ? e[i].res & 15 : e[i].res, e[i].res2);
  printf("\n"), fflush(stdout);
}
static int nap(int p) {
  char n[40], b[100] = "";
  sprintf(n, "/proc/%d/stat", p);
  while (!strstr(b, ") S")) {
    usleep(500);
    FILE *f = fopen(n, "r");
    fgets(b, sizeof b, f), fclose(f);
  }
  return p;
}
static int status(int p) {
  int st;
  waitpid(p, &st, 0);
  return st;
}
static void quiet(int s) {}
static void *later(void *fd) { return usleep(5000), write((long)fd, "late", 4), (void *)0; }

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  aio_context_t other = 0, junk = 1;
  struct io_event e[4];
  struct timespec soon = {0, 1000000}, zero = {0, 0};
  int f = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY), ap = open("f", O_RDWR | O_APPEND), dir = open(".", O_RDONLY), p[2], s[2], path = open("f", O_PATH);
  char b[100] = "", c[100] = "";
  pipe(p), socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  R(setup(0, &ctx)), R(setup(10, &junk)), R(setup(10, BAD)), R(setup(1 << 22, &ctx)), R(setup((1 << 22) + 1, &ctx)), R(setup(65537, &ctx)), R(setup(10, &ctx)), R(setup(10, &ctx)), R(ctx != 0);
  R(setup(5, &other)), R(other != ctx), R(destroy(other)), R(destroy(other)), R(destroy(0)), R(destroy(0x10));
  // reading and writing
  R(one(IOCB_CMD_PWRITE, f, "hello world", 11, 5)), events(1), R(one(IOCB_CMD_PREAD, f, b, 100, 7)), events(1), printf("%s, own offset %ld\n", b, (long)lseek(f, 0, SEEK_CUR));
  req(0, IOCB_CMD_PREAD, f, b, 5, 5), req(1, IOCB_CMD_PREAD, f, c, 5, 100), req(2, IOCB_CMD_PWRITE, f, "x", 1, 0), req(3, IOCB_CMD_FSYNC, f, 0, 0, 0), R(submit(4, list)), usleep(20000), events(4);
  struct iovec v[2] = {{b, 3}, {c, 4}}, bad[1] = {{BAD, 5}};
  R(one(IOCB_CMD_PREADV, f, v, 2, 5)), events(1), printf("%.3s %.4s\n", b, c), R(one(IOCB_CMD_PWRITEV, f, v, 2, 30)), events(1), R(one(IOCB_CMD_PWRITE, ap, "end", 3, 0)), events(1), printf("size %ld\n", (long)lseek(f, 0, SEEK_END));
  // errors of requests, and of what they do
  R(one(IOCB_CMD_PREAD, f, BAD, 5, 0)), events(1), R(one(IOCB_CMD_PWRITE, f, BAD, 5, 0)), events(1), R(one(IOCB_CMD_PREADV, f, bad, 1, 0)), events(1), R(one(IOCB_CMD_PREADV, f, BAD, 1, 0)), R(one(IOCB_CMD_PREADV, f, v, 1025, 0));
  R(one(IOCB_CMD_PREAD, wo, b, 5, 0)), R(one(IOCB_CMD_PWRITE, ro, b, 5, 0)), R(one(IOCB_CMD_PREAD, -1, b, 5, 0)), R(one(IOCB_CMD_PREAD, path, b, 5, 0)), R(one(IOCB_CMD_PREAD, f, b, 5, -1)), R(one(IOCB_CMD_PREAD, f, b, -1, 0)), R(one(IOCB_CMD_PREAD, f, b, 0, 0)), events(1);
  R(one(IOCB_CMD_NOOP, f, 0, 0, 0)), R(one(4, f, 0, 0, 0)), R(one(99, f, 0, 0, 0)), R(one(IOCB_CMD_FSYNC, f, b, 0, 0)), R(one(IOCB_CMD_FSYNC, p[0], 0, 0, 0)), R(one(IOCB_CMD_PREAD, dir, b, 5, 0)) == 1 ? events(1) : 0;
  req(0, IOCB_CMD_PREAD, f, b, 5, 0), cbs[0].aio_rw_flags = 1 << 20, R(submit(1, list)), req(0, IOCB_CMD_PREAD, f, b, 5, 0), cbs[0].aio_reserved2 = 1, R(submit(1, list)), req(0, IOCB_CMD_PREAD, f, b, 5, 0), cbs[0].aio_flags = IOCB_FLAG_RESFD, cbs[0].aio_resfd = f, R(submit(1, list)), cbs[0].aio_resfd = -1, R(submit(1, list));
  R(submit(0, list)), R(submit(-1, list)), R(submit(1, BAD)), list[0] = BAD, R(submit(1, list)), R(syscall(SYS_io_submit, 0, 1, list)), R(syscall(SYS_io_submit, ctx + 4096, 1, list));
  req(0, IOCB_CMD_PREAD, f, b, 1, 0), req(1, IOCB_CMD_PREAD, -1, b, 1, 0), req(2, IOCB_CMD_PREAD, f, b, 1, 0), R(submit(3, list)), events(1);
  R(getevents(-1, 4, e, &zero)), R(getevents(5, 4, e, &zero)), R(getevents(0, 4, e, 0)), R(getevents(1, 4, e, &zero)), R(getevents(1, 4, e, &soon)), R(getevents(0, 0, e, 0)), R(getevents(1, 4, e, BAD)), R(syscall(SYS_io_getevents, 0, 1, 4, e, &zero));
  one(IOCB_CMD_PREAD, f, b, 1, 0), R(getevents(1, 4, BAD, &zero));
  // pipes and sockets, and an eventfd that is told
  int ef = eventfd(0, EFD_NONBLOCK);
  uint64_t n = 0;
  req(0, IOCB_CMD_PWRITE, p[1], "through", 7, 0), cbs[0].aio_flags = IOCB_FLAG_RESFD, cbs[0].aio_resfd = ef, req(1, IOCB_CMD_PREAD, p[0], c, 100, 0), cbs[1].aio_flags = IOCB_FLAG_RESFD, cbs[1].aio_resfd = ef, R(submit(2, list)), read(ef, &n, 8), printf("told %ld\n", (long)n), events(2), printf("%.7s\n", c);
  R(one(IOCB_CMD_PWRITE, s[0], "sock", 4, 0)), R(one(IOCB_CMD_PREAD, s[1], c, 100, 0)), events(2), close(s[1]), R(one(IOCB_CMD_PWRITE, s[0], "sock", 4, 0)), events(1);
  // polls
  R(one(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)), R(getevents(0, 4, e, 0)), R(write(p[1], "1", 1)), events(1), R(one(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)), events(1), read(p[0], c, 1);
  R(one(IOCB_CMD_POLL, p[0], (void *)POLLIN, 1, 0)), R(one(IOCB_CMD_POLL, p[0], (void *)0x10000, 0, 0)), R(one(IOCB_CMD_POLL, p[1], (void *)POLLOUT, 0, 0)), events(1);
  req(0, IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0), cbs[0].aio_flags = IOCB_FLAG_RESFD, cbs[0].aio_resfd = ef, R(submit(1, list));
  pthread_t t;
  pthread_create(&t, 0, later, (void *)(long)p[1]), events(1), pthread_join(t, 0), read(p[0], c, 100);
  struct pollfd pe = {ef, POLLIN};
  R(poll(&pe, 1, 5000)), R(read(ef, &n, 8)), printf("told %ld\n", (long)n);
  R(one(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)), R(syscall(SYS_io_cancel, ctx, &cbs[0], e)), events(1), R(syscall(SYS_io_cancel, ctx, &cbs[0], e)), R(syscall(SYS_io_cancel, ctx, BAD, e)), R(syscall(SYS_io_cancel, 0, &cbs[0], e)), cbs[0].aio_key = 1, R(syscall(SYS_io_cancel, ctx, &cbs[0], e));
  // who waits
  struct sigaction sa = {.sa_handler = quiet, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &sa, 0);
  int pid = fork();
  if (pid == 0) { // a context is its maker's
    R(submit(1, list)), R(getevents(0, 1, e, 0)), R(destroy(ctx));
    ctx = 0, R(setup(1, &ctx)), write(p[1], "", 1);
    _exit(getevents(1, 1, e, 0) < 0 ? errno : 99);
  }
  read(p[0], c, 1), nap(pid), kill(pid, SIGUSR1), R(status(pid));
  pid = fork();
  if (pid == 0) ctx = 0, setup(1, &ctx), getevents(1, 1, e, 0), _exit(0);
  nap(pid), kill(pid, SIGKILL), R(status(pid));
  sigset_t set;
  sigemptyset(&set);
  struct { sigset_t *s; size_t n; } mask = {&set, 8}, wrong = {&set, 7};
  R(syscall(SYS_io_pgetevents, ctx, 1, 1, e, &soon, 0)), R(syscall(SYS_io_pgetevents, ctx, 1, 1, e, &soon, &mask)), R(syscall(SYS_io_pgetevents, ctx, 1, 1, e, &soon, &wrong)), R(syscall(SYS_io_pgetevents, ctx, 1, 1, e, &soon, BAD));
  sigset_t block;
  sigemptyset(&block), sigaddset(&block, SIGUSR1), sigprocmask(SIG_BLOCK, &block, 0), raise(SIGUSR1);
  R(syscall(SYS_io_pgetevents, ctx, 1, 1, e, 0, &mask));
  one(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0), one(IOCB_CMD_PREAD, f, b, 1, 0), R(destroy(ctx)), R(getevents(0, 4, e, 0));
  FILE *nr = fopen("/proc/sys/fs/aio-max-nr", "r");
  fgets(b, 100, nr), printf("%s", b);
  return 0;
}
