// Scheduling, processors, nodes, keys, barriers: what is asked for, told, and refused.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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
struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t run, dead, period; uint32_t min, max; };
static long set(int pid, struct attr *a) { return syscall(SYS_sched_setattr, pid, a, 0); }
static void show(int pid) {
  struct attr a;
  memset(&a, 9, sizeof a);
  long r = syscall(SYS_sched_getattr, pid, &a, 48, 0);
  if (r < 0) return (void)printf("getattr %s\n", strerror(errno));
  printf("size %u policy %u flags %lx nice %d prio %u, scheduler %x\n", a.size, a.policy, (long)a.flags, a.nice, a.prio, sched_getscheduler(pid));
}
static int status(int p) {
  int st;
  waitpid(p, &st, 0);
  return st;
}
static void dropcaps(int n, ...) {
  struct { unsigned version; int pid; } h = {0x20080522, 0};
  unsigned caps[6] = {0};
  syscall(SYS_capget, &h, caps);
  __builtin_va_list l;
  __builtin_va_start(l, n);
  for (int i = 0, c; i < n; i++) c = __builtin_va_arg(l, int), caps[0] &= ~(1u << c), caps[1] &= ~(1u << c);
  syscall(SYS_capset, &h, caps);
}
static void nobody(void) { setresgid(65534, 65534, 65534), setresuid(65534, 65534, 65534); }

