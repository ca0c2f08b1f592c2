// F_NOTIFY: who hears of what happens in a directory, and how often.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define R(call) say(#call, call)
static long say(const char *what, long v) {
  int e = errno;
  if (v == -1) printf("%s: %s\n", what, strerror(e));
  else printf("%s: %ld\n", what, v);
  fflush(stdout);
  return v;
}
static sigset_t set;
static int names[1000];
static void drained(const char *after);
static int queue = -1;
static void heard(const char *after) {
  if (queue >= 0) return drained(after);
  siginfo_t i;
  struct timespec none = {0, 0};
  printf("%s:", after);
  int s;
  while ((s = sigtimedwait(&set, &i, &none)) > 0) {
    if (i.si_code == SI_KERNEL || i.si_code == SI_USER) printf(" [%d code %d]", s, i.si_code);
    else printf(" [%d code %d band %lx fd %c]", s, i.si_code, i.si_band, i.si_fd >= 0 && i.si_fd < 1000 && names[i.si_fd] ? names[i.si_fd] : '?');
  }
  printf("\n"), fflush(stdout);
}
#define RT (SIGRTMIN + 2)
#define D(x) (x), heard(#x)
static int dir(const char *path, int name, int sig) {
  int fd = open(path, O_RDONLY | O_DIRECTORY);
  names[fd] = name, fcntl(fd, F_SETSIG, sig);
  return fd;
}
static int make(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  names[fd] = 0;
  return fd;
}

// everything does one of each to what is in the directory and outside it.
static void everything(void) {
  char b[10];
  struct stat st;
  int f = make("d/f");
  heard("create a file");
  D(write(f, "abc", 3));
  D(pread(f, b, 3, 0));
  D(pwrite(f, "x", 1, 0));
  D(ftruncate(f, 1));
  D(truncate("d/f", 0));
  D(fallocate(f, 0, 0, 100));
  D(close(open("d/f", O_RDWR | O_TRUNC)));
  D(fchmod(f, 0640));
  D(chmod("d/f", 0600));
  D(chown("d/f", -1, -1));
  D(chown("d/f", 0, 0));
  D(utimes("d/f", 0));
  struct timespec one[2] = {{1, 0}, {0, UTIME_OMIT}}, other[2] = {{0, UTIME_OMIT}, {1, 0}};
  D(utimensat(AT_FDCWD, "d/f", one, 0));
  D(futimens(f, other));
  D(setxattr("d/f", "user.a", "1", 1, 0));
  D(removexattr("d/f", "user.a"));
  D(stat("d/f", &st));
  D(access("d/f", R_OK));
  D(close(f));
  D(close(open("d/f", O_RDONLY)));
  D(link("d/f", "d/g"));
  D(link("d/f", "o/f"));
  D(unlink("d/g"));
  D(rename("d/f", "d/h"));
  D(rename("d/h", "o/h"));
  D(rename("o/h", "d/h"));
  D(rename("d/h", "d/h"));
  D(close(make("d/i")));
  D(rename("d/i", "d/h"));
  D(unlink("o/f"));
  D(mkdir("d/s", 0700));
  D(close(make("d/s/deep")));
  D(unlink("d/s/deep"));
  D(rmdir("d/s"));
  D(symlink("h", "d/l"));
  D(chmod("d/l", 0604));
  D(lchown("d/l", 0, 0));
  char entries[4096];
  int x = open("d", O_RDONLY);
  names[x] = 0;
  D(syscall(SYS_getdents64, x, entries, sizeof entries));
  D(syscall(SYS_getdents64, x, entries, sizeof entries));
  D(close(x));
  D(unlink("d/l"));
  D(mknod("d/p", S_IFIFO | 0600, 0));
  D(unlink("d/p"));
  D(chmod("d", 0750));
  D(chmod("d", 0700));
  D(rename("d", "e"));
  D(rename("e", "d"));
  D(unlink("d/h"));
  D(unlink("d/none"));
  D(close(make("o/x")));
  D(unlink("o/x"));
}
static const struct {
  const char *name;
  int bit;
} bits[] = {{"ACCESS", DN_ACCESS}, {"MODIFY", DN_MODIFY}, {"CREATE", DN_CREATE}, {"DELETE", DN_DELETE}, {"RENAME", DN_RENAME}, {"ATTRIB", DN_ATTRIB}, {"all", 0x3f}};

// each asks for one kind at a time.
static void each(void) {
  for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) {
    int fd = dir("d", 'd', RT);
    printf("== %s\n", bits[i].name);
    R(fcntl(fd, F_NOTIFY, bits[i].bit | DN_MULTISHOT));
    everything();
    close(fd);
    everything();
  }
}

// queued has inotify tell of the same.
static int last;
static void drained(const char *after) {
  char b[65536] __attribute__((aligned(8)));
  printf("%s:", after);
  for (ssize_t n = read(queue, b, sizeof b), at = 0; at < n;) {
    struct inotify_event *e = (void *)(b + at);
    printf(" [%d %x %d %s]", e->wd, e->mask, e->cookie ? e->cookie != last : -1, e->len ? e->name : "");
    last = e->cookie, at += sizeof *e + e->len;
  }
  printf("\n"), fflush(stdout);
}
static void queued(void) {
  queue = inotify_init1(IN_NONBLOCK);
  R(inotify_add_watch(queue, "d", IN_ALL_EVENTS & ~IN_OPEN)); // Linux tells of O_TRUNC before the open or after it, by its age
  everything();
}

