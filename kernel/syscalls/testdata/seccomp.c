// seccomp: what filters are taken, what they see, and what becomes of calls.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
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
#define S BPF_STMT
#define J BPF_JUMP
#define NR S(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
static long filter(int flags, int n, struct sock_filter *f) {
  struct sock_fprog p = {n, f};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
// on makes a filter that answers ret for one call, and lets all others.
static long on(int flags, int nr, unsigned ret) {
  struct sock_filter f[] = {NR, J(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), S(BPF_RET | BPF_K, ret), S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  return filter(flags, 4, f);
}
#define CHILD(...) child(#__VA_ARGS__, ({ fflush(stdout); int p = fork(); if (p == 0) { __VA_ARGS__; fflush(stdout); _exit(0); } p; }))
static void child(const char *what, int p) {
  int st;
  waitpid(p, &st, 0);
  printf("%.60s -> %x\n", what, st & ~0x80), fflush(stdout);
}
static void traps(int s, siginfo_t *i, void *u) {
  ucontext_t *c = u;
  printf("SIGSYS code %d errno %d call %d arch %x addr %d rax %lld\n", i->si_code, i->si_errno, i->si_syscall, i->si_arch, (long)i->si_call_addr == c->uc_mcontext.gregs[REG_RIP], c->uc_mcontext.gregs[REG_RAX]);
  c->uc_mcontext.gregs[REG_RAX] = 4711;
}
static int mode(void) {
  char line[200];
  int m = -1, n = -1;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f)) sscanf(line, "Seccomp: %d", &m), sscanf(line, "Seccomp_filters: %d", &n);
  if (f) fclose(f);
  return m * 100 + n;
}

static void refusals(void) {
  struct sock_filter ok[] = {S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}, *big = calloc(5000, sizeof *big);
  for (int i = 0; i < 5000; i++) big[i] = (struct sock_filter)S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  R(prctl(PR_GET_SECCOMP)), R(mode());
  if (fork() == 0) { // without the right to
    setresuid(65534, 65534, 65534);
    R(filter(0, 1, ok)), R(filter(0, 0, ok)), R(filter(0, 1, BAD)), R(prctl(PR_SET_SECCOMP, 2, &(struct sock_fprog){1, ok})), R(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), R(filter(0, 1, ok)), R(mode());
    _exit(0);
  }
  wait(0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  R(syscall(SYS_seccomp, 9, 0, 0)), R(syscall(SYS_seccomp, 1, 0, BAD)), R(syscall(SYS_seccomp, 0, 1, 0)), R(syscall(SYS_seccomp, 0, 0, ok)), R(filter(1 << 20, 1, ok)), R(filter(0, 0, ok)), R(filter(0, 4097, big)), R(filter(0, 1, BAD)), R(prctl(PR_SET_SECCOMP, 0, 0)), R(prctl(PR_SET_SECCOMP, 3, 0)), R(prctl(PR_SET_SECCOMP, 2, BAD));
  unsigned acts[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000, SECCOMP_RET_ERRNO | 1};
  for (int i = 0; i < 9; i++) R(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &acts[i]));
  R(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, acts)), R(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, BAD));
  static const struct sock_filter bad[][3] = {
      {S(BPF_LD | BPF_W | BPF_ABS, 64)}, {S(BPF_LD | BPF_W | BPF_ABS, 2)}, {S(BPF_LD | BPF_H | BPF_ABS, 0)}, {S(BPF_LD | BPF_W | BPF_IND, 0)}, {S(BPF_LD | BPF_MEM, 0)}, {S(BPF_LD | BPF_MEM, 16)}, {S(BPF_ST, 16)},
      {S(BPF_ALU | BPF_DIV | BPF_K, 0)}, {S(BPF_ALU | BPF_MOD | BPF_K, 3)}, {S(BPF_ALU | BPF_LSH | BPF_K, 32)}, {S(BPF_JMP | BPF_JA, 2)}, {S(BPF_JMP | BPF_JA, 0xffffffff)}, {J(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0)}, {J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 255)}, {S(0xffff, 0)}, {S(BPF_LDX | BPF_B | BPF_MSH, 0)}, {S(BPF_RET | BPF_X, 0)}, {S(BPF_LD | BPF_B | BPF_LEN, 0)},
  };
  for (int i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct sock_filter f[3] = {bad[i][0], S(BPF_LD | BPF_IMM, 0), S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    printf("%d: ", i), R(filter(0, 3, f));
  }
  struct sock_filter noret[] = {S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), S(BPF_LD | BPF_IMM, 0)};
  R(filter(0, 2, noret));
  int n = 0;
  while (filter(0, 4096, big) == 0) n++;
  printf("of the longest %d, then %s\n", n, strerror(errno)), R(mode());
}

