// nl
#include "re.h"
#include "tx.h"

const char nl_help[] =
	" [OPTION]... [FILE]...\nWrite each FILE to standard output, with line numbers added.\n\n"
	"  -b, -h, -f STYLE  which lines of body, header and footer are numbered: a all, t nonempty, n none, pBRE those that match\n"
	"  -d CC  section delimiters   -i N  increment   -l N  group of N empty lines counted as one\n"
	"  -n FORMAT  ln, rn or rz   -p  do not restart at a new page   -s STRING  after the number   -v N  first number   -w N  width\n";

enum { HEADER, BODY, FOOTER };

typedef struct {
	char kind; // a t n p
	re *pattern;
} style;

static struct {
	style section[3];
	char mark[5];
	size_t mark_len;
	int64_t first, step, now;
	uint64_t blanks, width, seen;
	int keep, over, zero, left;
	const char *sep;
} o = {.section = {{'n', NULL}, {'t', NULL}, {'n', NULL}}, .mark = "\\:", .mark_len = 2, .first = 1, .step = 1, .blanks = 1, .width = 6, .sep = "\t"};

static int matches(style *s, const char *p, size_t n) {
	switch (s->kind) {
	case 'a':
		if (o.blanks > 1 && n == 0) {
			if (++o.seen < o.blanks)
				return 0;
			o.seen = 0;
			return 1;
		}
		o.seen = 0;
		return 1;
	case 't': return n > 0;
	case 'p': return re_exec(s->pattern, p, n, 0, NULL, 0, 0);
	}
	return 0;
}

static void number(void) {
	if (o.over)
		tx_die(0, "line number overflow");
	uint64_t v = o.now < 0 ? 0 - (uint64_t)o.now : (uint64_t)o.now;
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
	uint64_t have = (uint64_t)n + (o.now < 0), pad = have < o.width ? o.width - have : 0;
	if (!o.left && !o.zero)
		for (uint64_t i = 0; i < pad; i++)
			putchar(' ');
	if (o.now < 0)
		putchar('-');
	if (o.zero)
		for (uint64_t i = 0; i < pad; i++)
			putchar('0');
	fputs(digits, stdout);
	if (o.left)
		for (uint64_t i = 0; i < pad; i++)
			putchar(' ');
	fputs(o.sep, stdout);
	o.over = __builtin_add_overflow(o.now, o.step, &o.now);
}

// The section that a line of delimiters begins, or -1.
static int begins(const char *p, size_t n) {
	size_t k = o.mark_len;
	if (k == 0 || n % k || n / k < 1 || n / k > 3)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (p[i] != o.mark[i % k])
			return -1;
	return n / k == 3 ? HEADER : n / k == 2 ? BODY : FOOTER;
}

static void filter(tx_in *in, int *section) {
	char *p;
	size_t n;
	int nl;
	while (tx_line(in, '\n', &p, &n, &nl)) {
		int s = begins(p, n);
		if (s >= 0) {
			*section = s;
			if (!o.keep)
				o.now = o.first, o.over = 0;
			putchar('\n');
			continue;
		}
		if (matches(&o.section[*section], p, n))
			number();
		else
			for (size_t i = 0; i < o.width + strlen(o.sep); i++)
				putchar(' ');
		tx_out(p, n);
		putchar('\n');
	}
}

static void set_style(style *s, const char *arg, const char *what) {
	const char *err = NULL;
	s->kind = *arg;
	if (*arg == 'p') {
		if (!(s->pattern = re_compile(arg + 1, strlen(arg + 1), 0, &err)))
			tx_die(0, "%s", err);
	} else if (!*arg || !strchr("atn", *arg) || arg[1])
		tx_usage("invalid %s numbering style: '%s'", what, arg);
}

// A decimal number with a sign in lo..INT64_MAX.
static int64_t integer(const char *s, int64_t lo, const char *what) {
	uint64_t v = 0;
	const char *digits = s + (*s == '-' || *s == '+');
	int bad = tx_num(digits, &v), neg = *s == '-';
	if (bad < 0)
		tx_die(0, "invalid %s: '%s'", what, s);
	if (bad > 0 || v > (uint64_t)INT64_MAX + (uint64_t)neg)
		tx_die(0, "invalid %s: '%s': Value too large for defined data type", what, s);
	int64_t n = neg ? (int64_t)(0 - v) : (int64_t)v;
	if (n < lo)
		tx_die(0, "invalid %s: '%s': Numerical result out of range", what, s);
	return n;
}

int nl_main(int argc, char **argv) {
	static const tx_long longs[] = {{"header-numbering", 1, 'h'}, {"body-numbering", 1, 'b'}, {"footer-numbering", 1, 'f'}, {"starting-line-number", 1, 'v'},
		{"line-increment", 1, 'i'}, {"no-renumber", 0, 'p'}, {"join-blank-lines", 1, 'l'}, {"number-separator", 1, 's'}, {"number-width", 1, 'w'},
		{"number-format", 1, 'n'}, {"section-delimiter", 1, 'd'}, {NULL, 0, 0}};
	tx_begin("nl", 1);
	tx_opts t;
	int c, section = BODY, status = 0;
	tx_opt_start(&t, argc, argv, "h:b:f:v:i:pl:s:w:n:d:", longs);
	while ((c = tx_opt(&t)) != -1)
		switch (c) {
		case 'h': set_style(&o.section[HEADER], t.arg, "header"); break;
		case 'b': set_style(&o.section[BODY], t.arg, "body"); break;
		case 'f': set_style(&o.section[FOOTER], t.arg, "footer"); break;
		case 'v': o.first = integer(t.arg, INT64_MIN, "starting line number"); break;
		case 'i': o.step = integer(t.arg, INT64_MIN, "line number increment"); break;
		case 'l': o.blanks = (uint64_t)integer(t.arg, 1, "line number of blank lines"); break;
		case 'w': o.width = (uint64_t)integer(t.arg, 1, "line number field width"); break;
		case 'p': o.keep = 1; break;
		case 's': o.sep = t.arg; break;
		case 'n':
			o.left = !strcmp(t.arg, "ln"), o.zero = !strcmp(t.arg, "rz");
			if (!o.left && !o.zero && strcmp(t.arg, "rn"))
				tx_usage("invalid line numbering format: '%s'", t.arg);
			break;
		case 'd':
			o.mark_len = strlen(t.arg);
			if (o.mark_len == 1) { // the second character stays
				o.mark[0] = t.arg[0];
				o.mark_len = 2;
			} else if (o.mark_len <= 2)
				memcpy(o.mark, t.arg, o.mark_len);
			else
				tx_usage("section delimiters have one or two characters: '%s'", t.arg);
			break;
		}
	o.now = o.first;
	char *none[] = {"-"};
	int n = t.nrest ? t.nrest : 1;
	for (int i = 0; i < n; i++) {
		char *name = t.nrest ? t.rest[i] : none[0];
		tx_in in;
		if (tx_open(&in, name)) {
			tx_warn(errno, "%s", tx_quote(name));
			status = 1;
			continue;
		}
		filter(&in, &section);
		if (in.err) {
			tx_warn(in.err, "%s", tx_quote(name));
			status = 1;
		}
		tx_close(&in);
	}
	return tx_end(status);
}
