// Compilation of the tree to instructions, the analysis for fast paths, and re_exec.
#include "re_int.h"
#include <stdlib.h>
#include <string.h>

enum { MAXPROG = 400000 };

void *re_alloc(size_t n) {
	void *p = calloc(1, n ? n : 1);
	if (!p)
		re_fail("memory exhausted");
	return p;
}

void *re_grow(void *p, size_t n) {
	p = realloc(p, n ? n : 1);
	if (!p)
		re_fail("memory exhausted");
	return p;
}

static int put(re *r, int op, int arg, int x, int y) {
	if (r->nprog == r->cprog) {
		r->cprog = r->cprog ? r->cprog * 2 : 32;
		r->prog = re_grow(r->prog, (size_t)r->cprog * sizeof(inst));
	}
	r->prog[r->nprog] = (inst){(uint8_t)op, (uint8_t)arg, x, y};
	return r->nprog++;
}

static int emit(re *r, node *t);

// opt emits a choice between going on (the code that follows) and a jump patched later.
static int opt(re *r, int lazy) {
	int at = put(r, I_SPLIT, 0, 0, 0);
	if (lazy)
		r->prog[at].y = at + 1;
	else
		r->prog[at].x = at + 1;
	return at;
}

static void patch(re *r, int at, int lazy, int to) {
	if (lazy)
		r->prog[at].x = to;
	else
		r->prog[at].y = to;
}

static int emit_rep(re *r, node *t) {
	for (int i = 0; i < t->min; i++)
		if (!emit(r, t->kid))
			return 0;
	if (t->max < 0) {
		int at = opt(r, t->lazy);
		if (!emit(r, t->kid))
			return 0;
		put(r, I_JMP, 0, at, 0);
		patch(r, at, t->lazy, r->nprog);
		return 1;
	}
	int n = t->max - t->min, base = r->nprog;
	if (n <= 0)
		return 1;
	int *at = re_alloc((size_t)n * sizeof *at), ok = 1;
	for (int i = 0; i < n && ok; i++) {
		at[i] = opt(r, t->lazy);
		ok = emit(r, t->kid);
	}
	for (int i = 0; i < n && ok; i++)
		patch(r, at[i], t->lazy, r->nprog);
	free(at);
	(void)base;
	return ok;
}

static int emit_alt(re *r, node *t) {
	int n = 0, k = 0, ok = 1;
	for (node *c = t->kid; c; c = c->next)
		n++;
	int *end = re_alloc((size_t)n * sizeof *end);
	for (node *c = t->kid; c && ok; c = c->next) {
		int at = c->next ? opt(r, 0) : -1;
		ok = emit(r, c->kid);
		if (c->next) {
			end[k++] = put(r, I_JMP, 0, 0, 0);
			patch(r, at, 0, r->nprog);
		}
	}
	for (int i = 0; i < k; i++)
		r->prog[end[i]].x = r->nprog;
	free(end);
	return ok;
}

static int emit(re *r, node *t) {
	if (r->nprog > MAXPROG)
		return 0;
	int at;
	switch (t->op) {
	case N_EMPTY: return 1;
	case N_CHAR: put(r, I_CHAR, t->arg, r->nprog + 1, 0); return 1;
	case N_ANY: put(r, I_ANY, 0, r->nprog + 1, 0); return 1;
	case N_SET: put(r, I_SET, 0, r->nprog + 1, t->min); return 1;
	case N_ASSERT: put(r, I_ASSERT, t->arg, r->nprog + 1, 0); return 1;
	case N_BREF: put(r, I_BREF, t->min, r->nprog + 1, 0); return 1;
	case N_CAT:
		for (node *c = t->kid; c; c = c->next)
			if (!emit(r, c))
				return 0;
		return 1;
	case N_KEEP: put(r, I_SAVE, 0, r->nprog + 1, 0); return 1;
	case N_ALT: return emit_alt(r, t);
	case N_REP: return emit_rep(r, t);
	case N_GROUP:
		put(r, I_SAVE, 0, r->nprog + 1, 2 * t->min);
		if (!emit(r, t->kid))
			return 0;
		put(r, I_SAVE, 0, r->nprog + 1, 2 * t->min + 1);
		return 1;
	case N_LOOK:
		at = put(r, I_LOOK, t->arg, 0, 0);
		if (!emit(r, t->kid))
			return 0;
		put(r, I_MATCH, 0, 0, 0);
		r->prog[at].y = at + 1;
		r->prog[at].x = r->nprog;
		return 1;
	}
	return 1;
}

