// uniq
#include "tx.h"

const char uniq_help[] =
	" [OPTION]... [INPUT [OUTPUT]]\nFilter adjacent matching lines from INPUT, writing to OUTPUT.\n\n"
	"  -c count   -d repeated lines   -D, --all-repeated[=METHOD]   -u unique lines   --group[=METHOD]\n"
	"  -f N skip fields   -s N skip characters   -w N compare at most N   -i ignore case   -z NUL lines\n";

typedef struct {
	int count, dups, uniqs, all, group, icase, zero; // all, group: method 'n' 'p' 's' 'a' 'b'
	uint64_t fields, chars, width;
} opts;

static const char *part(const opts *u, const char *p, size_t n, size_t *len) {
	const char *e = p + n;
	for (uint64_t i = 0; i < u->fields && p < e; i++) {
		while (p < e && (tx_isblank((unsigned char)*p) || *p == '\n'))
			p++;
		while (p < e && !(tx_isblank((unsigned char)*p) || *p == '\n'))
			p++;
	}
	p += (uint64_t)(e - p) < u->chars ? (size_t)(e - p) : (size_t)u->chars;
	*len = (uint64_t)(e - p) < u->width ? (size_t)(e - p) : (size_t)u->width;
	return p;
}

static int same(const opts *u, const buf *a, const char *b, size_t bn) {
	size_t x, y;
	const char *p = part(u, a->p ? a->p : "", a->n, &x), *q = part(u, b, bn, &y);
	if (x != y)
		return 0;
	if (!u->icase)
		return !x || !memcmp(p, q, x);
	for (size_t i = 0; i < x; i++)
		if (tx_upper((unsigned char)p[i]) != tx_upper((unsigned char)q[i]))
			return 0;
	return 1;
}

static void emit(const opts *u, const buf *b, uint64_t n) {
	if ((n == 1 && u->dups && !u->uniqs) || (n > 1 && u->uniqs && !u->dups) || (u->dups && u->uniqs))
		return;
	if (u->count)
		printf("%7llu ", (unsigned long long)n);
	tx_out(b->p, b->n);
	putchar(u->zero ? 0 : '\n');
}

// grouped prints all lines of groups: -D and --group.
static void grouped(const opts *u, tx_in *in) {
	buf prev = {0};
	char *p;
	size_t n;
	int delim = u->zero ? 0 : '\n', have = 0, printed = 0, shown = 0, method = u->group ? u->group : u->all;
	while (tx_line(in, delim, &p, &n, NULL)) {
		int eq = have && same(u, &prev, p, n);
		if (u->group) {
			if (!eq && ((have && method != 'n') || (!have && (method == 'p' || method == 'b'))))
				putchar(delim);
			tx_out(p, n);
			putchar(delim);
			printed = 1;
		} else {
			if (!eq)
				shown = 0;
			else if (!shown) {
				if (method == 'p' || (method == 's' && printed))
					putchar(delim);
				tx_out(prev.p, prev.n);
				putchar(delim);
				shown = printed = 1;
			}
			if (eq) {
				tx_out(p, n);
				putchar(delim);
			}
		}
		prev.n = 0;
		buf_add(&prev, p, n);
		have = 1;
	}
	if (u->group && printed && (method == 'a' || method == 'b'))
		putchar(delim);
	buf_free(&prev);
}

static void run(const opts *u, tx_in *in) {
	buf prev = {0};
	uint64_t count = 0;
	char *p;
	size_t n;
	if (u->all || u->group) {
		grouped(u, in);
		return;
	}
	while (tx_line(in, u->zero ? 0 : '\n', &p, &n, NULL)) {
		if (count && same(u, &prev, p, n)) {
			count++;
			continue;
		}
		if (count)
			emit(u, &prev, count);
		prev.n = 0;
		buf_add(&prev, p, n);
		count = 1;
	}
	if (count)
		emit(u, &prev, count);
	buf_free(&prev);
}

static uint64_t num(const char *s, const char *what) {
	uint64_t v;
	if (tx_num(s, &v) < 0)
		tx_die(0, "%s: invalid number of %s", s, what);
	return v;
}

static int method(const char *a, const char *option, const char *const *names) {
	for (int i = 0; names[i]; i++)
		if (!strncmp(names[i], a, strlen(a)))
			return names[i][0];
	tx_usage("invalid argument '%s' for '--%s'", a, option);
}

int uniq_main(int argc, char **argv) {
	enum { O_GROUP = 256 };
	static const tx_long longs[] = {{"count", 0, 'c'}, {"repeated", 0, 'd'}, {"all-repeated", 2, 'D'}, {"group", 2, O_GROUP}, {"ignore-case", 0, 'i'}, {"unique", 0, 'u'},
		{"skip-fields", 1, 'f'}, {"skip-chars", 1, 's'}, {"check-chars", 1, 'w'}, {"zero-terminated", 0, 'z'}, {NULL, 0, 0}};
	static const char *const all[] = {"none", "prepend", "separate", NULL}, *const grp[] = {"prepend", "append", "separate", "both", NULL};
	tx_begin("uniq", 1);
	opts u = {.width = UINT64_MAX};
	tx_opts o;
	int c;
	tx_opt_start(&o, argc, argv, "cdDif:s:uw:z", longs);
	while ((c = tx_opt(&o)) != -1)
		switch (c) {
		case 'c': u.count = 1; break;
		case 'd': u.dups = 1; break;
		case 'D': u.all = o.longname && o.arg ? method(o.arg, "all-repeated", all) : 'n'; u.dups = 1; break;
		case O_GROUP: u.group = o.arg ? method(o.arg, "group", grp) : 's'; break;
		case 'i': u.icase = 1; break;
		case 'u': u.uniqs = 1; break;
		case 'z': u.zero = 1; break;
		case 'f': u.fields = num(o.arg, "fields to skip"); break;
		case 's': u.chars = num(o.arg, "bytes to skip"); break;
		case 'w': u.width = num(o.arg, "bytes to compare"); break;
		}
	if (o.nrest > 2)
		tx_usage("extra operand '%s'", o.rest[2]);
	if (u.group && (u.count || u.dups || u.uniqs))
		tx_usage("--group is mutually exclusive with -c/-d/-D/-u");
	if (u.count && u.all)
		tx_usage("printing all duplicated lines and repeat counts is meaningless");
	tx_in in;
	if (tx_open(&in, o.nrest > 0 ? o.rest[0] : "-"))
		tx_die(errno, "%s", o.rest[0]);
	if (o.nrest > 1 && strcmp(o.rest[1], "-")) {
		int fd = sbx_open(o.rest[1], SBX_O_WRONLY | SBX_O_CREAT | SBX_O_TRUNC, 0666);
		if (fd < 0 || sbx_dup2(fd, 1) < 0)
			tx_die(errno, "%s", o.rest[1]);
	}
	run(&u, &in);
	if (in.err)
		tx_die(in.err, "error reading '%s'", o.nrest ? o.rest[0] : "-");
	tx_close(&in);
	return tx_end(0);
}
