// sort: the orders.
#include "sort.h"

static const char *skip_blanks(const char *p, const char *e) {
	while (p < e && (tx_isblank((unsigned char)*p) || *p == '\n'))
		p++;
	return p;
}

static int blank(int c) { return c == ' ' || c == '\t' || c == '\n'; }

static const char *field_begin(const sorter *s, const key *k, const char *p, const char *e) {
	size_t w = k->sword;
	if (s->tab >= 0)
		while (p < e && w--) {
			p = memchr(p, s->tab, (size_t)(e - p));
			p = p ? p + 1 : e;
		}
	else
		while (p < e && w--) {
			while (p < e && blank((unsigned char)*p))
				p++;
			while (p < e && !blank((unsigned char)*p))
				p++;
		}
	if (k->sblank)
		p = skip_blanks(p, e);
	return (size_t)(e - p) < k->schar ? e : p + k->schar;
}

static const char *field_end(const sorter *s, const key *k, const char *p, const char *e) {
	size_t w = k->eword, ch = k->echar;
	if (w == SIZE_MAX)
		return e;
	if (!ch)
		w++;
	if (s->tab >= 0)
		while (p < e && w--) {
			while (p < e && (unsigned char)*p != s->tab)
				p++;
			if (p < e && (w || ch))
				p++;
		}
	else
		while (p < e && w--) {
			while (p < e && blank((unsigned char)*p))
				p++;
			while (p < e && !blank((unsigned char)*p))
				p++;
		}
	if (ch) {
		if (k->eblank)
			p = skip_blanks(p, e);
		p = (size_t)(e - p) < ch ? e : p + ch;
	}
	return p;
}

typedef struct {
	int neg;
	const char *i, *f; // digits before (leading zeros skipped) and after the point
	size_t in, fn;
	const char *end;
} num;

static num read_num(const char *p, const char *e) {
	num r = {0};
	p = skip_blanks(p, e);
	if (p < e && *p == '-') {
		r.neg = 1;
		p++;
	}
	while (p < e && *p == '0')
		p++;
	r.i = p;
	while (p < e && tx_isdigit((unsigned char)*p))
		p++;
	r.in = (size_t)(p - r.i);
	r.f = p;
	if (p < e && *p == '.') {
		r.f = ++p;
		while (p < e && tx_isdigit((unsigned char)*p))
			p++;
		r.fn = (size_t)(p - r.f);
	}
	r.end = p;
	while (r.fn && r.f[r.fn - 1] == '0')
		r.fn--;
	if (!r.in && !r.fn)
		r.neg = 0;
	return r;
}

static int magnitude(const num *a, const num *b) {
	if (a->in != b->in)
		return a->in < b->in ? -1 : 1;
	int d = a->in ? memcmp(a->i, b->i, a->in) : 0;
	if (d)
		return d;
	size_t n = a->fn < b->fn ? a->fn : b->fn;
	d = n ? memcmp(a->f, b->f, n) : 0;
	return d ? d : a->fn < b->fn ? -1 : a->fn > b->fn;
}

static int cmp_num(const num *a, const num *b) {
	if (a->neg != b->neg)
		return a->neg ? -1 : 1;
	return a->neg ? magnitude(b, a) : magnitude(a, b);
}

static int unit(const num *n, const char *e) {
	static const char units[] = "KMGTPEZYRQ";
	if (!n->in && !n->fn)
		return 0;
	int c = n->end < e ? (unsigned char)*n->end : 0;
	const char *u = c ? strchr(units, c == 'k' ? 'K' : c) : NULL;
	int o = u ? (int)(u - units) + 1 : 0;
	return n->neg ? -o : o;
}

static int general(const char *p, const char *e, double *v) {
	char b[128];
	size_t n = (size_t)(e - p);
	if (n > sizeof b - 1)
		n = sizeof b - 1;
	memcpy(b, p, n);
	b[n] = 0;
	char *end;
	*v = strtod(b, &end);
	return end == b ? 0 : *v != *v ? 1 : 2;
}

static int cmp_general(const char *a, const char *ae, const char *b, const char *be) {
	double x, y;
	int i = general(a, ae, &x), j = general(b, be, &y);
	if (i != j || i < 2)
		return i - j;
	return x < y ? -1 : x > y;
}

