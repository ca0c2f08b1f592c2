// grep: searching one file. The buffer is searched as a whole where that is right, line by line elsewhere.
#include "grep.h"

typedef struct {
	grep *g;
	const char *name;
	tx_in in;
	int delim, binary, stop, wholebuf;
	int64_t base;    // file offset of the region's start
	int64_t lines;   // lines before counted
	const char *counted;
	const char *p, *e; // the region: whole lines
	const char *unprinted; // lines before this were printed or are not there
	buf carry;       // unprinted lines before the region, at most g->before of them
	int64_t carried;
	int64_t pending; // lines of trailing context to print
	int64_t hits;
	int printed; // in this file
} scan;

static int is_word(const char *s, size_t n, ptrdiff_t so, ptrdiff_t eo) {
	int a = so > 0 ? (unsigned char)s[so - 1] : ' ', b = (size_t)eo < n ? (unsigned char)s[eo] : ' ';
	return !(tx_isalnum(a) || a == '_') && !(tx_isalnum(b) || b == '_');
}

// word_at looks for a match at or after from that is bounded as a word: shorter ones at the same start, then later.
static int word_at(re *r, const char *s, size_t n, size_t from, re_m *m) {
	while (from <= n && re_exec(r, s, n, from, m, 1, 0)) {
		ptrdiff_t so = m->so;
		while (!is_word(s, n, so, m->eo)) {
			if (m->eo <= so || !re_exec(r, s, (size_t)m->eo - 1, (size_t)so, m, 1, 0) || m->so != so) {
				m->eo = -1;
				break;
			}
		}
		if (m->eo >= 0)
			return 1;
		from = (size_t)so + 1;
	}
	return 0;
}

static int match_one(grep *g, re *r, const char *s, size_t n, size_t from, re_m *m) {
	if (g->line) {
		if (from > 0)
			return 0;
		return re_exec(r, s, n, 0, m, 1, 0) && m->so == 0 && (size_t)m->eo == n;
	}
	if (g->word)
		return word_at(r, s, n, from, m);
	return re_exec(r, s, n, from, m, 1, 0);
}

// match finds the leftmost (then longest) match of any pattern in a line.
static int match(grep *g, const char *s, size_t n, size_t from, re_m *best) {
	int hit = 0;
	if (g->nothing)
		return 0;
	for (size_t i = 0; i < g->nmore; i++) {
		re_m m;
		if (!match_one(g, g->more[i], s, n, from, &m))
			continue;
		if (!hit || m.so < best->so || (m.so == best->so && m.eo > best->eo))
			*best = m;
		hit = 1;
	}
	return hit;
}

static int line_hits(grep *g, const char *s, size_t n) {
	re_m m;
	if (g->nothing)
		return 0;
	if (g->nmore == 1 && !g->line && !g->word)
		return re_exec(g->re, s, n, 0, NULL, 0, 0);
	return match(g, s, n, 0, &m);
}

static const char *line_end(const scan *s, const char *p) {
	const char *q = memchr(p, s->delim, (size_t)(s->e - p));
	return q ? q : s->e;
}

static const char *line_begin(const char *lo, const char *p, int delim) {
	while (p > lo && p[-1] != delim)
		p--;
	return p;
}

static const char *find_bytes(const char *p, const char *e, const char *k, size_t n) {
	while ((size_t)(e - p) >= n) {
		p = memchr(p, k[0], (size_t)(e - p) - n + 1);
		if (!p)
			return NULL;
		if (!memcmp(p, k, n))
			return p;
		p++;
	}
	return NULL;
}

// next_match finds the next line at or after cur that matches; NULL: none in the region.
static const char *next_match(scan *s, const char *cur) {
	grep *g = s->g;
	size_t mn;
	int whole;
	if (g->nothing)
		return NULL;
	if (s->wholebuf) {
		const char *must = re_must(g->re, &mn, &whole);
		if (mn) {
			while (cur < s->e) {
				const char *at = find_bytes(cur, s->e, must, mn);
				if (!at)
					return NULL;
				const char *b = line_begin(cur, at, s->delim), *z = line_end(s, at);
				if ((whole && !g->word && !g->line) || line_hits(g, b, (size_t)(z - b)))
					return b;
				cur = z + 1;
			}
			return NULL;
		}
		const char *lim = s->e > s->p && s->e[-1] == s->delim ? s->e - 1 : s->e;
		while (cur < s->e) {
			ptrdiff_t end = re_find_end(g->re, s->p, (size_t)(lim - s->p), (size_t)(cur - s->p));
			if (end < 0)
				return NULL;
			const char *b = line_begin(cur, s->p + end, s->delim), *z = line_end(s, s->p + end);
			if ((!g->word && !g->line) || line_hits(g, b, (size_t)(z - b)))
				return b;
			cur = z + 1;
		}
		return NULL;
	}
	while (cur < s->e) {
		const char *z = line_end(s, cur);
		if (line_hits(g, cur, (size_t)(z - cur)))
			return cur;
		cur = z + 1;
	}
	return NULL;
}