static void scheduling(void) {
  struct attr a = {48}, big[20] = {{sizeof big}};
  struct sched_param p = {0}, one = {1}, many = {100};
  show(0), show(getpid()), show(999999), show(-1);
  R(syscall(SYS_sched_getattr, 0, &a, 40, 0)), R(syscall(SYS_sched_getattr, 0, &a, 5000, 0)), R(syscall(SYS_sched_getattr, 0, &a, 48, 1)), R(syscall(SYS_sched_getattr, 0, 0, 48, 0)), R(syscall(SYS_sched_getattr, 0, BAD, 48, 0));
  R(set(0, 0)), R(set(0, BAD)), R(syscall(SYS_sched_setattr, 0, &a, 1)), R(set(-1, &a)), R(set(999999, &a));
  a.size = 0, R(set(0, &a)), a.size = 40, R(set(0, &a)), printf("%d\n", a.size >= 56), a.size = 48;
  R(set(0, (void *)big)), ((char *)big)[sizeof big - 1] = 1, R(set(0, (void *)big)), big[0].size = 5000, R(set(0, (void *)big));
  a.policy = 9, R(set(0, &a)), a.policy = -1, R(set(0, &a)), a.policy = 0, a.flags = 1 << 20, R(set(0, &a)), a.flags = 0, a.prio = 1, R(set(0, &a)), a.policy = 1, a.prio = 0, R(set(0, &a)), a.prio = 100, R(set(0, &a)), a.prio = 5, R(set(0, &a)), a.policy = 2, R(set(0, &a));
  a.policy = 6, a.prio = 0, R(set(0, &a)), a.run = a.dead = a.period = 10000000, R(set(0, &a));
  a = (struct attr){48, SCHED_BATCH, 0, 3}, R(set(0, &a)), show(0), a.nice = 100, R(set(0, &a)), show(0), a.nice = 0, R(set(0, &a)), show(0);
  a.nice = 19, a.flags = 8 | 1, a.policy = 0, R(set(0, &a)), show(0), a.flags = 0, R(set(0, &a)); // keeps the policy, and a fork does not
  int c = fork();
  if (c == 0) show(0), _exit(0);
  status(c);
  a.policy = SCHED_IDLE, a.flags = 1, R(set(0, &a)), show(0), a.policy = 0, R(set(0, &a)), show(0);
  R(sched_setscheduler(0, SCHED_OTHER, &p)), R(sched_setscheduler(0, SCHED_OTHER | 0x40000000, &p)), show(0), R(sched_setscheduler(0, SCHED_FIFO, &one)), R(sched_setscheduler(0, SCHED_FIFO, &p)), R(sched_setscheduler(0, SCHED_RR, &many)), R(sched_setscheduler(0, 7, &p)), R(sched_setscheduler(0, -1, &p)), R(sched_setscheduler(0, 0, 0)), R(sched_setscheduler(0, 0, BAD)), R(sched_setscheduler(-1, 0, &p)), R(sched_setscheduler(999999, 0, &p)), R(sched_setscheduler(0, SCHED_BATCH, &one));
  R(sched_getscheduler(-1)), R(sched_getscheduler(999999)), R(sched_getparam(0, &one)), printf("%d\n", one.sched_priority), R(sched_getparam(0, 0)), R(sched_getparam(-1, &one)), R(sched_setparam(0, &p)), one.sched_priority = 1, R(sched_setparam(0, &one)), R(sched_setparam(0, 0)), R(sched_setparam(999999, &p));
  // niceness
  errno = 0, R(getpriority(PRIO_PROCESS, 0)), R(getpriority(PRIO_PGRP, 0)), R(getpriority(3, 0)), R(getpriority(-1, 0)), R(getpriority(PRIO_PROCESS, 999999)), R(getpriority(PRIO_PGRP, 999999)), R(setpriority(PRIO_PROCESS, 999999, 1)), R(setpriority(PRIO_PROCESS, 0, -5)), R(setpriority(3, 0, 0));
  int in[2];
  pipe(in);
  c = fork();
  if (c == 0) read(in[0], in, 1), _exit(0);
  R(setpriority(PRIO_PROCESS, c, 19)), R(getpriority(PRIO_PROCESS, c));
  if (fork() == 0) nobody(), R(setpriority(PRIO_PROCESS, c, 19)), R(set(c, &a)), R(sched_setaffinity(c, 8, (void *)&(long){1})), R(getpriority(PRIO_PROCESS, c)), R(syscall(SYS_ioprio_set, 1, c, 2 << 13)), R(prlimit(c, 0, 0, 0)), _exit(0);
  wait(0), write(in[1], "", 1), wait(0);
  // disks
  R(syscall(SYS_ioprio_get, 1, 0)), R(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3)), R(syscall(SYS_ioprio_get, 1, 0)), R(syscall(SYS_ioprio_set, 1, 0, 3 << 13)), R(syscall(SYS_ioprio_get, 1, getpid())), R(syscall(SYS_ioprio_set, 1, 0, 0)), R(syscall(SYS_ioprio_get, 1, 0));
  R(syscall(SYS_ioprio_set, 1, 0, 3)), R(syscall(SYS_ioprio_set, 1, 0, 4 << 13)), R(syscall(SYS_ioprio_set, 0, 0, 0)), R(syscall(SYS_ioprio_set, 4, 0, 0)), R(syscall(SYS_ioprio_get, 0, 0)), R(syscall(SYS_ioprio_get, 1, 999999)), R(syscall(SYS_ioprio_set, 1, 999999, 0)), R(syscall(SYS_ioprio_set, 2, 999999, 0));
  // limits of another
  c = fork();
  if (c == 0) pause();
  struct rlimit rl, lower = {40, 50};
  R(prlimit(c, RLIMIT_NOFILE, &lower, &rl)), R(prlimit(c, RLIMIT_NOFILE, 0, &rl)), printf("%ld %ld\n", (long)rl.rlim_cur, (long)rl.rlim_max), R(prlimit(999999, 0, 0, 0)), lower.rlim_max = 60, R(prlimit(c, RLIMIT_NOFILE, &lower, 0)), R(prlimit(c, 99, 0, 0)), R(prlimit(0, 0, BAD, 0)), R(prlimit(0, 0, 0, BAD));
  kill(c, SIGKILL), status(c);
}

