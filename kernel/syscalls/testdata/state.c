// What must survive signals, system calls and switches: vectors, x87, contexts, code
// that is written while it runs.
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int hits;
static void clobber(int s) { // everything that a handler may change
  __m256i v = _mm256_set1_epi8(0x55);
  __asm__ volatile("vmovdqa %0, %%ymm0; vmovdqa %0, %%ymm1; vmovdqa %0, %%ymm7; vmovdqa %0, %%ymm15; fninit; fldz; fldz; fldz" ::"m"(v) : "xmm0", "xmm1", "xmm7", "xmm15");
  __asm__ volatile("fninit");
  _mm_setcsr(0x1f80);
  hits++;
}
static ucontext_t a, b, mainctx;
static int order[20], norder;
static void co(int id) {
  for (int i = 0; i < 3; i++) {
    order[norder++] = id * 10 + i;
    swapcontext(id == 1 ? &a : &b, id == 1 ? &b : &a);
  }
}
static volatile int stopping;
static void *pester(void *main) {
  while (!stopping) pthread_kill(*(pthread_t *)main, SIGUSR1), usleep(200);
  return 0;
}
static double work(int n) {
  double s = 0;
  for (int i = 1; i < n; i++) s += sin(i) * sqrt(i) / (1 + i % 7);
  return s;
}
static long double lwork(int n) {
  long double s = 0;
  for (int i = 1; i < n; i++) s += 1.0L / i;
  return s;
}
static long big(int depth) {
  volatile char *p = alloca(6 << 20);
  long s = 0;
  for (int i = 0; i < 6 << 20; i += 4096) p[i] = 1;
  for (int i = 0; i < 6 << 20; i += 4096) s += p[i];
  return s;
}
typedef int fn(int);
// emit writes "mov eax, n; add eax, edi; ret".
static void emit(unsigned char *p, int n) {
  p[0] = 0xb8, memcpy(p + 1, &n, 4), p[5] = 0x01, p[6] = 0xf8, p[7] = 0xc3;
}
static unsigned char *shared_code;
static void *calls(void *p) {
  for (int i = 0; i < 20000; i++) {
    int v = ((fn *)shared_code)(0);
    if (v < 0 || v >= 100) return (void *)1;
  }
  return 0;
}

