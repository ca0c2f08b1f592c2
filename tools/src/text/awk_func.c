// awk: the built-in functions and printf.
#include "awk.h"
#include "tool.h"
#include <math.h>

static str *arg_str(awk *w, node *l) {
	cell c = awk_eval(w, l->a);
	str *s = awk_str(w, &c);
	cell_free(&c);
	return s;
}

static double arg_num(awk *w, node *l) {
	cell c = awk_eval(w, l->a);
	double d = awk_num(&c);
	cell_free(&c);
	return d;
}

static cell take(str *s) { return (cell){V_STR, 0, s}; }

static int is_array(awk *w, node *n) {
	if (n->op == N_GLOBAL)
		return w->g[n->i]->a != NULL;
	if (n->op != N_LOCAL)
		return 0;
	for (slot *s = &w->locals[n->i]; s; s = s->from)
		if (s->a)
			return 1;
	return 0;
}

static cell substr(awk *w, node *a) {
	str *s = arg_str(w, a);
	double m = arg_num(w, a->next), n = a->next->next ? arg_num(w, a->next->next) : INFINITY;
	m = rint(m); // round half to even, as double to integer does
	n = isinf(n) ? n : rint(n);
	if (isnan(m) || isnan(n)) {
		str_unref(s);
		return cell_str("", 0);
	}
	double lo = m < 1 ? 1 : m, hi = m + n;
	if (hi > (double)s->n + 1)
		hi = (double)s->n + 1;
	cell r = hi > lo ? cell_str(s->d + (size_t)lo - 1, (size_t)(hi - lo)) : cell_str("", 0);
	str_unref(s);
	return r;
}

static cell index_of(awk *w, node *a) {
	str *s = arg_str(w, a), *t = arg_str(w, a->next);
	double r = 0;
	if (!t->n)
		r = 1; // as gawk has it
	else
		for (size_t i = 0; i + t->n <= s->n; i++)
			if (s->d[i] == t->d[0] && !memcmp(s->d + i, t->d, t->n)) {
				r = (double)i + 1;
				break;
			}
	str_unref(s);
	str_unref(t);
	return cell_num(r);
}

static void put(array *a, const char *key, cell v) {
	str *k = str_new(key, strlen(key));
	cell_set(&arr_get(a, k, 1)->v, v);
	str_unref(k);
}

static cell split(awk *w, node *a) {
	str *s = arg_str(w, a);
	array *out = awk_array(w, a->next->a), *seps = NULL;
	node *f = a->next->next;
	if (f && f->next) {
		seps = awk_array(w, f->next->a);
		arr_clear(seps);
	}
	size_t n;
	if (f && f->a->op == N_REGEX) {
		re *r = awk_re_of(w, f->a);
		arr_clear(out);
		n = awk_split(w, s->d, s->n, NULL, r, out, seps);
	} else {
		cell fs = f ? awk_eval(w, f->a) : cell_copy(awk_var(w, G_FS));
		arr_clear(out);
		n = awk_split(w, s->d, s->n, &fs, NULL, out, seps);
		cell_free(&fs);
	}
	str_unref(s);
	return cell_num((double)n);
}

static void expand(buf *b, const str *rep, const char *s, const re_m *m) {
	for (size_t i = 0; i < rep->n; i++) {
		if (rep->d[i] == '\\' && i + 1 < rep->n && (rep->d[i + 1] == '&' || rep->d[i + 1] == '\\')) {
			if (rep->d[i + 1] == '\\' && !(i + 2 < rep->n && rep->d[i + 2] == '&')) {
				buf_chr(b, '\\');
				buf_chr(b, '\\');
				i++;
				continue;
			}
			buf_chr(b, rep->d[++i]);
		} else if (rep->d[i] == '&')
			buf_add(b, s + m->so, (size_t)(m->eo - m->so));
		else
			buf_chr(b, rep->d[i]);
	}
}