static void processors(void) {
  unsigned cpu = 99, node = 99, first;
  cpu_set_t all, one;
  R(sched_getaffinity(0, 7, (void *)&all)), R(sched_getaffinity(0, 12, (void *)&all)), R(syscall(SYS_sched_getaffinity, 0, 128, BAD)), R(sched_getaffinity(999999, sizeof all, &all)), R(sched_getaffinity(0, sizeof all, &all));
  R(sched_setaffinity(0, 0, (void *)&all)), R(sched_setaffinity(0, 8, (void *)&(long){0})), R(sched_setaffinity(0, 8, BAD)), R(sched_setaffinity(999999, 8, (void *)&(long){1})), R(sched_setaffinity(0, 8, (void *)&(long){1L << 62}));
  for (first = 0; !CPU_ISSET(first, &all); first++) {}
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  R(sched_setaffinity(0, 1, (void *)&one)), R(getcpu(&cpu, &node)), printf("cpu %d node %u count %d\n", cpu == first, node, (sched_getaffinity(0, sizeof all, &one), CPU_COUNT(&one)));
  int c = fork();
  if (c == 0) sched_getaffinity(0, sizeof one, &one), _exit(CPU_COUNT(&one));
  R(status(c));
  R(sched_setaffinity(0, sizeof all, &all)), R(getcpu(0, 0)), R(syscall(SYS_getcpu, BAD, 0, 0)), R(getcpu(&cpu, 0)), printf("in it %d\n", CPU_ISSET(cpu, &all) != 0);
  R(syscall(SYS_membarrier, 0, 1)), R(syscall(SYS_membarrier, 1 << 20, 0));
  R((syscall(SYS_membarrier, 0, 0) & 31) == 31), R(syscall(SYS_membarrier, 8, 0)), R(syscall(SYS_membarrier, 16, 0)), R(syscall(SYS_membarrier, 8, 0)), R(syscall(SYS_membarrier, 4, 0)), R(syscall(SYS_membarrier, 2, 0)), R(syscall(SYS_membarrier, 1, 0));
  c = fork();
  if (c == 0) _exit(syscall(SYS_membarrier, 8, 0) == 0 ? 0 : errno);
  R(status(c));
}
// Two threads: without the barrier both may see what was before.
static volatile int x, y, round_, seen, done;
static void *light(void *p) {
  for (int last = 0; !done;) {
    if (round_ == last) continue;
    last = round_;
    x = 1;
    __asm__ volatile("" ::: "memory");
    seen = y;
    __asm__ volatile("" ::: "memory");
    __atomic_store_n(&round_, -last, __ATOMIC_SEQ_CST);
    last = -last;
  }
  return 0;
}
static void barrier(void) {
  pthread_t t;
  int both = 0;
  pthread_create(&t, 0, light, 0);
  for (int i = 1; i <= 3000; i++) {
    x = y = 0;
    __atomic_store_n(&round_, i, __ATOMIC_SEQ_CST);
    y = 1;
    syscall(SYS_membarrier, 8, 0);
    int mine = x;
    while (__atomic_load_n(&round_, __ATOMIC_SEQ_CST) == i) {}
    both += !mine && !seen;
  }
  done = 1, pthread_join(t, 0);
  printf("neither saw the other: %d\n", both);
}

