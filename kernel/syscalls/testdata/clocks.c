// What asks for the time, in all ways, agrees: forms that an executor may answer by itself and forms that it does not.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long now(int form) {
	struct timespec t;
	struct timeval v;
	switch (form) {
	case 0: // answered by the executor
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
		break;
	case 1: // never; not all machines have it
		if (syscall(SYS_clock_gettime, CLOCK_BOOTTIME_ALARM, &t))
			clock_gettime(CLOCK_MONOTONIC, &t);
		break;
	case 2:
		clock_gettime(CLOCK_MONOTONIC, &t);
		break;
	case 10:
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
		break;
	case 11:
		if (syscall(SYS_clock_gettime, CLOCK_REALTIME_ALARM, &t))
			clock_gettime(CLOCK_REALTIME, &t);
		break;
	case 12: // microseconds: up to the next one
		syscall(SYS_gettimeofday, &v, NULL);
		return v.tv_sec * 1000000000LL + v.tv_usec * 1000LL + 999;
	}
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static volatile sig_atomic_t ticks;
static void tick(int s) { ticks += s == SIGALRM; }

// monotone reads in turns, and says whether time ever went back.
static void monotone(const char *what, int from, int slack) {
	long long last = 0, bad = 0;
	for (int i = 0; i < 60000; i++) {
		long long t = now(from + i % 3);
		if (t + slack < last)
			bad++;
		last = t;
	}
	printf("%s back %lld\n", what, bad);
}

static void *reader(void *p) {
	long *n = p;
	struct timespec t;
	while (!__atomic_load_n(&n[1], __ATOMIC_ACQUIRE))
		n[0] += syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) != 0;
	return p;
}

int main(void) {
	setbuf(stdout, NULL);
	printf("monotonic > 0 %d\n", now(0) > 0);
	monotone("monotonic", 0, 0);
	monotone("realtime", 10, 999);
	long bad = 0;
	for (int i = 0; i < 1000; i++) {
		struct timespec t;
		long s = time(NULL), r = syscall(SYS_time, NULL);
		time_t in;
		long q = syscall(SYS_time, &in);
		clock_gettime(CLOCK_REALTIME, &t);
		bad += r < s || r > s + 1 || q != in || t.tv_sec < s || t.tv_sec > s + 2;
	}
	printf("seconds %ld\n", bad);

	// registers and flags
	unsigned long r11, flags, rcx, same = 0;
	struct timespec ts;
	for (int i = 0; i < 2; i++) {
		register long r8 __asm__("r8") = 0x1122334455667788, r9 __asm__("r9") = -3, r10 __asm__("r10") = 77;
		register long r12 __asm__("r12") = 1212, r13 __asm__("r13") = 1313, r14 __asm__("r14") = 1414, r15 __asm__("r15") = 1515;
		long ret, di = CLOCK_MONOTONIC, dx = 5;
		struct timespec *si = &ts;
		__asm__ volatile("cmp %%rax, %%rax\n\tstc\n\tpushfq\n\tpop %%rbx\n\tsyscall\n\tpushfq\n\tpop %1\n\tsub %%rbx, %1\n\txor %%r11, %%rbx"
		                 : "=a"(ret), "=&d"(flags), "=c"(rcx), "=&b"(r11), "+D"(di), "+S"(si), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
		                 : "0"(i ? SYS_clock_gettime : SYS_getpid)
		                 : "r11", "memory");
		(void)dx;
		same += flags == 0 && r11 == 0 && di == CLOCK_MONOTONIC && si == &ts && r8 == 0x1122334455667788 && r9 == -3 && r10 == 77 && r12 == 1212 && r13 == 1313 &&
		        r14 == 1414 && r15 == 1515 && rcx != 0 && (!i || ret == 0);
	}
	printf("registers %ld\n", same);
	// vectors, upper halves and x87 too
	typedef int v8 __attribute__((vector_size(32)));
	v8 x = {1, 2, 3, 4, 5, 6, 7, 8}, y = x;
	long double e = 2.718281828459045235L, f = e;
	for (int i = 0; i < 1000; i++) {
		long ret = i & 1 ? SYS_clock_gettime : SYS_getpid, di = CLOCK_MONOTONIC;
		struct timespec *si = &ts;
		__asm__ volatile("syscall" : "+a"(ret), "+D"(di), "+S"(si), "+x"(y), "+t"(f) : : "rcx", "r11", "memory");
	}
	printf("vectors %d x87 %d\n", !memcmp(&x, &y, sizeof x), e == f);

	// addresses
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(p + 4096, 4096, PROT_READ);
	void *bads[] = {NULL, (void *)8, p + 4096, p + 4088, (void *)-16L, (void *)0x100000008, p + 4080, p + 4076};
	for (unsigned i = 0; i < sizeof bads / sizeof *bads; i++) {
		long c = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bads[i]), e1 = c ? errno : 0;
		long g = syscall(SYS_gettimeofday, bads[i], NULL), e2 = g ? errno : 0;
		printf("bad %u %ld %ld %ld %ld\n", i, c, e1, g, e2);
	}
	struct timezone tz = {1, 1};
	printf("zone %ld %ld\n", (long)syscall(SYS_gettimeofday, NULL, NULL), (long)syscall(SYS_gettimeofday, NULL, &tz));
	for (int id = -1; id < 12; id++) {
		long c = syscall(SYS_clock_gettime, (long)id, &ts);
		if (id < 8 || id == 11)
			printf("clock %d %ld\n", id, c);
	}
	// fresh memory is made by the store
	char *m = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long ok = 0;
	for (int i = 0; i < 64; i++)
		ok += syscall(SYS_clock_gettime, CLOCK_REALTIME, m + i * 4096) == 0 && ((struct timespec *)(m + i * 4096))->tv_sec > 1000000000;
	printf("fresh %ld\n", ok);

	// a signal gets through to who does nothing else
	struct sigaction sa = {.sa_handler = tick};
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = {{0, 2000}, {0, 2000}};
	setitimer(ITIMER_REAL, &it, NULL);
	while (ticks < 50)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	it = (struct itimerval){0};
	setitimer(ITIMER_REAL, &it, NULL);
	printf("ticks\n");

	// a filter sees them, and those of a thread that does nothing else
	pthread_t th;
	static long n[2];
	pthread_create(&th, NULL, reader, n);
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof code / sizeof *code, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	printf("filter %ld\n", (long)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog));
	long r = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	printf("filtered %ld %d\n", r, errno);
	while (__atomic_load_n(&n[0], __ATOMIC_ACQUIRE) == 0)
		;
	__atomic_store_n(&n[1], 1, __ATOMIC_RELEASE);
	pthread_join(th, NULL);
	printf("thread filtered\n");
	return 0;
}
