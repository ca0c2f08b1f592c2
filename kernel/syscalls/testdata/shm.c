// Two programs that map one file, and a sparse one.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int fd = open("shared", O_RDWR | O_CREAT, 0600), st;
  ftruncate(fd, 5L << 30);
  off_t far = (4L << 30) + 4096;
  volatile int *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, far);
  if (p == MAP_FAILED) return perror("mmap"), 1;
  if (argc > 1) { // the other program
    p[1] = p[0] + 1;
    while (p[2] == 0) usleep(1000);
    _exit(p[2]);
  }
  p[0] = 41;
  pid_t c = fork();
  if (c == 0) execl("/proc/self/exe", "shm", "other", (char *)0), _exit(99);
  while (p[1] == 0) usleep(1000);
  printf("told %d\n", p[1]);
  p[2] = 7;
  waitpid(c, &st, 0);
  printf("%x\n", st);
  int v;
  msync((void *)p, 4096, MS_SYNC);
  pread(fd, &v, 4, far + 4);
  printf("file %d\n", v);
  unlink("shared");
  return 0;
}
