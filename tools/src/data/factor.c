/* factor, for numbers below 2^64 */
#include "tool.h"

const char factor_help[] = " [NUMBER]...\nPrint the prime factors of each specified integer NUMBER.\n";

static uint64_t mul(uint64_t a, uint64_t b, uint64_t m) { return (uint64_t)((unsigned __int128)a * b % m); }

static uint64_t power(uint64_t base, uint64_t e, uint64_t m) {
	uint64_t r = 1;
	for (base %= m; e; e >>= 1, base = mul(base, base, m))
		if (e & 1)
			r = mul(r, base, m);
	return r;
}

/* Miller and Rabin's test; with these bases it is exact below 2^64. */
static bool is_prime(uint64_t n) {
	static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
	if (n < 2)
		return false;
	for (size_t i = 0; i < LEN(bases); i++)
		if (n % bases[i] == 0)
			return n == bases[i];
	int s = 0;
	uint64_t d = n - 1;
	for (; !(d & 1); d >>= 1)
		s++;
	for (size_t i = 0; i < LEN(bases); i++) {
		uint64_t x = power(bases[i], d, n);
		int k = 0;
		if (x == 1 || x == n - 1)
			continue;
		for (; k < s - 1 && (x = mul(x, x, n)) != n - 1; k++)
			;
		if (k == s - 1)
			return false;
	}
	return true;
}

static uint64_t gcd(uint64_t a, uint64_t b) {
	while (b) {
		uint64_t t = a % b;
		a = b, b = t;
	}
	return a;
}

/* A factor of a composite odd n, by Pollard's rho. */
static uint64_t split(uint64_t n) {
	for (uint64_t c = 1;; c++) {
		uint64_t x = 2, y = 2, d = 1;
		while (d == 1) {
			x = (mul(x, x, n) + c) % n;
			y = (mul(y, y, n) + c) % n, y = (mul(y, y, n) + c) % n;
			d = gcd(x > y ? x - y : y - x, n);
		}
		if (d != n)
			return d;
	}
}

static void collect(uint64_t n, uint64_t *out, int *count) {
	if (n == 1)
		return;
	if (is_prime(n)) {
		out[(*count)++] = n;
		return;
	}
	uint64_t d = split(n);
	collect(d, out, count);
	collect(n / d, out, count);
}

static int ascending(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int one(const char *s) {
	uint64_t n, found[64];
	int count = 0;
	const char *digits = s + (*s == '+');
	int bad = parse_size(digits, "", &n);
	if (bad == 1) {
		warn("%s is too large", quote(s));
		return 1;
	}
	if (bad || !*digits) {
		warn("%s is not a valid positive integer", quote(s));
		return 1;
	}
	printf("%llu:", (unsigned long long)n);
	for (uint64_t p = 2; n && p < 1000 && p <= n; p += p == 2 ? 1 : 2)
		for (; n % p == 0; n /= p)
			found[count++] = p;
	if (n)
		collect(n, found, &count);
	qsort(found, (size_t)count, sizeof *found, ascending);
	for (int i = 0; i < count; i++)
		printf(" %llu", (unsigned long long)found[i]);
	putchar('\n');
	return 0;
}

int factor_main(int argc, char **argv) {
	int rc = 0;
	while (opt_next(argc, argv, "", NULL) != -1)
		;
	for (int i = opt_ind; i < argc; i++)
		rc |= one(argv[i]);
	if (opt_ind < argc)
		return rc;
	struct rd r;
	char *line;
	size_t n;
	rd_init(&r, 0);
	while ((line = rd_line(&r, '\n', &n))) {
		char *copy = xstrndup(line, n), *rest = copy, *word;
		while ((word = strtok_r(rest, " \t\n", &rest)))
			rc |= one(word);
		free(copy);
	}
	return rc;
}
