/* join */
#include "tool.h"

const char join_help[] = " [OPTION]... FILE1 FILE2\nFor each pair of input lines with identical join fields, write a line to standard output.\n\n"
    "  -a FILENUM             also print unpairable lines from file FILENUM, 1 or 2\n  -e STRING              replace missing input fields with STRING\n"
    "  -i, --ignore-case      ignore differences in case when comparing fields\n  -j FIELD               equivalent to '-1 FIELD -2 FIELD'\n"
    "  -o FORMAT              obey FORMAT while constructing output line: 0, 1.N, 2.N, or auto\n"
    "  -t CHAR                use CHAR as input and output field separator\n  -v FILENUM             like -a FILENUM, but suppress joined output lines\n"
    "  -1 FIELD, -2 FIELD     join on this FIELD of file 1 or 2\n      --check-order, --nocheck-order  whether to check that the input is sorted\n"
    "      --header           treat the first line in each file as field headers\n  -z, --zero-terminated  line delimiter is NUL, not newline\n";

struct field {
	const char *p;
	size_t n;
};

struct line {
	char *text;
	struct field *f;
	size_t nf, cap, len;
};

struct input {
	struct rd r;
	const char *name;
	int which;
	size_t key, autocount;
	unsigned long long number;
	struct line *prev; /* the last line read: next, or the end of the group */
	struct line *next; /* read, not used yet */
	bool all, warned;
	struct line **group;
	size_t n, cap;
};

static struct input in[2];
static const char *filler;
static int tab = -1; /* -1: runs of blanks; -2: whole line */
static int delim = '\n', check;
static bool icase, pairs = true, automatic, unpaired;

struct want {
	int file; /* 0: the join field */
	size_t field;
};
static struct want *wanted;
static size_t n_wanted, cap_wanted;

