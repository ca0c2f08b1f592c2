// One file through maps, read, write, truncate, fallocate and other programs: all see one content.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define P 4096
#define RW (PROT_READ | PROT_WRITE)

static sigjmp_buf out;
static volatile int sig, code;
static char *volatile at;
static void handler(int s, siginfo_t *i, void *u) {
  sig = s, code = i->si_code, at = i->si_addr;
  siglongjmp(out, 1);
}
static void touch(const char *what, char *p, int write) {
  if (sigsetjmp(out, 1) == 0) {
    if (write) *(volatile char *)p = 5;
    printf("%s: %d\n", what, *(volatile char *)p);
  } else
    printf("%s: signal %d code %d addr %d\n", what, sig, code, at == p);
}
static void say(const char *what, long r) { printf("%s: %ld %s\n", what, r, r == -1 ? strerrorname_np(errno) : "ok"); }
#define SAY(x) (errno = 0, say(#x, (long)(x)))
// see reads with read(2) and tells.
static void see(const char *what, int fd, off_t off, int n) {
  char b[64] = "";
  int got = pread(fd, b, n, off);
  printf("%s: %d ", what, got);
  for (int i = 0; i < got; i++) printf("%c", b[i] >= 32 ? b[i] : b[i] ? '?' : '.');
  puts("");
}
static char *map(int fd, off_t off, size_t n, int prot, int how) {
  char *p = mmap(0, n, prot, how, fd, off);
  if (p == MAP_FAILED) printf("mmap: %s\n", strerrorname_np(errno)), exit(1);
  return p;
}
static long sum(const char *p, size_t n) {
  long s = 0;
  for (size_t i = 0; i < n; i++) s = s * 31 + p[i];
  return s;
}

// Maps of one process, and its read and write.
static void one(void) {
  int fd = open("one", O_RDWR | O_CREAT, 0600), ro = open("one", O_RDONLY);
  char text[3 * P + 100];
  for (int i = 0; i < sizeof text; i++) text[i] = 'a' + i % 23;
  SAY(write(fd, text, sizeof text));
  char *a = map(fd, 0, 8 * P, RW, MAP_SHARED), *b = map(ro, 0, 4 * P, PROT_READ, MAP_SHARED), *c = map(fd, 2 * P, P, RW, MAP_SHARED);
  char *priv = map(fd, 0, 4 * P, RW, MAP_PRIVATE);
  printf("%d %d\n", memcmp(a, text, sizeof text), memcmp(b, text, sizeof text));
  printf("behind the end: %d\n", a[sizeof text]);
  touch("next page", a + 4 * P, 0), touch("next page, write", a + 4 * P, 1);
  memcpy(a + 2 * P, "stored", 6);
  see("store, read", ro, 2 * P, 8);
  printf("other maps: %.6s %.6s %.6s\n", b + 2 * P, c, priv + 2 * P);
  SAY(pwrite(fd, "WRITTEN", 7, 2 * P + 3));
  printf("write: %.10s %.10s %.10s %.10s\n", a + 2 * P, b + 2 * P, c, priv + 2 * P);
  priv[2 * P] = '#';
  see("private", ro, 2 * P, 3);
  SAY(pwrite(fd, "X", 1, 2 * P + 1));
  printf("private: %.3s shared: %.3s\n", priv + 2 * P, c);
  touch("read only", b, 1);
  // What one call reads it may write.
  SAY(pread(fd, a + 100, 50, 0)), see("onto itself", ro, 90, 30);
  SAY(pwrite(fd, a, 50, 205)), see("from itself", ro, 195, 30);
  SAY(pread(ro, b, 4, 100));
  // The file grows and shrinks below.
  SAY(ftruncate(fd, 6 * P + 1));
  touch("grown", a + 5 * P, 1), touch("grown, last", a + 6 * P, 0), touch("not grown", a + 7 * P, 0);
  see("grown", ro, 5 * P, 4), see("the old end", ro, sizeof text - 2, 6);
  SAY(pwrite(fd, "end", 3, 8 * P - 3));
  touch("written", a + 8 * P - 1, 0), touch("the hole", a + 7 * P, 0);
  SAY(ftruncate(fd, P + 7));
  touch("cut", a + P, 0), touch("cut, rest", a + P + 7, 0), touch("cut off", a + 2 * P, 0), touch("cut off, write", c, 1), touch("cut off, private", priv + P * 3, 0);
  SAY(pread(ro, a + 2 * P, 10, 0)), SAY(pwrite(fd, b + 2 * P, 10, 0)), SAY(write(1, a + 3 * P, 1));
  SAY(ftruncate(fd, 4 * P));
  touch("grown again", c, 0), touch("and again", a + 4 * P - 1, 1);
  see("zeros", ro, 2 * P - 2, 5), see("last byte", ro, 4 * P - 2, 5);
  // Holes.
  memset(a, 'h', 4 * P);
  SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P - 2, P + 4));
  printf("%d%d%d %d%d%d\n", a[P - 3], b[P - 2], a[P], b[2 * P - 1], a[2 * P + 1], b[2 * P + 2]);
  a[P + 5] = 'i';
  see("in the hole", ro, P + 4, 4);
  printf("sum %ld\n", sum(b, 4 * P));
  SAY(munmap(c, P));
  SAY(msync(a, 8 * P, MS_SYNC)), SAY(msync(a, 8 * P, MS_SYNC | MS_ASYNC)), SAY(msync(c, P, MS_SYNC));
  munmap(a, 8 * P);
  see("unmapped", ro, P + 4, 4);
  printf("still: %c\n", b[P + 5]);
  SAY(mprotect(b, P, RW));
  munmap(b, 4 * P);
  SAY(mmap(0, P, RW, MAP_SHARED, ro, 0));
  SAY(mmap(0, P, RW, MAP_SHARED, open("one", O_WRONLY), 0));
  see("at last", ro, P + 4, 4);
  unlink("one"), close(fd), close(ro);
}

