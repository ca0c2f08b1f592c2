// cut
#include "tx.h"

const char cut_help[] =
	" OPTION... [FILE]...\nPrint selected parts of lines from each FILE to standard output.\n\n"
	"  -b LIST bytes   -c LIST characters   -f LIST fields   -d DELIM   -s only delimited lines\n"
	"  --complement   --output-delimiter=STRING   -z NUL lines\n\n"
	"LIST is made of ranges N, N-, N-M, -M separated by commas.\n";

typedef struct {
	uint64_t lo, hi;
} range;

typedef struct {
	range *r;
	size_t n, cap;
	int mode, delim, only, zero;
	const char *outdelim;
	size_t outn;
} cut;

static int by_lo(const void *a, const void *b) {
	const range *x = a, *y = b;
	return x->lo < y->lo ? -1 : x->lo > y->lo ? 1 : x->hi < y->hi ? -1 : x->hi > y->hi;
}

static void add(cut *c, uint64_t lo, uint64_t hi) {
	c->r = tx_array(c->r, &c->cap, c->n + 1, sizeof *c->r);
	c->r[c->n++] = (range){lo, hi};
}

static const char *unit(const cut *c) { return c->mode == 'f' ? "field" : "byte/character"; }

static void one_range(cut *c, const char *s, size_t n) {
	uint64_t v[2] = {0, 0};
	int have[2] = {0, 0}, k = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '-') {
			if (k)
				tx_usage(c->mode == 'f' ? "invalid field range" : "invalid byte or character range");
			k = 1;
		} else if (tx_isdigit((unsigned char)s[i])) {
			have[k] = 1;
			if (v[k] > UINT64_MAX / 10 - 10)
				tx_usage("%s number '%.*s' is too large", c->mode == 'f' ? "field" : "byte/character", (int)n, s);
			v[k] = v[k] * 10 + (uint64_t)(s[i] - '0');
		} else
			tx_usage("invalid %s %s '%.*s'", unit(c), c->mode == 'f' ? "value" : "position", (int)n, s);
	}
	if (k && !have[0] && !have[1])
		tx_usage("invalid range with no endpoint: -");
	if (!k)
		v[1] = v[0];
	if (k && !have[0])
		v[0] = 1;
	if (k && !have[1])
		v[1] = UINT64_MAX;
	if (!v[0])
		tx_usage(c->mode == 'f' ? "fields are numbered from 1" : "byte/character positions are numbered from 1");
	if (v[1] < v[0])
		tx_usage("invalid decreasing range");
	add(c, v[0], v[1]);
}

static void parse(cut *c, const char *s, int complement) {
	for (;;) {
		size_t n = strcspn(s, ", \t");
		one_range(c, s, n);
		if (!s[n])
			break;
		s += n + 1;
	}
	qsort(c->r, c->n, sizeof *c->r, by_lo);
	size_t k = 0; // overlapping ranges become one; adjacent ones stay apart for --output-delimiter
	for (size_t i = 1; i < c->n; i++)
		if (c->r[i].lo <= c->r[k].hi) {
			if (c->r[i].hi > c->r[k].hi)
				c->r[k].hi = c->r[i].hi;
		} else
			c->r[++k] = c->r[i];
	c->n = k + 1;
	if (!complement)
		return;
	range *old = c->r;
	size_t n = c->n;
	c->r = NULL;
	c->n = c->cap = 0;
	uint64_t next = 1;
	for (size_t i = 0; i < n; i++) {
		if (old[i].lo > next)
			add(c, next, old[i].lo - 1);
		next = old[i].hi == UINT64_MAX ? 0 : old[i].hi + 1;
		if (!next)
			break;
	}
	if (next)
		add(c, next, UINT64_MAX);
	free(old);
}

