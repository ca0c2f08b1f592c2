// A program that stores to a mapped file and tells nothing but that it does.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

// count stores ever higher numbers, at the start and then at the end of the file.
static int count(char *name, long size) {
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  ftruncate(fd, size);
  char *p = mmap(0, size, RW, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return perror("mmap"), 1;
  volatile long *first = (void *)p, *last = (void *)(p + size - 8);
  for (long i = 1;; i++) {
    *first = i;
    __sync_synchronize();
    *last = i;
    if (i == 1) puts("stores"), fflush(stdout);
  }
}

// once stores when it is told to.
static int once(char *name) {
  int fd = open(name, O_RDWR);
  char *p = mmap(0, 4096, RW, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return perror("mmap"), 1;
  for (char c; puts("ready"), fflush(stdout), read(0, &c, 1) == 1;) p[0] = c;
  return 0;
}

// fill stores to each page of a sparse file.
static int fill(char *name, long size) {
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  if (ftruncate(fd, size)) return perror("ftruncate"), 1;
  char *p = mmap(0, size, RW, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return perror("mmap"), 1;
  for (long i = 0; i < size; i += 4096) p[i] = 1;
  return puts("filled"), 0;
}

// later maps more than there is, lets the file grow and stores to it.
static int later(char *name, long size) {
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  char *p = mmap(0, size, RW, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return perror("mmap"), 1;
  write(fd, "x", 1), p[0] = 'y';
  if (ftruncate(fd, size)) return perror("ftruncate"), 1;
  for (long i = 0; i < size; i += 4096) p[i] = 1;
  return puts("filled"), 0;
}

// look reads each page of a sparse file.
static int look(char *name, long size) {
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  ftruncate(fd, size);
  char *p = mmap(0, size, PROT_READ, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return perror("mmap"), 1;
  long n = 0;
  for (long i = 0; i < size; i += 4096) n += p[i];
  return printf("read %ld\n", n), 0;
}

int main(int argc, char **argv) {
  long size = argc > 3 ? atol(argv[3]) : 0;
  if (!strcmp(argv[1], "count")) return count(argv[2], size);
  if (!strcmp(argv[1], "once")) return once(argv[2]);
  if (!strcmp(argv[1], "fill")) return fill(argv[2], size);
  if (!strcmp(argv[1], "later")) return later(argv[2], size);
  if (!strcmp(argv[1], "look")) return look(argv[2], size);
  return 2;
}