// Calls that store to a map which nobody stored to before.
static void calls(void) {
  int fd = open("calls", O_RDWR | O_CREAT, 0600), p[2];
  ftruncate(fd, 64 * P);
  pipe(p), write(p[1], "piped", 5);
  SAY(read(p[0], map(fd, 0, P, RW, MAP_SHARED) + 5, 5)), see("read", fd, 4, 7);
  SAY(clock_gettime(CLOCK_REALTIME, (void *)map(fd, P, P, RW, MAP_SHARED)));
  struct timespec ts = {0};
  pread(fd, &ts, sizeof ts, P), printf("%d\n", ts.tv_sec != 0);
  char *m = map(fd, 2 * P, 4 * P, PROT_READ, MAP_SHARED);
  SAY(pread(fd, m, 5, 5));
  SAY(mprotect(m + P, P, RW)), SAY(pread(fd, m + P, 5, 5)), see("protected", fd, 3 * P, 6);
  touch("before", m, 1), touch("behind", m + 2 * P, 1);
  SAY(mprotect(m, 4 * P, RW)), touch("before", m, 1), touch("behind", m + 2 * P, 1);
  SAY(mprotect(m, 4 * P, PROT_NONE)), touch("none", m, 0);
  SAY(mprotect(m, 4 * P, RW)), touch("again", m + 3 * P, 1);
  see("stored", fd, 5 * P, 1);
  // madvise drops nothing of a file.
  strcpy(m, "advice");
  SAY(madvise(m, P, MADV_DONTNEED)), printf("%s\n", m);
  // A map of memory that has no file behind it is not what this is about.
  char *far = map(fd, 60 * P, 8 * P, RW, MAP_SHARED);
  SAY(pread(fd, far + 3 * P, 3 * P, 0)), SAY(pread(fd, far + 4 * P, 3 * P, 0));
  unlink("calls"), close(fd);
}