static cell sub(awk *w, node *a, int global) {
	re *r = awk_re_of(w, a->a);
	str *rep = arg_str(w, a->next);
	node *lv = a->next->next ? a->next->next->a : NULL;
	cell c = lv ? awk_eval(w, lv) : cell_copy(awk_field(w, 0));
	str *s = awk_str(w, &c);
	cell_free(&c);
	buf b = {0};
	re_m m[1];
	size_t at = 0, from = 0;
	ptrdiff_t prev = -1;
	int count = 0;
	// the pattern may be evaluated anew by side effects: look it up again now that arguments are done
	r = a->a->op == N_REGEX ? r : awk_re_of(w, a->a);
	while (from <= s->n && re_exec(r, s->d, s->n, from, m, 1, 0)) {
		int empty = m[0].so == m[0].eo;
		if (!(empty && m[0].so == prev)) {
			buf_add(&b, s->d + at, (size_t)m[0].so - at);
			expand(&b, rep, s->d, m);
			at = (size_t)m[0].eo;
			count++;
			if (!global)
				break;
		}
		prev = m[0].eo;
		from = (size_t)m[0].eo + (size_t)empty;
	}
	if (count) {
		buf_add(&b, s->d + at, s->n - at);
		cell v = cell_str(b.p ? b.p : "", b.n);
		if (!lv)
			awk_set_field(w, 0, v);
		else if (lv->op == N_GLOBAL || lv->op == N_LOCAL || lv->op == N_INDEX || lv->op == N_FIELD || lv->op == N_GROUP)
			awk_assign(w, lv, v);
		else
			cell_free(&v);
	}
	buf_free(&b);
	str_unref(s);
	str_unref(rep);
	return cell_num(count);
}

static cell gensub(awk *w, node *a) {
	str *rep = arg_str(w, a->next), *how = arg_str(w, a->next->next);
	node *t = a->next->next->next;
	str *s = t ? arg_str(w, t) : awk_record(w);
	re *r = awk_re_of(w, a->a);
	int global = how->n && (how->d[0] == 'g' || how->d[0] == 'G');
	double want = global ? 1 : str_num(how->d, how->n);
	want = want < 1 ? 1 : want;
	buf b = {0};
	re_m m[10];
	size_t at = 0, from = 0;
	ptrdiff_t prev = -1;
	double count = 0;
	while (from <= s->n && re_exec(r, s->d, s->n, from, m, 10, 0)) {
		int empty = m[0].so == m[0].eo;
		if (!(empty && m[0].so == prev) && ++count >= want) {
			buf_add(&b, s->d + at, (size_t)m[0].so - at);
			for (size_t i = 0; i < rep->n; i++) {
				int k = rep->d[i] == '&' ? 0 : -1;
				if (rep->d[i] == '\\' && i + 1 < rep->n) {
					i++;
					if (tx_isdigit((unsigned char)rep->d[i]))
						k = rep->d[i] - '0';
				}
				if (k < 0)
					buf_chr(&b, rep->d[i]);
				else if (m[k].so >= 0)
					buf_add(&b, s->d + m[k].so, (size_t)(m[k].eo - m[k].so));
			}
			at = (size_t)m[0].eo;
			if (!global)
				break;
		}
		prev = m[0].eo;
		from = (size_t)m[0].eo + (size_t)empty;
	}
	buf_add(&b, s->d + at, s->n - at);
	cell c = cell_str(b.p ? b.p : "", b.n);
	buf_free(&b);
	str_unref(s);
	str_unref(rep);
	str_unref(how);
	return c;
}

static cell match(awk *w, node *a) {
	str *s = arg_str(w, a);
	re *r = awk_re_of(w, a->next->a);
	array *out = a->next->next ? awk_array(w, a->next->next->a) : NULL;
	int nm = re_nsub(r) + 1;
	re_m *m = tx_alloc((size_t)nm * sizeof *m);
	int hit = re_exec(r, s->d, s->n, 0, m, out ? nm : 1, 0);
	if (out) {
		arr_clear(out);
		str *sep = awk_str(w, awk_var(w, G_SUBSEP));
		for (int i = 0; hit && i < nm; i++) {
			if (m[i].so < 0)
				continue;
			char k[64];
			snprintf(k, sizeof k, "%d", i);
			put(out, k, cell_input(s->d + m[i].so, (size_t)(m[i].eo - m[i].so)));
			snprintf(k, sizeof k, "%d%.16sstart", i, sep->d);
			put(out, k, cell_num((double)m[i].so + 1));
			snprintf(k, sizeof k, "%d%.16slength", i, sep->d);
			put(out, k, cell_num((double)(m[i].eo - m[i].so)));
		}
		str_unref(sep);
	}
	cell_set(awk_var(w, G_RSTART), cell_num(hit ? (double)m[0].so + 1 : 0));
	cell_set(awk_var(w, G_RLENGTH), cell_num(hit ? (double)(m[0].eo - m[0].so) : -1));
	cell c = cell_num(hit ? (double)m[0].so + 1 : 0);
	free(m);
	str_unref(s);
	return c;
}