// records: how many there are, and when they end.
static void records(void) {
  int fd = dir("d", 'd', 0);
  R(fcntl(fd, F_NOTIFY, DN_CREATE));
  printf("owner %d\n", fcntl(fd, F_GETOWN) == getpid());
  D(close(make("d/a")));
  D(close(make("d/b"))); // it was for once
  R(fcntl(fd, F_NOTIFY, DN_CREATE)), R(fcntl(fd, F_NOTIFY, DN_DELETE)); // of one record
  D(unlink("d/a"));
  D(close(make("d/a")));
  R(fcntl(fd, F_NOTIFY, DN_CREATE)), R(fcntl(fd, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
  D(unlink("d/a"));
  D(close(make("d/a")));
  D(unlink("d/a"));
  R(fcntl(fd, F_NOTIFY, 0));
  D(close(make("d/a")));
  R(fcntl(fd, F_NOTIFY, DN_DELETE)), R(fcntl(fd, F_NOTIFY, DN_MULTISHOT)); // with nothing else it ends them
  D(unlink("d/a"));
  fcntl(fd, F_SETSIG, RT);
  R(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT));
  int two = dir("d", '2', RT), again = dup(fd); // another description, and another descriptor of it
  names[again] = 'a';
  R(fcntl(two, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
  D(close(make("d/a")));
  R(fcntl(again, F_NOTIFY, DN_ATTRIB));
  D(chmod("d/a", 0700));
  D(close(again)); // ends it for the description
  D(chmod("d/a", 0600));
  D(unlink("d/a"));
  D(close(make("d/a")));
  R(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT));
  int onto = dup(0);
  dup2(fd, onto), dup2(0, onto); // as close does
  D(unlink("d/a"));
  R(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT));
  fflush(stdout);
  int c = fork();
  if (c == 0) { // has no record of its own, and closing ends its own only
    close(make("d/a")), heard("child: made"), close(fd), close(two), _exit(0);
  }
  waitpid(c, 0, 0), heard("child made");
  D(unlink("d/a"));
  fflush(stdout), c = fork();
  if (c == 0) { // a record of the child's, for the owner of the description
    R(fcntl(fd, F_NOTIFY, DN_ATTRIB | DN_MULTISHOT)), close(make("d/a")), chmod("d/a", 0700), heard("child: changed"), _exit(0);
  }
  waitpid(c, 0, 0), heard("child changed");
  D(chmod("d/a", 0600)); // it has gone with the child
  R(fcntl(two, F_NOTIFY, 0));
  R(fcntl(two, F_SETOWN, 0)), R(fcntl(two, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT)), R(fcntl(two, F_GETOWN) == getpid());
  D(unlink("d/a"));
  R(fcntl(fd, F_SETSIG, SIGUSR1));
  D(close(make("d/a")));
  R(fcntl(fd, F_SETSIG, SIGTRAP));
  D(unlink("d/a"));
  close(fd), close(two);
  D(close(make("d/a")));
  D(unlink("d/a"));
}

// refusals, and directories that go.
static void edges(void) {
  int f = make("d/f"), fd = dir("d", 'd', RT), p[2];
  pipe(p);
  R(fcntl(f, F_NOTIFY, DN_CREATE)), R(fcntl(p[0], F_NOTIFY, DN_CREATE)), R(fcntl(999, F_NOTIFY, DN_CREATE));
  R(fcntl(f, F_NOTIFY, 0)), R(fcntl(p[0], F_NOTIFY, DN_MULTISHOT));
  R(fcntl(open("d", O_PATH), F_NOTIFY, DN_CREATE));
  R(fcntl(fd, F_NOTIFY, 0)), R(fcntl(fd, F_NOTIFY, 64)), R(fcntl(fd, F_NOTIFY, 0x40000000)), R(fcntl(fd, F_NOTIFY, -1));
  D(close(make("d/g")));
  R(fcntl(fd, F_NOTIFY, 0)), unlink("d/f"), unlink("d/g");
  mkdir("gone", 0700);
  int g = dir("gone", 'g', RT);
  R(fcntl(g, F_NOTIFY, 0x3f | DN_MULTISHOT));
  D(rmdir("gone"));
  R(fcntl(g, F_NOTIFY, 0x3f | DN_MULTISHOT));
  D(fchmod(g, 0755));
  D(close(g));
  mkdir("gone", 0700), g = dir("gone", 'g', RT);
  R(fcntl(g, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
  for (int i = 0; i < 3; i++) {
    char name[20];
    sprintf(name, "gone/%d", i), close(make(name)), rename(name, "d/x"), unlink("d/x");
  }
  heard("three");
  close(g), rmdir("gone");
}
int main(int argc, char **argv) {
  sigemptyset(&set), sigaddset(&set, SIGIO), sigaddset(&set, RT), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGTRAP), sigprocmask(SIG_BLOCK, &set, 0);
  mkdir("d", 0700), mkdir("o", 0700);
  switch (argv[1][0]) {
  case 'k': each(); break;
  case 'q': queued(); break;
  case 'r': records(); break;
  case 'e': edges(); break;
  }
  rmdir("d"), rmdir("o");
}
