// Programs that mean no good: what they do is in the first argument.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *spin(void *p) { for (;;) __asm__ volatile("" ::: "memory"); }
static void *park(void *p) { pause(); return 0; }
static uint64_t seed = 88172645463325252ULL;
static uint64_t rnd(void) { return seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17; }
static char area[1 << 20];

static long value(void) {
  static const long some[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 100, 4095, 4096, 4097, 65536, -1, -2, -100, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 1L << 63, 0xffff0000, 0x10000};
  switch (rnd() % 6) {
  case 0: return some[rnd() % (sizeof some / sizeof *some)];
  case 1: return (long)(area + rnd() % sizeof area);
  case 2: return (long)(area + (rnd() % 256) * 4096);
  case 3: return rnd() % 16;
  case 4: return rnd() & 0xffffffff;
  }
  return rnd();
}

// calls makes random system calls. Those that end or stop the program for good
// are left out; it is killed anyway.
static void calls(int n) {
  for (int i = 0; i < n; i++) {
    long nr = rnd() % 460;
    switch (nr) {
    case 34: case 60: case 61: case 130: case 231: case 247: continue;
    case 35: case 230: case 7: case 270: case 271: case 23: case 232: case 281: case 202: case 73: case 72: case 0: case 19: if (rnd() % 8) continue;
    }
    alarm(1);
    if (i % 16 == 0) for (int k = 0; k < 64; k++) *(long *)(area + (rnd() % (sizeof area / 8)) * 8) = value();
    syscall(nr, value(), value(), value(), value(), value(), value());
  }
  _exit(0);
}