// mremap of maps of files.
static void moved(void) {
  int fd = open("moved", O_RDWR | O_CREAT, 0600);
  for (int i = 0; i < 8; i++) {
    char page[P];
    memset(page, '0' + i, P);
    write(fd, page, P);
  }
  for (int how = MAP_SHARED; how <= MAP_PRIVATE; how++) {
    char *p = map(fd, P, 2 * P, RW, how);
    p[5] = 'p';
    char *q = mremap(p, 2 * P, 6 * P, MREMAP_MAYMOVE);
    SAY(q != MAP_FAILED);
    printf("%c%c%c%c\n", q[5], q[P], q[2 * P], q[6 * P - 1]);
    q[5 * P] = 'q';
    see("the file", fd, 6 * P, 2);
    q = mremap(q, 6 * P, 16 * P, MREMAP_MAYMOVE);
    SAY(q != MAP_FAILED);
    touch("last", q + 7 * P - 1, 0), touch("beyond", q + 7 * P, 0), touch("far beyond", q + 15 * P, 1);
    q = mremap(q, 16 * P, 3 * P, 0);
    printf("%c%c\n", q[5], q[3 * P - 1]);
    char *to = mmap(0, 16 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    q = mremap(q, 3 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to + P);
    printf("%d %c%c%c\n", q == to + P, q[5], q[3 * P - 1], q[4 * P - 1]);
    touch("hole", to, 0);
    munmap(q, 4 * P);
  }
  unlink("moved"), close(fd);
}

// A file that another program maps, and a third reads and writes.
static void step(volatile int *turn, int mine) {
  while (__atomic_load_n(turn, __ATOMIC_SEQ_CST) != mine) usleep(200);
}
static void next(volatile int *turn) { __atomic_add_fetch(turn, 1, __ATOMIC_SEQ_CST); }

static int other(const char *what) {
  int t = open("turn", O_RDWR), fd = open("file", O_RDWR);
  volatile int *turn = (void *)map(t, 0, P, RW, MAP_SHARED);
  if (!strcmp(what, "maps")) {
    step(turn, 1);
    char *m = map(fd, 0, 100 * P, RW, MAP_SHARED);
    printf("maps: %.8s %c\n", m, m[50 * P]);
    memcpy(m + 50 * P, "by the mapper", 13);
    next(turn), step(turn, 4);
    printf("maps: %.15s\n", m + 60 * P);
    next(turn), step(turn, 6);
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &sa, 0);
    touch("maps, cut", m + 50 * P, 0), touch("maps, kept", m + 9 * P, 1);
    fflush(stdout), next(turn);
    return 3;
  }
  step(turn, 2);
  see("reads", fd, 50 * P, 13);
  pwrite(fd, "by the writer", 13, 60 * P);
  next(turn), step(turn, 5);
  ftruncate(fd, 10 * P);
  next(turn), step(turn, 7);
  see("reads", fd, 9 * P, 2);
  fflush(stdout), next(turn);
  return 4;
}

static void several(void) {
  int t = open("turn", O_RDWR | O_CREAT, 0600), fd = open("file", O_RDWR | O_CREAT, 0600), st;
  ftruncate(t, P), ftruncate(fd, 100 * P);
  volatile int *turn = (void *)map(t, 0, P, RW, MAP_SHARED);
  char *m = map(fd, 0, 100 * P, RW, MAP_SHARED);
  strcpy(m, "by main"), m[50 * P] = 'm';
  pid_t a = fork(), b = 0;
  if (a == 0) execl("/proc/self/exe", "filemap", "maps", (char *)0), _exit(99);
  if ((b = fork()) == 0) execl("/proc/self/exe", "filemap", "reads", (char *)0), _exit(99);
  pid_t c = fork(); // this one keeps the maps
  if (c == 0) {
    step(turn, 3);
    m[60 * P + 13] = '!';
    next(turn);
    step(turn, 8);
    printf("child: %d\n", m[9 * P]);
    fflush(stdout), next(turn), _exit(5);
  }
  next(turn);
  int ended[3], i = 0;
  for (pid_t p[] = {a, b, c}, *q = p; q < p + 3; q++) waitpid(*q, &st, 0), ended[i++] = st;
  printf("ended %x %x %x\n", ended[0], ended[1], ended[2]);
  printf("main: %d, turn %d\n", m[9 * P], *turn);
  unlink("turn"), unlink("file");
}

// A futex in a file, at different addresses.
static void futex(void) {
  int fd = open("futex", O_RDWR | O_CREAT, 0600), st;
  ftruncate(fd, 2 * P);
  int *a = (void *)map(fd, 0, P, RW, MAP_SHARED);
  pid_t c = fork();
  if (c == 0) {
    int *b = (void *)map(fd, 0, 2 * P, RW, MAP_SHARED);
    while (__atomic_load_n(b, __ATOMIC_SEQ_CST) == 0) syscall(SYS_futex, b, FUTEX_WAIT, 0, 0, 0, 0);
    b[1] = 8;
    _exit(0);
  }
  usleep(20000);
  __atomic_store_n(a, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, a, FUTEX_WAKE, 1, 0, 0, 0);
  waitpid(c, &st, 0);
  printf("futex %x %d\n", st, a[1]);
  unlink("futex");
}