static long mask[64], two[64];
static long setpol(int mode, void *m, long n) { return syscall(SYS_set_mempolicy, mode, m, n); }
static void pol(void) {
  int mode = -1;
  unsigned long m[4] = {-1, -1, -1, -1};
  long r = syscall(SYS_get_mempolicy, &mode, m, 256, 0, 0);
  printf("policy %ld mode %x nodes %lx %lx %lx\n", r, mode, m[0], m[1], m[3]);
}
static void numa(void) {
  char *p = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 1, 16384), munmap(p + 8192, 4096);
  int mode, st[4], nodes[4] = {0};
  mask[0] = 1, two[0] = 2;
  pol();
  R(setpol(2, mask, 64)), pol(), R(setpol(3, mask, 64)), pol(), R(setpol(1, mask, 64)), pol(), R(setpol(1, 0, 0)), pol(), R(setpol(4, 0, 0)), pol(), R(setpol(5, mask, 64)), pol(), R(setpol(2 | 1 << 15, mask, 64)), pol(), R(setpol(2 | 1 << 14, two, 64)), pol(), R(setpol(2 | 1 << 13, mask, 64)), pol(), R(setpol(0, 0, 0)), pol();
  R(setpol(9, 0, 0)), R(setpol(-1, 0, 0)), R(setpol(0, mask, 64)), R(setpol(2, 0, 0)), R(setpol(2, two, 64)), R(setpol(2, mask, 1)), R(setpol(2, mask, 2)), R(setpol(2, mask, 1 << 20)), R(setpol(2, BAD, 64)), R(setpol(4, mask, 64)), R(setpol(2 | 3 << 14, mask, 64)), R(setpol(3 | 1 << 13, mask, 64)), R(setpol(1 | 1 << 15, 0, 0)), R(setpol(4 | 1 << 15, 0, 0));
  mask[63] = 1, R(setpol(2, mask, 4096)), mask[63] = 0, R(setpol(2, mask, 4096));
  int c = fork();
  if (c == 0) pol(), _exit(0);
  status(c);
  R(syscall(SYS_get_mempolicy, 0, 0, 0, 0, 0)), R(syscall(SYS_get_mempolicy, 0, mask, 0, 0, 0)), R(syscall(SYS_get_mempolicy, 0, 0, 0, 0, 8)), R(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 0)), R(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 2)), R(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 3)), printf("%d\n", mode), R(syscall(SYS_get_mempolicy, &mode, 0, 0, p + 8192, 3)), R(syscall(SYS_get_mempolicy, &mode, 0, 0, 0, 1)), R(syscall(SYS_get_mempolicy, &mode, 0, 0, 0, 6)), R(syscall(SYS_get_mempolicy, &mode, mask, 512, 0, 4)), printf("%d %ld\n", mode, mask[0]), R(syscall(SYS_get_mempolicy, BAD, 0, 0, 0, 0)), R(syscall(SYS_get_mempolicy, 0, BAD, 512, 0, 0));
  setpol(3, mask, 64), R(syscall(SYS_get_mempolicy, &mode, 0, 0, 0, 1)), printf("%d\n", mode), setpol(0, 0, 0);
  R(syscall(SYS_mbind, p, 8192, 2, mask, 64, 0)), R(syscall(SYS_mbind, p, 16384, 2, mask, 64, 0)), R(syscall(SYS_mbind, p + 1, 4096, 2, mask, 64, 0)), R(syscall(SYS_mbind, p, 0, 2, mask, 64, 0)), R(syscall(SYS_mbind, p, -1, 2, mask, 64, 0)), R(syscall(SYS_mbind, p, 4096, 9, mask, 64, 0)), R(syscall(SYS_mbind, p, 4096, 2, two, 64, 0)), R(syscall(SYS_mbind, p, 4096, 2, 0, 0, 0)), R(syscall(SYS_mbind, p, 4096, 2, mask, 64, 8)), R(syscall(SYS_mbind, p, 4096, 2, mask, 64, 4)), R(syscall(SYS_mbind, p, 4096, 2, mask, 64, 3)), R(syscall(SYS_mbind, p, 4096, 0, 0, 0, 0)), R(syscall(SYS_mbind, p, 4096, 2, BAD, 64, 0));
  void *pages[4] = {p, p + 4096, p + 8192, p + 12288};
  R(syscall(SYS_move_pages, 0, 4, pages, 0, st, 0)), printf("%d %d %d %d\n", st[0], st[1], st[2], st[3]);
  R(syscall(SYS_move_pages, 0, 2, pages, nodes, st, 2)), printf("%d %d\n", st[0], st[1]), nodes[1] = 7, R(syscall(SYS_move_pages, 0, 2, pages, nodes, st, 2)), R(syscall(SYS_move_pages, 0, 2, pages, nodes, st, 8)), R(syscall(SYS_move_pages, 0, 2, pages, nodes, st, 4)), R(syscall(SYS_move_pages, 999999, 2, pages, 0, st, 0)), R(syscall(SYS_move_pages, 0, 2, BAD, 0, st, 0)), R(syscall(SYS_move_pages, 0, 2, pages, 0, BAD, 0)), R(syscall(SYS_move_pages, 0, 0, pages, 0, st, 0));
  R(syscall(SYS_migrate_pages, 0, 64, mask, mask)), R(syscall(SYS_migrate_pages, 999999, 64, mask, mask)), R(syscall(SYS_migrate_pages, 0, 64, BAD, mask)), R(syscall(SYS_migrate_pages, 0, 64, mask, two));
  R(syscall(450, p, 4096, 0, 1)), R(syscall(450, p + 1, 4096, 0, 0)), R(syscall(450, p, 0, 0, 0)), R(syscall(450, p, 4096, 99, 0));
  // keys of a processor that has none
  R(syscall(SYS_pkey_alloc, 1, 0)), R(syscall(SYS_pkey_alloc, 0, 4)), R(syscall(SYS_pkey_free, 1)), R(syscall(SYS_pkey_mprotect, p, 4096, PROT_READ, -1)), R(syscall(SYS_pkey_mprotect, p, 4096, PROT_READ, 1)), R(syscall(SYS_pkey_mprotect, p + 1, 4096, PROT_READ, -1));
}