int main(void) {
  signal(SIGUSR1, clobber);
  // registers over a signal and a system call
  __m256i in[4], res[4];
  for (int i = 0; i < 4; i++) in[i] = _mm256_set_epi64x(i, 0x1111 * i, 0x2222 * i, -i);
  long pid = getpid(), ret;
  __asm__ volatile("vmovdqu (%1), %%ymm0; vmovdqu 32(%1), %%ymm1; vmovdqu 64(%1), %%ymm7; vmovdqu 96(%1), %%ymm15\n"
                   "mov $62, %%eax; mov %3, %%rdi; mov $10, %%esi; syscall\n"
                   "vmovdqu %%ymm0, (%2); vmovdqu %%ymm1, 32(%2); vmovdqu %%ymm7, 64(%2); vmovdqu %%ymm15, 96(%2)"
                   : "=a"(ret) : "r"(in), "r"(res), "r"(pid) : "rdi", "rsi", "rcx", "r11", "memory", "xmm0", "xmm1", "xmm7", "xmm15");
  printf("kept ymm %d, hits %d, ret %ld\n", memcmp(in, res, sizeof in), hits, ret);
  long double x = 3.25L, y;
  __asm__ volatile("fldt %1; mov $62, %%eax; mov %2, %%rdi; mov $10, %%esi; syscall; fstpt %0" : "=m"(y) : "m"(x), "r"(pid) : "rax", "rdi", "rsi", "rcx", "r11", "memory");
  printf("kept x87 %Lf\n", y);
  fesetround(FE_UPWARD);
  raise(SIGUSR1);
  printf("rounding %d\n", fegetround() == FE_UPWARD);
  volatile double third = 1;
  printf("%.20f\n", third / 3);
  fesetround(FE_TONEAREST);
  // registers over a system call: all but rax, rcx, r11
  long r[13];
  __asm__ volatile("mov $1,%%rbx;mov $2,%%rdx;mov $3,%%rsi;mov $4,%%rdi;mov $5,%%r8;mov $6,%%r9;mov $7,%%r10;mov $8,%%r12;mov $9,%%r13;mov $10,%%r14;mov $11,%%r15\n"
                   "mov $39,%%eax; stc; syscall\n setc %%al; movzx %%al,%%eax\n"
                   "mov %%rbx,%0;mov %%rdx,%1;mov %%rsi,%2;mov %%rdi,%3;mov %%r8,%4;mov %%r9,%5;mov %%r10,%6;mov %%r12,%7;mov %%r13,%8;mov %%r14,%9;mov %%r15,%10;mov %%rax,%11"
                   : "=m"(r[0]), "=m"(r[1]), "=m"(r[2]), "=m"(r[3]), "=m"(r[4]), "=m"(r[5]), "=m"(r[6]), "=m"(r[7]), "=m"(r[8]), "=m"(r[9]), "=m"(r[10]), "=m"(r[11])::"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
  for (int i = 0; i < 12; i++) printf("%ld ", r[i]);
  printf("\n");
  // the same results under a rain of signals
  double want = work(200000);
  long double lwant = lwork(200000);
  pthread_t me = pthread_self(), t;
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, 0);
  pthread_create(&t, 0, pester, &me);
  pthread_sigmask(SIG_UNBLOCK, &set, 0);
  int wrong = 0;
  for (int i = 0; i < 5 || hits <= 10; i++) wrong += work(200000) != want, wrong += lwork(200000) != lwant;
  stopping = 1;
  pthread_join(t, 0);
  printf("wrong %d, signals %d, %.10g %.15Lg\n", wrong, hits > 10, want, lwant);
  // contexts
  static char s1[65536], s2[65536];
  getcontext(&a), a.uc_stack.ss_sp = s1, a.uc_stack.ss_size = sizeof s1, a.uc_link = &mainctx, makecontext(&a, (void (*)())co, 1, 1);
  getcontext(&b), b.uc_stack.ss_sp = s2, b.uc_stack.ss_size = sizeof s2, b.uc_link = &mainctx, makecontext(&b, (void (*)())co, 1, 2);
  swapcontext(&mainctx, &a);
  for (int i = 0; i < norder; i++) printf("%d ", order[i]);
  printf("\nbig %ld\n", big(1));
  // code that is written
  unsigned char *p = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long sum = 0;
  for (int i = 0; i < 3000; i++) {
    emit(p + 4092, i); // over a page border
    sum += ((fn *)(p + 4092))(1);
  }
  printf("rewritten %ld\n", sum);
  emit(p, 5);
  sum = ((fn *)p)(1);
  mprotect(p, 4096, PROT_READ | PROT_WRITE);
  emit(p, 50);
  mprotect(p, 4096, PROT_READ | PROT_EXEC);
  sum += ((fn *)p)(1);
  unsigned char *q = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  emit(q, 500);
  mprotect(q, 4096, PROT_READ | PROT_EXEC);
  mremap(q, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p);
  printf("%ld %d\n", sum, ((fn *)p)(1));
  // written by the kernel
  int pf[2];
  pipe(pf);
  unsigned char code[8];
  emit(code, 7000);
  write(pf[1], code, 8);
  p = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  emit(p, 1);
  sum = ((fn *)p)(1);
  read(pf[0], p, 8);
  printf("read over code: %ld %d\n", sum, ((fn *)p)(1));
  // by a child, by a sibling
  if (fork() == 0) { emit(p, 3); _exit(((fn *)p)(1)); }
  int st;
  wait(&st);
  printf("child %x, parent %d\n", st, ((fn *)p)(1));
  shared_code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  emit(shared_code, 3);
  if (fork() == 0) { for (int i = 0; i < 2000; i++) emit(shared_code, i % 100); _exit(0); }
  wait(&st);
  pthread_t th[2];
  for (int i = 0; i < 2; i++) pthread_create(&th[i], 0, calls, 0);
  for (int i = 0; i < 2000; i++) __atomic_store_n(shared_code + 1, i % 100, __ATOMIC_SEQ_CST);
  long bad = 0;
  for (int i = 0; i < 2; i++) { void *v; pthread_join(th[i], &v); bad += (long)v; }
  printf("bad %ld, last %d\n", bad, ((fn *)shared_code)(0));
  return 0;
}
