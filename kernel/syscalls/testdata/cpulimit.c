// What happens when the limit of CPU time is met: RLIMIT_CPU.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void over(int sig) {
	struct rlimit l;
	char line[64];
	getrlimit(RLIMIT_CPU, &l);
	int n = snprintf(line, sizeof line, "signal %d, now %ld of %ld\n", sig, (long)l.rlim_cur, (long)l.rlim_max);
	if (write(1, line, n) != n) _exit(9);
}

static void spin(const char *name, struct rlimit l, int handle, int forks) {
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (handle) signal(SIGXCPU, over);
		if (setrlimit(RLIMIT_CPU, &l)) _exit(8);
		if (forks && fork()) { // the limit is inherited, the time is not
			int s;
			wait(&s);
			_exit(WIFSIGNALED(s) ? 100 + WTERMSIG(s) : WEXITSTATUS(s));
		}
		for (volatile long i = 0;; i++) {}
	}
	int s;
	wait(&s);
	printf("%s: exit %d, signal %d\n", name, WIFEXITED(s) ? WEXITSTATUS(s) : -1, WIFSIGNALED(s) ? WTERMSIG(s) : -1);
}

int main(void) {
	spin("soft", (struct rlimit){1, RLIM_INFINITY}, 0, 0);
	spin("handled, then hard", (struct rlimit){1, 2}, 1, 0);
	spin("both, in a child", (struct rlimit){0, 0}, 0, 1);
	return 0;
}