static long kcmp(int a, int b, int type, long i, long j) { return syscall(SYS_kcmp, a, b, type, i, j); }
static void *hold(void *p) { return pause(), (void *)0; }
static volatile int tid;
static void *threaded(void *p) { return tid = syscall(SYS_gettid), pause(), (void *)0; }
static void peers(void) {
  int me = getpid(), fd = open("/dev/null", O_RDONLY), twin = dup(fd), other = open("/dev/null", O_RDONLY);
  pthread_t t;
  pthread_create(&t, 0, threaded, 0);
  while (!tid) usleep(100);
  for (int i = 1; i < 8; i++) if (i != 5) R(kcmp(me, tid, i, 0, 0)), R(kcmp(me, me, i, 0, 0));
  R(kcmp(me, me, 0, fd, twin)), R(kcmp(me, me, 0, fd, other) > 0), R(kcmp(me, me, 0, fd, other) + kcmp(me, me, 0, other, fd)), R(kcmp(me, me, 0, fd, 999)), R(kcmp(me, me, 9, 0, 0)), R(kcmp(me, 999999, 0, 0, 0)), R(kcmp(0, me, 1, 0, 0));
  int ep = epoll_create1(0), pp[2];
  pipe(pp);
  struct epoll_event ev = {EPOLLIN};
  epoll_ctl(ep, EPOLL_CTL_ADD, pp[0], &ev);
  int slot[3] = {ep, pp[0], 0}, none[3] = {ep, pp[1], 0}, notep[3] = {fd, pp[0], 0};
  R(kcmp(me, me, 7, pp[0], (long)slot)), R(kcmp(me, me, 7, pp[1], (long)slot) > 0), R(kcmp(me, me, 7, pp[0], (long)none)), R(kcmp(me, me, 7, pp[0], (long)notep)), R(kcmp(me, me, 7, pp[0], 16)), slot[2] = 1, R(kcmp(me, me, 7, pp[0], (long)slot));
  // memory of another
  static char mine[100] = "mine", his[20000] = "original";
  int st, to[2], from[2];
  pipe(to), pipe(from);
  int c = fork();
  if (c == 0) {
    for (int i = 0; i < 20000; i++) his[i] = i % 26 + 'a';
    write(from[1], "", 1), read(to[0], &st, 1);
    write(1, his, 8), write(1, his + 4090, 12), write(1, "\n", 1);
    _exit(0);
  }
  read(from[0], &st, 1);
  for (int i = 1; i < 7; i++) if (i != 5) R(kcmp(me, c, i, 0, 0) > 0);
  R(kcmp(me, c, 0, fd, twin)), R(kcmp(me, c, 5, 0, 0));
  struct iovec l[3] = {{mine, 10}, {mine + 20, 0}, {mine + 30, 20}}, r[3] = {{his, 5}, {his + 4094, 20}, {BAD, 5}}, none1 = {0, 0};
  R(process_vm_readv(c, l, 3, r, 2, 0)), printf("%.10s %.20s\n", mine, mine + 30);
  R(process_vm_readv(c, l, 3, r, 3, 0)), R(process_vm_readv(c, l, 3, r + 2, 1, 0)), R(process_vm_readv(c, r + 2, 1, r, 1, 0)), R(process_vm_readv(c, l, 1, r, 1, 1)), R(process_vm_readv(999999, l, 1, r, 1, 0)), R(process_vm_readv(c, l, 1025, r, 1, 0)), R(process_vm_readv(c, l, 1, r, 1025, 0)), R(process_vm_readv(c, &none1, 1, r, 1, 0)), R(process_vm_readv(c, l, 0, BAD, 1, 0)), R(process_vm_readv(c, l, 1, BAD, 1, 0)), R(process_vm_readv(c, BAD, 1, r, 1, 0)), R(process_vm_readv(c, l, 1, r, 0, 0));
  memcpy(mine, "WRITTEN BY THE PARENT", 21), r[0].iov_len = 4, r[1].iov_len = 8, R(process_vm_writev(c, l, 1, r, 2, 0)), R(process_vm_writev(c, l, 1, r + 2, 1, 0)), R(process_vm_readv(me, l, 1, &(struct iovec){his, 8}, 1, 0)), printf("%.8s\n", mine);
  int pfd = syscall(SYS_pidfd_open, c, 0), got;
  R(syscall(438, pfd, fd, 1)), R(syscall(438, pfd, 999, 0)), R(syscall(438, fd, fd, 0)), got = syscall(438, pfd, fd, 0), R(kcmp(me, me, 0, got, fd)), R(fcntl(got, F_GETFD)), R(syscall(448, pfd, 1)), R(syscall(448, fd, 0)), R(syscall(448, pfd, 0));
  char folder[40];
  sprintf(folder, "/proc/%d", c);
  int dfd = open(folder, O_RDONLY | O_DIRECTORY);
  R(syscall(424, dfd, 0, 0, 0)), R(syscall(424, open("/proc", O_RDONLY), 0, 0, 0)), R(syscall(424, fd, 0, 0, 0));
  fflush(stdout);
  if (fork() == 0) {
    nobody(); // not what another may look at, nor look at others
    R(kcmp(c, c, 1, 0, 0)), R(process_vm_readv(c, l, 1, r, 1, 0)), R(syscall(438, pfd, fd, 0)), R(syscall(SYS_move_pages, c, 0, 0, 0, 0, 0)), R(prctl(PR_GET_DUMPABLE)), R(prctl(PR_SET_DUMPABLE, 1)), R(prctl(PR_GET_DUMPABLE)), R(prctl(PR_SET_DUMPABLE, 2)), R(prctl(PR_SET_DUMPABLE, 3));
    int d = fork();
    if (d == 0) read(to[0], &st, 1), _exit(0);
    R(process_vm_readv(d, l, 1, r, 1, 0)), prctl(PR_SET_DUMPABLE, 0);
    int e = fork();
    if (e == 0) read(to[0], &st, 1), _exit(0);
    R(process_vm_readv(e, l, 1, r, 1, 0)), R(kcmp(d, getpid(), 1, 0, 0) > 0), kill(d, 9), kill(e, 9), waitpid(d, 0, 0), waitpid(e, 0, 0); // who reads c's byte no more
    _exit(0);
  }
  wait(0), write(to[1], "", 1), status(c), R(syscall(424, dfd, 0, 0, 0)), R(syscall(438, pfd, fd, 0)), R(process_vm_readv(c, l, 1, r, 1, 0)), R(kcmp(c, me, 1, 0, 0)), R(syscall(448, pfd, 0));
}

