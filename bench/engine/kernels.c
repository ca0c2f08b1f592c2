// Small computations that bench/engine.sh times on each side: kernels NAME.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((noinline)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static long sieve(int n) {
	char *composite = calloc(1, n + 1);
	long count = 0;
	for (int i = 2; i <= n; i++) {
		if (composite[i])
			continue;
		count++;
		for (long j = (long)i * i; j <= n; j += i)
			composite[j] = 1;
	}
	free(composite);
	return count;
}

static int byValue(const void *a, const void *b) {
	int x = *(const int *)a, y = *(const int *)b;
	return (x > y) - (x < y);
}

static uint32_t state = 1;
static uint32_t next(void) { return state = state * 1664525 + 1013904223; }

static long sorted(int n) {
	int *v = malloc(n * sizeof *v);
	for (int i = 0; i < n; i++)
		v[i] = next() >> 1;
	qsort(v, n, sizeof *v, byValue);
	long mid = v[n / 2];
	free(v);
	return mid;
}

// A loop over a switch, as interpreters have: an indirect branch for each step.
static long machine(int n) {
	long acc = 0;
	for (int i = 0; i < n; i++) {
		switch (next() >> 28) {
		case 0: acc += 3; break;
		case 1: acc ^= i; break;
		case 2: acc -= 7; break;
		case 3: acc <<= 1; break;
		case 4: acc |= 1; break;
		case 5: acc += i; break;
		case 6: acc &= 0xffffff; break;
		case 7: acc *= 5; break;
		case 8: acc = ~acc; break;
		case 9: acc >>= 2; break;
		case 10: acc -= i; break;
		case 11: acc ^= 0x55aa; break;
		case 12: acc += acc >> 3; break;
		case 13: acc -= 1; break;
		case 14: acc += 11; break;
		default: acc ^= acc << 4; break;
		}
	}
	return acc;
}

static double matmul(int n) {
	double *a = malloc(n * n * sizeof *a), *b = malloc(n * n * sizeof *b), *c = calloc(n * n, sizeof *c);
	for (int i = 0; i < n * n; i++)
		a[i] = i % 7, b[i] = i % 5;
	for (int i = 0; i < n; i++)
		for (int k = 0; k < n; k++)
			for (int j = 0; j < n; j++)
				c[i * n + j] += a[i * n + k] * b[k * n + j];
	double mid = c[n * n / 2];
	free(a), free(b), free(c);
	return mid;
}

static long copies(int n) {
	const size_t size = 1 << 20;
	char *from = malloc(size), *to = malloc(size);
	memset(from, 1, size);
	for (int i = 0; i < n; i++)
		memcpy(to, from, size), from[i & 1023]++;
	long first = to[5];
	free(from), free(to);
	return first;
}

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

// SHA-256 of n blocks, each the number of the block and then zeros, without the padding: the rounds are what is timed.
static uint32_t sha256(int n) {
	static uint32_t k[64];
	uint32_t h[8];
	// The constants are the first bits of the roots of the first primes, and are computed here.
	for (int p = 2, i = 0; i < 64; p++) {
		int prime = 1;
		for (int d = 2; d * d <= p; d++)
			prime &= p % d != 0;
		if (!prime)
			continue;
		long double root = cbrtl(p);
		k[i] = (uint32_t)((root - floorl(root)) * 4294967296.0L);
		if (i < 8) {
			root = sqrtl(p);
			h[i] = (uint32_t)((root - floorl(root)) * 4294967296.0L);
		}
		i++;
	}
	for (int block = 0; block < n; block++) {
		uint32_t w[64] = {block}, v[8];
		for (int i = 16; i < 64; i++) {
			uint32_t a = w[i - 15], b = w[i - 2];
			w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
		}
		memcpy(v, h, sizeof v);
		for (int i = 0; i < 64; i++) {
			uint32_t s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25), s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
			uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
			uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
			memmove(v + 1, v, 7 * sizeof *v);
			v[4] += t1;
			v[0] = t1 + t2;
		}
		for (int i = 0; i < 8; i++)
			h[i] += v[i];
	}
	return h[0];
}

int main(int argc, char **argv) {
	const char *name = argc > 1 ? argv[1] : "";
	if (!strcmp(name, "fib")) printf("%d\n", fib(37));
	else if (!strcmp(name, "sieve")) printf("%ld\n", sieve(30000000));
	else if (!strcmp(name, "qsort")) printf("%ld\n", sorted(3000000));
	else if (!strcmp(name, "switch")) printf("%ld\n", machine(60000000));
	else if (!strcmp(name, "matmul")) printf("%g\n", matmul(700));
	else if (!strcmp(name, "copy")) printf("%ld\n", copies(6000));
	else if (!strcmp(name, "sha256")) printf("%08x\n", sha256(1000000));
	else if (strcmp(name, "nothing")) return 2;
	return 0;
}
