// Processes: fork, vfork, exec, wait, posix_spawn.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char self[4096];
static void say(const char *what, long r) { printf("%s: %s\n", what, r < 0 ? strerrorname_np(errno) : "ok"); }
#define SAY(x) (errno = 0, say(#x, (long)(x)))
static void put(const char *name, const char *text, int mode) {
  unlink(name);
  int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, mode);
  write(fd, text, strlen(text));
  close(fd);
  chmod(name, mode);
}
static int shared_value = 1;
static int cloned(void *p) { shared_value = (long)p; return 5; }
static void *execs(void *p) { execl(self, "procs", "child", "from a thread", (char *)0); return 0; }
static void *spins(void *p) { for (;;) sched_yield(); }

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc > 1 && !strcmp(argv[1], "child")) {
    printf("child:");
    for (int i = 0; i < argc; i++) printf(" [%s]", argv[i]);
    printf(" fd 50: %d\n", fcntl(50, F_GETFD));
    return 3;
  }
  if (argc > 1) { // as an interpreter, or by execveat and the like
    for (int i = 0; i < argc; i++) printf("%s%s", i ? " " : "args: ", i ? argv[i] : "");
    printf("\n");
    return 4;
  }
  int n = readlink("/proc/self/exe", self, sizeof self - 1), st;
  printf("exe %d\n", n > 0);
  pid_t p = fork();
  if (p == 0) _exit(getppid() > 0 ? 11 : 12);
  SAY(waitpid(p, &st, 0) != p ? -1 : 0);
  printf("%x\n", st);
  SAY(wait(&st));
  if ((p = fork()) == 0) raise(SIGTERM), _exit(1);
  waitpid(p, &st, 0), printf("%x\n", st);
  int go[2];
  pipe(go);
  if ((p = fork()) == 0) raise(SIGSTOP), read(go[0], self, 1), _exit(44);
  waitpid(p, &st, WUNTRACED), printf("stopped %x\n", st);
  unsigned head[2] = {0x20080522, p}, own[6], others[6];
  SAY(syscall(SYS_capget, head, others));
  head[1] = 0, SAY(syscall(SYS_capget, head, own)), printf("as its parent: %d\n", !memcmp(own, others, sizeof own));
  head[1] = 1 << 22, SAY(syscall(SYS_capget, head, own)), SAY(syscall(SYS_capget, head, 0));
  head[1] = -5, SAY(syscall(SYS_capget, head, own));
  kill(p, SIGCONT);
  waitpid(p, &st, WCONTINUED), printf("continued %x\n", st);
  write(go[1], "", 1), waitpid(p, &st, 0), printf("%x\n", st), close(go[0]), close(go[1]);
  printf("none: %d\n", waitpid(-1, &st, WNOHANG));
  if ((p = fork()) == 0) for (;;);
  printf("running: %d\n", waitpid(p, &st, WNOHANG));
  usleep(20000);
  kill(p, SIGKILL), waitpid(p, &st, 0), printf("%x\n", st);
  if ((p = vfork()) == 0) {
    shared_value = 2;
    _exit(6);
  }
  waitpid(p, &st, 0), printf("vfork %x %d\n", st, shared_value);
  if ((p = vfork()) == 0) {
    execl(self, "procs", "child", "by vfork", (char *)0);
    _exit(7);
  }
  waitpid(p, &st, 0), printf("%x\n", st);
  if ((p = vfork()) == 0) {
    errno = 0;
    execl("/nowhere", "x", (char *)0);
    _exit(errno == ENOENT ? 8 : 9);
  }
  waitpid(p, &st, 0), printf("%x\n", st);
  char *args[] = {"procs", "child", "spawned", 0};
  posix_spawn_file_actions_t fa;
  posix_spawn_file_actions_init(&fa);
  posix_spawn_file_actions_adddup2(&fa, 1, 50);
  n = posix_spawn(&p, self, &fa, 0, args, environ);
  waitpid(p, &st, 0), printf("spawn %d %x\n", n, st);
  printf("spawn nothing: %s\n", strerrorname_np(posix_spawn(&p, "/nowhere", 0, 0, args, environ)));
  char *stack = malloc(65536);
  p = clone(cloned, stack + 65536, SIGCHLD, (void *)9);
  waitpid(p, &st, 0), printf("clone %x %d\n", st, shared_value);
  p = clone(cloned, stack + 65536, CLONE_VM | SIGCHLD, (void *)9);
  waitpid(p, &st, 0), printf("clone VM %x %d\n", st, shared_value);
  SAY(clone(cloned, stack + 65536, CLONE_THREAD, 0));
  SAY(clone(cloned, stack + 65536, CLONE_SIGHAND, 0));
  SAY(syscall(SYS_clone3, stack, 8));
  SAY(syscall(SYS_clone3, 8, 64));
  // exec
  SAY(execl("/", "x", (char *)0));
  put("text", "hello\n", 0755);
  SAY(execv("text", (char *[]){"text", 0}));
  put("text2", "hello\n", 0644);
  SAY(execv("text2", (char *[]){"text2", 0}));
  put("empty", "", 0755);
  SAY(execv("empty", (char *[]){"empty", 0}));
  put("elf", "\177ELF and no more", 0755);
  SAY(execv("elf", (char *[]){"elf", 0}));
  SAY(execv("text/x", (char *[]){"text", 0}));
  SAY(execv((char *)8, (char *[]){"text", 0}));
  SAY(execv(self, (char **)8));
  SAY(execv(self, (char *[]){(char *)8, 0}));
  char *huge = malloc(200000);
  memset(huge, 'a', 199999), huge[199999] = 0;
  SAY(execv(self, (char *[]){"x", huge, 0}));
  char **many = calloc(40, sizeof *many);
  huge[100000] = 0;
  for (int i = 0; i < 39; i++) many[i] = huge;
  SAY(execv(self, many));
  char line[5000];
  symlink(self, "interp");
  put("script", "#!./interp  one arg \nrest\n", 0755);
  if ((p = fork()) == 0) execv("./script", (char *[]){"zero", "a", "b", 0}), _exit(99);
  waitpid(p, &st, 0), printf("%x\n", st);
  put("script2", "#!./script\n", 0755);
  if ((p = fork()) == 0) execv("./script2", (char *[]){"zero", "a", 0}), _exit(99);
  waitpid(p, &st, 0), printf("%x\n", st);
  put("script3", "#!/nowhere/at/all\n", 0755);
  SAY(execv("./script3", (char *[]){"zero", "a", 0}));
  put("script4", "#!./script4\n", 0755);
  SAY(execv("./script4", (char *[]){"zero", "a", 0}));
  // a program that is open for writing, or running
  char cmd[1 << 16];
  int in = open(self, O_RDONLY), out = open("copy", O_CREAT | O_WRONLY, 0755);
  for (int k; (k = read(in, cmd, sizeof cmd)) > 0;) write(out, cmd, k);
  SAY(execl("./copy", "copy", "child", (char *)0));
  close(out);
  if ((p = fork()) == 0) {
    fcntl(1, F_DUPFD, 50);
    fcntl(50, F_SETFD, FD_CLOEXEC);
    execl("./copy", "copy", "child", "closed at exec", (char *)0);
  }
  waitpid(p, &st, 0), printf("%x\n", st);
  SAY(open(self, O_WRONLY));
  if ((p = fork()) == 0) {
    pthread_t t;
    pthread_create(&t, 0, spins, 0);
    pthread_create(&t, 0, execs, 0);
    pause();
  }
  waitpid(p, &st, 0), printf("exec of a thread %x\n", st);
  if ((p = fork()) == 0) {
    int me = getpid();
    char b[20];
    sprintf(b, "%d", me);
    signal(SIGUSR1, SIG_IGN);
    sigset_t s;
    sigemptyset(&s), sigaddset(&s, SIGUSR2);
    sigprocmask(SIG_BLOCK, &s, 0);
    execl(self, "procs", "child", "keeps", (char *)0);
  }
  waitpid(p, &st, 0);
  if ((p = fork()) == 0) _exit(77);
  SAY(wait4(p, (int *)8, 0, 0));
  SAY(waitpid(p, &st, 0x4000));
  SAY(kill(-99999, 0));
  SAY(kill(getpid(), 99));
  // orphans, groups
  int pp[2];
  pipe(pp);
  if ((p = fork()) == 0) {
    setsid();
    if (fork() == 0) { usleep(30000); dprintf(pp[1], "%d", getppid() != p); _exit(0); }
    _exit(0);
  }
  close(pp[1]);
  waitpid(p, &st, 0);
  n = read(pp[0], line, 10);
  printf("orphan %d\n", n);
  unlink("copy"), unlink("interp");
  return 0;
}
