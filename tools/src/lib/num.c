/* Numbers with units. */
#include "tool.h"

/* How far a suffix scales: base**power; 0 for an unknown letter. */
static int power_of(char c) {
	switch (c) {
	case 'k': case 'K': return 1;
	case 'm': case 'M': return 2;
	case 'g': case 'G': return 3;
	case 't': case 'T': return 4;
	case 'P': return 5;
	case 'E': return 6;
	case 'Z': return 7;
	case 'Y': return 8;
	}
	return 0;
}

static bool scale(uint64_t *v, uint64_t by, int times) {
	bool over = false;
	while (times-- > 0)
		over |= __builtin_mul_overflow(*v, by, v);
	return over;
}

static int suffix(const char *s, const char *allowed, uint64_t *v) {
	bool over = false;
	if (!strchr(allowed, *s))
		return 2;
	switch (*s) {
	case 'b': over = scale(v, 512, 1); s++; break;
	case 'c': s++; break;
	case 'w': over = scale(v, 2, 1); s++; break;
	case 'B': over = scale(v, 1024, 1); s++; break;
	default: {
		int power = power_of(*s++);
		if (!power)
			return 2;
		uint64_t base = 1024;
		if (strchr(allowed, '0') && *s == 'B')
			base = 1000, s++;
		else if (strchr(allowed, '0') && s[0] == 'i' && s[1] == 'B')
			s += 2;
		over = scale(v, base, power);
	}
	}
	if (*s)
		return 2;
	return over ? 1 : 0;
}

int parse_size(const char *s, const char *suffixes, uint64_t *out) {
	uint64_t v = 0;
	bool over = false, any = false;
	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	if (*s == '+')
		s++;
	for (; *s >= '0' && *s <= '9'; s++, any = true)
		over |= __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v);
	if (!any) {
		if (!*s || !suffixes || !strchr(suffixes, *s) || !power_of(*s))
			return 3;
		v = 1;
	}
	int rc = 0;
	if (*s)
		rc = suffixes ? suffix(s, suffixes, &v) : 2;
	*out = over || rc == 1 ? UINT64_MAX : v;
	return rc ? rc : over;
}

uint64_t need_size(const char *s, const char *suffixes, const char *what) {
	uint64_t v;
	int rc = parse_size(s, suffixes, &v);
	if (rc == 1)
		die(exit_failure, "invalid %s: %s: %s", what, quote(s), errtext(EOVERFLOW));
	if (rc)
		die(exit_failure, "invalid %s: %s", what, quote(s));
	return v;
}

char *umax(uint64_t v, char buf[24]) {
	char *p = buf + 23;
	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	return memmove(buf, p, (size_t)(buf + 24 - p));
}

/* Rounds up, as df, du and ls do. */
char *human(char buf[32], uint64_t n, uint64_t from, uint64_t to, int autoscale) {
	__uint128_t bytes = (__uint128_t)n * from;
	if (!autoscale) {
		snprintf(buf, 32, "%llu", (unsigned long long)((bytes + to - 1) / to));
		return buf;
	}
	unsigned base = (unsigned)autoscale, e = 0;
	__uint128_t unit = 1;
	while (bytes / unit >= base && e < 8)
		unit *= base, e++;
	static const char letters[] = "\0KMGTPEZY";
	for (;;) {
		if (e == 0) {
			snprintf(buf, 32, "%u", (unsigned)bytes);
			return buf;
		}
		uint64_t tenths = (uint64_t)((bytes * 10 + unit - 1) / unit), whole = (uint64_t)((bytes + unit - 1) / unit);
		char c = base == 1000 && e == 1 ? 'k' : letters[e];
		if (tenths < 100) {
			snprintf(buf, 32, "%u.%u%c", (unsigned)(tenths / 10), (unsigned)(tenths % 10), c);
			return buf;
		}
		if (whole < base || e == 8) {
			snprintf(buf, 32, "%u%c", (unsigned)whole, c);
			return buf;
		}
		unit *= base, e++;
	}
}
