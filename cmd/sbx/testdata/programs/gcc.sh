cat > prog.c <<'EOF'
#include <complex.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static atomic_long total;
static __thread long mine;
static void *work(void *p) { for (long i = 0; i < 200000; i++) { mine++; total++; } return (void *)(mine + (long)p); }
static sigjmp_buf back;
static char *expected;
static void fault(int s, siginfo_t *i, void *c) { printf("signal %d code %d %s\n", s, i->si_code, (char *)i->si_addr == expected ? "where expected" : "elsewhere"); siglongjmp(back, 1); }
static int less(const void *a, const void *b) { int x = *(const int *)a, y = *(const int *)b; return (x > y) - (x < y); }
static long ack(long m, long n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }
__attribute__((constructor)) static void early(void) { puts("constructor"); }
static void late(void) { puts("atexit"); }
int main(int argc, char **argv) {
	atexit(late);
	pthread_t t[6];
	for (long i = 0; i < 6; i++) pthread_create(&t[i], 0, work, (void *)i);
	for (int i = 0; i < 6; i++) { void *r; pthread_join(t[i], &r); printf("%ld ", (long)r); }
	printf("%ld\n", total);
	struct sigaction a = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t alt = {.ss_sp = malloc(65536), .ss_size = 65536};
	sigaltstack(&alt, 0);
	sigaction(SIGSEGV, &a, 0); sigaction(SIGFPE, &a, 0); sigaction(SIGILL, &a, 0); sigaction(SIGBUS, &a, 0);
	expected = (char *)16; if (!sigsetjmp(back, 1)) *(volatile int *)expected = 1;
	volatile int zero = argc - argc;
	if (!sigsetjmp(back, 1)) zero = 1 / zero; 
	if (!sigsetjmp(back, 1)) __builtin_trap();
	char *ro = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expected = ro + 7; if (!sigsetjmp(back, 1)) *(volatile char *)expected = 1;
	static int v[100000];
	unsigned x = 1;
	for (int i = 0; i < 100000; i++) v[i] = (x = x * 1103515245 + 12345) >> 8;
	qsort(v, 100000, sizeof *v, less);
	printf("%d %d %d\n", v[0], v[50000], v[99999]);
	printf("%ld %.17g %.17g %La %Lg\n", ack(2, 300), sin(1e22), pow(1.0000001, 1e7), 1.0L / 3, sqrtl(2));
	fesetround(FE_UPWARD); printf("%.20f\n", 1.0 / 3 * argc); fesetround(FE_TONEAREST);
	double complex z = cexp(I * M_PI); printf("%.3f %d %d\n", creal(z), isnan(NAN), fpclassify(1e-310) == FP_SUBNORMAL);
	float f[1024], s = 0; for (int i = 0; i < 1024; i++) f[i] = i * 0.5f; for (int r = 0; r < 1000; r++) for (int i = 0; i < 1024; i++) s += f[i] * f[1023 - i]; printf("%g\n", s);
	__int128 big = (__int128)1 << 100; printf("%llx %d\n", (unsigned long long)(big >> 64), __builtin_popcountll(0xdeadbeefcafeULL));
	unsigned char (*code)(void) = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 5; i++) { memcpy((void *)code, (unsigned char[]){0xb8, i * 3, 0, 0, 0, 0xc3}, 6); printf("%d ", code()); }
	fflush(stdout);
	pid_t p = fork();
	if (p == 0) { char *e[] = {"X=1", 0}; execle("/bin/sh", "sh", "-c", "echo from sh $X; exit 11", (char *)0, e); _exit(1); }
	int st; waitpid(p, &st, 0); printf("%d\n", WEXITSTATUS(st));
	errno = 0; printf("%s %s\n", close(99) ? strerror(errno) : "closed", argv[argc - 1]);
	return 42;
}
EOF
for o in '-O0' '-O2' '-O3 -march=x86-64-v3 -static' '-Os -fno-pie -no-pie' '-O1 -fstack-protector-all -D_FORTIFY_SOURCE=2 -fcf-protection'; do gcc $o -Wall -Wno-div-by-zero -pthread -o prog prog.c -lm && ./prog last; echo $?; done
cat > lib.c <<'EOF'
#include <stdio.h>
int shared = 5; int twice(int x) { return 2 * x * shared; }
__attribute__((destructor)) static void end(void) { puts("unloaded"); }
EOF
cat > main.c <<'EOF'
#include <dlfcn.h>
#include <stdio.h>
int main() { void *h = dlopen("./lib.so", RTLD_NOW); if (!h) { puts(dlerror()); return 1; } int (*f)(int) = dlsym(h, "twice"); int *p = dlsym(h, "shared"); *p = 7; printf("%d %s\n", f(3), dlsym(h, "none") ? "some" : "none"); return dlclose(h); }
EOF
gcc -shared -fPIC -O2 -g -o lib.so lib.c && gcc -o main main.c -ldl && ./main; readelf -h main | grep Type; objdump -d main | grep -c '>:' ; nm lib.so | grep twice | cut -d' ' -f2-; strip lib.so main; ./main
echo 'int main() { return x; }' > bad.c; gcc bad.c; echo $?; gcc -S -O2 -o - lib.c | sha256sum; gcc -E -dM - < /dev/null | grep -c x86_64; gcc -flto -O2 -o prog prog.c -lm && ./prog lto | tail -n 2; echo 'int main(){}' | gcc -x c - -o a && ./a; echo $?; ar rc l.a lib.so; ar t l.a; rm -f l.a
