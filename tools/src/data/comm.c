/* comm */
#include "tool.h"

const char comm_help[] = " [OPTION]... FILE1 FILE2\nCompare sorted files FILE1 and FILE2 line by line.\n\n"
    "  -1, -2, -3              suppress column 1 (lines of FILE1 only), 2 (of FILE2 only), 3 (of both)\n"
    "      --check-order       check that the input is correctly sorted, even if all lines are pairable\n"
    "      --nocheck-order     do not check that the input is correctly sorted\n"
    "      --output-delimiter=STR  separate columns with STR\n      --total             output a summary\n"
    "  -z, --zero-terminated   line delimiter is NUL, not newline\n";

static struct {
	bool hide[3], total;
	int check; /* -1 never, 0 once lines are not paired, 1 always and fatal */
	const char *sep;
	size_t sep_len;
	int delim;
} o = {.sep = "\t", .sep_len = 1, .delim = '\n'};

struct side {
	struct rd r;
	const char *name;
	char *line, *prev; /* without the delimiter */
	size_t len, prev_len, cap, prev_cap;
	bool have, had, warned;
};

static bool unpaired;

static int compare(const char *a, size_t an, const char *b, size_t bn) {
	int c = memcmp(a, b, an < bn ? an : bn);
	return c ? c : an < bn ? -1 : an > bn;
}

static void check(struct side *s, int which) {
	if (o.check < 0 || (o.check == 0 && !unpaired) || s->warned || !s->had)
		return;
	if (compare(s->prev, s->prev_len, s->line, s->len) <= 0)
		return;
	s->warned = true;
	fflush(stdout);
	warn("file %d is not in sorted order", which);
	if (o.check > 0)
		exit(1);
}

/* Reads on. At the end the last two lines are looked at again: a line may have turned out to be unpaired meanwhile. */
static void next(struct side *s, int which) {
	size_t n;
	char *p = rd_line(&s->r, o.delim, &n);
	if (!p) {
		if (s->r.err) {
			errno = s->r.err;
			die_errno(1, "%s", quotef(s->name));
		}
		check(s, which);
		s->have = false;
		return;
	}
	if (n && p[n - 1] == (char)o.delim)
		n--;
	char *t = s->prev;
	size_t c = s->prev_cap;
	s->prev = s->line, s->prev_len = s->len, s->prev_cap = s->cap;
	s->line = t, s->cap = c;
	if (n + 1 > s->cap)
		s->line = xrealloc(s->line, s->cap = n + n / 2 + 64);
	memcpy(s->line, p, n);
	s->len = n;
	s->had = s->have;
	s->have = true;
	check(s, which);
}

static void put(const struct side *s, int column) {
	if (o.hide[column])
		return;
	for (int i = 0; i < column; i++)
		if (!o.hide[i])
			fwrite(o.sep, 1, o.sep_len, stdout);
	fwrite(s->line, 1, s->len, stdout);
	putchar(o.delim);
}

int comm_main(int argc, char **argv) {
	enum { CHECK = 256, NOCHECK, DELIM, TOTAL };
	static const struct lopt longs[] = {{"check-order", 0, CHECK}, {"nocheck-order", 0, NOCHECK}, {"output-delimiter", 1, DELIM},
	    {"total", 0, TOTAL}, {"zero-terminated", 0, 'z'}, {0, 0, 0}};
	int c;
	bool given = false;
	while ((c = opt_next(argc, argv, "123z", longs)) != -1) {
		switch (c) {
		case '1': case '2': case '3': o.hide[c - '1'] = true; break;
		case 'z': o.delim = 0; break;
		case CHECK: o.check = 1; break;
		case NOCHECK: o.check = -1; break;
		case TOTAL: o.total = true; break;
		case DELIM:
			if (given && strcmp(o.sep, opt_arg))
				die(1, "multiple output delimiters specified");
			given = true;
			o.sep = opt_arg;
			o.sep_len = *opt_arg ? strlen(opt_arg) : 1;
			break;
		}
	}
	if (argc - opt_ind == 0)
		missing_operand(1);
	if (argc - opt_ind == 1)
		missing_after(1, argv[opt_ind]);
	if (argc - opt_ind > 2)
		extra_operand(1, argv[opt_ind + 2]);
	static struct side s[2];
	unsigned long long total[3] = {0};
	for (int i = 0; i < 2; i++) {
		s[i].name = argv[opt_ind + i];
		int fd = open_input(s[i].name);
		if (fd < 0)
			die_errno(1, "%s", quotef(s[i].name));
		rd_init(&s[i].r, fd);
		next(&s[i], i + 1);
	}
	while (s[0].have || s[1].have) {
		int order = !s[0].have ? 1 : !s[1].have ? -1 : compare(s[0].line, s[0].len, s[1].line, s[1].len);
		int column = order == 0 ? 2 : order > 0;
		unpaired |= order != 0;
		put(&s[order > 0], column);
		total[column]++;
		if (order <= 0)
			next(&s[0], 1);
		if (order >= 0)
			next(&s[1], 2);
	}
	if (o.total) {
		for (int i = 0; i < 3; i++) {
			printf("%llu", total[i]);
			fwrite(o.sep, 1, o.sep_len, stdout);
		}
		printf("total%c", o.delim);
	}
	if (s[0].warned || s[1].warned)
		die(1, "input is not in sorted order");
	return 0;
}