int re_emit(re *r, node *t) {
	r->start = 0;
	if (!emit(r, t))
		return 0;
	put(r, I_MATCH, 0, 0, 0);
	return r->nprog <= MAXPROG;
}

// must_walk looks for the longest run of literal bytes along the top-level concatenation.
typedef struct {
	char *cur, *best;
	size_t n, bn, cap;
	int pure;
} mustst;

static void must_cut(mustst *m) {
	if (m->n > m->bn) {
		memcpy(m->best, m->cur, m->n);
		m->bn = m->n;
	}
	m->n = 0;
}

static void must_walk(mustst *m, node *t) {
	switch (t->op) {
	case N_EMPTY: return;
	case N_CHAR:
		if (m->n < m->cap)
			m->cur[m->n++] = (char)t->arg;
		else
			m->pure = 0;
		return;
	case N_CAT:
		for (node *c = t->kid; c; c = c->next)
			must_walk(m, c);
		return;
	case N_GROUP: must_walk(m, t->kid); return;
	case N_ASSERT: m->pure = 0; return;
	case N_REP:
		m->pure = 0;
		if (t->min > 0)
			must_walk(m, t->kid);
		must_cut(m);
		return;
	}
	m->pure = 0;
	must_cut(m);
}

static void first_bytes(re *r) {
	// closure of the start without consuming; any assertion is passed through, MATCH or a reference gives up
	uint8_t *seen = re_alloc((size_t)r->nprog);
	int *stack = re_alloc((size_t)(r->nprog + 1) * 2 * sizeof *stack), sp = 0;
	r->first_ok = 1;
	stack[sp++] = r->start;
	while (sp && r->first_ok) {
		int pc = stack[--sp];
		if (seen[pc])
			continue;
		seen[pc] = 1;
		inst *i = &r->prog[pc];
		switch (i->op) {
		case I_CHAR: r->first[i->arg] = 1; break;
		case I_SET:
			for (int c = 0; c < 256; c++)
				if (bset_has(&r->sets[i->y], c))
					r->first[c] = 1;
			break;
		case I_SPLIT: stack[sp++] = i->y; stack[sp++] = i->x; break;
		case I_JMP:
		case I_SAVE:
		case I_ASSERT: stack[sp++] = i->x; break;
		default: r->first_ok = 0;
		}
	}
	free(seen);
	free(stack);
}

void re_analyse(re *r, node *t) {
	mustst m = {.cap = 256, .pure = !(r->flags & RE_ICASE)};
	m.cur = re_alloc(m.cap);
	m.best = re_alloc(m.cap);
	if (!r->has_look)
		must_walk(&m, t);
	m.pure = m.pure && !r->has_look;
	must_cut(&m);
	r->must = m.best;
	r->must_n = m.bn;
	r->must_whole = m.pure && m.bn > 0 && r->nsub == 0;
	free(m.cur);
	first_bytes(r);
}

re *re_compile(const char *pat, size_t n, int flags, const char **err) {
	re *r = re_alloc(sizeof *r);
	arena *a = NULL;
	r->flags = flags;
	node *t = re_parse(r, pat, n, &a, err);
	if (t && !re_emit(r, t)) {
		*err = "Regular expression too big";
		t = NULL;
	}
	if (t)
		re_analyse(r, t);
	re_tree_free(a);
	if (!t) {
		re_free(r);
		return NULL;
	}
	return r;
}

void re_free(re *r) {
	if (!r)
		return;
	re_dfa_free(r->scan);
	re_dfa_free(r->anch);
	free(r->prog);
	free(r->sets);
	free(r->must);
	free(r);
}