static void cut_bytes(const cut *c, const char *p, size_t n) {
	int any = 0;
	for (size_t i = 0; i < c->n && c->r[i].lo <= n; i++) {
		size_t lo = (size_t)c->r[i].lo - 1, hi = c->r[i].hi > n ? n : (size_t)c->r[i].hi;
		if (any && c->outdelim)
			tx_out(c->outdelim, c->outn);
		tx_out(p + lo, hi - lo);
		any = 1;
	}
}

// cut_fields returns 0 when nothing is to be printed for the line.
static int cut_fields(const cut *c, const char *p, size_t n) {
	const char *e = p + n, *q = memchr(p, c->delim, n);
	if (!q) {
		if (c->only)
			return 0;
		tx_out(p, n);
		return 1;
	}
	uint64_t f = 1;
	size_t i = 0;
	int any = 0;
	for (;; f++) {
		while (i < c->n && c->r[i].hi < f)
			i++;
		if (i == c->n)
			return 1;
		if (f >= c->r[i].lo) {
			if (any)
				tx_out(c->outdelim, c->outn);
			tx_out(p, (size_t)((q ? q : e) - p));
			any = 1;
		}
		if (!q)
			return 1;
		p = q + 1;
		q = memchr(p, c->delim, (size_t)(e - p));
	}
}

static int cut_file(const cut *c, const char *name) {
	tx_in in;
	char *p;
	size_t n;
	int delim = c->zero ? 0 : '\n';
	if (tx_open(&in, name)) {
		tx_warn(errno, "%s", name);
		return 1;
	}
	while (tx_line(&in, delim, &p, &n, NULL)) {
		if (c->mode != 'f')
			cut_bytes(c, p, n);
		else if (!cut_fields(c, p, n))
			continue;
		putchar(delim);
	}
	int bad = in.err != 0;
	if (bad)
		tx_warn(in.err, "%s", name);
	tx_close(&in);
	return bad;
}

int cut_main(int argc, char **argv) {
	enum { O_OUT = 256, O_COMP };
	static const tx_long longs[] = {{"bytes", 1, 'b'}, {"characters", 1, 'c'}, {"fields", 1, 'f'}, {"delimiter", 1, 'd'}, {"only-delimited", 0, 's'},
		{"output-delimiter", 1, O_OUT}, {"complement", 0, O_COMP}, {"zero-terminated", 0, 'z'}, {NULL, 0, 0}};
	tx_begin("cut", 1);
	cut c = {.delim = -1};
	static char tab[2] = "\t";
	const char *list = NULL;
	int k, complement = 0;
	tx_opts o;
	tx_opt_start(&o, argc, argv, "b:c:d:f:nsz", longs);
	while ((k = tx_opt(&o)) != -1)
		switch (k) {
		case 'b': case 'c': case 'f':
			if (c.mode)
				tx_usage("only one list may be specified");
			c.mode = k;
			list = o.arg;
			break;
		case 'd':
			if (o.arg[0] && o.arg[1])
				tx_usage("the delimiter must be a single character");
			c.delim = (unsigned char)o.arg[0];
			break;
		case 's': c.only = 1; break;
		case 'z': c.zero = 1; break;
		case O_OUT: c.outdelim = o.arg; c.outn = *o.arg ? strlen(o.arg) : 1; break;
		case O_COMP: complement = 1; break;
		}
	if (!c.mode)
		tx_usage("you must specify a list of bytes, characters, or fields");
	if (c.mode != 'f' && c.delim >= 0)
		tx_usage("an input delimiter may be specified only when operating on fields");
	if (c.mode != 'f' && c.only)
		tx_usage("suppressing non-delimited lines makes sense\n\tonly when operating on fields");
	if (c.delim < 0)
		c.delim = '\t';
	if (!c.outdelim && c.mode == 'f') {
		tab[0] = (char)c.delim;
		c.outdelim = tab;
		c.outn = 1;
	}
	parse(&c, list, complement);
	int bad = 0;
	if (!o.nrest)
		bad = cut_file(&c, "-");
	for (int i = 0; i < o.nrest; i++)
		bad |= cut_file(&c, o.rest[i]);
	return tx_end(bad);
}
