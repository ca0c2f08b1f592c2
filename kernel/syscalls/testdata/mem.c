// Address space calls: errors, holes, faults and what the handlers are told.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P 4096
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static sigjmp_buf out;
static volatile int sig, code;
static char *volatile at;
static char *base;
static void handler(int s, siginfo_t *i, void *u) {
  sig = s, code = i->si_code, at = i->si_addr;
  siglongjmp(out, 1);
}
// touch tells what an access does.
static void touch(const char *what, char *p, int write) {
  if (sigsetjmp(out, 1) == 0) {
    if (write) *(volatile char *)p = 5;
    else (void)*(volatile char *)p;
    printf("%s: fine %d\n", what, *p);
  } else
    printf("%s: signal %d code %d addr %d\n", what, sig, code, at == p);
}
static void say(const char *what, long r) { printf("%s: %ld %s\n", what, r == -1 ? -1L : 0L, r == -1 ? strerrorname_np(errno) : "ok"); }
#define SAY(x) (errno = 0, say(#x, (long)(x)))

static void run(char *p) { ((void (*)(void))p)(); }

int main(void) {
  struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &sa, 0), sigaction(SIGBUS, &sa, 0);
  SAY(mmap(0, 0, RW, ANON, -1, 0));
  SAY(mmap(0, 1L << 30, RW, ANON | MAP_HUGETLB, -1, 0)); // none are set aside
  SAY(mmap(0, P, RW, MAP_ANONYMOUS, -1, 0));
  SAY(mmap(0, P, RW, MAP_PRIVATE, -1, 0));
  SAY(mmap(0, P, RW, MAP_PRIVATE, 0, 123));
  SAY(mmap(0, 1UL << 62, RW, ANON, -1, 0));
  SAY(mmap(0, -1UL, RW, ANON, -1, 0));
  SAY(mmap((void *)(base + 1), P, RW, ANON | MAP_FIXED, -1, 0));
  SAY(mmap((void *)(-1UL << 12), P, RW, ANON | MAP_FIXED, -1, 0));
  base = mmap(0, 64 * P, RW, ANON, -1, 0);
  memset(base, 1, 64 * P);
  SAY(mmap(base + P, P, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
  SAY(munmap(base + 1, P));
  SAY(munmap(base, 0));
  SAY(munmap(base + 10 * P, P));
  SAY(munmap(base + 10 * P, P));
  SAY(mmap(base + 10 * P, P, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
  touch("fresh", base + 10 * P, 0);
  SAY(munmap(base + 10 * P, P));
  touch("hole", base + 10 * P + 77, 0);
  touch("hole write", base + 10 * P + 77, 1);
  SAY(mprotect(base + 9 * P, 3 * P, PROT_READ));
  touch("before hole", base + 9 * P, 1);
  touch("behind hole", base + 11 * P, 1);
  SAY(mprotect(base + 1, P, PROT_READ));
  SAY(mprotect(base, P, 0x100));
  SAY(mprotect(base, 0, PROT_READ));
  SAY(mprotect(base + 20 * P, P, PROT_NONE));
  touch("none", base + 20 * P, 0);
  touch("none write", base + 20 * P + 4095, 1);
  SAY(mprotect(base + 20 * P, P, RW));
  touch("again", base + 20 * P, 0);
  SAY(mprotect(base + 21 * P, P, PROT_READ));
  touch("read only", base + 21 * P, 1);
  if (sigsetjmp(out, 1) == 0) run(base + 22 * P);
  printf("execute rw: %d %d %d\n", sig, code, at == base + 22 * P);
  if (sigsetjmp(out, 1) == 0) run(0);
  printf("execute null: %d %d %d\n", sig, code, at == 0);
  touch("null", 0, 0);
  touch("null write", (char *)8, 1);
  // a write over a page border, the second is not there
  SAY(munmap(base + 30 * P, P));
  if (sigsetjmp(out, 1) == 0) *(volatile uint64_t *)(base + 30 * P - 3) = -1;
  printf("torn: %d %d addr %ld, written %d\n", sig, code, (long)(at - (base + 30 * P)), base[30 * P - 1]);
  // mremap
  char *q = mmap(0, 8 * P, RW, ANON, -1, 0);
  for (int i = 0; i < 8; i++) q[i * P] = i + 1;
  SAY(mremap(q, 8 * P, 0, MREMAP_MAYMOVE));
  SAY(mremap(q + 1, 8 * P, P, MREMAP_MAYMOVE));
  SAY(mremap(q, 8 * P, 8 * P, 64));
  SAY(mremap(q, P, P, MREMAP_FIXED, base));
  SAY(mremap(q, 8 * P, 4 * P, 0));
  touch("cut off", q + 4 * P, 0);
  SAY(mremap(q, 5 * P, 6 * P, MREMAP_MAYMOVE));
  char *r = mremap(q, 4 * P, 100 * P, MREMAP_MAYMOVE);
  printf("moved: %d %d %d\n", r[0], r[3 * P], r[99 * P]);
  char *t = mmap(0, 200 * P, PROT_NONE, ANON, -1, 0);
  char *u = mremap(r, 100 * P, 100 * P, MREMAP_MAYMOVE | MREMAP_FIXED, t + P);
  printf("fixed: %d %d\n", u == t + P, u[3 * P]);
  touch("left", r, 0);
  SAY(mremap(u, 100 * P, 100 * P, MREMAP_MAYMOVE | MREMAP_FIXED, u + P));
  SAY(mremap(u, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, u + 5 * P));
  printf("%d %d\n", u[5 * P], u[6 * P]);
  // brk
  char *b0 = sbrk(0);
  SAY(brk(b0 + 100000));
  memset(b0, 3, 100000);
  SAY(brk(b0));
  SAY(brk(b0 + 100000));
  printf("brk zeroed: %d %d\n", b0[50000], b0[99999]);
  SAY(brk((void *)8));
  printf("%d\n", (char *)sbrk(0) == b0 + 100000);
  // madvise, mincore, msync
  memset(base, 9, P);
  SAY(madvise(base, P, MADV_DONTNEED));
  printf("dontneed: %d\n", base[0]);
  SAY(madvise(base, P, 12345));
  SAY(madvise(base + 1, P, MADV_DONTNEED));
  SAY(madvise(base + 29 * P, 3 * P, MADV_DONTNEED));
  SAY(madvise(base, P, MADV_HUGEPAGE) * 0);
  unsigned char vec[8] = {0};
  SAY(mincore(base, 2 * P, vec));
  SAY(mincore(base + 29 * P, 3 * P, vec));
  SAY(mincore(base + 1, P, vec));
  SAY(msync(base, P, MS_SYNC | MS_ASYNC));
  SAY(msync(base, P, MS_SYNC));
  SAY(msync(base + 29 * P, 3 * P, MS_SYNC));
  SAY(msync(base + 1, P, MS_SYNC));
  // files
  int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
  char buf[3 * P];
  memset(buf, 'a', sizeof buf);
  write(fd, buf, P + 100);
  char *m = mmap(0, 4 * P, RW, MAP_PRIVATE, fd, 0);
  char *s = mmap(0, 4 * P, RW, MAP_SHARED, fd, 0);
  touch("in file", m + P + 99, 0);
  touch("behind end, same page", m + P + 100, 0);
  touch("page behind", m + 2 * P, 0);
  touch("shared page behind", s + 2 * P + 5, 1);
  touch("far behind", m + 3 * P + 9, 1);
  m[0] = 'x';
  pread(fd, buf, 1, 0);
  printf("private stays so: %c %c\n", buf[0], s[0]);
  s[5] = 'S';
  SAY(msync(s, P, MS_SYNC));
  pread(fd, buf, 10, 0);
  printf("shared reaches: %.10s\n", buf);
  if (fork() == 0) {
    s[6] = 'C', m[6] = 'P';
    _exit(m[0] == 'x' ? 0 : 1);
  }
  int st;
  wait(&st);
  printf("child: %d, shared %c, private %c\n", st, s[6], m[6]);
  SAY(munmap(s, 4 * P));
  pread(fd, buf, 10, 0);
  printf("after munmap: %.10s\n", buf);
  int ro = open("f", O_RDONLY), wo = open("f", O_WRONLY);
  SAY(mmap(0, P, RW, MAP_SHARED, ro, 0));
  SAY(mmap(0, P, PROT_READ, MAP_PRIVATE, wo, 0));
  SAY(mmap(0, P, RW, MAP_PRIVATE, ro, 0));
  char *rs = mmap(0, P, PROT_READ, MAP_SHARED, ro, 0);
  SAY(mprotect(rs, P, RW));
  int pf[2];
  pipe(pf);
  SAY(mmap(0, P, PROT_READ, MAP_PRIVATE, pf[0], 0));
  close(ro), close(wo), close(fd), unlink("f");
  printf("unlinked: %c\n", rs[5]);
  // shared anonymous
  int *sh = mmap(0, 4 * P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 4; i++)
    if (fork() == 0) {
      for (int k = 0; k < 10000; k++) __atomic_add_fetch(sh, 1, __ATOMIC_RELAXED);
      _exit(0);
    }
  while (wait(0) > 0);
  printf("shared sum %d\n", *sh);
  sh[3 * 1024] = 77;
  sh = mremap(sh, 4 * P, 2 * P, 0);
  sh = mremap(sh, 2 * P, 4 * P, MREMAP_MAYMOVE);
  printf("shared grown again %d\n", sh[3 * 1024]);
  // private memory forks by value
  char *pv = mmap(0, P, RW, ANON, -1, 0);
  *pv = 1;
  char *wipe = mmap(0, P, RW, ANON, -1, 0), *dont = mmap(0, P, RW, ANON, -1, 0);
  *wipe = 1, *dont = 1;
  SAY(madvise(wipe, P, MADV_WIPEONFORK));
  SAY(madvise(dont, P, MADV_DONTFORK));
  fflush(stdout);
  if (fork() == 0) {
    *pv = 2;
    printf("wiped %d\n", *wipe);
    touch("not forked", dont, 0);
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  printf("private %d %d %d\n", *pv, *wipe, *dont);
  // pages of a file that were written to, and may not be any more, are the child's too; and those that many calls left
  fd = open("g", O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (int i = 0; i < 40; i++) write(fd, "0123456789abcdef0123456789abcdef", 32), lseek(fd, (i + 1) * (P / 4), SEEK_SET);
  char *fp = mmap(0, 8 * P, RW, MAP_PRIVATE, fd, 0), *fr = mmap(0, 8 * P, PROT_READ, MAP_PRIVATE, fd, 0);
  fp[0] = 'W', fp[3 * P] = 'X';
  SAY(mprotect(fp, 8 * P, PROT_READ));
  char *many = mmap(0, 300 * P, RW, ANON, -1, 0);
  for (int i = 0; i < 300; i++)
    if (i % 3) many[i * P] = i;
  for (int i = 5; i < 300; i += 10) mprotect(many + i * P, P, PROT_NONE);
  fflush(stdout);
  if (fork() == 0) {
    int same = 0;
    for (int i = 0; i < 300; i++)
      if (i % 10 != 5) same += many[i * P] == (char)(i % 3 ? i : 0);
    printf("child %c %c %c %c %d\n", fp[0], fp[3 * P], fp[P], fr[0], same);
    mprotect(many + 25 * P, P, RW);
    printf("child %d\n", many[25 * P]);
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  // a place that is used again is empty
  int dirty = 0;
  char *place = mmap(0, 16 * P, RW, ANON, -1, 0);
  for (int i = 0; i < 50; i++) {
    for (int k = 0; k < 16; k++) dirty += place[k * P], place[k * P] = 1;
    if (i % 3 == 1) mprotect(place + 4 * P, 4 * P, i % 2 ? PROT_NONE : PROT_READ);
    munmap(place, (i % 4 ? 16 : 8) * P);
    if (i % 4 == 0) munmap(place + 8 * P, 8 * P);
    if (i % 5 == 0) mmap(place, 16 * P, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), munmap(place, 16 * P);
    if (mmap(place, 16 * P, i % 2 ? RW : PROT_NONE, ANON | MAP_FIXED, -1, 0) != place) dirty++;
    mprotect(place, 16 * P, RW);
  }
  printf("dirty %d\n", dirty);
  touch("left", place + 3 * P, 1), munmap(place, 16 * P), touch("hole", place + 3 * P, 0);
  struct rlimit rl = {100 << 20, 100 << 20};
  setrlimit(RLIMIT_AS, &rl);
  SAY(mmap(0, 200 << 20, RW, ANON, -1, 0));
  return 0;
}
