// PR_SET_PDEATHSIG: who hears of whose end.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define R(call) say(#call, call)
static void say(const char *what, long v) {
  int e = errno;
  printf("%s: %ld %s\n", what, v, v == -1 ? strerror(e) : "");
  fflush(stdout);
}
static int told[2], ready[2];
static int middle;
static void on(int s, siginfo_t *i, void *u) {
  char b[80];
  write(told[1], b, sprintf(b, "%d code %d from %d", s, i->si_code, i->si_pid == middle));
  _exit(0);
}
static void grandchild(int sig) {
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, 0);
  prctl(PR_SET_PDEATHSIG, sig);
  write(ready[1], "", 1);
  pause();
  _exit(0);
}
static void *thread(void *p) {
  char c;
  if (fork() == 0) grandchild(SIGUSR1);
  read(ready[0], &c, 1);
  return 0;
}
static void hear(const char *what) {
  char b[100] = "";
  read(told[0], b, 99);
  printf("%s: %s\n", what, b), fflush(stdout);
}
int main(void) {
  int v = 9, st;
  char c;
  pipe(told), pipe(ready);
  R(prctl(PR_GET_PDEATHSIG, &v)), printf("%d\n", v), R(prctl(PR_SET_PDEATHSIG, 65)), R(prctl(PR_SET_PDEATHSIG, -1)), R(prctl(PR_SET_PDEATHSIG, SIGUSR2)), R(prctl(PR_GET_PDEATHSIG, &v)), printf("%d\n", v), R(prctl(PR_GET_PDEATHSIG, 16));
  fflush(stdout);
  if (fork() == 0) {
    R(prctl(PR_GET_PDEATHSIG, &v)), printf("child's %d\n", v);
    prctl(PR_SET_PDEATHSIG, SIGUSR2), setresuid(1, 1, 1), R(prctl(PR_GET_PDEATHSIG, &v)), printf("after setresuid %d\n", v), fflush(stdout);
    _exit(0);
  }
  wait(&st);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if ((middle = fork()) == 0) {
    middle = getpid();
    if (fork() == 0) grandchild(SIGUSR1);
    read(ready[0], &c, 1);
    _exit(0);
  }
  hear("process"), waitpid(middle, &st, 0), wait(&st), printf("%x\n", st);
  if ((middle = fork()) == 0) {
    if (fork() == 0) grandchild(SIGKILL);
    read(ready[0], &c, 1);
    _exit(0);
  }
  waitpid(middle, &st, 0), wait(&st), printf("killed %x\n", st), fflush(stdout);
  middle = getpid(); // the end of a thread
  pthread_t t;
  pthread_create(&t, 0, thread, 0);
  hear("thread"), pthread_join(t, 0), wait(&st), printf("%x\n", st);
  return 0;
}