static void add_field(struct line *l, const char *p, const char *end) {
	l->f = grow(l->f, l->nf, &l->cap, sizeof *l->f);
	l->f[l->nf++] = (struct field){p, (size_t)(end - p)};
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

static void split(struct line *l) {
	const char *p = l->text, *end = p + l->len;
	if (p == end)
		return;
	if (tab == -2) {
		add_field(l, p, end);
		return;
	}
	if (tab >= 0) {
		const char *q;
		for (; (q = memchr(p, tab, (size_t)(end - p))); p = q + 1)
			add_field(l, p, q);
		add_field(l, p, end);
		return;
	}
	while (p < end && blank(*p))
		p++;
	while (p < end) {
		const char *q = p;
		while (q < end && !blank(*q))
			q++;
		add_field(l, p, q);
		for (p = q; p < end && blank(*p); p++)
			;
		if (p == end && p > q)
			add_field(l, end, end);
	}
}

static struct field get(const struct line *l, size_t i) { return l && i < l->nf ? l->f[i] : (struct field){"", 0}; }

static int compare(const struct line *a, size_t ka, const struct line *b, size_t kb) {
	struct field x = get(a, ka), y = get(b, kb);
	size_t n = x.n < y.n ? x.n : y.n;
	int c = 0;
	if (icase)
		for (size_t i = 0; i < n && !c; i++) {
			int p = (unsigned char)x.p[i], q = (unsigned char)y.p[i];
			c = (p >= 'a' && p <= 'z' ? p - 32 : p) - (q >= 'a' && q <= 'z' ? q - 32 : q);
		}
	else if (n)
		c = memcmp(x.p, y.p, n);
	return c ? c : x.n < y.n ? -1 : x.n > y.n;
}

static void line_free(struct line *l) {
	if (l) {
		free(l->text);
		free(l->f);
		free(l);
	}
}

static void check_order(struct input *s, struct line *l) {
	if (check < 0 || (check == 0 && !unpaired) || s->warned || !s->prev || compare(s->prev, s->key, l, s->key) <= 0)
		return;
	s->warned = true;
	fflush(stdout);
	warn("%s:%llu: is not sorted: %.*s", s->name, s->number, (int)l->len, l->text);
	if (check > 0)
		exit(1);
}

/* The next line. The one before must not be freed until then. */
static struct line *read_one(struct input *s, bool header) {
	size_t n;
	char *p = rd_line(&s->r, delim, &n);
	if (!p) {
		if (s->r.err) {
			errno = s->r.err;
			die_errno(1, "read error");
		}
		return NULL;
	}
	if (n && p[n - 1] == (char)delim)
		n--;
	struct line *l = xcalloc(1, sizeof *l);
	l->text = xstrndup("", 0);
	l->text = xrealloc(l->text, n + 1);
	memcpy(l->text, p, n);
	l->text[n] = 0;
	l->len = n;
	split(l);
	s->number++;
	if (!header)
		check_order(s, l);
	s->prev = header ? NULL : l;
	return l;
}

static void emit(struct field f) {
	if (f.n)
		fwrite(f.p, 1, f.n, stdout);
	else if (filler)
		fputs(filler, stdout);
}

static void separator(void) { putchar(tab < 0 ? ' ' : tab); }

static void others(const struct line *l, const struct input *s) {
	size_t n = automatic ? s->autocount : l ? l->nf : 0;
	for (size_t i = 0; i < n; i++)
		if (i != s->key) {
			separator();
			emit(get(l, i));
		}
}

/* A line of output; a or b may be NULL. */
static void show(const struct line *a, const struct line *b) {
	const struct line *l[2] = {a, b};
	struct field key = a ? get(a, in[0].key) : get(b, in[1].key);
	if (n_wanted) {
		for (size_t i = 0; i < n_wanted; i++) {
			struct want w = wanted[i];
			if (i)
				separator();
			emit(w.file ? get(l[w.file - 1], w.field) : key);
		}
	} else {
		emit(key);
		others(a, &in[0]);
		others(b, &in[1]);
	}
	putchar(delim);
}

/* Makes a group of the next lines, which have one key. */
static void fill(struct input *s) {
	for (size_t i = 0; i < s->n; i++)
		line_free(s->group[i]);
	s->n = 0;
	do {
		s->group = grow(s->group, s->n, &s->cap, sizeof *s->group);
		s->group[s->n++] = s->next;
		s->next = read_one(s, false);
	} while (s->next && compare(s->group[0], s->key, s->next, s->key) == 0);
}

/* The next line has no pair. */
static void alone(struct input *s) {
	struct line *l = s->next;
	if (s->all)
		show(s == &in[0] ? l : NULL, s == &in[0] ? NULL : l);
	s->next = read_one(s, false);
	line_free(l);
}

static void join_all(bool header) {
	for (int i = 0; i < 2; i++) {
		in[i].next = read_one(&in[i], header);
		if (automatic)
			in[i].autocount = in[i].next ? in[i].next->nf : 0;
	}
	if (header && (in[0].next || in[1].next)) {
		show(in[0].next, in[1].next);
		for (int i = 0; i < 2; i++) {
			line_free(in[i].next);
			in[i].next = in[i].prev = NULL;
			in[i].next = read_one(&in[i], false);
		}
	}
	bool both = in[0].next && in[1].next;
	while (in[0].next && in[1].next) {
		int c = compare(in[0].next, in[0].key, in[1].next, in[1].key);
		if (c) {
			unpaired = true;
			alone(&in[c > 0]);
			continue;
		}
		fill(&in[0]);
		fill(&in[1]);
		for (size_t i = 0; pairs && i < in[0].n; i++)
			for (size_t k = 0; k < in[1].n; k++)
				show(in[0].group[i], in[1].group[k]);
	}
	unpaired = unpaired || (both && (in[0].next || in[1].next));
	for (int i = 0; i < 2; i++)
		while (in[i].next)
			alone(&in[i]);
}

static size_t field_number(const char *s) {
	uint64_t v;
	int bad = parse_size(s, "", &v);
	if ((bad && bad != 1) || (!bad && v == 0))
		die(1, "invalid field number: %s", quote(s));
	return bad == 1 || v > SIZE_MAX ? SIZE_MAX - 1 : (size_t)v - 1;
}

static void format(const char *s) {
	if (strcmp(s, "auto") == 0) {
		automatic = true;
		return;
	}
	char *copy = xstrdup(s), *rest = copy, *w;
	while ((w = strtok_r(rest, ", \t", &rest))) {
		struct want k = {0, 0};
		if (*w == '0') {
			if (w[1])
				die(1, "invalid field specifier: %s", quote(w));
		} else if (*w == '1' || *w == '2') {
			if (w[1] != '.')
				die(1, "invalid field specifier: %s", quote(w));
			k = (struct want){*w - '0', field_number(w + 2)};
		} else
			die(1, "invalid file number in field spec: %s", quote(w));
		wanted = grow(wanted, n_wanted, &cap_wanted, sizeof *wanted);
		wanted[n_wanted++] = k;
	}
	free(copy);
}

static struct input *file_number(const char *s) {
	if ((*s != '1' && *s != '2') || s[1])
		die(1, "invalid field number: %s", quote(s));
	return &in[*s - '1'];
}

static void set_tab(const char *s) {
	int t = strcmp(s, "\\0") == 0 ? 0 : !*s ? -2 : (unsigned char)*s;
	if (*s && s[1] && t)
		die(1, "multi-character tab %s", quote(s));
	if (tab != -1 && tab != t)
		die(1, "incompatible tabs");
	tab = t;
}

int join_main(int argc, char **argv) {
	enum { CHECK = 256, NOCHECK, HEADER };
	static const struct lopt longs[] = {{"ignore-case", 0, 'i'}, {"check-order", 0, CHECK}, {"nocheck-order", 0, NOCHECK},
	    {"header", 0, HEADER}, {"zero-terminated", 0, 'z'}, {0, 0, 0}};
	int c;
	bool header = false;
	while ((c = opt_next(argc, argv, "a:e:i1:2:j:o:t:v:z", longs)) != -1) {
		switch (c) {
		case 'v': pairs = false; /* fall through */
		case 'a': file_number(opt_arg)->all = true; break;
		case 'e':
			if (filler && strcmp(filler, opt_arg))
				die(1, "conflicting empty-field replacement strings");
			filler = opt_arg;
			break;
		case 'i': icase = true; break;
		case '1': case '2': in[c - '1'].key = field_number(opt_arg); break;
		case 'j': in[0].key = in[1].key = field_number(opt_arg); break;
		case 'o': format(opt_arg); break;
		case 't': set_tab(opt_arg); break;
		case 'z': delim = 0; break;
		case CHECK: check = 1; break;
		case NOCHECK: check = -1; break;
		case HEADER: header = true; break;
		}
	}
	if (argc - opt_ind == 0)
		missing_operand(1);
	if (argc - opt_ind == 1)
		missing_after(1, argv[opt_ind]);
	if (argc - opt_ind > 2)
		extra_operand(1, argv[opt_ind + 2]);
	for (int i = 0; i < 2; i++) {
		in[i].name = argv[opt_ind + i];
		int fd = open_input(in[i].name);
		if (fd < 0)
			die_errno(1, "%s", quotef(in[i].name));
		rd_init(&in[i].r, fd);
	}
	if (strcmp(in[0].name, "-") == 0 && strcmp(in[1].name, "-") == 0)
		die(1, "both files cannot be standard input");
	join_all(header);
	if (in[0].warned || in[1].warned)
		die(1, "input is not in sorted order");
	return 0;
}
