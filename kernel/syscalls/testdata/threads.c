// Threads of glibc: locks, conditions, barriers, TLS, robust locks, cancellation.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N 8
#define ROUNDS 20000
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t bar;
static pthread_spinlock_t spin;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static long locked, atomic, spun, written;
static __thread long mine = 5;
static pthread_key_t key;
static long destroyed;
static int turn;
static void destroy(void *p) { __atomic_add_fetch(&destroyed, (long)p, __ATOMIC_RELAXED); }

static void *work(void *arg) {
  long id = (long)arg;
  pthread_setspecific(key, (void *)(id + 1));
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&mu);
    locked++;
    pthread_mutex_unlock(&mu);
    __atomic_add_fetch(&atomic, 1, __ATOMIC_SEQ_CST);
    mine++;
    if (i % 64 == 0) {
      pthread_spin_lock(&spin);
      spun++;
      pthread_spin_unlock(&spin);
      pthread_rwlock_wrlock(&rw);
      written++;
      pthread_rwlock_unlock(&rw);
      pthread_rwlock_rdlock(&rw);
      pthread_rwlock_unlock(&rw);
    }
  }
  pthread_barrier_wait(&bar);
  for (int i = 0; i < 50; i++) { // take turns
    pthread_mutex_lock(&mu);
    while (turn % N != id) pthread_cond_wait(&cond, &mu);
    turn++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mu);
  }
  return (void *)mine;
}
static void *sleeper(void *p) { pause(); return 0; }
static void *holder(void *m) { pthread_mutex_lock(m); return 0; }
static void *big(void *p) {
  volatile char b[6 << 20];
  for (int i = 0; i < sizeof b; i += 4096) b[i] = 1;
  return (void *)(long)b[4096];
}
static void *make(void *p) {
  char *c = malloc(1000);
  memset(c, (long)p, 1000);
  return c;
}

int main(void) {
  pthread_barrier_init(&bar, 0, N);
  pthread_spin_init(&spin, 0);
  pthread_key_create(&key, destroy);
  pthread_t t[N];
  for (long i = 0; i < N; i++) pthread_create(&t[i], 0, work, (void *)i);
  long sum = 0;
  for (int i = 0; i < N; i++) {
    void *v;
    pthread_join(t[i], &v);
    sum += (long)v;
  }
  printf("%ld %ld %ld %ld %ld, turns %d, destroyed %ld\n", locked, atomic, spun, written, sum, turn, destroyed);
  // many short ones
  for (int i = 0; i < 200; i++) {
    pthread_t x;
    void *v;
    if (pthread_create(&x, 0, make, (void *)(long)(i & 127))) return printf("create %d failed\n", i), 1;
    pthread_join(x, &v);
    if (((char *)v)[999] != (i & 127)) printf("wrong %d\n", i);
    free(v);
  }
  pthread_t x;
  void *v;
  pthread_create(&x, 0, sleeper, 0);
  usleep(10000);
  pthread_cancel(x);
  pthread_join(x, &v);
  printf("cancelled %d\n", v == PTHREAD_CANCELED);
  pthread_attr_t a;
  pthread_attr_init(&a);
  pthread_attr_setstacksize(&a, 16 << 20);
  pthread_create(&x, &a, big, 0);
  pthread_join(x, &v);
  printf("big stack %ld\n", (long)v);
  // robust locks, of a thread and of a process
  pthread_mutexattr_t ma;
  pthread_mutexattr_init(&ma);
  pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
  pthread_mutex_t *rm = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_init(rm, &ma);
  pthread_create(&x, 0, holder, rm);
  pthread_join(x, 0);
  int r = pthread_mutex_lock(rm);
  printf("owner died: %s\n", strerrorname_np(r));
  pthread_mutex_consistent(rm), pthread_mutex_unlock(rm);
  printf("again %d\n", pthread_mutex_lock(rm));
  pthread_mutex_unlock(rm);
  fflush(stdout);
  volatile int *held = (int *)(rm + 1);
  if (fork() == 0) {
    pthread_mutex_lock(rm);
    *held = 1;
    usleep(30000);
    kill(getpid(), 9);
  }
  while (!*held) usleep(500);
  r = pthread_mutex_lock(rm);
  printf("process died: %s\n", strerrorname_np(r));
  pthread_mutex_unlock(rm);
  printf("not made consistent: %s\n", strerrorname_np(pthread_mutex_lock(rm)));
  wait(0);
  // priority inheritance
  pthread_mutex_t pi;
  pthread_mutexattr_init(&ma);
  pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&pi, &ma);
  printf("pi %d %d\n", pthread_mutex_lock(&pi), pthread_mutex_unlock(&pi));
  // timed
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  ts.tv_nsec += 20000000;
  if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mu);
  printf("timed lock %s\n", strerrorname_np(pthread_mutex_timedlock(&mu, &ts)));
  printf("timed wait %s\n", strerrorname_np(pthread_cond_timedwait(&cond, &mu, &ts)));
  pthread_mutex_unlock(&mu);
  // a process shared semaphore
  sem_t *sem = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(sem, 1, 0);
  if (fork() == 0) {
    usleep(20000);
    sem_post(sem);
    _exit(0);
  }
  printf("sem %d\n", sem_wait(sem));
  wait(0);
  fflush(stdout);
  // exit of the process while others run; exit of the first thread before others
  if (fork() == 0) {
    for (int i = 0; i < 3; i++) pthread_create(&x, 0, sleeper, 0);
    exit(21);
  }
  int st;
  wait(&st);
  printf("exit with threads %x\n", st);
  if (fork() == 0) {
    pthread_create(&x, 0, (void *(*)(void *))usleep, (void *)20000);
    pthread_exit(0);
  }
  wait(&st);
  printf("first thread first %x\n", st);
  return 0;
}
