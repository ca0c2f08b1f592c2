// awk: strings, cells and arrays.
#include "awk.h"
#include <math.h>

str *str_new(const char *s, size_t n) {
	str *r = tx_realloc(NULL, sizeof *r + n + 1);
	r->ref = 1;
	r->n = n;
	if (n)
		memcpy(r->d, s, n);
	r->d[n] = 0;
	return r;
}

void str_unref(str *s) {
	if (s && --s->ref == 0)
		free(s);
}

void cell_free(cell *c) {
	str_unref(c->s);
	*c = (cell){0};
}

cell cell_num(double n) { return (cell){V_NUM, n, NULL}; }
cell cell_str(const char *s, size_t n) { return (cell){V_STR, 0, str_new(s, n)}; }
cell cell_input(const char *s, size_t n) { return (cell){V_STR | V_MAYBE, 0, str_new(s, n)}; }

cell cell_copy(const cell *c) {
	cell r = *c;
	if (r.s)
		r.s->ref++;
	return r;
}

void cell_set(cell *dst, cell src) {
	str *old = dst->s;
	*dst = src;
	str_unref(old);
}

static const char *number_end(const char *s, const char *e) {
	const char *p = s;
	if (p < e && (*p == '+' || *p == '-'))
		p++;
	const char *d = p;
	while (p < e && tx_isdigit((unsigned char)*p))
		p++;
	size_t digits = (size_t)(p - d);
	if (p < e && *p == '.') {
		p++;
		while (p < e && tx_isdigit((unsigned char)*p))
			p++, digits++;
	}
	if (!digits) {
		if (d > s && e - d >= 3) { // +inf, -nan: only with a sign
			char w[4] = {(char)tx_lower((unsigned char)d[0]), (char)tx_lower((unsigned char)d[1]), (char)tx_lower((unsigned char)d[2]), 0};
			if ((!strcmp(w, "inf") || !strcmp(w, "nan")) && (d + 3 == e || !tx_isalnum((unsigned char)d[3])))
				return d + 3;
		}
		return s;
	}
	if (p < e && (*p == 'e' || *p == 'E')) {
		const char *q = p + 1;
		if (q < e && (*q == '+' || *q == '-'))
			q++;
		if (q < e && tx_isdigit((unsigned char)*q)) {
			while (q < e && tx_isdigit((unsigned char)*q))
				q++;
			p = q;
		}
	}
	return p;
}

static const char *blanks(const char *p, const char *e) {
	while (p < e && tx_isspace((unsigned char)*p))
		p++;
	return p;
}

double str_num(const char *s, size_t n) {
	const char *e = s + n, *p = blanks(s, e), *z = number_end(p, e);
	if (z == p)
		return 0;
	size_t k = (size_t)(z - p);
	if (k <= 15) { // small integers without strtod
		double v = 0;
		const char *q = p + (*p == '-' || *p == '+');
		while (q < z && tx_isdigit((unsigned char)*q))
			v = v * 10 + (*q++ - '0');
		if (q == z)
			return *p == '-' ? -v : v;
	}
	char small[64], *t = k < sizeof small ? small : tx_realloc(NULL, k + 1);
	memcpy(t, p, k);
	t[k] = 0;
	double v = strtod(t, NULL);
	if (t != small)
		free(t);
	return v;
}

double awk_num(cell *c) {
	if (c->t & V_NUM || !c->s)
		return c->n;
	return str_num(c->s->d, c->s->n);
}

int awk_looks(const cell *c) {
	if (!(c->t & V_STR))
		return 1; // numbers, and variables never set
	if (!(c->t & V_MAYBE))
		return 0;
	const char *e = c->s->d + c->s->n, *p = blanks(c->s->d, e), *z = number_end(p, e);
	return z > p && blanks(z, e) == e;
}

