// Threads and processes that share memory and wait for each other: prints one line that is always the same.
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 12, ROUNDS = 400 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t all;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static long next, sum, reads;
static volatile sig_atomic_t alarms;
static double parts[THREADS];

static void tick(int s) { alarms++; }

static void *work(void *p) {
  long me = (long)p;
  double x = 0;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    while (next % THREADS != me) pthread_cond_wait(&turn, &lock);
    sum += next++ * me;
    pthread_cond_broadcast(&turn);
    pthread_mutex_unlock(&lock);
    for (int k = 1; k < 50; k++) x += 1.0 / (me * 50 + k) / k;
    if (i % 10 == 0) {
      if (pthread_rwlock_rdlock(&rw) == 0) __atomic_add_fetch(&reads, 1, __ATOMIC_SEQ_CST), pthread_rwlock_unlock(&rw);
      char *m = malloc(1000 + 997 * i);
      memset(m, i, 1000 + 997 * i);
      free(m);
    }
    if (i % 100 == 0) pthread_barrier_wait(&all);
  }
  parts[me] = x;
  return 0;
}

int main(void) {
  struct sigaction sa = {.sa_handler = tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, 0);
  ualarm(500, 500);
  pthread_t t[THREADS];
  pthread_barrier_init(&all, 0, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(t + i, 0, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
  double x = 0;
  for (int i = 0; i < THREADS; i++) x += parts[i];
  ualarm(0, 0);

  struct { sem_t a, b; long v; } *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(&s->a, 1, 1), sem_init(&s->b, 1, 0);
  pid_t child = fork();
  for (int i = 0; i < 300; i++) {
    sem_wait(child ? &s->a : &s->b);
    s->v += child ? 1 : 1000;
    sem_post(child ? &s->b : &s->a);
  }
  if (child == 0) _exit(7);
  int st;
  waitpid(child, &st, 0);
  printf("%ld %ld %.9f %ld %d %d\n", sum, reads, x, s->v, WEXITSTATUS(st), alarms > 0);
  return 0;
}
