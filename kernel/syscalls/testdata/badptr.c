// Bad pointers everywhere: errors, never more.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *edge, *ro, *none;
static char page[3 * 4096] __attribute__((aligned(4096)));
static void say(const char *what, const char *where, long r) { printf("%s %s: %ld %s\n", what, where, r, r < 0 ? strerrorname_np(errno) : ""); }
#define TRY(nr, ...) (errno = 0, say(#nr, where, syscall(SYS_##nr, __VA_ARGS__)))
static void each(const char *where, char *p, int fd, int out, int pr, int pw) {
  TRY(write, pw, p, 10);
  TRY(read, fd, p, 10);
  TRY(pread64, fd, p, 10, 0);
  TRY(pwrite64, out, p, 10, 0);
  TRY(open, p, 0);
  TRY(openat, AT_FDCWD, p, O_CREAT, 0);
  TRY(stat, p, p);
  TRY(fstat, fd, p);
  TRY(lstat, "/", p);
  TRY(pipe, p);
  TRY(pipe2, p, 0);
  TRY(access, p, 0);
  TRY(getcwd, p, 100);
  TRY(chdir, p);
  TRY(mkdir, p, 0777);
  TRY(rename, p, p);
  TRY(unlink, p);
  TRY(readlink, "/proc/self/exe", p, 5);
  TRY(uname, p);
  TRY(getrlimit, 3, p);
  TRY(prlimit64, 0, 3, p, 0);
  TRY(gettimeofday, p, 0);
  TRY(clock_gettime, 0, p);
  TRY(nanosleep, p, 0);
  TRY(rt_sigaction, 10, p, 0, 8);
  TRY(rt_sigaction, 10, 0, p, 8);
  TRY(rt_sigprocmask, 0, p, 0, 8);
  TRY(rt_sigprocmask, 0, 0, p, 8);
  TRY(rt_sigsuspend, p, 8);
  TRY(rt_sigpending, p, 8);
  TRY(sigaltstack, p, 0);
  TRY(sigaltstack, 0, p);
  TRY(sysinfo, p);
  errno = 0, say("times", where, syscall(SYS_times, p) < 0 ? -1 : 0);
  TRY(getgroups, 5, p);
  TRY(getresuid, p, p, p);
  TRY(futex, p, 0, 1, 0, 0, 0);
  TRY(futex, edge - 4, 0, 1, p, 0, 0);
  TRY(poll, p, 3, 0);
  TRY(getdents64, fd, p, 100);
  TRY(statx, AT_FDCWD, p, 0, 0xfff, p);
  TRY(getrandom, p, 10, 0);
  TRY(execve, p, 0, 0);
  if (p) TRY(execve, "/proc/self/exe", p, 0);
  TRY(wait4, -1, p, 0, 0);
  TRY(writev, pw, p, 2);
  TRY(readv, fd, p, 2);
  TRY(utimensat, AT_FDCWD, "/tmp", p, 0);
  TRY(fcntl, fd, F_GETLK, p);
  TRY(ioctl, pr, 0x541B, p);
  TRY(clone3, p, 88);
  TRY(mincore, ro, 4096, p);
  TRY(statfs, "/", p);
  TRY(getrusage, 0, p);
}

// Calls on ranges of pages, where nothing is mapped.
static void ranges(const char *where, char *p) {
  TRY(munmap, p, 4096);
  TRY(mprotect, p, 4096, PROT_READ);
  TRY(madvise, p, 4096, MADV_DONTNEED);
  TRY(madvise, p, 4096, MADV_DONTFORK);
  TRY(msync, p, 4096, MS_SYNC);
  TRY(mincore, p, 4096, page);
  TRY(mlock, p, 4096);
  TRY(munlock, p, 4096);
  TRY(mremap, p, 4096, 8192, 1);
  TRY(mremap, page, 4096, 4096, 3, (long)p + 1);
  TRY(shmdt, p);
  TRY(set_robust_list, p, 24);
  TRY(mbind, p, 4096, 0, 0, 0, 0);
  TRY(get_mempolicy, 0, 0, 0, p, 2);
  TRY(process_vm_readv, getpid(), &(struct { void *p; long n; }){page, 8}, 1, &(struct { void *p; long n; }){p, 8}, 1, 0);
  TRY(process_vm_writev, getpid(), &(struct { void *p; long n; }){page, 8}, 1, &(struct { void *p; long n; }){p, 8}, 1, 0);
}