static void sgr(grep *g, const char *code) {
	if (g->color)
		printf("\33[%sm\33[K", code);
}

static void sep(grep *g, int c) {
	sgr(g, "36");
	tx_putc(c);
	sgr(g, "");
}

static int64_t line_number(scan *s, const char *p) {
	while (s->counted < p) {
		const char *q = memchr(s->counted, s->delim, (size_t)(p - s->counted));
		if (!q)
			break;
		s->lines++;
		s->counted = q + 1;
	}
	return s->lines + 1;
}

static void prefix(scan *s, int c, int64_t num, int64_t off) {
	grep *g = s->g;
	if (g->names) {
		sgr(g, "35");
		fputs(s->name, stdout);
		sgr(g, "");
		if (g->nul)
			tx_putc(0);
		else
			sep(g, c);
	}
	if (g->number) {
		sgr(g, "32");
		printf(g->tab ? "%4lld" : "%lld", (long long)num);
		sgr(g, "");
		sep(g, c);
	}
	if (g->offset) {
		sgr(g, "32");
		printf(g->tab ? "%7lld" : "%lld", (long long)off);
		sgr(g, "");
		sep(g, c);
	}
	if (g->tab && (g->names || g->number || g->offset))
		tx_putc('\t');
}

static void only_matches(scan *s, const char *b, size_t n, int64_t num, int64_t off, int c) {
	grep *g = s->g;
	re_m m;
	size_t at = 0;
	while (at <= n && match(g, b, n, at, &m)) {
		if (m.eo == m.so) {
			at = (size_t)m.eo + 1;
			continue;
		}
		prefix(s, c, num, off + m.so);
		sgr(g, "01;31");
		tx_out(b + m.so, (size_t)(m.eo - m.so));
		sgr(g, "");
		tx_putc(s->delim);
		at = (size_t)m.eo;
	}
}

static void colored(scan *s, const char *b, size_t n) {
	re_m m;
	size_t at = 0, from = 0;
	while (from <= n && match(s->g, b, n, from, &m)) {
		if (m.eo == m.so) {
			from = (size_t)m.eo + 1;
			continue;
		}
		tx_out(b + at, (size_t)m.so - at);
		sgr(s->g, "01;31");
		tx_out(b + m.so, (size_t)(m.eo - m.so));
		sgr(s->g, "");
		at = from = (size_t)m.eo;
	}
	tx_out(b + at, n - at);
}

static void print_line(scan *s, const char *b, size_t n, int selected, int64_t num, int64_t off) {
	grep *g = s->g;
	int c = selected ? ':' : '-';
	if (g->only) {
		if (selected && !g->invert)
			only_matches(s, b, n, num, off, c);
		return;
	}
	prefix(s, c, num, off);
	if (g->color && selected != g->invert)
		colored(s, b, n);
	else
		tx_out(b, n);
	tx_putc(s->delim);
}

// before_context prints up to g->before lines that end at p, from the region and from what was carried over.
static void before_context(scan *s, const char *p, int64_t num) {
	grep *g = s->g;
	const char *b = p;
	int64_t k = 0;
	while (k < g->before && b > s->unprinted) {
		b = line_begin(s->unprinted, b - 1, s->delim);
		k++;
	}
	int64_t fromcarry = 0;
	const char *cb = s->carry.p ? s->carry.p : "", *ce = cb + s->carry.n, *c = ce;
	if (s->unprinted == s->p)
		while (k + fromcarry < g->before && c > cb) {
			c = line_begin(cb, c - 1, s->delim);
			fromcarry++;
		}
	int gap = b > s->unprinted || (s->unprinted == s->p && c > cb) || !s->printed;
	if (s->unprinted == s->p && s->carried < 0)
		gap = 1; // lines were dropped from the carry
	if (g->has_ctx && g->printed && gap) {
		sgr(g, "36");
		fputs("--", stdout);
		sgr(g, "");
		tx_putc('\n');
	}
	for (; c < ce; fromcarry--) {
		const char *z = memchr(c, s->delim, (size_t)(ce - c));
		print_line(s, c, (size_t)(z - c), 0, num - k - fromcarry, s->base - (ce - c));
		c = z + 1;
	}
	for (; b < p; k--) {
		const char *z = line_end(s, b);
		print_line(s, b, (size_t)(z - b), 0, num - k, s->base + (b - s->p));
		b = z + 1;
	}
}

static int quiet_mode(const grep *g) { return g->quiet || g->list || g->count; }