int main(int argc, char **argv) {
  char *what = argv[1];
  pthread_t t;
  if (!strcmp(what, "loop")) {
    write(1, "ready\n", 6);
    spin(0);
  }
  if (!strcmp(what, "threads")) { // every kind of waiting
    for (int i = 0; i < 8; i++) pthread_create(&t, 0, i & 1 ? spin : park, 0);
    for (int i = 0; i < 3; i++) if (fork() == 0) spin(0);
    signal(SIGTERM, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    write(1, "ready\n", 6);
    for (;;) wait(0);
  }
  if (!strcmp(what, "bomb")) {
    int last = 0;
    for (int i = 0; i < 100000; i++) {
      pid_t p = fork();
      if (p == 0) pause(), _exit(0);
      if (p < 0) { printf("%s after %d\n", strerrorname_np(errno), i > 5); break; }
    }
    int r = pthread_create(&t, 0, park, 0);
    printf("thread %s\n", strerrorname_np(r));
    fflush(stdout);
    kill(0, SIGKILL);
  }
  if (!strcmp(what, "wildbomb")) for (;;) fork();
  if (!strcmp(what, "hog")) { // small pieces, and shared ones, which are paid for when they are asked for
    static const struct { long piece; int flags; } kinds[] = {{1 << 17, MAP_PRIVATE}, {1 << 20, MAP_SHARED}};
    for (int i = 0; i < 2; i++) {
      int st, pid = fork();
      if (pid == 0)
        for (char *mine = memset(malloc(8 << 20), 1, 8 << 20), *p;;) {
          p = mmap(0, kinds[i].piece, PROT_READ | PROT_WRITE, kinds[i].flags | MAP_ANONYMOUS, -1, 0);
          if (p == MAP_FAILED) _exit(errno);
          memset(p, *mine, kinds[i].piece);
        }
      waitpid(pid, &st, 0);
      printf("%d ", WTERMSIG(st));
    }
    long big = 1L << 30; // more than there is altogether ends nobody
    printf("%s ", mmap(0, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    memset(malloc(40 << 20), 1, 40 << 20); // what fork would have to copy
    printf("fork %d\n", fork() < 0);
    return 0;
  }
  if (!strcmp(what, "greed")) { // large pieces, which are paid for when they are touched
    static const int kinds[] = {0, MAP_NORESERVE};
    long big = 1L << 30, small = 4L << 20;
    for (int i = 0; i < 4; i++) {
      int st;
      fflush(stdout);
      if (fork() == 0) {
        if (i == 2) { // not by itself, but by what it reads into it
          char *p = mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          int fd = open("/zero", O_RDWR | O_CREAT, 0600);
          ftruncate(fd, big);
          for (long k = 0, n; k < big; k += n) if ((n = pread(fd, p + k, 8 << 20, k)) <= 0) break;
        }
        if (i == 3) mprotect(mmap(0, big, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), big, PROT_READ | PROT_WRITE), small = 2 << 20;
        if (i == 0) for (char *p; (p = sbrk(1 << 16)) != (void *)-1;) memset(p, 1, 1 << 16);
        for (;;) {
          long n = i ? small : big;
          char *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | kinds[i & 1], -1, 0);
          for (long k = 0; p != MAP_FAILED && k < n; k += 4096) p[k] = 1;
        }
      }
      char *mine = mmap(0, small, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      while (waitpid(-1, &st, WNOHANG) == 0) // a small one, which goes on
        for (long k = 0; k < small; k += 4096) mine[k]++;
      printf("%d ", WTERMSIG(st));
      munmap(mine, small);
    }
    pthread_t t[60];
    int n = 0;
    while (n < 60 && pthread_create(t + n, 0, park, 0) == 0) n++; // 480 MiB of stacks
    printf("%d threads, alive\n", n);
    return 0;
  }
  if (!strcmp(what, "maps")) { // as many areas as it can have
    int n = 0;
    char *p = mmap(0, 512 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (; n < 40000; n++) if (mprotect(p + (long)n * 8192, 4096, PROT_READ)) break;
    for (; n < 70000; n++) if (mmap(0, 4096, n & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) break;
    for (int i = 0; i < 300000; i++) if (mmap(0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) break;
    printf("%d\n", n >= 5000 && n < 40000);
    return 0;
  }
  if (!strcmp(what, "pages")) { // code on more pages than are guarded at a time
    unsigned char *p = mmap(0, 48 << 20, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long sum = 0;
    for (int round = 0; round < 2; round++)
      for (int i = 0; i < 6000; i++) {
        unsigned char *c = p + i * 8192L;
        if (c + 6 > p + (48 << 20)) break;
        int v = i + round;
        c[0] = 0xb8, memcpy(c + 1, &v, 4), c[5] = 0xc3;
        sum += ((int (*)(void))c)();
      }
    printf("%ld\n", sum);
    return 0;
  }
  if (!strcmp(what, "stackgone")) { // no stack for the handler
    signal(SIGSEGV, (void (*)(int))main);
    __asm__ volatile("mov $0x123450, %rsp; push %rax");
  }
  if (!strcmp(what, "badreturn")) { // sigreturn without a frame
    __asm__ volatile("mov $8, %rsp; mov $15, %eax; syscall");
  }
  if (!strcmp(what, "junkreturn")) { // sigreturn of noise
    for (int i = 0; i < sizeof area; i++) area[i] = rnd();
    __asm__ volatile("lea %0, %%rsp; mov $15, %%eax; syscall" ::"m"(area[4096]));
  }
  if (!strcmp(what, "code")) { // runs noise
    seed += atoi(argv[2]) * 0x9e3779b97f4a7c15;
    for (int i = 0; i < 40; i++) rnd();
    unsigned char *p = mmap(0, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 300; i++) {
      if (fork() == 0) {
        alarm(1);
        for (int k = 0; k < 1 << 16; k++) p[k] = rnd();
        ((void (*)(void))(p + (rnd() & 0xfff)))();
        _exit(0);
      }
      rnd();
      wait(0);
    }
    return 0;
  }
  if (!strcmp(what, "calls")) {
    seed += atoi(argv[2]) * 0x9e3779b97f4a7c15;
    for (int i = 0; i < 40; i++) rnd();
    int n = atoi(argv[3]), st;
    for (int i = 0; i < n; i++) {
      pid_t p = fork();
      if (p == 0) {
        setsid();
        calls(400);
      }
      rnd();
      waitpid(p, &st, 0);
      kill(-p, SIGKILL);
    }
    return 0;
  }
  return 1;
}