static double next_rand(awk *w) {
	uint64_t x = w->seed[0], y = w->seed[1];
	w->seed[0] = y;
	x ^= x << 23;
	w->seed[1] = x ^ y ^ (x >> 17) ^ (y >> 26);
	return (double)((w->seed[1] + y) >> 11) / 9007199254740992.0;
}

static void reseed(awk *w, double d) {
	uint64_t z = (uint64_t)(int64_t)d * 0x9E3779B97F4A7C15u + 1;
	for (int i = 0; i < 2; i++) {
		z += 0x9E3779B97F4A7C15u;
		uint64_t x = z;
		x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
		w->seed[i] = (x ^ x >> 27) | 1;
	}
	w->lastseed = d;
	for (int i = 0; i < 8; i++)
		next_rand(w);
}

static cell strftime_fn(awk *w, node *a) {
	int64_t t;
	uint32_t ns;
	now(&t, &ns);
	str *f = a ? arg_str(w, a) : str_new("%a %b %e %H:%M:%S %Z %Y", 23);
	int utc = 0;
	if (a && a->next) {
		t = (int64_t)arg_num(w, a->next);
		utc = a->next->next && arg_num(w, a->next->next) != 0;
	}
	struct when wh;
	if (utc)
		utc_time(t, 0, &wh);
	else
		local_time(t, 0, &wh);
	char *s = time_format(f->d, &wh);
	cell c = cell_str(s, strlen(s));
	free(s);
	str_unref(f);
	return c;
}

static cell mktime_fn(awk *w, node *a) {
	str *s = arg_str(w, a);
	int v[7] = {0, 0, 0, 0, 0, 0, -1};
	int n = sscanf(s->d, "%d %d %d %d %d %d %d", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]);
	str_unref(s);
	if (n < 6)
		return cell_num(-1);
	struct when wh = {.year = v[0], .mon = v[1] - 1, .mday = v[2], .hour = v[3], .min = v[4], .sec = v[5], .isdst = v[6]};
	bool ok = true;
	int64_t t = local_seconds(&wh, &ok);
	return cell_num(ok ? (double)t : -1);
}

static cell strtonum(awk *w, node *a) {
	str *s = arg_str(w, a);
	const char *p = s->d;
	while (tx_isspace((unsigned char)*p))
		p++;
	const char *d = p + (*p == '-' || *p == '+');
	double v;
	if (d[0] == '0' && (d[1] == 'x' || d[1] == 'X'))
		v = (double)strtoull(d + 2, NULL, 16);
	else if (d[0] == '0' && tx_isdigit((unsigned char)d[1]) && !strpbrk(d, ".eE89"))
		v = (double)strtoull(d, NULL, 8);
	else {
		v = str_num(s->d, s->n);
		d = p;
	}
	if (d > p && *p == '-')
		v = -v;
	str_unref(s);
	return cell_num(v);
}

static awk *sorting;
static int by_value(const void *x, const void *y) {
	cell *a = (cell *)(uintptr_t)x, *b = (cell *)(uintptr_t)y;
	int na = awk_looks(a), nb = awk_looks(b);
	if (na != nb)
		return na ? -1 : 1; // numbers before strings
	return awk_cmp(sorting, a, b);
}

static cell asort(awk *w, node *a, int keys) {
	array *src = awk_array(w, a->a), *dst = a->next ? awk_array(w, a->next->a) : src;
	size_t n = src->n, i = 0;
	cell *v = tx_alloc((n + 1) * sizeof *v);
	for (elem *e = src->first; e; e = e->after)
		v[i++] = keys ? take(str_ref(e->k)) : cell_copy(&e->v);
	sorting = w;
	qsort(v, n, sizeof *v, by_value);
	arr_clear(dst);
	for (i = 0; i < n; i++) {
		char k[24];
		snprintf(k, sizeof k, "%zu", i + 1);
		put(dst, k, v[i]);
	}
	free(v);
	return cell_num((double)n);
}

