// Tells what /proc shows of a process that writes over its arguments.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void show(const char *what, const char *path) {
	static char b[65536];
	int fd = open(path, O_RDONLY);
	long n = read(fd, b, sizeof b);
	close(fd);
	printf("%s: %ld:", what, n);
	for (long i = 0; i < n && i < 300; i++)
		if (b[i] >= ' ' && b[i] < 127)
			putchar(b[i]);
		else
			printf("\\%o", b[i]);
	putchar('\n');
	fflush(stdout);
}

static void *thread(void *p) {
	prctl(PR_SET_NAME, "a thread of mine that is long");
	char path[64];
	sprintf(path, "/proc/self/task/%ld/comm", syscall(SYS_gettid));
	show("thread", path);
	show("leader", "/proc/self/comm");
	show("thread's cmdline", "/proc/thread-self/cmdline");
	return 0;
}

int main(int argc, char **argv) {
	char *args = argv[0], *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	size_t n = end - args;
	if (argc == 2 && !strcmp(argv[1], "stay")) {
		memset(args, 0, n);
		strcpy(args, "new");
		pause();
	}
	int kept = open("/proc/self/cmdline", O_RDONLY);
	char path[64];
	printf("contiguous: %d\n", environ[0] == end);
	show("start", "/proc/self/cmdline");
	show("environ", "/proc/self/environ");
	strcpy(args, "x");
	show("shorter, the rest left", "/proc/self/cmdline");
	memset(args, 0, n);
	strcpy(args, "a title");
	show("padded", "/proc/self/cmdline");
	memset(args, 'y', n);
	show("over the end", "/proc/self/cmdline");
	memset(args, 'z', n + 5);
	args[n + 5] = 0;
	show("into the environment", "/proc/self/cmdline");
	show("environ", "/proc/self/environ");
	char b[64];
	long got = pread(kept, b, 3, 2);
	printf("opened at the start: %ld %.3s\n", got, b);
	if (fork() == 0) {
		strcpy(args, "the child");
		memset(args + 9, 0, n - 9);
		show("child", "/proc/self/cmdline");
		sprintf(path, "/proc/%d/cmdline", getppid());
		show("its parent", path);
		_exit(0);
	}
	wait(0);
	pid_t zombie = fork();
	if (zombie == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, zombie, &info, WEXITED | WNOWAIT);
	sprintf(path, "/proc/%d/cmdline", zombie);
	show("zombie", path);
	sprintf(path, "/proc/%d/comm", zombie);
	show("its name", path);
	int status = open(path, O_RDONLY);
	waitpid(zombie, 0, 0);
	printf("gone: %ld\n", (long)read(status, b, sizeof b));
	prctl(PR_SET_NAME, "renamed");
	pthread_t t;
	pthread_create(&t, 0, thread, 0);
	pthread_join(t, 0);
	int comm = open("/proc/self/comm", O_RDWR);
	got = read(comm, b, sizeof b);
	printf("%.*s", (int)got, b);
	printf("%ld\n", (long)write(comm, "by the file\n", 12));
	got = pread(comm, b, sizeof b, 0);
	printf("%.*s", (int)got, b);
	memset(args, 0, n + 5);
	show("emptied", "/proc/self/cmdline");
	return 0;
}
