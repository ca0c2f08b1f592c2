// Moving bytes between files: splice, tee, vmsplice, sendfile, copy_file_range.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
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
static int p[2], q[2];
static void fresh(void) {
  static int open_;
  if (open_) close(p[0]), close(p[1]), close(q[0]), close(q[1]);
  pipe(p), pipe(q), open_ = 1;
}
static void in(int fd) {
  int n = -1;
  ioctl(fd, FIONREAD, &n);
  printf("holds %d\n", n);
}
static void get(int fd) {
  char b[100] = "";
  int n = read(fd, b, 99);
  printf("got %d %s\n", n, b);
}
static int nap(int pid) {
  char n[40], b[100] = "";
  sprintf(n, "/proc/%d/stat", pid);
  while (!strstr(b, ") S")) {
    usleep(500);
    FILE *f = fopen(n, "r");
    fgets(b, sizeof b, f), fclose(f);
  }
  return pid;
}
static int status(int pid) {
  int st;
  waitpid(pid, &st, 0);
  return st;
}
static void quiet(int s) {}
static void show(const char *name) {
  char b[100] = "";
  int fd = open(name, O_RDONLY), n = read(fd, b, 99);
  struct stat st;
  fstat(fd, &st), close(fd);
  printf("%s: %ld", name, (long)st.st_size);
  for (int i = 0; i < n; i++) printf("%c", b[i] ? b[i] : '.');
  printf("\n");
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int f = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), g = open("g", O_RDWR | O_CREAT | O_TRUNC, 0600), s[2], ap, wo = open("f", O_WRONLY), dir = open(".", O_RDONLY), null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), path = open("f", O_PATH);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  loff_t o, o2;
  write(f, "0123456789abcdef", 16);
  fresh();
  // what is refused
  R(splice(f, 0, g, 0, 5, 0)), R(splice(p[0], 0, p[1], 0, 5, 0)), R(splice(p[1], 0, q[0], 0, 5, 0)), R(splice(f, 0, p[0], 0, 5, 0)), R(splice(-1, 0, p[1], 0, 5, 0)), R(splice(f, 0, -1, 0, 5, 0)), R(splice(-1, 0, -1, 0, 0, 0)), R(splice(f, 0, p[1], 0, 5, 16)), R(splice(-1, 0, -1, 0, 0, 16));
  o = 0, R(splice(p[0], &o, q[1], 0, 5, 0)), R(splice(p[0], 0, q[1], &o, 5, 0)), R(splice(p[0], &o, f, 0, 5, 0)), R(splice(f, 0, p[1], &o, 5, 0)), R(splice(f, BAD, p[1], 0, 5, 0));
  o = -1, R(splice(f, &o, p[1], 0, 5, 0)), R(splice(wo, 0, p[1], 0, 5, 0)), R(splice(dir, 0, p[1], 0, 5, 0)), R(splice(path, 0, p[1], 0, 5, 0)), R(splice(eventfd(1, 0), 0, p[1], 0, 8, 0));
  o = 0, R(splice(s[0], &o, p[1], 0, 5, 0));
  // file to pipe and back
  R(splice(f, 0, p[1], 0, 5, 0)), o = 3, R(splice(f, &o, p[1], 0, 4, 0)), printf("offset %ld, own %ld\n", (long)o, (long)lseek(f, 0, SEEK_CUR)), in(p[0]);
  o = 10, R(splice(f, &o, p[1], 0, 100, 0)), printf("offset %ld\n", (long)o), R(splice(f, &o, p[1], 0, 100, 0)), in(p[0]), get(p[0]);
  R(write(p[1], "hello world", 11)), R(splice(p[0], 0, g, 0, 5, 0)), o = 10, R(splice(p[0], 0, g, &o, 100, 0)), printf("offset %ld, own %ld\n", (long)o, (long)lseek(g, 0, SEEK_CUR)), show("g");
  ap = open("g", O_RDWR | O_APPEND), write(p[1], "x", 1), R(splice(p[0], 0, ap, 0, 5, 0)), o = -5, R(splice(p[0], 0, g, &o, 5, 0)), in(p[0]), get(p[0]);
  R(splice(p[0], 0, q[1], 0, 5, SPLICE_F_NONBLOCK)), R(splice(p[0], 0, g, 0, 5, SPLICE_F_NONBLOCK));
  // pipe to pipe
  write(p[1], "abcdef", 6), R(splice(p[0], 0, q[1], 0, 4, 0)), in(p[0]), in(q[0]), get(q[0]), R(splice(p[0], 0, q[1], 0, 100, 0)), get(q[0]);
  // full, and empty
  fcntl(q[1], F_SETPIPE_SZ, 4096);
  static char big[200000];
  memset(big, 'b', sizeof big);
  write(q[1], big, 4096), write(p[1], "abc", 3);
  R(splice(p[0], 0, q[1], 0, 3, SPLICE_F_NONBLOCK)), R(splice(f, 0, q[1], 0, 3, SPLICE_F_NONBLOCK)), in(p[0]);
  int c = fork();
  if (c == 0) _exit(splice(p[0], 0, q[1], 0, 3, 0));
  nap(c), read(q[0], big, 4096), R(status(c)), in(q[0]), get(q[0]);
  c = fork();
  if (c == 0) _exit(splice(p[0], 0, g, 0, 3, 0));
  nap(c), write(p[1], "12345", 5), R(status(c)), in(p[0]), get(p[0]);
  struct sigaction sa = {.sa_handler = quiet};
  sigaction(SIGUSR1, &sa, 0);
  c = fork();
  if (c == 0) _exit(splice(p[0], 0, g, 0, 3, 0) < 0 ? errno : 99);
  nap(c), kill(c, SIGUSR1), R(status(c));
  c = fork();
  if (c == 0) tee(p[0], q[1], 3, 0), _exit(0);
  nap(c), kill(c, SIGKILL), R(status(c));
  fcntl(p[0], F_SETFL, O_NONBLOCK), R(splice(p[0], 0, g, 0, 3, 0)), fcntl(p[0], F_SETFL, 0);
  // ends that are gone
  close(q[0]), R(splice(f, 0, q[1], 0, 3, 0)), write(p[1], "zz", 2), R(splice(p[0], 0, q[1], 0, 2, 0)), R(tee(p[0], q[1], 2, 0)), in(p[0]);
  c = fork();
  if (c == 0) signal(SIGPIPE, SIG_DFL), splice(p[0], 0, q[1], 0, 2, 0), _exit(0);
  R(status(c));
  close(p[1]), R(splice(p[0], 0, g, 0, 100, 0)), R(splice(p[0], 0, g, 0, 100, 0));
  // sockets
  fresh();
  write(p[1], "to socket", 9), R(splice(p[0], 0, s[0], 0, 100, 0)), get(s[1]);
  write(s[1], "from socket", 11), R(splice(s[0], 0, p[1], 0, 4, 0)), R(splice(s[0], 0, p[1], 0, 100, 0)), get(p[0]);
  fcntl(s[0], F_SETFL, O_NONBLOCK), R(splice(s[0], 0, p[1], 0, 4, 0)), R(splice(s[0], 0, p[1], 0, 4, SPLICE_F_NONBLOCK));
  static char t[100000];
  int sent = 0, put = 0, left = 0, there = 0, r = 0;
  while (r >= 0) {
    put += write(p[1], big, 60000);
    do r = splice(p[0], 0, s[0], 0, 60000, 0), sent += r > 0 ? r : 0, ioctl(p[0], FIONREAD, &left);
    while (r > 0 && left > 0);
  }
  R(r);
  for (fcntl(s[1], F_SETFL, O_NONBLOCK); (r = read(s[1], t, sizeof t)) > 0;) there += r;
  printf("nothing lost: %d %d\n", there == sent, sent + left == put);
  fresh();
  close(s[1]), write(p[1], "x", 1), R(splice(p[0], 0, s[0], 0, 5, 0)), R(splice(s[0], 0, p[1], 0, 5, 0));
  fresh();
  R(splice(zero, 0, p[1], 0, 10, 0)), in(p[0]), R(splice(p[0], 0, null, 0, 100, 0)), R(splice(null, 0, p[1], 0, 10, 0));
  // tee
  write(p[1], "tee here", 8);
  R(tee(p[0], q[1], 3, 0)), R(tee(p[0], q[1], 100, 0)), in(p[0]), get(q[0]), get(p[0]), R(tee(p[0], q[1], 5, SPLICE_F_NONBLOCK)), R(tee(p[0], q[1], 0, 0)), R(tee(f, q[1], 5, 0)), R(tee(p[0], p[1], 5, 0)), R(tee(p[1], q[1], 5, 0)), R(tee(-1, q[1], 5, 0)), R(tee(-1, q[1], 0, 32)), R(tee(-1, -1, 0, 0));
  // vmsplice
  struct iovec v[3] = {{"one ", 4}, {"", 0}, {"two", 3}}, none = {0, 0}, bad = {BAD, 5};
  R(vmsplice(p[1], v, 3, 0)), R(vmsplice(p[1], v, 1, 16)), R(vmsplice(f, v, 1, 0)), R(vmsplice(-1, v, 1, 0)), R(vmsplice(p[1], v, 1025, 0)), R(vmsplice(p[1], &none, 1, 0)), R(vmsplice(p[1], v, 0, 0)), R(vmsplice(p[1], BAD, 1, 0)), R(vmsplice(p[1], &bad, 1, 0)), in(p[0]);
  char b1[3], b2[10] = "";
  struct iovec w[2] = {{b1, 3}, {b2, 9}};
  R(vmsplice(p[0], w, 2, 0)), printf("%.3s|%s\n", b1, b2), R(vmsplice(p[0], w, 2, SPLICE_F_NONBLOCK));
  // sendfile
  lseek(f, 0, SEEK_SET), lseek(g, 0, SEEK_SET), ftruncate(g, 0);
  R(sendfile(g, f, 0, 5)), o = 2, R(sendfile(g, f, &o, 3)), printf("offset %ld, own %ld\n", (long)o, (long)lseek(f, 0, SEEK_CUR)), show("g");
  o = 14, R(sendfile(g, f, &o, 100)), R(sendfile(g, f, &o, 100)), o = -1, R(sendfile(g, f, &o, 1)), R(sendfile(g, f, BAD, 1)), R(sendfile(ap, f, 0, 1)), R(sendfile(g, p[0], 0, 1)), R(sendfile(g, dir, 0, 1)), R(sendfile(f, wo, 0, 1)), R(sendfile(-1, f, 0, 1)), R(sendfile(g, -1, 0, 1)), R(sendfile(dir, f, 0, 1)), R(sendfile(g, f, 0, 0)), R(sendfile(path, f, 0, 1)), R(sendfile(g, path, 0, 1));
  o = 0, R(sendfile(g, p[0], &o, 1)), o = 0, R(sendfile(p[1], f, &o, 4)), get(p[0]), R(sendfile(g, zero, 0, 3)), R(sendfile(null, f, 0, 2));
  fcntl(p[1], F_SETPIPE_SZ, 4096), fcntl(p[1], F_SETFL, O_NONBLOCK), write(p[1], big, 4096), R(sendfile(p[1], f, 0, 2)), fresh();
  socketpair(AF_UNIX, SOCK_STREAM, 0, s), o = 0, R(sendfile(s[0], f, &o, 6)), get(s[1]), R(sendfile(g, s[1], 0, 1));
  // copy_file_range
  lseek(f, 0, SEEK_SET), ftruncate(g, 0), lseek(g, 0, SEEK_SET);
  R(copy_file_range(f, 0, g, 0, 4, 0)), o = 4, o2 = 20, R(copy_file_range(f, &o, g, &o2, 4, 0)), printf("%ld %ld, own %ld %ld\n", (long)o, (long)o2, (long)lseek(f, 0, SEEK_CUR), (long)lseek(g, 0, SEEK_CUR)), show("g");
  o = 12, R(copy_file_range(f, &o, g, 0, 100, 0)), R(copy_file_range(f, &o, g, 0, 100, 0)), R(copy_file_range(f, 0, g, 0, 0, 0)), R(copy_file_range(f, 0, g, 0, 4, 1));
  o = 0, o2 = 2, R(copy_file_range(f, &o, f, &o2, 4, 0)), o2 = 4, R(copy_file_range(f, &o, f, &o2, 4, 0)), show("f"), o = 16, o2 = 16, R(copy_file_range(f, &o, f, &o2, 4, 0)), R(copy_file_range(f, 0, f, 0, 4, 0));
  R(copy_file_range(p[0], 0, g, 0, 4, 0)), R(copy_file_range(f, 0, p[1], 0, 4, 0)), R(copy_file_range(dir, 0, g, 0, 4, 0)), R(copy_file_range(f, 0, dir, 0, 4, 0)), R(copy_file_range(wo, 0, g, 0, 4, 0)), R(copy_file_range(f, 0, ap, 0, 4, 0)), R(copy_file_range(-1, 0, g, 0, 4, 0)), R(copy_file_range(f, 0, -1, 0, 4, 0)), R(copy_file_range(path, 0, g, 0, 4, 0)), R(copy_file_range(zero, 0, g, 0, 4, 0));
  o = -1, R(copy_file_range(f, &o, g, 0, 4, 0)), o = 0, o2 = -1, R(copy_file_range(f, &o, g, &o2, 4, 0)), R(copy_file_range(f, BAD, g, 0, 4, 0)), R(copy_file_range(f, 0, g, BAD, 4, 1));
  o = 1, R(copy_file_range(f, &o, g, 0, -1, 0));
  struct rlimit rl = {30, RLIM_INFINITY};
  signal(SIGXFSZ, SIG_IGN), setrlimit(RLIMIT_FSIZE, &rl), o = 0, o2 = 28, R(copy_file_range(f, &o, g, &o2, 10, 0)), o = 0, o2 = 30, R(copy_file_range(f, &o, g, &o2, 10, 0)), o = 0, R(sendfile(g, f, &o, 100)) < 0;
  return 0;
}
