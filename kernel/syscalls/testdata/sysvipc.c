// System V IPC: what each call answers, error by error, and who wakes whom.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BAD ((void *)0x10)
#define R(call) say(#call, call)
static void say(const char *what, long v) {
  int e = errno;
  if (v == -1) printf("%s: %s\n", what, strerror(e));
  else printf("%s: %ld\n", what, v);
  fflush(stdout);
}
// made tells of a new object: its number is the host's affair.
#define MADE(call) made(#call, call)
static int made(const char *what, int id) {
  if (id < 0) printf("%s: %s\n", what, strerror(errno));
  else printf("%s: made\n", what);
  return id;
}
static void usr(int s) {}
static key_t key;
static void asnobody(void (*f)(int), int id) {
  fflush(stdout);
  if (fork() == 0) {
    setresgid(65534, 65534, 65534), setresuid(65534, 65534, 65534);
    f(id), fflush(stdout), _exit(0);
  }
  wait(0);
}
// What children say is shown when they are waited for: it has its place.
static int said[4], pids[4];
static int child(void (*f)(int), int id) {
  int i = 0, fd = memfd_create("said", 0);
  fflush(stdout);
  int p = fork();
  if (p == 0) dup2(fd, 1), f(id), fflush(stdout), _exit(0);
  while (pids[i]) i++;
  pids[i] = p, said[i] = fd;
  return p;
}
static void join(int p) {
  int st, i = 0;
  char b[4096];
  waitpid(p, &st, 0);
  while (pids[i] != p) i++;
  printf("ended %x\n%.*s", st, (int)pread(said[i], b, sizeof b, 0), b);
  close(said[i]), pids[i] = 0;
}
// nap waits until another process sleeps.
static int nap(int p) {
  char name[40], b[100] = "";
  sprintf(name, "/proc/%d/stat", p);
  while (!strstr(b, ") S")) {
    usleep(500);
    FILE *f = fopen(name, "r");
    fgets(b, sizeof b, f), fclose(f);
  }
  return p;
}
static void waitcnt(int id, int num, int cmd, int want) {
  while (semctl(id, num, cmd) < want) usleep(500);
}

static void shmnobody(int id) {
  struct shmid_ds d = {0};
  printf("nobody %d", (int)(shmat(id, 0, 0) == (void *)-1)), printf(" %s\n", strerror(errno));
  printf("%d", (int)(shmat(id, 0, SHM_RDONLY) == (void *)-1)), printf(" %s\n", strerror(errno));
  R(shmget(key, 0, 0400) == id), R(shmctl(id, IPC_RMID, 0)), R(shmctl(id, IPC_SET, &d)), R(shmctl(id, SHM_LOCK, 0));
  R(shmctl(id, IPC_STAT, &d) == 0 ? 0 : -1);
}
static void shmstat(int id) {
  struct shmid_ds d;
  if (shmctl(id, IPC_STAT, &d) < 0) return (void)printf("stat %s\n", strerror(errno));
  printf("size %zu nattch %ld mode %o key %d uid %d cuid %d me %d last %d times %d%d%d\n", d.shm_segsz, (long)d.shm_nattch, d.shm_perm.mode, d.shm_perm.__key == key,
         d.shm_perm.uid, d.shm_perm.cuid, d.shm_cpid == getpid(), d.shm_lpid == getpid(), d.shm_atime != 0, d.shm_dtime != 0, d.shm_ctime != 0);
}
static void shmchild(int id) {
  shmstat(id);
  char *p = shmat(id, 0, 0);
  p[4096] = 'c';
  shmstat(id);
}
static volatile int *word;
static void *futexer(void *p) { return (void *)syscall(SYS_futex, word, 0, 0, 0, 0, 0); }