// selected handles one selected line; returns where the next begins.
static const char *selected(scan *s, const char *b) {
	grep *g = s->g;
	const char *z = line_end(s, b), *next = z < s->e ? z + 1 : z;
	s->hits++;
	if (!quiet_mode(g)) {
		if (s->binary) {
			s->stop = 2;
			return next;
		}
		int64_t num = g->number ? line_number(s, b) : 0;
		before_context(s, b, num);
		print_line(s, b, (size_t)(z - b), 1, num, s->base + (b - s->p));
		g->printed = s->printed = 1;
		s->unprinted = next;
		s->carry.n = 0;
		s->carried = 0;
	}
	s->pending = g->after;
	if (g->quiet || g->list)
		s->stop = 1;
	if (s->hits >= g->max)
		s->stop = 1;
	return next;
}

// trailing prints pending context lines in [b, e) and returns where it stopped.
static void trailing(scan *s, const char *b, const char *e) {
	grep *g = s->g;
	while (s->pending > 0 && b < e) {
		const char *z = line_end(s, b), *next = z < s->e ? z + 1 : z;
		if (s->hits >= g->max) { // after the last allowed line, context ends at a matching line
			if (line_hits(g, b, (size_t)(z - b)) != g->invert) {
				s->pending = 0;
				return;
			}
		}
		if (!quiet_mode(g) && !s->binary) {
			print_line(s, b, (size_t)(z - b), 0, g->number ? line_number(s, b) : 0, s->base + (b - s->p));
			s->unprinted = next;
			s->carry.n = 0;
			s->carried = 0;
		}
		s->pending--;
		b = next;
	}
}

static void region(scan *s) {
	grep *g = s->g;
	const char *cur = s->p;
	while (cur < s->e && !s->stop) {
		const char *m = next_match(s, cur);
		if (!m)
			m = s->e;
		if (g->invert) {
			while (cur < m && !s->stop)
				cur = selected(s, cur);
			if (s->stop || m >= s->e)
				break;
			const char *z = line_end(s, m), *next = z < s->e ? z + 1 : z;
			trailing(s, m, next);
			cur = next;
			continue;
		}
		trailing(s, cur, m);
		if (m >= s->e)
			break;
		cur = selected(s, m);
	}
	if (s->stop == 1 && s->hits >= g->max && s->pending > 0 && !g->quiet && !g->list) {
		trailing(s, cur, s->e);
		if (s->pending > 0)
			s->stop = 3; // more context in the next region
	}
	if (g->number)
		line_number(s, s->e);
	if (g->before > 0 && !quiet_mode(g)) { // carry the last lines
		const char *b = s->e;
		int64_t k = 0;
		while (k < g->before && b > s->unprinted) {
			b = line_begin(s->unprinted, b - 1, s->delim);
			k++;
		}
		if (b > s->p || s->carry.n > (size_t)1 << 20)
			s->carry.n = 0;
		if (b > s->unprinted)
			s->carried = -1;
		buf_add(&s->carry, b, (size_t)(s->e - b));
	} else if (s->unprinted < s->e)
		s->carried = -1;
}

static void finish(scan *s) {
	grep *g = s->g;
	if (g->count && !g->quiet && !g->list) {
		if (g->names) {
			fputs(s->name, stdout);
			tx_putc(g->nul ? 0 : ':');
		}
		printf("%lld\n", (long long)s->hits);
	}
	if (g->list && !g->quiet && (s->hits > 0) == (g->list == 'l')) {
		sgr(g, "35");
		fputs(s->name, stdout);
		sgr(g, "");
		tx_putc(g->nul ? 0 : '\n');
	}
	if (s->stop == 2) {
		tx_warn(0, "%s: binary file matches", s->name);
	}
}

int grep_fd(grep *g, int fd, const char *name) {
	scan s = {.g = g, .name = name, .delim = g->zero ? 0 : '\n'};
	tx_fdin(&s.in, fd);
	s.wholebuf = !g->nothing && g->nmore == 1 && !g->zero && g->mode != 'P';
	for (;;) {
		const char *last = NULL;
		while (!last) {
			for (size_t i = s.in.w; i > s.in.r; i--)
				if (s.in.b[i - 1] == s.delim) {
					last = s.in.b + i;
					break;
				}
			if (last || !tx_fill(&s.in))
				break;
		}
		if (s.in.err) {
			if (!g->nomsg)
				tx_warn(s.in.err, "%s", name);
			g->errors = 1;
			break;
		}
		if (!last) {
			if (s.in.w == s.in.r)
				break;
			last = s.in.b + s.in.w;
		}
		s.p = s.counted = s.unprinted = s.in.b + s.in.r;
		s.e = last;
		if (g->text != 1 && !g->zero && !s.binary && memchr(s.p, 0, (size_t)(s.in.b + s.in.w - s.p)))
			s.binary = 1;
		if (s.binary && g->text == 2) {
			s.hits = 0;
			break;
		}
		if (s.stop == 3)
			trailing(&s, s.p, s.e);
		else
			region(&s);
		s.base += s.e - s.p;
		s.in.r = (size_t)(s.e - s.in.b);
		if (s.stop && !(s.stop == 3 && s.pending > 0))
			break;
	}
	finish(&s);
	buf_free(&s.carry);
	free(s.in.b);
	return s.hits > 0;
}