int re_nsub(const re *r) { return r->nsub; }

const char *re_must(const re *r, size_t *n, int *whole) {
	*n = r->must_n;
	*whole = r->must_whole;
	return r->must;
}

static void need_dfas(re *r) {
	if (!r->scan) {
		r->scan = re_dfa_new(r, 1);
		r->anch = re_dfa_new(r, 0);
	}
}

// literal finds needle in s[from..n).
static ptrdiff_t literal(const char *s, size_t n, size_t from, const char *needle, size_t k) {
	while (from + k <= n) {
		const char *p = memchr(s + from, needle[0], n - from - k + 1);
		if (!p)
			return -1;
		if (!memcmp(p, needle, k))
			return p - s;
		from = (size_t)(p - s) + 1;
	}
	return -1;
}

ptrdiff_t re_find_end(re *r, const char *s, size_t n, size_t from) {
	if (r->must_whole) {
		ptrdiff_t at = literal(s, n, from, r->must, r->must_n);
		return at < 0 ? -1 : at + (ptrdiff_t)r->must_n;
	}
	if (r->has_look || r->has_bref) {
		re_m m[1];
		return re_exec(r, s, n, from, m, 1, 0) ? m[0].eo : -1;
	}
	need_dfas(r);
	return re_dfa_run(r->scan, s, n, from, 0);
}

// exec_back tries every start with the backtracker: Perl's rule, or back-references.
static int exec_back(re *r, const char *s, size_t n, size_t from, re_m *m, int nm, int ef) {
	size_t slots = (size_t)(r->nsub + 1) * 2;
	ptrdiff_t *cap = re_alloc(slots * sizeof *cap);
	int hit = 0;
	if (r->must_n && literal(s, n, from, r->must, r->must_n) < 0)
		from = n + 1;
	for (size_t i = from; i <= n && !hit; i++) {
		if (r->first_ok && (i == n || !r->first[(unsigned char)s[i]]))
			continue;
		hit = re_back(r, s, n, i, -1, !(r->flags & RE_PERL), cap, ef);
	}
	for (int k = 0; hit && k < nm; k++)
		m[k] = k <= r->nsub ? (re_m){cap[2 * k], cap[2 * k + 1]} : (re_m){-1, -1};
	free(cap);
	return hit;
}

int re_exec(re *r, const char *s, size_t n, size_t from, re_m *m, int nm, int ef) {
	if (from > n)
		return 0;
	if (r->must_whole) {
		ptrdiff_t at = literal(s, n, from, r->must, r->must_n);
		for (int k = 0; at >= 0 && k < nm; k++)
			m[k] = k ? (re_m){-1, -1} : (re_m){at, at + (ptrdiff_t)r->must_n};
		return at >= 0;
	}
	if (r->has_look || r->has_bref)
		return exec_back(r, s, n, from, m, nm, ef);
	if (r->flags & RE_PERL && nm > 0)
		return exec_back(r, s, n, from, m, nm, ef);
	need_dfas(r);
	ptrdiff_t last = re_dfa_run(r->scan, s, n, from, ef);
	if (last < 0 || nm == 0)
		return last >= 0;
	for (size_t i = from; i <= (size_t)last; i++) {
		if (r->first_ok && (i == n || !r->first[(unsigned char)s[i]]))
			continue;
		ptrdiff_t end = re_dfa_run(r->anch, s, n, i, ef);
		if (end < 0)
			continue;
		m[0] = (re_m){(ptrdiff_t)i, end};
		for (int k = 1; k < nm; k++)
			m[k] = (re_m){-1, -1};
		if (nm > 1 && r->nsub > 0) {
			size_t slots = (size_t)(r->nsub + 1) * 2;
			ptrdiff_t small[64], *cap = slots <= 64 ? small : re_alloc(slots * sizeof *cap);
			if (re_back(r, s, n, i, end, 0, cap, ef))
				for (int k = 1; k < nm && k <= r->nsub; k++)
					m[k] = (re_m){cap[2 * k], cap[2 * k + 1]};
			if (cap != small)
				free(cap);
		}
		return 1;
	}
	return 0;
}
