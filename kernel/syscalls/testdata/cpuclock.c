// The CPU clocks of threads and other processes, clock_getcpuclockid(3), pthread_getcpuclockid(3).
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long r) { printf("%s: %s\n", what, r ? strerrorname_np(r) : "ok"); }
static double at(clockid_t c) {
  struct timespec t = {0, 0};
  if (clock_gettime(c, &t)) say("clock_gettime", errno);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static void spin(double until, clockid_t c) { while (at(c) < until); }
static int wakes[2];
static void *sleeps(void *p) { char c; return read(wakes[0], &c, 1), (void *)0; }
// same is true when b is between two looks at a.
static int same(clockid_t a, clockid_t b) {
  double before = at(a), is = at(b);
  return before <= is && is <= at(a);
}
static clockid_t ofid(long id, int kind) { return (~id << 3) | kind; }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  pthread_t idle;
  clockid_t self, other, process;
  pipe(wakes), pthread_create(&idle, 0, sleeps, 0);
  say("own", pthread_getcpuclockid(pthread_self(), &self));
  say("other", pthread_getcpuclockid(idle, &other));
  say("process", clock_getcpuclockid(0, &process));
  double waso;
  do waso = at(other), usleep(20000);
  while (at(other) != waso); // until it waits
  double was = at(self), wasp = at(process);
  spin(was + 0.2, self);
  printf("own %d process %d other %d\n", at(self) - was >= 0.2, at(process) - wasp >= 0.15, at(other) - waso < 0.1);
  printf("as by name %d %d\n", same(CLOCK_THREAD_CPUTIME_ID, self), same(CLOCK_PROCESS_CPUTIME_ID, process));
  write(wakes[1], "", 1), pthread_join(idle, 0);
  struct timespec t;
  pid_t p = fork();
  if (p == 0) {
    for (;;) ;
  }
  say("child", clock_getcpuclockid(p, &process));
  spin(0.1, process);
  printf("it spins %d\n", at(process) >= 0.1);
  printf("a thread of it: %s\n", clock_gettime(ofid(p, 6), &t) ? strerrorname_np(errno) : "ok");
  kill(p, SIGKILL);
  waitpid(p, 0, 0);
  say("gone", clock_getcpuclockid(p, &process));
  say("resolution", clock_getres(ofid(getpid(), 2), &t) ? errno : 0);
  printf("of a file: %s\n", clock_gettime(ofid(5, 3), &t) ? strerrorname_np(errno) : "ok");
  timer_t timer;
  struct sigevent e = {.sigev_notify = SIGEV_NONE};
  say("timer", timer_create(ofid(0, 6), &e, &timer) ? errno : 0);
  struct itimerspec set = {{0, 0}, {0, 50000000}}, left;
  say("set", timer_settime(timer, 0, &set, 0) ? errno : 0);
  spin(at(self) + 0.1, self);
  say("get", timer_gettime(timer, &left) ? errno : 0);
  printf("left %d\n", left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
}