// handled tells whether a signal handler came, whose stack is at an address.
static void handler(int n) { _exit(7); }
static void stack_at(const char *where, char *p) {
  fflush(stdout);
  int pid = fork(), st = 0;
  if (pid == 0) {
    sigaltstack(&(stack_t){.ss_sp = p, .ss_size = 8192}, 0);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_ONSTACK}, 0);
    raise(SIGUSR1);
    _exit(0);
  }
  waitpid(pid, &st, 0);
  printf("signal stack %s: %#x\n", where, st & ~0x80);
}

int main(void) {
  char *m = mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(m + 4096, 4096, PROT_NONE);
  ro = m + 2 * 4096;
  munmap(m + 4 * 4096, 4096);
  edge = m + 4096;
  int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0644), out = open("data", O_WRONLY), p[2];
  write(fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36);
  lseek(fd, 0, SEEK_SET);
  pipe(p);
  fcntl(p[1], F_SETFL, O_NONBLOCK);
  each("null", 0, fd, out, p[0], p[1]);
  each("none", m + 4096, fd, out, p[0], p[1]);
  each("hole", m + 4 * 4096 + 8, fd, out, p[0], p[1]);
  each("high", (char *)-8, fd, out, p[0], p[1]);
  each("kernel", (char *)0xffffffff81000000, fd, out, p[0], p[1]);
  each("odd", (char *)0x800000000000, fd, out, p[0], p[1]);
  // what is mapped, seen with its lower 32 bits only
  each("above", page + (1L << 32), fd, out, p[0], p[1]);
  each("far above", page + (0x7ffL << 32), fd, out, p[0], p[1]);
  each("far above the heap", m + (0x10000L << 32), fd, out, p[0], p[1]);
  ranges("above", page + (1L << 32));
  ranges("far above", page + (0x7ffL << 32));
  ranges("kernel", page + (0xfffff00fL << 32));
  for (int i = 0; i < sizeof page; i++)
    if (page[i]) {
      printf("stored at %d\n", i);
      break;
    }
  stack_at("here", page);
  stack_at("above", page + (1L << 32));
  stack_at("far above", page + (0x7ffL << 32));
  // over the edge of what can be read: as much as there is
  memset(edge - 4096, 'x', 4096);
  const char *where = "edge";
  TRY(pwrite64, out, edge - 4, 10, 0);
  TRY(read, fd, edge - 4, 10);
  TRY(lseek, fd, 0, 1);
  TRY(open, edge - 4, 0);
  TRY(writev, p[1], ((struct { void *p; long n; }[]){{edge - 4, 4}, {edge, 4}}), 2);
  TRY(writev, p[1], ((struct { void *p; long n; }[]){{edge - 4, 4}, {edge, -1}}), 2);
  TRY(writev, p[1], edge - 16, 1025);
  TRY(writev, p[1], edge - 16, -1);
  TRY(read, fd, edge - 8, -1L);
  TRY(write, p[1], edge - 8, -1L);
  TRY(readv, fd, ((struct { void *p; long n; }[]){{edge - 4, 4}, {edge, 4}}), 2);
  TRY(readv, fd, ((struct { void *p; long n; }[]){{edge, 4}, {edge - 4, 4}}), 2);
  TRY(lseek, fd, 0, 1);
  mprotect(ro, 4096, PROT_READ);
  where = "read only";
  TRY(read, fd, ro, 4);
  TRY(write, p[1], ro, 4);
  TRY(pipe, ro);
  TRY(fstat, fd, ro);
  TRY(read, 99, ro, 4);
  TRY(close, -1);
  TRY(dup2, 0, 1 << 20);
  TRY(dup2, 0, -1);
  TRY(lseek, fd, -100, 0);
  TRY(lseek, fd, 0, 77);
  TRY(lseek, p[0], 0, 0);
  TRY(fcntl, fd, 9999, 0);
  TRY(ioctl, fd, 0x5401, ro);
  TRY(sigaltstack, 0, ro);
  unlink("data");
  return 0;
}