static void shared(void) {
  R(shmget(key, 4096, 0)), R(shmget(key, 0, IPC_CREAT)), R(shmget(IPC_PRIVATE, 0, 0)), R(shmget(key, ULONG_MAX, IPC_CREAT | 0600));
  int id = MADE(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640));
  R(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640)), R(shmget(key, 6000, 0)), R(shmget(key, 0, 0) == id), R(shmget(key, 5000, IPC_CREAT | 0777) == id);
  shmstat(id);
  char *p = shmat(id, 0, 0), *q = shmat(id, 0, SHM_RDONLY);
  printf("zero %d %d aligned %d\n", p[0], p[8191], (int)((long)p & 4095));
  p[0] = 'x';
  printf("seen %c\n", q[0]);
  shmstat(id);
  R(mprotect(q, 4096, PROT_READ | PROT_WRITE)), R(mprotect(q, 4096, PROT_READ)), R(mprotect(p, 4096, PROT_READ)), R(mprotect(p, 4096, PROT_READ | PROT_WRITE));
  R((long)shmat(id, (void *)4097, 0)), R((long)shmat(id, 0, SHM_REMAP)), R((long)shmat(id, p, 0)), R((long)shmat(-1, 0, 0)), R((long)shmat(id + 12345, 0, 0)), R((long)shmat(id + 32768, 0, 0));
  R((long)shmat(id, BAD, 0)), R((long)shmat(id, (void *)1, SHM_RND | SHM_REMAP));
  char *m = mmap(0, 6 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(m, 6 * 4096);
  R((char *)shmat(id, m + 4096 + 77, SHM_RND) - m);
  R((long)shmat(id, m + 2 * 4096, 0)), R((char *)shmat(id, m + 2 * 4096, SHM_REMAP) - m);
  shmstat(id);
  printf("%c%c\n", m[4096], m[2 * 4096]);
  munmap(m + 3 * 4096, 4096);
  shmstat(id);
  R(shmdt(m + 4096)), R(shmdt(m + 2 * 4096)), R(shmdt(m + 2 * 4096)), R(shmdt(m + 1)), R(shmdt(0)), R(shmdt(&key));
  shmstat(id);
  join(child(shmchild, id));
  shmstat(id);
  printf("from child %c\n", p[4096]);
  asnobody(shmnobody, id);
  struct shmid_ds d;
  shmctl(id, IPC_STAT, &d);
  d.shm_perm.uid = 65534, d.shm_perm.mode = 0600;
  R(shmctl(id, IPC_SET, &d));
  shmstat(id);
  asnobody(shmnobody, id); // who owns it, and removes it
  shmstat(id);
  R(shmget(key, 1, 0)), R(shmctl(id, SHM_LOCK, 0)), shmstat(id), R(shmctl(id, SHM_UNLOCK, 0));
  R(shmctl(id, IPC_STAT, BAD)), R(shmctl(id, IPC_SET, BAD)), R(shmctl(id, 99, 0)), R(shmctl(-1, IPC_STAT, &d)), R(shmctl(id, -1, 0)), R(shmctl(id ^ 32768, IPC_STAT, &d));
  word = (int *)p, *word = 0;
  pthread_t t;
  pthread_create(&t, 0, futexer, 0);
  if (fork() == 0) {
    int *w = shmat(id, 0, 0); // another address, the same word
    while (syscall(SYS_futex, w, 1, 1, 0, 0, 0) == 0) usleep(500);
    _exit(0);
  }
  void *r;
  pthread_join(t, &r), wait(0);
  printf("futex %ld\n", (long)r);
  char cmd[200], line[300];
  FILE *f = fopen("/proc/self/maps", "r");
  while (f && fgets(line, sizeof line, f))
    if (strstr(line, "SYSV")) line[strcspn(line, "\n")] = 0, printf("%.4s.%.9s %s\n", strchr(line, ' ') + 1, strchr(line, ' ') + 6, strncmp(strstr(line, "/SYSV"), "/SYSV00000000", 9) ? "?" : "named");
  if (f) fclose(f);
  R(shmdt(p)), R(shmdt(q)), shmstat(id), R(shmctl(id, IPC_RMID, 0));
  struct shminfo si;
  struct shm_info su;
  R(shmctl(0, IPC_INFO, (void *)&si) >= 0), printf("%lu %lu %lu %lu %lu\n", si.shmmax, si.shmmin, si.shmmni, si.shmseg, si.shmall);
  id = shmget(IPC_PRIVATE, 40960, 0600);
  p = shmat(id, 0, 0), p[0] = p[8192] = 1;
  int top = shmctl(0, SHM_INFO, (void *)&su), n = 0;
  printf("used %d tot %d rss %d\n", su.used_ids > 0, su.shm_tot >= 10, su.shm_rss >= 2);
  for (int i = 0; i <= top; i++) n += shmctl(i, SHM_STAT, &d) == id, n += shmctl(i, SHM_STAT_ANY, &d) == id;
  printf("found %d, none %ld\n", n, (long)shmctl(top + 1, SHM_STAT, &d));
  shmctl(id, IPC_RMID, 0);
  shmstat(id), R(shmat(id, 0, 0) != (void *)-1), shmdt(p);
}