// Files without names, and times.
static void nameless(void) {
  int fd = memfd_create("m", 0);
  SAY(ftruncate(fd, 3 * P));
  char *m = map(fd, 0, 3 * P, RW, MAP_SHARED);
  strcpy(m + P, "memory"), see("memfd", fd, P, 7);
  close(fd), printf("%s\n", m + P), munmap(m, 3 * P);
  // Seals hold for maps too.
  fd = memfd_create("s", MFD_ALLOW_SEALING), ftruncate(fd, P);
  m = map(fd, 0, P, RW, MAP_SHARED), m[0] = 's';
  SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)), munmap(m, P);
  SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SAY(mmap(0, P, RW, MAP_SHARED, fd, 0));
  m = map(fd, 0, P, RW, MAP_PRIVATE), m[1] = 't', printf("%s\n", m), see("sealed", fd, 0, 3), munmap(m, P), close(fd);
  fd = open("gone", O_RDWR | O_CREAT, 0600);
  write(fd, "unlinked", 8), unlink("gone");
  m = map(fd, 0, P, RW, MAP_SHARED), m[0] = 'U', see("gone", fd, 0, 9), close(fd);
  printf("%s\n", m);
  fd = open("times", O_RDWR | O_CREAT, 0600);
  struct timespec old[2] = {{1000, 0}, {1000, 0}};
  struct stat s;
  write(fd, m, P), futimens(fd, old);
  m = map(fd, 0, P, RW, MAP_SHARED);
  printf("%c", m[0]), fstat(fd, &s), printf(" %ld\n", (long)s.st_mtime);
  m[0] = 't', msync(m, P, MS_SYNC), fstat(fd, &s), printf("%d\n", s.st_mtime > 1000);
  unlink("times"), close(fd);
  fd = open("empty", O_RDWR | O_CREAT, 0600);
  m = map(fd, 0, P, RW, MAP_SHARED), touch("empty", m, 0), touch("empty", m, 1);
  write(fd, "x", 1), touch("not empty", m, 1), see("not empty", fd, 0, 3);
  unlink("empty");
}

// Stores and writes at random, against an array.
static void random_(unsigned seed) {
  enum { N = 40 * P };
  static char want[N];
  int fd = open("random", O_RDWR | O_CREAT | O_TRUNC, 0600);
  memset(want, 0, N);
  ftruncate(fd, N);
  char *m[3] = {map(fd, 0, N, RW, MAP_SHARED), map(fd, 10 * P, 20 * P, RW, MAP_SHARED) - 10 * P, 0};
  int lo[3] = {0, 10 * P}, hi[3] = {N, 30 * P}, bad = 0;
  for (int i = 0; i < 4000; i++) {
    seed = seed * 1103515245 + 12345;
    int off = (seed >> 8) % N, n = (seed >> 3) % 5000, k = seed >> 30 & 1, b = seed >> 16 & 127;
    if (off + n > N) n = N - off;
    switch (seed >> 24 & 3) {
    case 0:
      memset(want + off, b, n);
      char buf[5000];
      memset(buf, b, n);
      pwrite(fd, buf, n, off);
      break;
    case 1:
      if (off >= lo[k] && off + n <= hi[k]) memset(m[k] + off, b, n), memset(want + off, b, n);
      break;
    case 2:
      if (off >= lo[k] && off + n <= hi[k] && memcmp(m[k] + off, want + off, n)) bad++;
      break;
    case 3:
      if (i % 16 == 0) {
        munmap(m[1] + 10 * P, 20 * P), m[1] = map(fd, 10 * P, 20 * P, RW, MAP_SHARED) - 10 * P;
        ftruncate(fd, off), memset(want + off, 0, N - off), ftruncate(fd, N);
      } else {
        char buf[5000];
        if (pread(fd, buf, n, off) != n || memcmp(buf, want + off, n)) bad++;
      }
    }
  }
  printf("bad %d, sum %ld\n", bad, sum(m[0], N));
  munmap(m[0], N);
  unlink("random"), close(fd);
}

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc > 1) return other(argv[1]);
  struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &sa, 0), sigaction(SIGBUS, &sa, 0);
  one(), calls(), moved(), several(), futex(), nameless();
  for (int i = 1; i < 6; i++) random_(i);
  return 0;
}
