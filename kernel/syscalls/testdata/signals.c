// Signals: masks, frames, restarts, stacks, timers, siginfo.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int count, last, depth, maxdepth;
static volatile siginfo_t info;
static void count_it(int s) { count++, last = s; }
static void keep(int s, siginfo_t *i, void *u) { count++, last = s, memcpy((void *)&info, i, sizeof info); }
static void install(int s, void *f, int flags) {
  struct sigaction sa = {.sa_sigaction = f, .sa_flags = flags};
  sigemptyset(&sa.sa_mask);
  if (sigaction(s, &sa, 0)) printf("sigaction %d: %s\n", s, strerrorname_np(errno));
}
static void nest(int s) {
  if (++depth > maxdepth) maxdepth = depth;
  if (s == SIGUSR1 && count < 6) raise(SIGUSR2), raise(SIGUSR1);
  depth--;
  count++;
}
static char alt[65536];
static volatile int onalt;
static void on_alt(int s) {
  char c;
  stack_t st;
  sigaltstack(0, &st);
  onalt = &c > alt && &c < alt + sizeof alt;
  printf("on alt stack %d, flags %d\n", onalt, st.ss_flags);
  stack_t no = {.ss_flags = SS_DISABLE};
  errno = 0;
  sigaltstack(&no, 0);
  printf("change while on it: %s\n", strerrorname_np(errno));
}
static sigjmp_buf jb;
static void jump(int s) { siglongjmp(jb, s); }
static void edit(int s, siginfo_t *i, void *u) {
  ucontext_t *c = u;
  c->uc_mcontext.gregs[REG_RBX] = 0x1234;
  c->uc_mcontext.gregs[REG_RIP] += 2; // over ud2
}
static void nothing(void *p) {}
static void *waiter(void *p) {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &s, 0);
  while (count == 0) sched_yield();
  return 0;
}
static pthread_t first, bell;
static volatile int ringing, *rung; // shared with children
static void *ring(void *ms) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, 0);
  while (usleep((long)ms * 1000), ringing) pthread_kill(first, SIGALRM), ++*rung;
  return 0;
}
// later sends SIGALRM to the first thread, again and again until it is hushed: the first may come before what it interrupts.
static void later(long ms) {
  sigset_t all, old; // nothing but the first thread takes signals
  first = pthread_self();
  ringing = 1, *rung = 0;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  pthread_create(&bell, 0, ring, (void *)ms);
  pthread_sigmask(SIG_SETMASK, &old, 0);
}
static void hush(void) { ringing = 0, pthread_join(bell, 0); }
static long deep(int n) {
  volatile char pad[4096];
  pad[0] = n;
  return n == 0 ? 0 : deep(n - 1) + pad[0];
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  rung = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sigset_t set, old;
  install(SIGKILL, count_it, 0);
  install(65, count_it, 0);
  install(SIGUSR1, count_it, 0);
  raise(SIGUSR1);
  printf("raise %d %d\n", count, last);
  sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGKILL);
  sigprocmask(SIG_BLOCK, &set, 0);
  raise(SIGUSR1), raise(SIGUSR1);
  sigpending(&old);
  printf("blocked %d, pending %d\n", count, sigismember(&old, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, &old);
  printf("unblocked %d, kill in mask %d\n", count, sigismember(&old, SIGKILL));
  install(SIGUSR2, keep, SA_SIGINFO);
  kill(getpid(), SIGUSR2);
  printf("kill: code %d pid %d uid %d\n", info.si_code, info.si_pid == getpid(), info.si_uid == getuid());
  pthread_kill(pthread_self(), SIGUSR2);
  printf("tkill: code %d\n", info.si_code);
  // nesting
  install(SIGUSR1, nest, 0), install(SIGUSR2, nest, 0);
  count = 0;
  raise(SIGUSR1);
  printf("nested: %d calls, depth %d\n", count, maxdepth >= 2);
  install(SIGUSR1, count_it, SA_RESETHAND | SA_NODEFER);
  raise(SIGUSR1);
  struct sigaction sa;
  sigaction(SIGUSR1, 0, &sa);
  printf("reset %d\n", sa.sa_handler == SIG_DFL);
  // EINTR and SA_RESTART
  int p[2];
  char c;
  pipe(p);
  install(SIGALRM, count_it, 0);
  later(20);
  errno = 0;
  int r = read(p[0], &c, 1), e = errno;
  hush();
  printf("read %d %s\n", r, strerrorname_np(e));
  install(SIGALRM, count_it, SA_RESTART);
  count = 0;
  later(20);
  if (fork() == 0) {
    while (*rung < 3) usleep(1000);
    write(p[1], "z", 1);
    _exit(3);
  }
  install(SIGCHLD, keep, SA_SIGINFO | SA_RESTART);
  errno = 0;
  r = read(p[0], &c, 1);
  hush();
  printf("restarted read %d %c, alarms %d\n", r, c, count >= 1);
  int st;
  while (info.si_signo != SIGCHLD) usleep(1000);
  wait(&st);
  printf("SIGCHLD code %d status %d, wait %x\n", info.si_code, info.si_status, st);
  signal(SIGCHLD, SIG_DFL);
  later(20);
  errno = 0;
  r = poll(0, 0, 5000), e = errno;
  hush();
  printf("poll %d %s\n", r, strerrorname_np(e));
  later(20);
  errno = 0;
  r = select(0, 0, 0, 0, &(struct timeval){5, 0}), e = errno;
  hush();
  printf("select %d %s\n", r, strerrorname_np(e));
  later(20);
  struct timespec left = {0, 0};
  errno = 0;
  r = nanosleep(&(struct timespec){1000, 0}, &left), e = errno;
  hush();
  printf("nanosleep %d %s, left %d\n", r, strerrorname_np(e), left.tv_sec >= 900);
  sigemptyset(&set), sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, &old);
  later(20);
  count = 0, errno = 0;
  r = sigsuspend(&old), e = errno;
  int handled = count;
  hush();
  sigprocmask(SIG_SETMASK, 0, &set);
  printf("sigsuspend %d %s, handled %d, mask again %d\n", r, strerrorname_np(e), handled, sigismember(&set, SIGALRM));
  sigprocmask(SIG_SETMASK, &old, 0);
  alarm(100);
  printf("alarm left %d\n", alarm(0) >= 99);
  later(20);
  errno = 0;
  install(SIGALRM, count_it, 0);
  r = pause(), e = errno;
  hush();
  printf("pause %d %s\n", r, strerrorname_np(e));
  // alternate stack
  stack_t s = {.ss_sp = alt, .ss_size = 100};
  errno = 0;
  sigaltstack(&s, 0);
  printf("small alt stack: %s\n", strerrorname_np(errno));
  s.ss_size = sizeof alt;
  sigaltstack(&s, 0);
  install(SIGUSR1, on_alt, SA_ONSTACK);
  raise(SIGUSR1);
  stack_t now;
  sigaltstack(0, &now);
  printf("afterwards %d %d\n", now.ss_flags, now.ss_sp == alt);
  // a stack overflow
  install(SIGSEGV, jump, SA_ONSTACK);
  if ((r = sigsetjmp(jb, 1)) == 0) deep(1 << 20);
  printf("overflow %d\n", r);
  if ((r = sigsetjmp(jb, 1)) == 0) deep(1 << 20);
  printf("overflow again %d\n", r);
  // faults that are traps
  install(SIGFPE, keep, SA_SIGINFO | SA_RESETHAND);
  static const int sigs[] = {SIGFPE, SIGILL, SIGTRAP, SIGSEGV};
  for (int i = 0; i < 5; i++) {
    fflush(stdout);
    if (fork() == 0) {
      volatile int zero = 0;
      switch (i) {
      case 0: return 1 / zero;
      case 1: __asm__ volatile("ud2");
      case 2: __asm__ volatile("int3"); break;
      case 3: signal(SIGSEGV, SIG_DFL); *(volatile int *)8 = 1; break;
      case 4: abort();
      }
      _exit(9);
    }
    wait(&st);
    printf("died of %d\n", WTERMSIG(st));
  }
  install(SIGILL, edit, SA_SIGINFO);
  long rbx = 0;
  __asm__ volatile("mov $1, %%rbx; ud2; mov %%rbx, %0" : "=r"(rbx)::"rbx");
  printf("edited %lx\n", rbx);
  install(SIGTRAP, keep, SA_SIGINFO);
  __asm__ volatile("int3");
  printf("trap code %d\n", info.si_code);
  __asm__ volatile(".byte 0xcd, 3");
  printf("int $3 code %d\n", info.si_code);
  install(SIGFPE, jump, 0);
  install(SIGILL, jump, 0);
  if ((r = sigsetjmp(jb, 1)) == 0) __asm__ volatile("hlt");
  printf("hlt %d\n", r);
  // privileged and odd instructions
  if ((r = sigsetjmp(jb, 1)) == 0) __asm__ volatile("cli");
  printf("cli %d\n", r);
  if ((r = sigsetjmp(jb, 1)) == 0) __asm__ volatile("int $4");
  printf("int $4 %d\n", r);
  if ((r = sigsetjmp(jb, 1)) == 0) __asm__ volatile("xor %%edx,%%edx; xor %%eax,%%eax; xor %%ecx,%%ecx; div %%ecx" ::: "rax", "rcx", "rdx");
  printf("div %d\n", r);
  if ((r = sigsetjmp(jb, 1)) == 0) ((void (*)(void))0x7654321000)();
  printf("wild jump %d\n", r);
  if ((r = sigsetjmp(jb, 1)) == 0) __asm__ volatile("movaps 1(%%rsp), %%xmm0" ::: "xmm0");
  printf("unaligned movaps %d\n", r);
  // a signal to a thread
  count = 0;
  install(SIGUSR1, count_it, 0);
  sigemptyset(&set), sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  pthread_t th;
  pthread_create(&th, 0, waiter, 0);
  kill(getpid(), SIGUSR1);
  pthread_join(th, 0);
  printf("a thread took it: %d\n", count);
  fflush(stdout);
  signal(SIGPIPE, SIG_DFL);
  close(p[0]);
  if (fork() == 0) write(p[1], "x", 1), _exit(1);
  wait(&st);
  printf("pipe %d\n", WTERMSIG(st));
  signal(SIGPIPE, SIG_IGN);
  errno = 0;
  r = write(p[1], "x", 1);
  printf("ignored %d %s\n", r, strerrorname_np(errno));
  signal(SIGABRT, SIG_DFL);
  abort();
}
