// What a program starts with: arguments, environment, auxiliary vector.
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <errno.h>

extern char **environ;
extern char _start[];
extern const ElfW(Ehdr) __ehdr_start;
__thread int tls = 42;

int main(int argc, char **argv) {
  printf("argc %d\n", argc);
  for (int i = 0; i < argc; i++) printf("[%s]\n", argv[i]);
  printf("end %d\n", argv[argc] == 0);
  for (char **e = environ; *e; e++) printf("env [%s]\n", *e);
  ElfW(Phdr) *ph = (void *)getauxval(AT_PHDR);
  printf("phdr %d phnum %d phent %ld\n", (char *)ph == (char *)&__ehdr_start + __ehdr_start.e_phoff, getauxval(AT_PHNUM) == __ehdr_start.e_phnum, getauxval(AT_PHENT));
  printf("entry %d base %ld flags %ld\n", getauxval(AT_ENTRY) == (unsigned long)_start, getauxval(AT_BASE), getauxval(AT_FLAGS));
  printf("page %ld clk %ld secure %ld\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_SECURE));
  printf("ids %d %d\n", getauxval(AT_UID) == getuid(), getauxval(AT_EGID) == getegid());
  unsigned char *r = (void *)getauxval(AT_RANDOM);
  int sum = 0;
  for (int i = 0; i < 16; i++) sum |= r[i];
  printf("random %d platform %s\n", sum != 0, (char *)getauxval(AT_PLATFORM));
  char *fn = (char *)getauxval(AT_EXECFN);
  printf("execfn %s\n", strrchr(fn, '/'));
  printf("stack aligned %d, order %d\n", ((unsigned long)argv & 7) == 0, (char *)argv < argv[0] && argv[0] < fn);
  printf("tls %d\n", tls);
  char name[16];
  prctl(PR_GET_NAME, name);
  printf("comm %s\n", name);
  FILE *f = fopen("/proc/self/cmdline", "r");
  char b[200];
  int n = f ? fread(b, 1, sizeof b, f) : -1;
  printf("cmdline %d\n", n);
  f = fopen("/proc/self/maps", "r");
  int stack = 0, text = 0, heap = 0;
  while (f && fgets(b, sizeof b, f)) {
    stack += strstr(b, "[stack]") != 0;
    heap += strstr(b, "[heap]") != 0;
    text += strstr(b, "r-xp") != 0 && strstr(b, "/start\n") != 0;
  }
  printf("maps: stack %d heap %d text %d\n", stack, heap, text);
  return 7;
}