static pthread_barrier_t gate;
static volatile int other;
static void *thread(void *p) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (p) on(0, 998, SECCOMP_RET_ERRNO | 8);
  other = syscall(SYS_gettid);
  pthread_barrier_wait(&gate), pthread_barrier_wait(&gate);
  errno = 0, syscall(999);
  int e = errno;
  printf("thread's 999: %d, mode %d\n", e, prctl(PR_GET_SECCOMP)), fflush(stdout);
  return 0;
}
static void *dies(void *p) { return syscall(999), (void *)0; }
static void sync_(int flags, void *own) {
  pthread_t t;
  pthread_barrier_init(&gate, 0, 2);
  pthread_create(&t, 0, thread, own), pthread_barrier_wait(&gate);
  long r = on(flags, 999, SECCOMP_RET_ERRNO | 77);
  printf("sync: %ld %s\n", r == other ? 1000 : r, r < 0 ? strerror(errno) : "");
  pthread_barrier_wait(&gate), pthread_join(t, 0);
}
static void actions(void) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  struct sigaction sa = {.sa_sigaction = traps, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &sa, 0);
  CHILD(R(on(0, SYS_getppid, SECCOMP_RET_ERRNO | 5)), R(getppid()), R(prctl(PR_GET_SECCOMP)), R(mode()), R(prctl(PR_SET_SECCOMP, 1, 0)), CHILD(R(getppid())));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_ERRNO), R(getppid()));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_ERRNO | 0xffff), R(syscall(SYS_getppid)));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_TRAP | 33), R(getppid()));
  CHILD(on(0, 999, SECCOMP_RET_TRAP | 34), R(syscall(999)));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_TRAP), signal(SIGSYS, SIG_IGN), getppid(), printf("not reached\n"));
  CHILD(sigset_t s; sigfillset(&s); on(0, SYS_getppid, SECCOMP_RET_TRAP), sigprocmask(SIG_BLOCK, &s, 0), getppid(), printf("not reached\n"));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS), getppid(), printf("not reached\n"));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_KILL_THREAD), getppid(), printf("not reached\n"));
  CHILD(on(0, SYS_getppid, 0x12340000), getppid(), printf("not reached\n"));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_TRACE | 3), R(getppid()), on(0, SYS_getpgrp, SECCOMP_RET_USER_NOTIF), R(getpgrp()));
  CHILD(on(0, SYS_getppid, SECCOMP_RET_LOG), R(getppid() > 0));
  CHILD(pthread_t t; on(0, 999, SECCOMP_RET_KILL_THREAD), pthread_create(&t, 0, dies, 0), usleep(20000), R(getpid() > 0));
  CHILD(pthread_t t; on(0, 999, SECCOMP_RET_KILL_PROCESS), pthread_create(&t, 0, dies, 0), sleep(5), printf("not reached\n"));
  // several: the one that allows least, of equals the newest
  CHILD(on(0, SYS_getppid, SECCOMP_RET_ERRNO | 5), on(0, SYS_getppid, SECCOMP_RET_ERRNO | 6), R(getppid()), on(0, SYS_getppid, SECCOMP_RET_LOG), R(getppid()), on(0, SYS_getppid, SECCOMP_RET_TRAP), R(getppid()), R(mode()));
  // strict
  CHILD(R(prctl(PR_SET_SECCOMP, 1, 0)), write(1, "written\n", 8), syscall(SYS_exit, 3));
  CHILD(R(syscall(SYS_seccomp, 0, 0, 0)), getpid() + syscall(SYS_getppid), write(1, "not reached\n", 12));
  CHILD(raise(0), prctl(PR_SET_SECCOMP, 1, 0), syscall(SYS_exit_group, 0));
  // threads
  CHILD(sync_(SECCOMP_FILTER_FLAG_TSYNC, 0));
  CHILD(sync_(0, 0));
  CHILD(sync_(SECCOMP_FILTER_FLAG_TSYNC, "own"));
  CHILD(sync_(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, "own"));
  // exec
  CHILD(on(0, 999, SECCOMP_RET_ERRNO | 44), fflush(stdout), execl("/proc/self/exe", "seccomp", "after", (char *)0));
  CHILD(on(0, SYS_execve, SECCOMP_RET_ERRNO | 1), R(execl("/proc/self/exe", "seccomp", "after", (char *)0)));
  // an interrupted call that is made again is asked about again
  CHILD(int p[2]; pipe(p); struct sigaction a = {.sa_handler = (void *)getpid, .sa_flags = SA_RESTART}; sigaction(SIGALRM, &a, 0), ualarm(5000, 0), on(0, SYS_write, SECCOMP_RET_ALLOW), read(p[0], &a, ({ if (fork() == 0) usleep(20000), write(p[1], "x", 1), _exit(0); 1; })), printf("read\n"));
}