static int month(const char *p, const char *e) {
	static const char names[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
	p = skip_blanks(p, e);
	if (e - p < 3)
		return 0;
	for (int m = 0; m < 12; m++)
		if (tx_upper((unsigned char)p[0]) == names[3 * m] && tx_upper((unsigned char)p[1]) == names[3 * m + 1] && tx_upper((unsigned char)p[2]) == names[3 * m + 2])
			return m + 1;
	return 0;
}

static int ver_order(int c) {
	if (c < 0 || tx_isdigit(c))
		return 0;
	if (tx_isalpha(c))
		return c;
	return c == '~' ? -1 : c + 256;
}

static int ver_rev(const char *a, size_t an, const char *b, size_t bn) {
	size_t i = 0, j = 0;
	while (i < an || j < bn) {
		int first = 0;
		while ((i < an && !tx_isdigit((unsigned char)a[i])) || (j < bn && !tx_isdigit((unsigned char)b[j]))) {
			int x = i < an ? ver_order((unsigned char)a[i]) : 0, y = j < bn ? ver_order((unsigned char)b[j]) : 0;
			if (i >= an)
				x = j < bn && b[j] == '~' ? 0 : 0;
			if (x != y)
				return x - y;
			i++;
			j++;
		}
		while (i < an && a[i] == '0')
			i++;
		while (j < bn && b[j] == '0')
			j++;
		while (i < an && j < bn && tx_isdigit((unsigned char)a[i]) && tx_isdigit((unsigned char)b[j])) {
			if (!first)
				first = a[i] - b[j];
			i++;
			j++;
		}
		if (i < an && tx_isdigit((unsigned char)a[i]))
			return 1;
		if (j < bn && tx_isdigit((unsigned char)b[j]))
			return -1;
		if (first)
			return first;
	}
	return 0;
}

// prefix_len is the length without a file suffix like .tar.gz.
static size_t prefix_len(const char *s, size_t n) {
	size_t prefix = 0;
	for (size_t i = 0; i < n;) {
		i++;
		prefix = i;
		while (i + 1 < n && s[i] == '.' && (tx_isalpha((unsigned char)s[i + 1]) || s[i + 1] == '~'))
			for (i += 2; i < n && (tx_isalnum((unsigned char)s[i]) || s[i] == '~'); i++)
				;
	}
	return prefix;
}

int sort_ver(const char *a, size_t an, const char *b, size_t bn) {
	if (!an || !bn)
		return (an > 0) - (bn > 0);
	if (a[0] == '.' || b[0] == '.') {
		if (a[0] != b[0])
			return a[0] == '.' ? -1 : 1;
		int da = an == 1, db = bn == 1;
		if (da || db)
			return db - da;
		int ea = an == 2 && a[1] == '.', eb = bn == 2 && b[1] == '.';
		if (ea || eb)
			return eb - ea;
	}
	size_t ap = prefix_len(a, an), bp = prefix_len(b, bn);
	int d = 0;
	if (!(ap == bp && !memcmp(a, b, ap)) || (ap == an && bp == bn))
		d = ver_rev(a, ap, b, bp);
	return d ? d : ver_rev(a, an, b, bn);
}

static int ignored(const key *k, int c) {
	if (k->dict)
		return !tx_isalnum(c) && !tx_isblank(c);
	return k->print && !tx_isprint(c);
}

static int cmp_translated(const key *k, const char *a, const char *ae, const char *b, const char *be) {
	for (;;) {
		while (a < ae && ignored(k, (unsigned char)*a))
			a++;
		while (b < be && ignored(k, (unsigned char)*b))
			b++;
		if (a >= ae || b >= be)
			return (a < ae) - (b < be);
		int x = (unsigned char)*a++, y = (unsigned char)*b++;
		if (k->fold)
			x = tx_upper(x), y = tx_upper(y);
		if (x != y)
			return x - y;
	}
}

static uint64_t hash(uint64_t h, const char *p, const char *e) {
	for (; p < e; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	h ^= h >> 32;
	return h * 0x9E3779B97F4A7C15u;
}

static int cmp_plain(const char *a, size_t an, const char *b, size_t bn) {
	size_t n = an < bn ? an : bn;
	int d = n ? memcmp(a, b, n) : 0;
	return d ? d : (an > bn) - (an < bn);
}

static int cmp_key(const sorter *s, const key *k, const char *a, const char *ae, const char *b, const char *be) {
	if (k->numeric || k->human) {
		num x = read_num(a, ae), y = read_num(b, be);
		if (k->human) {
			int d = unit(&x, ae) - unit(&y, be);
			if (d)
				return d;
		}
		return cmp_num(&x, &y);
	}
	if (k->general)
		return cmp_general(a, ae, b, be);
	if (k->month)
		return month(a, ae) - month(b, be);
	if (k->random) {
		uint64_t x = hash(s->seed, a, ae), y = hash(s->seed, b, be);
		if (x != y)
			return x < y ? -1 : 1;
	}
	if (k->version)
		return sort_ver(a, (size_t)(ae - a), b, (size_t)(be - b));
	if (k->dict || k->fold || k->print)
		return cmp_translated(k, a, ae, b, be);
	return cmp_plain(a, (size_t)(ae - a), b, (size_t)(be - b));
}

int sort_cmp(const sorter *s, const line *x, const line *y) {
	for (size_t i = 0; i < s->nkeys; i++) {
		const key *k = &s->keys[i];
		const char *a = field_begin(s, k, x->p, x->p + x->n), *ae = field_end(s, k, x->p, x->p + x->n);
		const char *b = field_begin(s, k, y->p, y->p + y->n), *be = field_end(s, k, y->p, y->p + y->n);
		int d = cmp_key(s, k, a, ae < a ? a : ae, b, be < b ? b : be);
		if (d)
			return k->reverse ? (d < 0) - (d > 0) : d;
	}
	if (s->nkeys && (s->unique || s->stable))
		return 0;
	int d = cmp_plain(x->p, x->n, y->p, y->n);
	return s->g.reverse ? -d : d;
}