static str *num_str(double n, const char *fmt) {
	char b[400];
	int k;
	if (isnan(n))
		k = snprintf(b, sizeof b, "%cnan", signbit(n) ? '-' : '+');
	else if (isinf(n))
		k = snprintf(b, sizeof b, "%cinf", n < 0 ? '-' : '+');
	else if (n == (double)(int)n)
		k = snprintf(b, sizeof b, "%d", (int)n);
	else if (floor(n) == n)
		k = snprintf(b, sizeof b, "%.0f", n);
	else {
		// the format comes from the program: only %[flags][width][.prec]aefg is taken
		const char *p = fmt;
		if (*p++ != '%' || strlen(fmt) > 20)
			fmt = "%.6g";
		else {
			while (*p && strchr("-+ #0", *p))
				p++;
			int w = 0, pr = 0;
			while (tx_isdigit((unsigned char)*p))
				w = w * 10 + *p++ - '0';
			if (*p == '.')
				for (p++; tx_isdigit((unsigned char)*p);)
					pr = pr * 10 + *p++ - '0';
			if (*p == 'd' || *p == 'i')
				return num_str(trunc(n), "%.6g");
			if (!*p || !strchr("aefgAEFG", *p) || p[1] || w > 300 || pr > 60)
				fmt = "%.6g";
		}
		k = snprintf(b, sizeof b, fmt, n);
	}
	if (k >= (int)sizeof b)
		k = (int)sizeof b - 1;
	return str_new(b, (size_t)k);
}

static str *to_str(awk *w, const cell *c, int g) {
	if (c->s)
		return str_ref(c->s);
	if (!(c->t & V_NUM))
		return str_new("", 0);
	cell *f = &w->g[g]->c;
	return num_str(c->n, f->s ? f->s->d : "%.6g");
}

str *awk_str(awk *w, const cell *c) { return to_str(w, c, G_CONVFMT); }
str *awk_out(awk *w, const cell *c) { return to_str(w, c, G_OFMT); }

int awk_true(cell *c) {
	if (!c->t)
		return 0;
	if (c->t & V_STR && !awk_looks(c))
		return c->s->n > 0;
	return awk_num(c) != 0;
}

int awk_cmp(awk *w, cell *a, cell *b) {
	if (awk_looks(a) && awk_looks(b)) {
		double x = awk_num(a), y = awk_num(b);
		return x < y ? -1 : x > y ? 1 : x == y ? 0 : 1;
	}
	str *x = awk_str(w, a), *y = awk_str(w, b);
	size_t n = x->n < y->n ? x->n : y->n;
	int d = n ? memcmp(x->d, y->d, n) : 0;
	if (!d)
		d = x->n < y->n ? -1 : x->n > y->n;
	str_unref(x);
	str_unref(y);
	return d;
}

array *arr_new(void) {
	array *a = tx_alloc(sizeof *a);
	a->ref = 1;
	return a;
}

void arr_clear(array *a) {
	for (elem *e = a->first, *n; e; e = n) {
		n = e->after;
		str_unref(e->k);
		cell_free(&e->v);
		free(e);
	}
	free(a->b);
	int ref = a->ref;
	memset(a, 0, sizeof *a);
	a->ref = ref;
}

void arr_free(array *a) {
	if (a && --a->ref == 0) {
		arr_clear(a);
		free(a);
	}
}

static uint32_t hash(const str *k) {
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < k->n; i++)
		h = (h ^ (unsigned char)k->d[i]) * 16777619u;
	return h ^ h >> 15;
}

elem *arr_get(array *a, str *k, int create) {
	uint32_t h = hash(k);
	if (a->nb)
		for (elem *e = a->b[h & (a->nb - 1)]; e; e = e->next)
			if (e->h == h && e->k->n == k->n && !memcmp(e->k->d, k->d, k->n))
				return e;
	if (!create)
		return NULL;
	if (a->n >= a->nb) {
		size_t nb = a->nb ? a->nb * 2 : 16;
		elem **b = tx_alloc(nb * sizeof *b);
		for (elem *e = a->first; e; e = e->after) {
			e->next = b[e->h & (nb - 1)];
			b[e->h & (nb - 1)] = e;
		}
		free(a->b);
		a->b = b;
		a->nb = nb;
	}
	elem *e = tx_alloc(sizeof *e);
	e->h = h;
	e->k = str_ref(k);
	e->next = a->b[h & (a->nb - 1)];
	a->b[h & (a->nb - 1)] = e;
	e->before = a->last;
	if (a->last)
		a->last->after = e;
	else
		a->first = e;
	a->last = e;
	a->n++;
	return e;
}

int arr_del(array *a, str *k) {
	elem *e = arr_get(a, k, 0);
	if (!e)
		return 0;
	elem **p = &a->b[e->h & (a->nb - 1)];
	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	*(e->before ? &e->before->after : &a->first) = e->after;
	*(e->after ? &e->after->before : &a->last) = e->before;
	a->n--;
	str_unref(e->k);
	cell_free(&e->v);
	free(e);
	return 1;
}