static uint32_t seed = 1;
static uint32_t rnd(uint32_t n) { return (seed = seed * 1664525 + 1013904223) >> 8, (seed >> 8) % n; }
static void random_(void) { // programs that nobody would write
  static const int codes[] = {0x20, 0x20, 0x20, 0x80, 0, 0, 0x60, 0x60, 0x81, 1, 1, 0x61, 2, 2, 3, 4, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x84, 0xa4, 0xc, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x6c, 0x7c, 0xac, 5, 0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d, 7, 0x87};
  int *out = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int taken = 0;
  for (int round = 0; round < 400; round++) {
    struct sock_filter f[40] = {NR, J(BPF_JMP | BPF_JEQ | BPF_K, 999, 1, 0), S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    int n = 3, body = 3 + rnd(25);
    for (int i = 0; i < 4; i++) f[n++] = (struct sock_filter)S(BPF_LD | BPF_IMM, rnd(1 << 24) * 977), f[n++] = (struct sock_filter)S(BPF_ST, i);
    for (int i = 0; i < body; i++) {
      int c = codes[rnd(sizeof codes / sizeof *codes)], left = body - i;
      uint32_t k = rnd(4) ? rnd(5) : rnd(1 << 24) * 1021;
      if (c == 0x20) k = rnd(16) * 4;
      if (c == 2 || c == 3 || (c & 0xfe) == 0x60) k = rnd(rnd(40) ? 4 : 17);
      if (c == 0x64 || c == 0x74) k = rnd(33);
      if (c == 5) k = rnd(left);
      f[n++] = (struct sock_filter){c, rnd(left), rnd(left), k};
    }
    f[n++] = (struct sock_filter)S(BPF_ALU | BPF_AND | BPF_K, 0x7ff), f[n++] = (struct sock_filter)S(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), f[n++] = (struct sock_filter)S(BPF_RET | BPF_A, 0);
    out[0] = -5, out[1] = 0;
    int p = fork(), st;
    if (p == 0) {
      if (filter(0, n, f) < 0) out[0] = -errno, _exit(0);
      long r;
      __asm__ volatile("syscall" : "=a"(r) : "a"(999), "D"(0x123456789abcdefL), "S"(-1L), "d"(7L) : "rcx", "r11", "memory");
      out[0] = -r, out[1] = 1;
      syscall(SYS_exit, 0);
    }
    waitpid(p, &st, 0);
    printf("%d:%d:%x ", out[0], out[1], st & ~0x80), taken += out[1];
    if (round % 20 == 19) printf("\n");
  }
  printf("\ntaken %d\n", taken > 100);
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  switch (argv[1][0]) {
  case 'a': errno = 0, syscall(999), printf("after exec: %d, mode %d\n", errno, prctl(PR_GET_SECCOMP)); break;
  case 'r': refusals(); break;
  case 'd': actions(); break;
  case 'f': random_(); break;
  }
  return 0;
}
