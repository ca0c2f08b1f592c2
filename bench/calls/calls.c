// calls NAME N: makes a system call, or a small group of them, N times, and says what one took by its own clocks: nanoseconds of wall time, and of
// CPU time of itself and its children. Without arguments it lists the names, each with an N that takes a tenth of a second or so natively.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(int ok, const char *what) {
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void nothing(long n) { (void)n; }

static void getpid_(long n) {
	while (n-- > 0)
		syscall(SYS_getpid);
}

static void clock_(long n) {
	struct timespec t;
	while (n-- > 0)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

static void clock_raw(long n) {
	struct timespec t;
	while (n-- > 0)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

static void stat_(long n) {
	struct stat st;
	while (n-- > 0)
		check(stat("/usr/bin/env", &st) == 0, "stat");
}

static void open_close(long n) {
	while (n-- > 0) {
		int fd = open("/usr/bin/env", O_RDONLY);
		check(fd >= 0, "open");
		close(fd);
	}
}

static void read_4k(long n) {
	char b[4096];
	int fd = open("/usr/bin/env", O_RDONLY);
	check(fd >= 0, "open");
	while (n-- > 0)
		check(pread(fd, b, sizeof b, 0) == sizeof b, "pread");
	close(fd);
}

static void write_null(long n) {
	char b[4096] = {0};
	int fd = open("/dev/null", O_WRONLY);
	check(fd >= 0, "open");
	while (n-- > 0)
		check(write(fd, b, sizeof b) == sizeof b, "write");
	close(fd);
}

// An eventfd that is written, waited for and read: three calls.
static void epoll_(long n) {
	int ep = epoll_create1(0), ev = eventfd(0, 0);
	struct epoll_event e = {.events = EPOLLIN};
	check(ep >= 0 && ev >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e) == 0, "epoll");
	unsigned long v = 1;
	while (n-- > 0) {
		check(write(ev, &v, 8) == 8, "write");
		check(epoll_wait(ep, &e, 1, -1) == 1, "epoll_wait");
		check(read(ev, &v, 8) == 8, "read");
	}
	close(ev);
	close(ep);
}

// A byte there and back between two processes: two writes and two reads that wait.
static void pipes(long n) {
	int to[2], from[2];
	check(pipe(to) == 0 && pipe(from) == 0, "pipe");
	pid_t child = fork();
	check(child >= 0, "fork");
	char c = 0;
	if (child == 0) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1)
			check(write(from[1], &c, 1) == 1, "write");
		_exit(0);
	}
	close(to[0]);
	while (n-- > 0) {
		check(write(to[1], &c, 1) == 1, "write");
		check(read(from[0], &c, 1) == 1, "read");
	}
	close(to[1]);
	waitpid(child, NULL, 0);
}

// A word that two threads change in turn: two wakes and two waits.
static int word;
static long rounds;

static void turn(int mine) {
	for (long i = 0; i < rounds; i++) {
		int v;
		while ((v = __atomic_load_n(&word, __ATOMIC_ACQUIRE)) != mine)
			syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, v, NULL);
		__atomic_store_n(&word, !mine, __ATOMIC_RELEASE);
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
	}
}

static void *other(void *p) {
	turn(1);
	return p;
}

static void futexes(long n) {
	pthread_t th;
	rounds = n;
	check(pthread_create(&th, NULL, other, NULL) == 0, "pthread_create");
	turn(0);
	pthread_join(th, NULL);
}

static void map(long n) {
	while (n-- > 0) {
		void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(p != MAP_FAILED, "mmap");
		munmap(p, 65536);
	}
}

// The first write to a page, with a 256th of the mmap and munmap of a MiB.
static void fault(long n) {
	enum { pages = 256 };
	for (; n > 0; n -= pages) {
		char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(p != MAP_FAILED, "mmap");
		madvise(p, pages * 4096, MADV_NOHUGEPAGE);
		for (int i = 0; i < pages; i++)
			p[i * 4096] = 1;
		munmap(p, pages * 4096);
	}
}

static volatile long handled;
static void handler(int s) { handled += s; }

static void signals(long n) {
	struct sigaction sa = {.sa_handler = handler};
	pid_t me = getpid();
	check(sigaction(SIGUSR1, &sa, NULL) == 0, "sigaction");
	for (long i = 0; i < n; i++)
		kill(me, SIGUSR1);
	check(handled == n * SIGUSR1, "signals");
}

static void forks(long n) {
	while (n-- > 0) {
		pid_t child = fork();
		check(child >= 0, "fork");
		if (child == 0)
			_exit(0);
		check(waitpid(child, NULL, 0) == child, "waitpid");
	}
}

static void *done(void *p) { return p; }

static void threads(long n) {
	while (n-- > 0) {
		pthread_t th;
		check(pthread_create(&th, NULL, done, NULL) == 0, "pthread_create");
		pthread_join(th, NULL);
	}
}

static const struct {
	const char *name;
	void (*run)(long);
	long n;
} all[] = {
	{"getpid", getpid_, 1000000},
	{"clock_gettime", clock_, 3000000},
	{"clock_gettime_call", clock_raw, 1000000},
	{"stat", stat_, 200000},
	{"open+close", open_close, 100000},
	{"read_4k", read_4k, 300000},
	{"write_null", write_null, 1000000},
	{"epoll", epoll_, 200000},
	{"pipe", pipes, 20000},
	{"futex", futexes, 20000},
	{"mmap+munmap", map, 100000},
	{"fault", fault, 200192},
	{"signal", signals, 100000},
	{"fork+wait", forks, 1000},
	{"thread", threads, 5000},
	{"nothing", nothing, 1},
};

static double since(struct timespec a, struct timespec b) { return (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec); }

static double cpu(void) {
	struct rusage me, kids;
	getrusage(RUSAGE_SELF, &me);
	getrusage(RUSAGE_CHILDREN, &kids);
	return (me.ru_utime.tv_sec + me.ru_stime.tv_sec + kids.ru_utime.tv_sec + kids.ru_stime.tv_sec) * 1e9 +
	       (me.ru_utime.tv_usec + me.ru_stime.tv_usec + kids.ru_utime.tv_usec + kids.ru_stime.tv_usec) * 1e3;
}

int main(int argc, char **argv) {
	const int count = sizeof all / sizeof *all;
	if (argc != 3) {
		for (int i = 0; i < count; i++)
			printf("%s %ld\n", all[i].name, all[i].n);
		return 0;
	}
	long n = atol(argv[2]);
	for (int i = 0; i < count; i++) {
		if (strcmp(argv[1], all[i].name) || n < 1)
			continue;
		struct timespec a, b;
		double used = cpu();
		clock_gettime(CLOCK_MONOTONIC, &a);
		all[i].run(n);
		clock_gettime(CLOCK_MONOTONIC, &b);
		used = cpu() - used;
		printf("%s %.0f %.0f\n", all[i].name, since(a, b) / n, used / n);
		return 0;
	}
	fprintf(stderr, "calls: no %s %s\n", argv[1], argv[2]);
	return 2;
}
