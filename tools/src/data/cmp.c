/* cmp */
#include "tool.h"

const char cmp_help[] = " [OPTION]... FILE1 [FILE2 [SKIP1 [SKIP2]]]\n"
    "Compare two files byte by byte.\n\n"
    "  -b, --print-bytes          print differing bytes\n"
    "  -i, --ignore-initial=SKIP[:SKIP2]  skip first SKIP bytes of both inputs\n"
    "  -l, --verbose              output byte numbers and differing byte values\n"
    "  -n, --bytes=LIMIT          compare at most LIMIT bytes\n"
    "  -s, --quiet, --silent      suppress all normal output\n";

static const struct lopt longs[] = {{"print-bytes", 0, 'b'}, {"ignore-initial", 1, 'i'}, {"verbose", 0, 'l'}, {"bytes", 1, 'n'},
    {"quiet", 0, 's'}, {"silent", 0, 's'}, {0, 0, 0}};

static bool print_bytes, verbose, silent;
static uint64_t limit = UINT64_MAX;

/* A byte as cat -t shows it. */
static const char *visible(int c, char out[8]) {
	char *p = out;
	if (c >= 128)
		*p++ = 'M', *p++ = '-', c -= 128;
	if (c < 32)
		*p++ = '^', c += 64;
	else if (c == 127)
		*p++ = '^', c = '?';
	*p++ = (char)c, *p = 0;
	return out;
}

static void skip(struct rd *r, uint64_t n) {
	char *p;
	while (n) {
		ssize_t got = rd_peek(r, &p);
		if (got <= 0)
			return;
		size_t take = (uint64_t)got < n ? (size_t)got : (size_t)n;
		rd_skip(r, take);
		n -= take;
	}
}

static void report(const char *a, const char *b, uint64_t at, uint64_t line, int x, int y) {
	char vx[8], vy[8];
	if (verbose) {
		if (print_bytes)
			printf("%llu %3o %-4s %3o %s\n", (unsigned long long)at, x, visible(x, vx), y, visible(y, vy));
		else
			printf("%llu %3o %3o\n", (unsigned long long)at, x, y);
	} else if (print_bytes)
		printf("%s %s differ: byte %llu, line %llu is %3o %s %3o %s\n", a, b, (unsigned long long)at, (unsigned long long)line, x,
		       visible(x, vx), y, visible(y, vy));
	else
		printf("%s %s differ: byte %llu, line %llu\n", a, b, (unsigned long long)at, (unsigned long long)line);
}

static void at_end(const char *name, uint64_t bytes, uint64_t lines, int last) {
	if (silent)
		return;
	fflush(stdout);
	if (!bytes)
		fprintf(stderr, "%s: EOF on %s which is empty\n", prog, name);
	else if (verbose)
		fprintf(stderr, "%s: EOF on %s after byte %llu\n", prog, name, (unsigned long long)bytes);
	else
		fprintf(stderr, "%s: EOF on %s after byte %llu, %sline %llu\n", prog, name, (unsigned long long)bytes,
		        last == '\n' ? "" : "in ", (unsigned long long)(last == '\n' ? lines - 1 : lines));
}

static int compare(const char *na, struct rd *a, const char *nb, struct rd *b) {
	uint64_t at = 0, line = 1;
	int last = 0, rc = 0;
	while (at < limit) {
		int x = rd_getc(a), y = rd_getc(b);
		if (x < 0 || y < 0) {
			if (a->err || b->err) {
				errno = a->err ? a->err : b->err;
				warn_errno("%s", a->err ? na : nb);
				return 2;
			}
			if (x == y)
				return rc;
			at_end(x < 0 ? na : nb, at, line, last);
			return 1;
		}
		at++;
		if (x != y) {
			if (silent)
				return 1;
			rc = 1;
			report(na, nb, at, line, x, y);
			if (!verbose)
				return 1;
		}
		if (x == '\n')
			line++;
		last = x;
	}
	return rc;
}

int cmp_main(int argc, char **argv) {
	static const char suffixes[] = "kKMGTPEZY0B";
	uint64_t skips[2] = {0};
	int c;
	opt_status = exit_failure = 2;
	while ((c = opt_next(argc, argv, "bi:ln:s", longs)) != -1) {
		switch (c) {
		case 'b': print_bytes = true; break;
		case 'l': verbose = true; break;
		case 's': silent = true; break;
		case 'n': limit = need_size(opt_arg, suffixes, "--bytes value"); break;
		case 'i': {
			char *second = strchr(opt_arg, ':');
			if (second)
				*second++ = 0;
			skips[0] = need_size(opt_arg, suffixes, "--ignore-initial value");
			skips[1] = second ? need_size(second, suffixes, "--ignore-initial value") : skips[0];
			break;
		}
		}
	}
	if (opt_ind == argc)
		die(2, "missing operand after %s\n%s: Try '%s --help' for more information.", quote(argv[argc - 1]), prog, prog);
	const char *name[2] = {argv[opt_ind], opt_ind + 1 < argc ? argv[opt_ind + 1] : "-"};
	for (int i = 0; i < 2 && opt_ind + 2 + i < argc; i++)
		skips[i] = need_size(argv[opt_ind + 2 + i], suffixes, "SKIP value");
	if (argc - opt_ind > 4)
		extra_operand(2, argv[opt_ind + 4]);
	if (strcmp(name[0], name[1]) == 0 && skips[0] == skips[1] && strcmp(name[0], "-") == 0)
		return 0;
	struct rd r[2];
	for (int i = 0; i < 2; i++) {
		int fd = open_input(name[i]);
		if (fd < 0) {
			if (!silent || errno != ENOENT)
				warn_errno("%s", name[i]);
			return 2;
		}
		rd_init(&r[i], fd);
		skip(&r[i], skips[i]);
	}
	return compare(name[0], &r[0], name[1], &r[1]);
}
