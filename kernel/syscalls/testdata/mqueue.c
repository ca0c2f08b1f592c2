// POSIX message queues: what each call answers, and who is told of what.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
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
static char name[64], slashed[64];
static long sysopen(const char *n, int f, int m, struct mq_attr *a) { return syscall(SYS_mq_open, n, f, m, a); }
static int ok(long fd) { return fd >= 0 ? (close(fd), 0) : -1; }
static void attr(mqd_t q) {
  struct mq_attr a;
  if (mq_getattr(q, &a) < 0) return (void)printf("attr %s\n", strerror(errno));
  printf("attr %lo %ld %ld %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}
static void rcv(mqd_t q, size_t n) {
  char b[8192] = "";
  unsigned p = 77;
  long r = mq_receive(q, b, n, &p);
  if (r < 0) printf("receive %s\n", strerror(errno));
  else printf("receive %ld prio %u %.10s\n", r, p, b);
  fflush(stdout);
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
static volatile int got;
static void on(int s, siginfo_t *i, void *u) {
  printf("signal %d code %d value %d from %d uid %d\n", s, i->si_code, i->si_value.sival_int, i->si_pid == getpid(), i->si_uid), got++;
}
static void quiet(int s) { got++; }
static sem_t told;
static int tells;
static void threaded(union sigval v) { tells = v.sival_int, sem_post(&told); }
static void show(mqd_t q) {
  char b[200] = "";
  lseek(q, 0, SEEK_SET), read(q, b, sizeof b);
  char *p = strstr(b, "NOTIFY_PID:");
  printf("%.*s pid %d\n", (int)(p - b), b, atoi(p + 11) == getpid() ? 1 : atoi(p + 11));
}

// files looks at queues as files: of the filesystem's own mount, or of one that root makes.
static char dir[40] = "/dev/mqueue", path[80];
static char *in(const char *n) { return sprintf(path, "%s/%s", dir, n), path; }
static int files(void) {
  struct statfs sf;
  struct stat st, st2;
  if (statfs(dir, &sf) < 0 || sf.f_type != 0x19800202) {
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", 0, MS_REC | MS_PRIVATE, 0) < 0) return printf("no mqueue filesystem\n"), 0;
    mkdir(strcpy(dir, "mounted"), 0700);
    if (mount("none", dir, "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0) < 0) return printf("no mqueue filesystem\n"), 0;
  }
  umask(022);
  struct mq_attr a = {0, 3, 16};
  mqd_t q = mq_open(slashed, O_RDWR | O_CREAT | O_EXCL, 0666, &a);
  statfs(dir, &sf), printf("type %lx\n", (long)sf.f_type);
  R(stat(in(name), &st)), fstat(q, &st2), printf("%o %ld %d\n", st.st_mode, (long)st.st_size, st.st_ino == st2.st_ino), R(chmod(in(name), 0600)), R(stat(dir, &st)), printf("%o %ld\n", st.st_mode, (long)st.st_size);
  char to[80];
  strcpy(to, in("zz"));
  R(rename(in(name), to)), R(link(in(name), to)), R(mkdir(to, 0700)), R(symlink("x", to)), R(mknod(to, S_IFREG | 0600, 0)), R(unlink(to)), R(mknod(to, S_IFIFO | 0600, 0)), R(truncate(in(name), 5));
  R(close(creat(in("made"), 0600)));
  mqd_t m = mq_open("/made", O_RDWR);
  attr(m), R(mq_send(m, "12345", 5, 0));
  int fd = open(in("made"), O_RDWR);
  char b[100] = "";
  printf("read %ld %s", (long)read(fd, b, sizeof b), b), printf("again %ld\n", (long)read(fd, b, sizeof b));
  attr(fd), R(mq_send(fd, "6", 1, 0)), attr(m); // it is the queue
  R((long)mmap(0, 80, PROT_READ, MAP_SHARED, fd, 0));
  DIR *d = opendir(dir);
  int n = 0, found = 0;
  for (struct dirent *e; d && (e = readdir(d));) n++, found += !strcmp(e->d_name, name) && e->d_type == DT_REG;
  printf("entries %d, found %d\n", n, found);
  mq_close(m), close(fd), R(unlink(in("made"))), R(mq_unlink("/made")), R(mq_unlink(slashed)), R(stat(in(name), &st));
  return 0;
}

int main(int argc, char **argv) {
  struct { unsigned version; int pid; } h = {0x20080522, 0};
  unsigned caps[6] = {0};
  syscall(SYS_capget, &h, caps), caps[0] &= ~(1 << 24), syscall(SYS_capset, &h, caps);
  sprintf(name, "q%d", getpid()), sprintf(slashed, "/q%d", getpid());
  if (argc > 1) return files();
  char b[8192] = "hello", big[9000];
  memset(big, 'x', sizeof big);
  struct mq_attr a = {0, 3, 16}, bad;
  // names and attributes
  R(sysopen(name, O_RDWR, 0, 0)), R(sysopen("", O_RDWR | O_CREAT, 0600, 0)), R(sysopen("a/b", O_RDWR | O_CREAT, 0600, 0)), R(sysopen(".", O_RDWR, 0, 0)), R(sysopen("..", O_RDWR | O_CREAT, 0600, 0));
  big[300] = 0, R(sysopen(big, O_RDWR | O_CREAT, 0600, 0)), R(sysopen(big, O_RDWR, 0600, 0)), big[300] = 'x';
  R(sysopen(BAD, O_RDWR, 0, 0)), R(sysopen(name, O_RDWR | O_CREAT, 0600, BAD)), R(sysopen(name, O_RDWR, 0600, BAD)), R(sysopen(name, 3, 0, 0));
  long sizes[][2] = {{0, 16}, {3, 0}, {-1, 16}, {3, -1}, {11, 16}, {3, 8193}, {65537, 16}, {1L << 40, 1L << 40}};
  for (int i = 0; i < 8; i++) bad = (struct mq_attr){0, sizes[i][0], sizes[i][1]}, R(sysopen(name, O_RDWR | O_CREAT, 0600, &bad));
  R(mq_unlink(slashed)), R(syscall(SYS_mq_unlink, "")), R(syscall(SYS_mq_unlink, "a/b")), R(syscall(SYS_mq_unlink, BAD));
  umask(022);
  mqd_t q = mq_open(slashed, O_RDWR | O_CREAT | O_EXCL, 0666, &a);
  attr(q);
  R(ok(sysopen(name, O_RDWR | O_CREAT | O_EXCL, 0600, 0))), R(ok(sysopen(name, O_RDWR | O_CREAT, 0600, 0))), R(ok(sysopen(name, 3, 0, 0))), R(ok(sysopen(name, 3 | O_CREAT, 0, 0)));
  struct stat st;
  fstat(q, &st), printf("mode %o size %ld uid %d links %ld\n", st.st_mode, (long)st.st_size, st.st_uid, (long)st.st_nlink);
  printf("cloexec %d flags %o\n", fcntl(q, F_GETFD), fcntl(q, F_GETFL) & ~0100000);
  // sending and receiving
  R(mq_send(q, b, 17, 0)), R(mq_send(q, b, 1, 32768)), R(mq_send(q, BAD, 1, 0)), R(mq_send(0, b, 1, 0)), R(mq_send(-1, b, 1, 0)), R(mq_receive(q, b, 15, 0)), R(mq_receive(0, b, 100, 0));
  R(mq_send(q, "first", 6, 1)), R(mq_send(q, "second", 7, 5)), R(mq_send(q, "third", 6, 1)), attr(q);
  a.mq_flags = O_NONBLOCK, R(mq_setattr(q, &a, &bad)), printf("was %lo\n", bad.mq_flags), attr(q);
  a.mq_flags = O_NONBLOCK | O_APPEND, R(mq_setattr(q, &a, 0)), R(syscall(SYS_mq_getsetattr, q, BAD, 0)), R(syscall(SYS_mq_getsetattr, q, 0, BAD)), R(syscall(SYS_mq_getsetattr, 0, 0, 0)), R(syscall(SYS_mq_getsetattr, q, 0, 0));
  R(mq_send(q, "fourth", 7, 1));
  struct pollfd p = {q, POLLIN | POLLOUT};
  R(poll(&p, 1, 0)), printf("%x\n", p.revents);
  rcv(q, 16), R(poll(&p, 1, 0)), printf("%x\n", p.revents);
  rcv(q, 16), rcv(q, 16), rcv(q, 16), R(poll(&p, 1, 0)), printf("%x\n", p.revents);
  R(mq_send(q, "", 0, 9)), rcv(q, 100);
  mqd_t ro = mq_open(slashed, O_RDONLY), wo = mq_open(slashed, O_WRONLY);
  R(mq_send(ro, b, 1, 0)), R(mq_receive(wo, b, 100, 0)), attr(ro), attr(wo);
  R(read(q, big, 10)), R(write(q, b, 10)), R(lseek(q, 0, SEEK_SET)), R(ftruncate(q, 0));
  R(mq_send(q, BAD, 0, 0)), R(mq_receive(q, BAD, 100, 0)), attr(q);
  // time
  struct timespec ts, past = {1, 0}, worse = {1, 1000000000};
  a.mq_flags = 0, mq_setattr(q, &a, 0);
  clock_gettime(CLOCK_REALTIME, &ts), ts.tv_nsec += 20000000;
  if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
  R(mq_timedreceive(q, b, 100, 0, &ts)), R(mq_timedreceive(q, b, 100, 0, &past)), R(mq_timedreceive(q, b, 100, 0, &worse)), R(mq_timedreceive(q, b, 100, 0, BAD)), R(mq_timedreceive(q, b, 1, 0, &worse));
  for (int i = 0; i < 3; i++) mq_send(q, "abc", 4, i);
  R(mq_timedsend(q, b, 1, 0, &past)), R(mq_timedsend(q, b, 1, 40000, &worse)), R(mq_timedsend(q, b, 100, 0, &past));
  // who waits, and signals
  int c = fork();
  if (c == 0) _exit(mq_send(q, "child", 6, 31) == 0 ? 3 : 4);
  nap(c), rcv(q, 16), R(status(c)), rcv(q, 16), rcv(q, 16), rcv(q, 16);
  c = fork();
  if (c == 0) _exit(mq_receive(q, b, 100, 0));
  nap(c), R(mq_send(q, "12345", 5, 0)), R(status(c)), attr(q);
  for (int restart = 0; restart < 2; restart++) {
    c = fork();
    if (c == 0) {
      struct sigaction sa = {.sa_handler = quiet, .sa_flags = restart ? SA_RESTART : 0};
      sigaction(SIGUSR1, &sa, 0);
      long r = mq_receive(q, b, 100, 0);
      _exit(r < 0 ? errno : 100 + r);
    }
    nap(c), kill(c, SIGUSR1);
    if (restart) usleep(20000), mq_send(q, "x", 1, 0);
    R(status(c));
  }
  c = fork();
  if (c == 0) mq_receive(q, b, 100, 0), _exit(0);
  nap(c), kill(c, SIGKILL), R(status(c));
  // notification
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR2, &sa, 0);
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 42}, none = {.sigev_notify = SIGEV_NONE}, odd = {.sigev_notify = 9}, wrong = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
  R(mq_notify(q, 0)), R(mq_notify(0, &ev)), R(mq_notify(q, &odd)), R(mq_notify(q, &wrong)), R(syscall(SYS_mq_notify, q, BAD));
  R(mq_notify(q, &ev)), R(mq_notify(q, &ev)), show(q);
  c = fork();
  if (c == 0) {
    mq_notify(q, 0); // another's stays
    close(q);
    _exit(mq_notify(ro, &ev) == 0 ? 0 : errno);
  }
  R(status(c)), R(mq_send(q, "a", 1, 0)), printf("got %d\n", got), R(mq_send(q, "b", 1, 0)), printf("got %d\n", got), show(q);
  R(mq_notify(q, &ev)), rcv(q, 16), R(mq_send(q, "c", 1, 0)), rcv(q, 16), rcv(q, 16), printf("got %d\n", got);
  c = fork();
  if (c == 0) mq_send(q, "d", 1, 0), _exit(0);
  status(c), printf("got %d\n", got), rcv(q, 16);
  R(mq_notify(q, &ev)); // not when somebody waits for the message
  c = fork();
  if (c == 0) _exit(mq_receive(q, b, 100, 0));
  nap(c), mq_send(q, "e", 1, 0), R(status(c)), printf("got %d\n", got);
  mqd_t dup2nd = dup(q);
  show(q), close(dup2nd), show(q); // any descriptor's close ends it
  R(mq_notify(q, &none)), show(q), R(mq_send(q, "f", 1, 0)), show(q), rcv(q, 16);
  R(mq_notify(q, &ev)), R(mq_notify(q, 0)), R(mq_send(q, "g", 1, 0)), printf("got %d\n", got), rcv(q, 16);
  sem_init(&told, 0, 0);
  struct sigevent th = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = threaded, .sigev_value.sival_int = 5}, nosock = {.sigev_notify = SIGEV_THREAD, .sigev_signo = 0, .sigev_value.sival_ptr = b}, nofd = {.sigev_notify = SIGEV_THREAD, .sigev_signo = 999, .sigev_value.sival_ptr = b}, nocookie = {.sigev_notify = SIGEV_THREAD, .sigev_signo = 0, .sigev_value.sival_ptr = BAD};
  R(syscall(SYS_mq_notify, q, &nosock)), R(syscall(SYS_mq_notify, q, &nofd)), R(syscall(SYS_mq_notify, q, &nocookie));
  R(mq_notify(q, &th)), R(mq_send(q, "h", 1, 0)), sem_wait(&told), printf("thread told %d\n", tells), rcv(q, 16);
  R(mq_notify(q, &th)), R(mq_notify(q, 0)), R(mq_notify(q, &ev)), R(mq_notify(q, 0));
  // poll and epoll that wait
  int ep = epoll_create1(0);
  struct epoll_event ee = {EPOLLIN};
  R(epoll_ctl(ep, EPOLL_CTL_ADD, q, &ee));
  c = fork();
  if (c == 0) usleep(10000), mq_send(q, "i", 1, 0), _exit(0);
  R(epoll_wait(ep, &ee, 1, -1)), status(c), rcv(q, 16);
  // rights
  fchmod(q, 0600);
  c = fork();
  if (c == 0) {
    setresgid(65534, 65534, 65534), setresuid(65534, 65534, 65534);
    R(mq_open(slashed, O_RDWR)), R(mq_open(slashed, O_RDONLY | O_CREAT, 0666, 0)), R(mq_unlink(slashed)), R(fchmod(q, 0666));
    struct rlimit rl = {83000, 83000};
    setrlimit(RLIMIT_MSGQUEUE, &rl);
    sprintf(slashed, "/r%d", getpid());
    mqd_t m = R(mq_open(slashed, O_WRONLY | O_CREAT, 0000, 0)) < 0 ? -1 : 0;
    R(mq_open("/second", O_RDWR | O_CREAT, 0600, 0)), R(mq_open(slashed, O_RDONLY));
    R(mq_unlink(slashed)), R(mq_open(slashed, O_RDWR | O_CREAT, 0600, 0)); // the first is open yet
    _exit(0);
  }
  status(c);
  R(mq_unlink(slashed)), R(mq_unlink(slashed)), R(mq_send(q, "last", 5, 0)), rcv(q, 16);
  fstat(q, &st), printf("links %ld\n", (long)st.st_nlink);
  R(mq_close(q)), R(mq_close(q));
  return 0;
}
