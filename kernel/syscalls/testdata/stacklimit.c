// How deep a program may go: RLIMIT_STACK as it is when it begins.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long *depth;

static int down(char *top) {
	volatile char page[4096];
	page[0] = 1;
	*depth = top - (char *)page;
	return down(top) + page[0];
}

int main(int argc, char **argv) {
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1) {
		char top;
		depth = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pid_t pid = fork();
		if (pid == 0) return down(&top);
		int s;
		wait(&s);
		printf("signal %d after %ld times 256 KiB\n", WTERMSIG(s), *depth >> 18);
		return 0;
	}
	// So that the place of the stack's top, which Linux takes at random, does not count.
	for (long kib = 700; kib < 8192; kib = kib * 2 - 100) {
		if (fork() == 0) {
			struct rlimit l = {kib << 10, RLIM_INFINITY};
			char *again[] = {argv[0], "deep", NULL};
			setrlimit(RLIMIT_STACK, &l);
			execv("/proc/self/exe", again);
			_exit(1);
		}
		wait(NULL);
	}
	return 0;
}