union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };
static int op(int id, int n, int v, int f) {
  struct sembuf b = {n, v, f};
  return semop(id, &b, 1);
}
static int many(int id, int n, ...) {
  struct sembuf b[8];
  __builtin_va_list a;
  __builtin_va_start(a, n);
  for (int i = 0; i < n; i++) b[i].sem_num = __builtin_va_arg(a, int), b[i].sem_op = __builtin_va_arg(a, int), b[i].sem_flg = __builtin_va_arg(a, int);
  __builtin_va_end(a);
  return semop(id, b, n);
}
static void vals(int id) {
  unsigned short v[64] = {0};
  struct semid_ds d;
  if (semctl(id, 0, IPC_STAT, &d) < 0 || semctl(id, 0, GETALL, v) < 0) return (void)printf("vals %s\n", strerror(errno));
  for (int i = 0; i < d.sem_nsems; i++) printf("%d/%d/%d/%d ", v[i], semctl(id, i, GETPID) == getpid(), semctl(id, i, GETNCNT), semctl(id, i, GETZCNT));
  printf(": mode %o key %d o %d c %d\n", d.sem_perm.mode, d.sem_perm.__key == key, d.sem_otime != 0, d.sem_ctime != 0);
}
static void semtake(int id) { R(op(id, 0, -1, 0)); }
static void semtake2(int id) { R(op(id, 0, -2, 0)); }
static void semzero(int id) { R(op(id, 1, 0, 0)); }
static void semboth(int id) { R(many(id, 2, 0, -1, 0, 1, -1, 0)); }
static void semundo(int id) {
  R(many(id, 3, 0, 5, SEM_UNDO, 1, 3, SEM_UNDO, 1, -1, SEM_UNDO));
  vals(id);
}
static void semundo2(int id) { R(op(id, 0, -3, SEM_UNDO)), vals(id); }
static void semundo3(int id) {
  R(op(id, 0, 5, SEM_UNDO)), semctl(id, 0, SETVAL, 3);
}
static void *undothread(void *p) { return (void *)(long)op((long)p, 1, 4, SEM_UNDO); }
static void semthreads(int id) {
  pthread_t t;
  pthread_create(&t, 0, undothread, (void *)(long)id), pthread_join(t, 0);
  vals(id);
}
static void semexec(int id) {
  op(id, 1, 7, SEM_UNDO);
  char s[20];
  sprintf(s, "%d", id);
  fflush(stdout);
  execl("/proc/self/exe", "sysvipc", "sem", s, (char *)0), _exit(99);
}
static void semintr(int id) {
  struct sigaction a = {.sa_handler = usr, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &a, 0);
  R(op(id, 0, -100, 0));
}
static void semnobody(int id) {
  struct semid_ds d = {0};
  R(semget(key, 0, 0600)), R(semget(key, 0, 0)== -1), R(op(id, 0, 1, 0)), R(op(id, 0, 0, IPC_NOWAIT)), R(op(id, 99, 0, IPC_NOWAIT)), R(semctl(id, 0, GETVAL)), R(semctl(id, 0, SETVAL, 1)), R(semctl(id, 99, GETVAL)),
      R(semctl(id, 0, IPC_RMID)), R(semctl(id, 0, IPC_SET, &d)), R(semctl(id, 0, IPC_STAT, &d)), R(semctl(id, 0, GETALL, BAD)), R(semctl(id, 0, SETALL, BAD));
}
static void sems(void) {
  struct timespec ts = {0, 20000000}, zero = {0, 0}, bad = {0, 1000000000}, neg = {-1, 0};
  struct sembuf b[600] = {{0, 1, 0}};
  struct semid_ds d;
  R(semget(key, 1, 0)), R(semget(key, -1, IPC_CREAT)), R(semget(key, 32001, IPC_CREAT)), R(semget(key, 0, IPC_CREAT));
  int id = MADE(semget(key, 3, IPC_CREAT | IPC_EXCL | 0640)), p, p2, p3;
  R(semget(key, 3, IPC_CREAT | IPC_EXCL)), R(semget(key, 4, 0)), R(semget(key, 2, 0) == id);
  vals(id);
  R(semop(id, b, 0)), R(semop(id, b, 501)), R(semop(-1, b, 1)), R(semop(id, BAD, 1)), R(semop(id + 12345, b, 1)), R(semop(id + 32768, b, 1)), b[1].sem_flg = IPC_NOWAIT, R(semop(id, b, 500));
  R(semctl(id, 0, GETVAL)), R(semctl(id, 0, SETVAL, 0));
  R(op(id, 3, 1, 0)), R(op(id, 0, -1, IPC_NOWAIT)), R(op(id, 0, 0, IPC_NOWAIT)), R(op(id, 0, 32767, 0)), R(op(id, 0, 1, 0)), R(op(id, 0, 0, IPC_NOWAIT));
  R(many(id, 3, 1, 1, 0, 0, -1, 0, 2, -1, IPC_NOWAIT)), vals(id);
  R(many(id, 3, 1, 1, 0, 1, -1, 0, 1, 0, IPC_NOWAIT)), vals(id);
  R(semctl(id, 0, SETVAL, 32768)), R(semctl(id, 0, SETVAL, -1)), R(semctl(id, 3, SETVAL, 1)), R(semctl(id, -1, SETVAL, 1)), R(semctl(id, 3, GETVAL)), R(semctl(id, 0, 99)), R(semctl(-1, 0, GETVAL));
  unsigned short v[3] = {1, 2, 3}, w[3] = {1, 40000, 3};
  R(semctl(id, 0, SETALL, w)), R(semctl(id, 0, SETALL, v)), vals(id);
  R(semctl(id, 0, SETALL, BAD)), R(semctl(id, 0, GETALL, BAD)), R(semctl(id, 0, IPC_STAT, BAD)), R(semctl(id, 0, IPC_SET, BAD));
  b[0] = (struct sembuf){0, -9, 0};
  R(semtimedop(id, b, 1, &ts)), R(semtimedop(id, b, 1, &zero)), R(semtimedop(id, b, 1, &bad)), R(semtimedop(id, b, 1, &neg)), R(semtimedop(id, b, 1, BAD)), R(semtimedop(id, b, 501, &bad)), R(semtimedop(id, BAD, 1, &bad));
  semctl(id, 0, SETVAL, 0);
  // who waits, and in which order they go on
  p = child(semtake, id), waitcnt(id, 0, GETNCNT, 1);
  p2 = child(semtake2, id), waitcnt(id, 0, GETNCNT, 2);
  p3 = child(semzero, id), waitcnt(id, 1, GETZCNT, 1);
  vals(id);
  R(op(id, 0, 1, 0)), join(p), vals(id);
  R(op(id, 0, 2, 0)), join(p2), vals(id);
  R(semctl(id, 1, SETVAL, 0)), join(p3), vals(id);
  p = child(semboth, id), waitcnt(id, 0, GETNCNT, 1);
  R(op(id, 0, 1, 0));
  waitcnt(id, 1, GETNCNT, 1), vals(id); // now the other one is what it waits for
  R(op(id, 1, 1, 0)), join(p), vals(id);
  p = child(semintr, id), waitcnt(id, 0, GETNCNT, 1), kill(p, SIGUSR1), join(p), vals(id);
  p = child(semtake, id), waitcnt(id, 0, GETNCNT, 1), kill(p, SIGKILL), join(p), vals(id);
  // what an end takes back
  join(child(semundo, id)), vals(id);
  semctl(id, 0, SETVAL, 10);
  join(child(semundo2, id)), vals(id);
  join(child(semundo3, id)), vals(id);
  join(child(semthreads, id)), vals(id);
  join(child(semexec, id)), vals(id);
  semctl(id, 0, SETVAL, 0);
  R(op(id, 0, -1, SEM_UNDO | IPC_NOWAIT)), R(op(id, 0, 20000, SEM_UNDO)), R(op(id, 0, 10000, SEM_UNDO)), R(op(id, 0, -25000, 0)), R(op(id, 0, 20000, SEM_UNDO)), vals(id);
  R(unshare(CLONE_SYSVSEM)), vals(id);
  asnobody(semnobody, id);
  semctl(id, 0, IPC_STAT, &d), d.sem_perm.uid = 65534, d.sem_perm.mode = 0400;
  R(semctl(id, 0, IPC_SET, &d));
  asnobody(semnobody, id);
  id = semget(IPC_PRIVATE, 2, 0600);
  p = child(semtake, id), waitcnt(id, 0, GETNCNT, 1);
  op(id, 1, 1, 0);
  p2 = child(semzero, id), waitcnt(id, 1, GETZCNT, 1);
  R(semctl(id, 0, IPC_RMID)), join(p), join(p2);
  R(op(id, 0, 1, 0)), R(semctl(id, 0, GETVAL));
  struct seminfo si, su;
  R(semctl(0, 0, IPC_INFO, &si) >= 0);
  printf("%d %d %d %d %d %d %d %d %d %d\n", si.semmap, si.semmni, si.semmns, si.semmnu, si.semmsl, si.semopm, si.semume, si.semusz, si.semvmx, si.semaem);
  id = semget(IPC_PRIVATE, 2, 0600);
  int top = semctl(0, 0, SEM_INFO, &su), n = 0;
  printf("%d %d %d\n", su.semmni, su.semusz >= 1, su.semaem >= 2);
  for (int i = 0; i <= top; i++) n += semctl(i, 0, SEM_STAT, &d) == id, n += semctl(i, 0, SEM_STAT_ANY, &d) == id;
  printf("found %d\n", n);
  R(semctl(id, 0, IPC_RMID));
}

