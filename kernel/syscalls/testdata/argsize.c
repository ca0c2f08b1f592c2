// How much execve takes, by RLIMIT_STACK.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1) return 7;
  static const long stacks[] = {64, 512, 1024, 4096, 8192, 1 << 15, -1};
  char text[1000];
  memset(text, 'a', sizeof text - 1), text[sizeof text - 1] = 0;
  for (int i = 0; i < sizeof stacks / sizeof *stacks; i++)
    for (int tenths = 9; tenths <= 11; tenths += 2)
      for (int env = 0; env < 2; env++) {
        long kib = stacks[i] < 0 ? 6 << 10 : stacks[i] / 4;
        if (kib > 6 << 10) kib = 6 << 10;
        if (kib < 128) kib = 128;
        int n = kib * 1024 * tenths / 10 / (sizeof text + 8), st, pid;
        char **v = calloc(n + 2, sizeof *v), *one[] = {"argsize", "x", 0}, *none[] = {0};
        for (int k = 0; k < n; k++) v[k] = text;
        fflush(stdout);
        if ((pid = fork()) == 0) {
          struct rlimit l = {stacks[i] < 0 ? RLIM_INFINITY : stacks[i] << 10, RLIM_INFINITY};
          setrlimit(RLIMIT_STACK, &l);
          execve("/proc/self/exe", env ? one : v, env ? v : none);
          _exit(errno);
        }
        waitpid(pid, &st, 0);
        printf("%ld KiB, %d tenths, %s: %d\n", stacks[i], tenths, env ? "environment" : "arguments", WEXITSTATUS(st));
        free(v);
      }
  return 0;
}