static cell bits(awk *w, node *n) {
	uint64_t r = (uint64_t)(int64_t)arg_num(w, n->a);
	if (n->i == B_COMPL)
		return cell_num((double)(~r & (((uint64_t)1 << 53) - 1)));
	for (node *l = n->a->next; l; l = l->next) {
		uint64_t x = (uint64_t)(int64_t)arg_num(w, l);
		switch (n->i) {
		case B_AND: r &= x; break;
		case B_OR: r |= x; break;
		case B_XOR: r ^= x; break;
		case B_LSHIFT: r = x < 64 ? r << x : 0; break;
		case B_RSHIFT: r = x < 64 ? r >> x : 0; break;
		}
	}
	return cell_num((double)r);
}

static cell recase(awk *w, node *a, int up) {
	str *s = arg_str(w, a), *r = str_new(s->d, s->n);
	for (size_t i = 0; i < r->n; i++)
		r->d[i] = (char)(up ? tx_upper((unsigned char)r->d[i]) : tx_lower((unsigned char)r->d[i]));
	str_unref(s);
	return take(r);
}

static cell typeof_fn(awk *w, node *a) {
	const char *t;
	if (is_array(w, a->a))
		t = "array";
	else if (a->a->op == N_REGEX)
		t = "regexp";
	else {
		cell c = awk_eval(w, a->a);
		t = !c.t ? (a->a->op == N_FIELD ? "unassigned" : "untyped") : c.t & V_NUM ? "number" : c.t & V_MAYBE && awk_looks(&c) ? "strnum" : "string";
		cell_free(&c);
	}
	return cell_str(t, strlen(t));
}

static int nargs(const node *l) {
	int n = 0;
	for (; l; l = l->next)
		n++;
	return n;
}

static void check_args(awk *w, node *n) {
	static const signed char lim[][2] = {[B_LENGTH] = {0, 1}, [B_SUBSTR] = {2, 3}, [B_INDEX] = {2, 2}, [B_SPLIT] = {2, 4}, [B_SUB] = {2, 3}, [B_GSUB] = {2, 3}, [B_GENSUB] = {3, 4},
		[B_MATCH] = {2, 3}, [B_SPRINTF] = {1, 127}, [B_SIN] = {1, 1}, [B_COS] = {1, 1}, [B_ATAN2] = {2, 2}, [B_EXP] = {1, 1}, [B_LOG] = {1, 1}, [B_SQRT] = {1, 1}, [B_INT] = {1, 1},
		[B_RAND] = {0, 0}, [B_SRAND] = {0, 1}, [B_TOLOWER] = {1, 1}, [B_TOUPPER] = {1, 1}, [B_SYSTEM] = {1, 1}, [B_CLOSE] = {1, 2}, [B_FFLUSH] = {0, 1}, [B_STRFTIME] = {0, 3},
		[B_MKTIME] = {1, 2}, [B_SYSTIME] = {0, 0}, [B_AND] = {2, 127}, [B_OR] = {2, 127}, [B_XOR] = {2, 127}, [B_LSHIFT] = {2, 2}, [B_RSHIFT] = {2, 2}, [B_COMPL] = {1, 1},
		[B_STRTONUM] = {1, 1}, [B_ASORT] = {1, 3}, [B_ASORTI] = {1, 3}, [B_TYPEOF] = {1, 1}, [B_ISARRAY] = {1, 1}};
	int k = nargs(n->a);
	if (k < lim[n->i][0] || (k > lim[n->i][1] && lim[n->i][1] != 127))
		awk_fatal(w, "error: %d is invalid as number of arguments", k);
}