struct mb { long t; char s[10000]; };
static struct mb m;
static int snd(int id, long t, int n, int f) {
  m.t = t;
  memset(m.s, 'a' + t % 26, sizeof m.s);
  return msgsnd(id, &m, n, f);
}
static void rcv(int id, size_t n, long t, int f) {
  memset(&m, 0, sizeof m);
  long r = msgrcv(id, &m, n, t, f);
  printf("rcv %ld %o: %ld %s type %ld %c\n", t, f, r, r < 0 ? strerror(errno) : "", m.t, m.s[0] ? m.s[0] : '-');
  fflush(stdout);
}
static void msgstat(int id) {
  struct msqid_ds d;
  if (msgctl(id, IPC_STAT, &d) < 0) return (void)printf("stat %s\n", strerror(errno));
  printf("bytes %lu num %lu limit %lu s %d r %d mode %o times %d%d%d\n", d.__msg_cbytes, d.msg_qnum, d.msg_qbytes, d.msg_lspid == getpid(), d.msg_lrpid == getpid(), d.msg_perm.mode,
         d.msg_stime != 0, d.msg_rtime != 0, d.msg_ctime != 0);
}
static void msgrecv5(int id) { rcv(id, 100, 5, 0); }
static void msgrecvany(int id) { rcv(id, 3, 0, 0); }
static void msgrecvlow(int id) { rcv(id, 100, -3, 0); }
static void msgfull(int id) { R(snd(id, 9, 8192, 0)); }
static void msgintr(int id) {
  struct sigaction a = {.sa_handler = usr, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &a, 0);
  rcv(id, 100, 77, 0);
  R(snd(id, 9, 8192, 0) + snd(id, 9, 8192, 0) + snd(id, 9, 8192, 0));
}
static void msgnobody(int id) {
  struct msqid_ds d = {0};
  R(msgget(key, 0200) == id), R(msgget(key, 0400) == id), R(snd(id, 1, 1, 0)), rcv(id, 1, 0, IPC_NOWAIT), R(msgctl(id, IPC_STAT, &d)), R(msgctl(id, IPC_RMID, 0)), R(msgctl(id, IPC_SET, &d));
}
static void msgs(void) {
  R(msgget(key, 0));
  int id = MADE(msgget(key, IPC_CREAT | IPC_EXCL | 0620)), p, p2, p3;
  R(msgget(key, IPC_CREAT | IPC_EXCL)), R(msgget(key, 0) == id), msgstat(id);
  R(snd(id, 0, 1, 0)), R(snd(id, -1, 1, 0)), R(snd(id, 1, 8193, 0)), R(snd(id, 1, -1, 0)), R(snd(-1, 1, 1, 0)), R(msgsnd(id, BAD, 1, 0)), R(snd(id + 12345, 1, 1, 0)), R(snd(id + 32768, 1, 1, 0));
  rcv(id, -1, 0, IPC_NOWAIT), rcv(id, 10, 0, IPC_NOWAIT), rcv(-1, 10, 0, IPC_NOWAIT);
  for (int i = 5; i > 0; i--) R(snd(id, i, i * 10, 0));
  R(snd(id, 3, 7, 0)), R(snd(id, 1, 0, 0)), msgstat(id);
  rcv(id, 5, 5, 0), rcv(id, 5, 5, MSG_NOERROR), rcv(id, 100, 5, IPC_NOWAIT), rcv(id, 100, -3, IPC_NOWAIT), rcv(id, 100, -3, IPC_NOWAIT), rcv(id, 100, -3, IPC_NOWAIT);
  rcv(id, 100, 4, MSG_EXCEPT), rcv(id, 100, 0, 0), rcv(id, 100, LONG_MIN, 0), rcv(id, 100, LONG_MIN, IPC_NOWAIT), msgstat(id);
  snd(id, 4, 4, 0), snd(id, 2, 2, 0);
  rcv(id, 100, 1, MSG_COPY | IPC_NOWAIT), rcv(id, 100, 0, MSG_COPY | IPC_NOWAIT), rcv(id, 100, 2, MSG_COPY | IPC_NOWAIT), rcv(id, 100, 0, MSG_COPY), rcv(id, 1, 0, MSG_COPY | IPC_NOWAIT), rcv(id, 1, 0, MSG_COPY | MSG_NOERROR | IPC_NOWAIT), rcv(id, 100, -1, MSG_COPY | IPC_NOWAIT);
  rcv(id, 100, 0, 0), rcv(id, 100, 0, 0);
  p = nap(child(msgrecv5, id)), p2 = nap(child(msgrecvany, id)), p3 = nap(child(msgrecvlow, id));
  R(snd(id, 6, 50, 0)), join(p2), msgstat(id); // too long for who takes any
  R(snd(id, 5, 50, 0)), join(p), R(snd(id, 2, 50, 0)), join(p3), msgstat(id);
  rcv(id, 100, 0, 0);
  R(snd(id, 1, 8192, 0)), R(snd(id, 2, 8000, 0)), R(snd(id, 3, 193, IPC_NOWAIT)), R(snd(id, 3, 192, IPC_NOWAIT)), R(snd(id, 3, 0, IPC_NOWAIT)), msgstat(id);
  p = nap(child(msgfull, id));
  rcv(id, 8192, 1, 0), join(p), msgstat(id);
  rcv(id, 8192, 9, 0), rcv(id, 8192, 0, 0), rcv(id, 8192, 0, 0), rcv(id, 8192, 0, 0);
  p = nap(child(msgintr, id)), kill(p, SIGUSR1);
  struct msqid_ds d;
  do msgctl(id, IPC_STAT, &d);
  while (d.msg_qnum < 2);
  nap(p), kill(p, SIGUSR1), join(p), msgstat(id);
  asnobody(msgnobody, id);
  msgctl(id, IPC_STAT, &d), d.msg_perm.uid = 65534, d.msg_perm.mode = 0600, d.msg_qbytes = 20;
  R(msgctl(id, IPC_SET, &d)), msgstat(id);
  p = nap(child(msgrecv5, id)), R(msgctl(id, IPC_SET, &d)), snd(id, 5, 1, IPC_NOWAIT);
  R(msgctl(id, IPC_SET, BAD)), R(msgctl(id, IPC_STAT, BAD)), R(msgctl(id, 99, 0)), R(msgctl(-1, IPC_STAT, &d)), R(msgctl(id, -1, 0));
  d.msg_qbytes = 16385, R(msgctl(id, IPC_SET, &d)), d.msg_qbytes = 16384, R(msgctl(id, IPC_SET, &d));
  rcv(id, 8192, 9, 0), R(snd(id, 5, 1, IPC_NOWAIT)), join(p), rcv(id, 8192, 0, 0);
  R(snd(id, 5, 1, IPC_NOWAIT)), rcv(id, 100, 5, 0);
  asnobody(msgnobody, id);
  msgstat(id);
  id = msgget(IPC_PRIVATE, 0600);
  p = nap(child(msgrecv5, id));
  snd(id, 1, 8192, 0), snd(id, 1, 8192, 0);
  p2 = nap(child(msgfull, id));
  R(msgctl(id, IPC_RMID, 0)), join(p), join(p2), R(snd(id, 1, 1, 0));
  struct msginfo mi, mu;
  R(msgctl(0, IPC_INFO, (void *)&mi) >= 0), printf("%d %d %d %d %d %d %d %d\n", mi.msgpool, mi.msgmap, mi.msgmax, mi.msgmnb, mi.msgmni, mi.msgssz, mi.msgtql, mi.msgseg);
  id = msgget(IPC_PRIVATE, 0600), snd(id, 1, 10, 0);
  int top = msgctl(0, MSG_INFO, (void *)&mu), n = 0;
  printf("%d %d %d\n", mu.msgpool > 0, mu.msgmap > 0, mu.msgtql >= 10);
  for (int i = 0; i <= top; i++) n += msgctl(i, MSG_STAT, &d) == id, n += msgctl(i, MSG_STAT_ANY, &d) == id;
  printf("found %d\n", n);
  R(msgctl(id, IPC_RMID, 0));
}

int main(int argc, char **argv) {
  if (argc > 2) { // after exec: what was done with SEM_UNDO is still to be taken back
    vals(atoi(argv[2]));
    return 0;
  }
  // Not every root has CAP_SYS_RESOURCE.
  struct { unsigned version; int pid; } h = {0x20080522, 0};
  unsigned caps[6] = {0};
  syscall(SYS_capget, &h, caps), caps[0] &= ~(1 << 24), syscall(SYS_capset, &h, caps);
  key = 0x5b000000 | (getpid() * 2654435761u >> 8 & 0xffffff);
  shared(), sems(), msgs();
  return 0;
}
