/* seq, sleep */
#include "tool.h"

#include <ctype.h>
#include <math.h>

const char seq_help[] = " [OPTION]... LAST\n  or:  seq [OPTION]... FIRST LAST\n  or:  seq [OPTION]... FIRST INCREMENT LAST\nPrint numbers from FIRST to LAST, in steps of INCREMENT.\n\n"
    "  -f, --format=FORMAT      use printf style floating-point FORMAT\n  -s, --separator=STRING   use STRING to separate numbers (default: \\n)\n"
    "  -w, --equal-width        equalize width by padding with leading zeroes\n";
const char sleep_help[] = " NUMBER[SUFFIX]...\nPause for NUMBER seconds.  SUFFIX may be 's' for seconds (the default),\n'm' for minutes, 'h' for hours or 'd' for days.\n";

/* A decimal number as an integer scaled by 10**decimals: exact where doubles are not. */
struct number {
	double v;
	int decimals;   /* -1: not plain decimal */
	int width;      /* of its integer part with the sign */
};

static struct number parse(const char *s) {
	struct number n = {0};
	char *end;
	while (isspace((unsigned char)*s) || *s == '+')
		s++;
	n.v = strtod(s, &end);
	if (*end || end == s) {
		warn("invalid floating point argument: %s", quote(s));
		usage(1);
	}
	if (n.v != n.v) {
		warn("invalid %s argument: %s", quote("not-a-number"), quote(s));
		usage(1);
	}
	const char *dot = strchr(s, '.');
	size_t len = strlen(s);
	n.width = (int)(dot ? (size_t)(dot - s) : len);
	if (dot)
		n.decimals = (int)(s + len - dot - 1);
	if (s[*s == '-' || *s == '+'] == '.')
		n.width++;
	if (s[strspn(s, "-0123456789.")])
		n.decimals = strpbrk(s, "xXpPiInN") ? -1 : 0;
	const char *e = strpbrk(s, "eE");
	if (n.decimals >= 0 && e) {
		int x = atoi(e + 1), d = dot && dot < e ? (int)(e - dot - 1) : 0;
		n.decimals = d > x ? d - x : 0;
		char buf[64];
		n.width = snprintf(buf, sizeof buf, "%.0f", n.v);
	}
	return n;
}

/* The user's format has one %[flags][width][.prec](aefgAEFG); checked. */
static void check_format(const char *f) {
	const char *p = f;
	int found = 0;
	for (; *p; p++) {
		if (*p != '%')
			continue;
		if (p[1] == '%') {
			p++;
			continue;
		}
		if (found++)
			die(1, "format %s has too many %% directives", quote(f));
		p++;
		p += strspn(p, "-+#0 '");
		p += strspn(p, "0123456789");
		if (*p == '.')
			p += 1 + strspn(p + 1, "0123456789");
		if (*p == 'L')
			p++;
		if (!*p)
			die(1, "format %s ends in %%", quote(f));
		if (!strchr("efgaEFGA", *p))
			die(1, "format %s has unknown %%%c directive", quote(f), *p);
	}
	if (!found)
		die(1, "format %s has no %% directive", quote(f));
}

static bool all_integers(char **v, int n) {
	for (int i = 0; i < n; i++) {
		const char *s = v[i];
		s += *s == '-' || *s == '+';
		if (!*s || s[strspn(s, "0123456789")] || strlen(s) > 17)
			return false;
	}
	return true;
}

static void integers(int64_t first, int64_t step, int64_t last, const char *sep, int width) {
	bool any = false;
	for (int64_t v = first; step > 0 ? v <= last : v >= last; v += step) {
		if (any)
			fputs(sep, stdout);
		any = true;
		char b[24], *d = umax(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, b);
		int pad = width - (int)strlen(d) - (v < 0);
		if (v < 0)
			putchar('-');
		for (; pad > 0; pad--)
			putchar('0');
		fputs(d, stdout);
	}
	if (any)
		putchar('\n');
}

int seq_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"equal-width", 0, 'w'}, {"format", 1, 'f'}, {"separator", 1, 's'}, {0, 0, 0}};
	const char *format = NULL, *sep = "\n";
	bool equal = false;
	int c;
	while (opt_ind < argc && !(argv[opt_ind][0] == '-' && (argv[opt_ind][1] == '.' || isdigit((unsigned char)argv[opt_ind][1]))) &&
	    (c = opt_next(argc, argv, "+f:s:w", longs)) != -1) {
		if (c == 'w')
			equal = true;
		else if (c == 'f')
			format = opt_arg;
		else
			sep = opt_arg;
	}
	int n = argc - opt_ind;
	char **v = argv + opt_ind;
	if (n == 0)
		missing_operand(1);
	if (n > 3)
		extra_operand(1, v[3]);
	if (format) {
		check_format(format);
		if (equal) {
			warn("format string may not be specified when printing equal width strings");
			usage(1);
		}
	}
	struct number first = {1, 0, 1}, step = {1, 0, 1}, last;
	if (n > 1)
		first = parse(v[0]);
	if (n == 3)
		step = parse(v[1]);
	last = parse(v[n - 1]);
	if (n == 3 && step.v == 0) {
		warn("invalid Zero increment value: %s", quote(v[1]));
		usage(1);
	}
	int decimals = first.decimals > step.decimals ? first.decimals : step.decimals;
	bool plain = first.decimals >= 0 && step.decimals >= 0 && last.decimals >= 0;
	int width = 0;
	if (equal && plain) {
		int fw = first.width + (decimals ? decimals + 1 : 0), lw = last.width + (decimals ? decimals + 1 : 0);
		width = fw > lw ? fw : lw;
	}
	if (!format && all_integers(v, n)) {
		integers(n > 1 ? atoll(v[0]) : 1, n == 3 ? atoll(v[1]) : 1, atoll(v[n - 1]), sep, equal ? width : 0);
		return 0;
	}
	char own[32];
	if (!format) {
		if (plain)
			snprintf(own, sizeof own, equal ? "%%0%d.%df" : "%%%.0d.%df", width, decimals);
		else
			strcpy(own, "%g");
		format = own;
	}
	bool any = false;
	double slack = plain ? pow(10, -decimals) * 1e-4 * (step.v < 0 ? -1 : 1) : 0;
	for (double i = 0;; i++) {
		double x = first.v + i * step.v;
		if (step.v < 0 ? x < last.v + slack : x > last.v + slack)
			break;
		if (any)
			fputs(sep, stdout);
		any = true;
		printf(format, x);
		if (ferror(stdout))
			break;
	}
	if (any)
		putchar('\n');
	return 0;
}

int sleep_main(int argc, char **argv) {
	double total = 0;
	bool bad = false;
	while (opt_next(argc, argv, "+", NULL) != -1)
		;
	if (opt_ind >= argc)
		missing_operand(1);
	for (; opt_ind < argc; opt_ind++) {
		char *end;
		double v = strtod(argv[opt_ind], &end);
		double unit = !*end || *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
		if (end == argv[opt_ind] || !(v >= 0) || unit == 0 || (*end && end[1])) {
			warn("invalid time interval %s", quote(argv[opt_ind]));
			bad = true;
			continue;
		}
		total += v * unit;
	}
	if (bad)
		usage(1);
	while (total > 0) {
		double part = total > 1e6 ? 1e6 : total;
		struct timespec ts = {(time_t)part, (long)((part - floor(part)) * 1e9)};
		while (nanosleep(&ts, &ts) && errno == EINTR)
			;
		total -= part;
	}
	return 0;
}