cell awk_builtin(awk *w, node *n) {
	node *a = n->a;
	double d;
	str *s;
	check_args(w, n);
	switch (n->i) {
	case B_LENGTH:
		if (a && is_array(w, a->a))
			return cell_num((double)awk_array(w, a->a)->n);
		s = a ? arg_str(w, a) : awk_record(w);
		d = (double)s->n;
		str_unref(s);
		return cell_num(d);
	case B_SUBSTR: return substr(w, a);
	case B_INDEX: return index_of(w, a);
	case B_SPLIT: return split(w, a);
	case B_SUB: case B_GSUB: return sub(w, a, n->i == B_GSUB);
	case B_GENSUB: return gensub(w, a);
	case B_MATCH: return match(w, a);
	case B_SPRINTF: return take(awk_format(w, a));
	case B_SIN: return cell_num(sin(arg_num(w, a)));
	case B_COS: return cell_num(cos(arg_num(w, a)));
	case B_ATAN2: d = arg_num(w, a); return cell_num(atan2(d, arg_num(w, a->next)));
	case B_EXP: return cell_num(exp(arg_num(w, a)));
	case B_LOG: return cell_num(log(arg_num(w, a)));
	case B_SQRT: return cell_num(sqrt(arg_num(w, a)));
	case B_INT: return cell_num(trunc(arg_num(w, a)));
	case B_RAND: return cell_num(next_rand(w));
	case B_SRAND: {
		double old = w->lastseed;
		int64_t t;
		uint32_t ns;
		now(&t, &ns);
		reseed(w, a ? arg_num(w, a) : (double)t);
		return cell_num(old);
	}
	case B_TOLOWER: return recase(w, a, 0);
	case B_TOUPPER: return recase(w, a, 1);
	case B_SYSTEM: s = arg_str(w, a); d = awk_system(w, s); str_unref(s); return cell_num(d);
	case B_CLOSE: s = arg_str(w, a); d = awk_close(w, s); str_unref(s); return cell_num(d);
	case B_FFLUSH: s = a ? arg_str(w, a) : NULL; d = awk_flush(w, s); str_unref(s); return cell_num(d);
	case B_STRFTIME: return strftime_fn(w, a);
	case B_MKTIME: return mktime_fn(w, a);
	case B_SYSTIME: {
		int64_t t;
		uint32_t ns;
		now(&t, &ns);
		return cell_num((double)t);
	}
	case B_AND: case B_OR: case B_XOR: case B_LSHIFT: case B_RSHIFT: case B_COMPL: return bits(w, n);
	case B_STRTONUM: return strtonum(w, a);
	case B_ASORT: return asort(w, a, 0);
	case B_ASORTI: return asort(w, a, 1);
	case B_TYPEOF: return typeof_fn(w, a);
	case B_ISARRAY: return cell_num(is_array(w, a->a));
	}
	return (cell){0};
}

typedef struct {
	char flags[8];
	int width, prec;
} spec;

static void pad(buf *b, const char *s, size_t n, const spec *f) {
	size_t w = (size_t)f->width, left = strchr(f->flags, '-') != NULL, k = w > n ? w - n : 0;
	if (!left)
		while (k--)
			buf_chr(b, ' ');
	buf_add(b, s, n);
	if (left)
		while (k-- != 0 && k != (size_t)-1)
			buf_chr(b, ' ');
}

static void number(buf *b, const spec *f, int conv, double d) {
	char fmt[32], small[512], *o = small;
	size_t need = (size_t)f->width + (size_t)(f->prec > 0 ? f->prec : 0) + 400;
	if (need > sizeof small)
		o = tx_alloc(need);
	else
		need = sizeof small;
	if (strchr("diouxX", conv)) {
		if (isnan(d) || isinf(d)) {
			spec g = *f;
			snprintf(fmt, sizeof fmt, isnan(d) ? "%cnan" : "%cinf", signbit(d) ? '-' : '+');
			pad(b, fmt, strlen(fmt), &g);
			goto out;
		}
		d = trunc(d);
		if (conv != 'd' && conv != 'i' && d < 0)
			conv = 'd';
		if (fabs(d) >= 9.2e18) {
			snprintf(fmt, sizeof fmt, "%%%s*.0f", f->flags);
			snprintf(o, need, fmt, f->width, d);
		} else if (f->prec >= 0) {
			snprintf(fmt, sizeof fmt, "%%%s*.*ll%c", f->flags, conv);
			snprintf(o, need, fmt, f->width, f->prec, (long long)d);
		} else {
			snprintf(fmt, sizeof fmt, "%%%s*ll%c", f->flags, conv);
			snprintf(o, need, fmt, f->width, (long long)d);
		}
	} else if (isnan(d) || isinf(d)) {
		snprintf(fmt, sizeof fmt, isnan(d) ? "%cnan" : "%cinf", signbit(d) ? '-' : '+');
		pad(b, fmt, strlen(fmt), f);
		goto out;
	} else if (f->prec >= 0) {
		snprintf(fmt, sizeof fmt, "%%%s*.*%c", f->flags, conv);
		snprintf(o, need, fmt, f->width, f->prec, d);
	} else {
		snprintf(fmt, sizeof fmt, "%%%s*%c", f->flags, conv);
		snprintf(o, need, fmt, f->width, d);
	}
	buf_str(b, o);
out:
	if (o != small)
		free(o);
}