struct old { unsigned long ino, off; unsigned short len; char name[]; };
static void dirs(void) {
  mkdir("d", 0700), mkdir("d/sub", 0700), close(creat("d/a", 0600)), close(creat("d/longer name", 0600)), symlink("x", "d/link");
  int fd = open("d", O_RDONLY | O_DIRECTORY), n, all = 0, ok = 1;
  char b[200];
  int files = 0, sum = 0;
  while ((n = syscall(SYS_getdents, fd, b, 70)) > 0)
    for (int i = 0; i < n;) {
      struct old *e = (void *)(b + i);
      sum += strlen(e->name) * (b[i + e->len - 1]), files++, ok &= e->len % 8 == 0 && e->len >= 18 + strlen(e->name) + 2 && e->len < 18 + strlen(e->name) + 2 + 8;
      i += e->len;
    }
  printf("last %d, files %d, sum %d, right %d\n", n, files, sum, ok);
  lseek(fd, 0, SEEK_SET), R(syscall(SYS_getdents, fd, b, 10)), R(syscall(SYS_getdents, fd, BAD, 100)), R(syscall(SYS_getdents, -1, b, 100)), R(syscall(SYS_getdents, 1, b, 100)), R(syscall(SYS_restart_syscall));
}

static long remap(void *p, long n, int prot, long page) { return syscall(SYS_remap_file_pages, p, n, prot, page, 0); }
static void remaps(void) {
  int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (int i = 0; i < 4; i++) pwrite(fd, &(char){'0' + i}, 1, i * 4096);
  char *p = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *a = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  R(remap(p, 4096, 0, 3)), R(remap(p + 4096, 8192, 0, 0)), printf("%c%c%c%c\n", p[0], p[4096], p[8192], p[12288]);
  p[0] = 'x', printf("%c\n", p[12288]);
  R(remap(p, 4096, 1, 3)), R(remap(p, 0, 0, 3)), R(remap(q, 4096, 0, 0)), R(remap(p, 1 << 20, 0, 0)), R(remap(p, 4096, 0, -1));
  for (int i = 0; i < 4; i++) a[i * 4096] = 'a' + i;
  R(remap(a + 4096, 4096, 0, 3)), printf("%c%c%c%c\n", a[0], a[4096], a[8192], a[12288]);
  unsigned char tx[208] = {0};
  long r = syscall(SYS_adjtimex, tx);
  printf("adjtimex %d, tick %ld\n", r >= 0, *(long *)(tx + 88));
  *tx = 1;
  if (fork() == 0) nobody(), R(syscall(SYS_adjtimex, tx)), R(syscall(SYS_adjtimex, BAD)), *tx = 0, R(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, tx)), R(syscall(SYS_clock_adjtime, 99, tx)), R(syscall(SYS_clock_adjtime, CLOCK_REALTIME, tx) >= 0), _exit(0);
  wait(0);
  struct iovec v = {q, 4096}, no = {BAD, 4096};
  int pfd = syscall(SYS_pidfd_open, getpid(), 0);
  R(syscall(440, pfd, &v, 1, 20, 1)), R(syscall(440, fd, &v, 1, 20, 0)), R(syscall(440, pfd, &v, 1, 99, 0)), R(syscall(440, pfd, BAD, 1, 20, 0));
}

int main(int argc, char **argv) {
  setpgid(0, 0), dropcaps(2, 23, 24); // CAP_SYS_NICE, CAP_SYS_RESOURCE
  switch (argv[1][0]) {
  case 's': scheduling(); break;
  case 'c': processors(), barrier(); break;
  case 'n': numa(); break;
  case 'p': peers(); break;
  case 'd': dirs(); break;
  case 'r': remaps(); break;
  }
  return 0;
}