static node *next_arg(awk *w, node **a, str *fmt, int at) {
	if (!*a)
		awk_fatal(w, "fatal: not enough arguments to satisfy format string\n\t`%s'\n\t%*s^ ran out for this one", fmt->d, at, "");
	node *l = *a;
	*a = l->next;
	return l;
}

// clamp keeps widths from the program within bounds.
static int clamp(double d) { return d > 1000000 ? 1000000 : d < -1000000 ? -1000000 : (int)d; }

str *awk_format(awk *w, node *args) {
	str *f = arg_str(w, args);
	node *a = args->next;
	buf b = {0};
	for (size_t i = 0; i < f->n; i++) {
		if (f->d[i] != '%') {
			buf_chr(&b, f->d[i]);
			continue;
		}
		size_t start = i++;
		spec s = {.prec = -1};
		size_t nf = 0;
		while (i < f->n && f->d[i] && strchr("-+ #0'", f->d[i])) {
			if (nf < sizeof s.flags - 1 && f->d[i] != '\'' && !strchr(s.flags, f->d[i]))
				s.flags[nf++] = f->d[i];
			i++;
		}
		if (i < f->n && f->d[i] == '*') {
			s.width = clamp(arg_num(w, next_arg(w, &a, f, (int)i)));
			if (s.width < 0) {
				s.width = -s.width;
				if (nf < sizeof s.flags - 1)
					s.flags[nf++] = '-';
			}
			i++;
		} else
			while (i < f->n && tx_isdigit((unsigned char)f->d[i]))
				s.width = s.width > 100000 ? s.width : s.width * 10 + f->d[i++] - '0', s.width > 100000 ? i++ : 0;
		if (i < f->n && f->d[i] == '.') {
			s.prec = 0;
			i++;
			if (i < f->n && f->d[i] == '*') {
				s.prec = clamp(arg_num(w, next_arg(w, &a, f, (int)i)));
				i++;
			} else
				for (; i < f->n && tx_isdigit((unsigned char)f->d[i]); i++)
					s.prec = s.prec > 100000 ? s.prec : s.prec * 10 + f->d[i] - '0';
		}
		while (i < f->n && (f->d[i] == 'l' || f->d[i] == 'h' || f->d[i] == 'L'))
			i++;
		int c = i < f->n ? (unsigned char)f->d[i] : 0;
		if (c == '%') {
			buf_chr(&b, '%');
		} else if (c == 's' || c == 'c') {
			cell v = awk_eval(w, next_arg(w, &a, f, (int)i)->a);
			if (c == 'c' && (v.t & V_NUM || (v.t & V_MAYBE && awk_looks(&v)))) {
				char ch = (char)(int)clamp(awk_num(&v));
				pad(&b, &ch, 1, &s);
			} else {
				str *x = c == 's' ? awk_out(w, &v) : awk_str(w, &v);
				size_t n = c == 'c' ? 1 : s.prec >= 0 && (size_t)s.prec < x->n ? (size_t)s.prec : x->n;
				pad(&b, x->d, n, &s);
				str_unref(x);
			}
			cell_free(&v);
		} else if (c && strchr("diouxXeEfFgGaA", c))
			number(&b, &s, c == 'i' ? 'd' : c, arg_num(w, next_arg(w, &a, f, (int)i)));
		else {
			if (i >= f->n)
				i = f->n - 1;
			buf_add(&b, f->d + start, i - start + 1);
		}
	}
	str_unref(f);
	str *r = str_new(b.p ? b.p : "", b.n);
	buf_free(&b);
	return r;
}
